import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../scripts/setup/paths.ts";
import { parseClosesCsv } from "../../../services/oracle/closesCsv.ts";
import { closesSource } from "../../../services/oracle/closesSource.ts";
import type { OracleWorld } from "../../support/oracleServices.ts";

/*
 * What the suites of the oracle's services share: one chain, and the recording that its reporters see.
 */

export const closes = parseClosesCsv(readFileSync(join(ROOT, "data/btc-eth-1h-2021-01.csv"), "utf8"));
export const source = closesSource(closes);
export const START = new Date("2021-01-10T16:00:00Z");

/** `before`: latest epoch when the present minute began. */
export const present = { before: 0 } as { world: OracleWorld; before: number };

/** A minute goes by on the chain: an epoch is due. */
export async function minute(): Promise<void> {
  present.before = await present.world.epoch();
  await present.world.local.advance(60);
}

export type Aggregator = Awaited<ReturnType<OracleWorld["aggregate"]>>;

/** What the log of an aggregator says of an epoch, by default the present minute's, once it has posted it. */
export async function posted(
  { lines }: Aggregator,
  epoch = present.before + 1,
): Promise<Record<string, unknown>> {
  const find = () => lines.find((line) => line.msg === "epoch posted" && line.epoch === epoch);
  await present.world.until(() => find() !== undefined, `epoch ${epoch} in the log`);
  return find()!;
}

/** Reporters that had no part in an epoch, and why; sorted. */
export async function leftOut(aggregator: Aggregator): Promise<string[]> {
  return [...(((await posted(aggregator)).leftOut ?? []) as string[])].sort();
}
