import type { CircuitInput, CircuitValue } from "../../../protocol/openedRowsInput.ts";
import { NO_REGISTRY_PATH } from "../../../protocol/registryTree.ts";
import { lossWords, NULL_ROW, type RiskRow } from "../../../protocol/riskRow.ts";
import { ROW_PLACES, UNDERLYING_PLACES } from "../../../protocol/rowTree.ts";
import { flatten, matrix, vector } from "./reading.ts";
import type { HonestStatement } from "./statements.ts";

/*
 * Changes that a prover who knows the trees would make instead of an honest one: the same root opened elsewhere. One wire alone gets nowhere
 * there, since a whole path belongs to it.
 */

/** Signals that open a row, one element a leg place. */
function rowInputs(row: RiskRow, path: bigint[][]): CircuitInput {
  return {
    id: row.id,
    words: lossWords(row),
    mark: row.mark,
    fundingIndex: row.fundingIndex,
    longAddOn: row.longAddOn,
    shortAddOn: row.shortAddOn,
    concentrationThreshold: row.concentrationThreshold,
    concentrationRate: row.concentrationRate,
    kindBits: [row.kind & 1n, row.kind >> 1n],
    settled: row.settled ? 1n : 0n,
    rowPath0: path[0] as bigint[],
    rowPath1: path[1] as bigint[],
    rowPath2: path[2] as bigint[],
  };
}

/** Names an element of each of these signals. */
const elementOf = (signals: CircuitInput, index: number): [string, bigint][] =>
  Object.entries(signals).flatMap(([name, value]: [string, CircuitValue]) => [
    ...flatten({ [`${name}[${index}]`]: value }),
  ]);

/** Each leg's row opened as that of another place: null rows of every opened underlying, and one row of each kind in it. */
function* otherRows({ input, snapshot: { tree } }: HonestStatement): Generator<[string, bigint][]> {
  const groups = vector(input, "underlyingPlace").map(Number);
  for (const leg of vector(input, "id").keys())
    for (const [group, underlying] of groups.entries())
      for (const place of [0, 1, 3, 4, ROW_PLACES - 1]) {
        const row = place === 0 ? NULL_ROW : tree.row(underlying, place);
        yield [
          ...elementOf(rowInputs(row, tree.rowPath(underlying, place)), leg),
          ...elementOf({ group: groups.map((_, other) => (other === group ? 1n : 0n)) }, leg),
        ];
      }
}

/** Each group opened at other underlyings, its legs without a row at the null row there. */
function* otherUnderlyings({ input, snapshot: { tree } }: HonestStatement): Generator<[string, bigint][]> {
  const groups = vector(input, "underlyingPlace").map(Number);
  const ids = vector(input, "id");
  for (const group of groups.keys())
    for (const place of [0, 1, 2, 3, 9, 10, 40, 41, UNDERLYING_PLACES - 1]) {
      const path = tree.underlyingPath(place);
      const opened = {
        underlyingPlace: BigInt(place),
        underlyingRoot: tree.subRoots[place] as bigint,
        underlyingPath0: path[0] as bigint[],
        underlyingPath1: path[1] as bigint[],
      };
      const empty = [...ids.keys()].filter(
        (leg) => ids[leg] === 0n && matrix(input, "group")[leg]?.[group] === 1n,
      );
      yield [
        ...elementOf(opened, group),
        ...empty.flatMap((leg) => elementOf(rowInputs(NULL_ROW, tree.rowPath(place, 0)), leg)),
      ];
    }
}

/** Each claimed scenario moved to each other one. */
function* otherScenarios({ input }: HonestStatement): Generator<[string, bigint][]> {
  for (const [group, claimed] of ((input.claimedScenario ?? []) as bigint[][]).entries())
    for (const scenario of claimed.keys())
      yield elementOf({ claimedScenario: claimed.map((_, other) => (other === scenario ? 1n : 0n)) }, group);
}

/** The listing of another entity, and none. */
function* otherListings({ input, registry }: HonestStatement): Generator<[string, bigint][]> {
  if (input.registryLevels === undefined) return;
  for (const { expiryEpoch, levels } of [NO_REGISTRY_PATH, registry.path(5n)])
    yield [...flatten({ expiryEpoch, registryLevels: levels })];
}

/** Changes of several inputs, by name. */
export function* reopenings(statement: HonestStatement): Generator<[string, bigint][]> {
  yield* otherRows(statement);
  yield* otherUnderlyings(statement);
  yield* otherScenarios(statement);
  yield* otherListings(statement);
}
