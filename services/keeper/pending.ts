import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writePrivateFile } from "../../prover/privateFile.ts";

/*
 * Take-overs that a relayer has, or may have, and the chain has not yet. They are written down before they are handed over and survive a
 * restart, so that the keeper knows what its accounts are promised to.
 */

const pendingSchema = z.strictObject({
  /** The relayer's. */
  id: z.string(),
  /** Place of the target's note. */
  target: z.string().transform(BigInt),
  /** The keeper's account, and the place of its note that the take-over spends. */
  account: z.string(),
  keeper: z.string().transform(BigInt),
  /** Of the snapshot that it was proven on. */
  epoch: z.string().transform(BigInt),
  /** Unix seconds of the chain after which it cannot land. */
  deadline: z.string().transform(BigInt),
  /** Maintenance margin that it takes over, micro-USDC. */
  margin: z.string().transform(BigInt),
  /** Micro-USDC. */
  profit: z.string().transform(BigInt),
  /** The rule by which the relayer says that it gave it up. It has it still, and may bring it to the chain all the same. */
  over: z.string().optional(),
});

export type Pending = z.infer<typeof pendingSchema>;

/** A block that was replaced may have been later than the one that replaces it, seconds. */
const REORGANIZATION_SECONDS = 120n;

/** Whether it cannot land any more, whatever the relayer says; `now` in Unix seconds of the chain. */
export const isLapsed = ({ deadline }: Pending, now: bigint): boolean =>
  now > deadline + REORGANIZATION_SECONDS;

/** Whether the ledger refuses it by now, whoever sends it: it takes take-overs on its latest snapshot alone, and these are of epoch `latest`. */
export const isPassed = (one: Pending, now: bigint, latest: bigint): boolean =>
  isLapsed(one, now) || one.epoch < latest;

const FILE = "pending.json";

/** What is pending by the file of a data directory; nothing without a file of use. */
export async function loadPending(directory: string): Promise<Pending[]> {
  try {
    return z.array(pendingSchema).parse(JSON.parse(await readFile(join(directory, FILE), "utf8")));
  } catch {
    return [];
  }
}

export async function savePending(directory: string, pending: readonly Pending[]): Promise<void> {
  const text = JSON.stringify(pending, (_, value) => (typeof value === "bigint" ? String(value) : value), 2);
  await writePrivateFile(join(directory, FILE), `${text}\n`);
}
