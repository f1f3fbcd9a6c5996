import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import { checkTakeOver, computeTakeOver, sliceBounds, WHOLE } from "../../protocol/liquidation.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request } from "../support/liquidationCircuit.ts";
import { lumpyAccount, lumpySnapshot } from "../support/lumpyAccount.ts";
import { LEAF_INDEX } from "../support/transitionCircuit.ts";

/*
 * A limit of slices in whole lots (docs/threat-model.md): while an account that is hedged lot by lot is too small to gain as much from the
 * rest of a slice as the naked lots cost it, its equity over margin would fall, which the rules refuse to a solvent account.
 */

const USD = 1_000_000n;

/** Slices that the rules admit at a rate, of a hundred between the bounds. */
function admittedSlices(percent: bigint, open: bigint, rate: bigint): bigint[] {
  const { note, equity, maintenance } = lumpyAccount(percent, open);
  const { least, most } = sliceBounds(equity, maintenance, request(0n, rate));
  const candidates = Array.from({ length: 101 }, (_, i) => least + ((most - least) * BigInt(i)) / 100n);
  return candidates.filter((slice) => {
    const takeOver = computeTakeOver(
      { note, leafIndex: LEAF_INDEX },
      { note: keeperNote(10_000_000n * USD), leafIndex: KEEPER_LEAF_INDEX },
      lumpySnapshot,
      request(slice, rate),
    );
    try {
      checkTakeOver(takeOver, lumpySnapshot);
      return true;
    } catch (error) {
      if (error instanceof SolvusError && error.rule === "liquidation.ratio") return false;
      throw error;
    }
  });
}

test("a small account hedged lot by lot can be taken in no part while its equity is near its margin", () => {
  expect(lumpyAccount(80n, 10n).maintenance).toBeLessThan(3_000n * USD);
  for (const rate of [0n, 3276n, WHOLE / 2n]) expect(admittedSlices(80n, 10n, rate)).toEqual([]);
});

test("it is taken whole as soon as its equity is no more than the rate's share of its margin", () => {
  expect(admittedSlices(30n, 10n, (30n * WHOLE) / 100n + 1n)).toContain(WHOLE);
  expect(admittedSlices(50n, 10n, WHOLE / 2n)).toContain(WHOLE);
});

test("a larger account beside the same hedges is taken in part, by a slice that suits its lots", () => {
  expect(lumpyAccount(80n, 160n).maintenance).toBeGreaterThan(30_000n * USD);
  expect(admittedSlices(80n, 160n, 3276n).length).toBeGreaterThan(50);
});
