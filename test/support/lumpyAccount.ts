import { KIND, SCENARIOS } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import { commitSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { linearRow, noteWith, PARAMETERS } from "./syntheticMarket.ts";

/*
 * An account hedged lot by lot: sixteen lots of a perpetual, each hedged by one lot of an option of its own. Any slice takes every hedge, and
 * a slice of part of the account leaves naked what they hedged.
 */

const USD = 1_000_000n;
const MARK = 1_000n * USD;
// A lot loses a fifth of $1,000 in the worst scenario.
const losses = Array.from({ length: SCENARIOS }, (_, s) => -(MARK * BigInt(s - 8)) / 40n);
const addOns = { losses, longAddOn: 5n * USD, shortAddOn: 5n * USD };
const hedges = Array.from({ length: 16 }, (_, k) =>
  linearRow(100n + BigInt(k), KIND.option, 300n * USD, addOns),
);
export const lumpySnapshot = commitSnapshot(7n, PARAMETERS, [
  [linearRow(11n, KIND.perpetual, MARK, addOns), ...hedges],
  [linearRow(21n, KIND.perpetual, MARK, addOns)],
]);

/** The hedged account, beside `open` lots without a hedge, with its equity at the given percentage of its margin. */
export function lumpyAccount(
  percent: bigint,
  open: bigint,
): { note: Note; equity: bigint; maintenance: bigint } {
  const note = noteWith(0n, [
    { id: 11n, size: -16n, fundingIndex: 0n },
    ...hedges.map(({ id }) => ({ id, size: 1n, fundingIndex: 0n })),
    { id: 21n, size: open, fundingIndex: 0n },
  ]);
  const standing = standingOf(note, lumpySnapshot);
  const { maintenance } = standing.margin;
  const equity = (maintenance * percent) / 100n;
  return { note: { ...note, cash: equity - standing.equity }, equity, maintenance };
}
