import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";
import type { Act } from "./acts.ts";
import { differences, observe, type Seen } from "./observer.ts";
import { LEAKS, type Pair, PRIVATE_PAIRS, TELL_NOTHING } from "./pairs.ts";

const USDC = 1_000_000n;

let fixture: LedgerFixture;
let base: string;
beforeAll(async () => {
  fixture = await ledgerFixture({ fundDeposit: 500n * USDC });
  const { bob, ledger } = fixture;
  const transition = await fixture.transition({ deposit: 700n * USDC }, { payer: bob.address });
  await fixture.as(bob).submit(transition);
  await fixture.advance(31n);
  await ledger.seal();
  await ledger.insert(...(await fixture.insertion(0n, [transition.signals.commitment])));
  base = await fixture.ethers.provider.send("evm_snapshot", []);
});

/** What the public sees of a history that is played on the chain as it was at the beginning. */
async function play(history: readonly Act[]): Promise<Seen> {
  await fixture.ethers.provider.send("evm_revert", [base]);
  base = await fixture.ethers.provider.send("evm_snapshot", []);
  const receipts = [];
  for (const act of history) receipts.push(await act(fixture));
  return observe(fixture, receipts);
}

/** The names under which two histories differ. */
async function told([one, other]: Pair): Promise<string[]> {
  return differences(await play(one), await play(other));
}

describe("two histories that differ in private values alone look alike: calldata, sizes, events and gas", () => {
  test.each(Object.entries(PRIVATE_PAIRS))("%s", async (_, pair) => {
    expect(await told(pair)).toEqual([]);
  });
});

describe("what docs/threat-model.md says is published", () => {
  test.each(Object.entries(LEAKS))("%s", async (_, { pair, differs, alone }) => {
    const names = await told(pair);
    if (alone) expect(names).toEqual(differs);
    else expect(names).toEqual(expect.arrayContaining([...differs]));
  });

  test("is this list, row by row", () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/threat-model.md"), "utf8");
    const section = document.split("## What the public sees")[1]?.split("\n\n**Linking.**")[0] ?? "";
    const published = section
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split(" | ")[0]?.slice(2))
      .slice(1);
    expect(published.sort()).toEqual([...Object.keys(LEAKS), ...TELL_NOTHING].sort());
  });
});
