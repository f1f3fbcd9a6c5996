import { expect, test } from "vitest";
import { KIND, SCENARIOS } from "../../protocol/constants.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { checkTakeOver, computeTakeOver, sliceBounds, WHOLE } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { commitSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request } from "../support/liquidationCircuit.ts";
import { linearRow, noteWith, PARAMETERS } from "../support/syntheticMarket.ts";
import { LEAF_INDEX } from "../support/transitionCircuit.ts";

/*
 * A limit of slices in whole lots (docs/threat-model.md): sixteen lots of a perpetual, each hedged by one lot of an option of its own. Any
 * slice takes every hedge, and a slice of part of the account leaves naked what they hedged. While the account is too small to gain as much
 * from the rest of the slice, its equity over margin would fall, which the rules refuse to a solvent account.
 */

const USD = 1_000_000n;
const MARK = 1_000n * USD;
// A lot loses a fifth of $1,000 in the worst scenario.
const losses = Array.from({ length: SCENARIOS }, (_, s) => -(MARK * BigInt(s - 8)) / 40n);
const addOns = { losses, longAddOn: 5n * USD, shortAddOn: 5n * USD };
const hedges = Array.from({ length: 16 }, (_, k) =>
  linearRow(100n + BigInt(k), KIND.option, 300n * USD, addOns),
);
const snapshot = commitSnapshot(7n, PARAMETERS, [
  [linearRow(11n, KIND.perpetual, MARK, addOns), ...hedges],
  [linearRow(21n, KIND.perpetual, MARK, addOns)],
]);

/** The hedged account, beside `open` lots without a hedge, with its equity at the given percentage of its margin. */
function accountAt(percent: bigint, open: bigint): { note: Note; equity: bigint; maintenance: bigint } {
  const note = noteWith(0n, [
    { id: 11n, size: -16n, fundingIndex: 0n },
    ...hedges.map(({ id }) => ({ id, size: 1n, fundingIndex: 0n })),
    { id: 21n, size: open, fundingIndex: 0n },
  ]);
  const standing = standingOf(note, snapshot);
  const { maintenance } = standing.margin;
  const equity = (maintenance * percent) / 100n;
  return { note: { ...note, cash: equity - standing.equity }, equity, maintenance };
}

/** Slices that the rules admit at a rate, of a hundred between the bounds. */
function admittedSlices(percent: bigint, open: bigint, rate: bigint): bigint[] {
  const { note, equity, maintenance } = accountAt(percent, open);
  const { least, most } = sliceBounds(equity, maintenance, request(0n, rate));
  const candidates = Array.from({ length: 101 }, (_, i) => least + ((most - least) * BigInt(i)) / 100n);
  return candidates.filter((slice) => {
    const takeOver = computeTakeOver(
      { note, leafIndex: LEAF_INDEX },
      { note: keeperNote(10_000_000n * USD), leafIndex: KEEPER_LEAF_INDEX },
      snapshot,
      request(slice, rate),
    );
    try {
      checkTakeOver(takeOver, snapshot);
      return true;
    } catch (error) {
      if (error instanceof SolvusError && error.rule === "liquidation.ratio") return false;
      throw error;
    }
  });
}

test("a small account hedged lot by lot can be taken in no part while its equity is near its margin", () => {
  expect(accountAt(80n, 10n).maintenance).toBeLessThan(3_000n * USD);
  for (const rate of [0n, 3276n, WHOLE / 2n]) expect(admittedSlices(80n, 10n, rate)).toEqual([]);
});

test("it is taken whole as soon as its equity is no more than the rate's share of its margin", () => {
  expect(admittedSlices(30n, 10n, (30n * WHOLE) / 100n + 1n)).toContain(WHOLE);
  expect(admittedSlices(50n, 10n, WHOLE / 2n)).toContain(WHOLE);
});

test("a larger account beside the same hedges is taken in part, by a slice that suits its lots", () => {
  expect(accountAt(80n, 160n).maintenance).toBeGreaterThan(30_000n * USD);
  expect(admittedSlices(80n, 160n, 3276n).length).toBeGreaterThan(50);
});
