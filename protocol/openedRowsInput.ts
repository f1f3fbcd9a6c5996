import { SolvusError } from "./errors.ts";
import type { RiskRow } from "./riskRow.ts";
import { lossWords } from "./riskRow.ts";
import { UNDERLYING_PLACES } from "./rowTree.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Tier } from "./tier.ts";

/** Named inputs of a circuit: field elements, nested as the signals are. Negative numbers stand for their residues. */
export type CircuitInput = { [signal: string]: CircuitValue };
export type CircuitValue = bigint | CircuitValue[];

/** An instrument's row, and where the snapshot's tree holds it. */
export interface OpenedRow {
  row: RiskRow;
  underlying: number;
  place: number;
}

/**
 * The underlyings that a proof opens, ascending: those of the live rows, filled up with the lowest other places to the tier's number.
 * Throws `tier.underlyings` when there are more than the tier opens.
 */
export function openedUnderlyings(rows: readonly OpenedRow[], tier: Tier): number[] {
  const used = new Set(rows.filter(({ row }) => row.id !== 0n).map(({ underlying }) => underlying));
  if (used.size > tier.underlyings) {
    throw new SolvusError(
      "tier.underlyings",
      `account: ${used.size} underlyings, expected at most ${tier.underlyings} in the ${tier.name} tier`,
    );
  }
  for (let place = 0; used.size < tier.underlyings && place < UNDERLYING_PLACES; place++) used.add(place);
  return [...used].sort((a, b) => a - b);
}

/** Inputs of the circuit template `OpenedRows` (and the rows' values) for exactly `tier.legs` rows; empty legs open the null row of the first group. */
export function openedRowsInput(
  snapshot: Snapshot,
  rows: readonly OpenedRow[],
  tier: Tier,
): { input: CircuitInput; underlyings: number[] } {
  const underlyings = openedUnderlyings(rows, tier);
  const { tree } = snapshot;
  const at = rows.map(({ row, underlying, place }) =>
    row.id === 0n ? { underlying: underlyings[0] as number, place: 0 } : { underlying, place },
  );
  const rowPaths = at.map(({ underlying, place }) => tree.rowPath(underlying, place));
  const underlyingPaths = underlyings.map((place) => tree.underlyingPath(place));
  const each = (value: (row: RiskRow) => CircuitValue): CircuitValue => rows.map(({ row }) => value(row));
  const input: CircuitInput = {
    epoch: snapshot.epoch,
    imFactor: snapshot.imFactor,
    priceBand: snapshot.priceBand,
    debtLimit: snapshot.debtLimit,
    id: each((row) => row.id),
    words: each(lossWords),
    mark: each((row) => row.mark),
    fundingIndex: each((row) => row.fundingIndex),
    longAddOn: each((row) => row.longAddOn),
    shortAddOn: each((row) => row.shortAddOn),
    concentrationThreshold: each((row) => row.concentrationThreshold),
    concentrationRate: each((row) => row.concentrationRate),
    kindBits: each((row) => [row.kind & 1n, row.kind >> 1n]),
    settled: each((row) => (row.settled ? 1n : 0n)),
    rowPath0: rowPaths.map((path) => path[0] as bigint[]),
    rowPath1: rowPaths.map((path) => path[1] as bigint[]),
    rowPath2: rowPaths.map((path) => path[2] as bigint[]),
    group: at.map(({ underlying }) => underlyings.map((place) => (place === underlying ? 1n : 0n))),
    underlyingPlace: underlyings.map(BigInt),
    underlyingRoot: underlyings.map((place) => tree.subRoots[place] as bigint),
    underlyingPath0: underlyingPaths.map((path) => path[0] as bigint[]),
    underlyingPath1: underlyingPaths.map((path) => path[1] as bigint[]),
  };
  return { input, underlyings };
}
