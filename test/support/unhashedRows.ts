import { NULL_ROW, type RiskRow } from "../../protocol/riskRow.ts";
import type { RiskParameters, Snapshot } from "../../protocol/snapshot.ts";

/** A snapshot of given rows without hashes: the rules can be tried on it thousands of times a second, and nothing proven. */
export function unhashedRows(
  parameters: RiskParameters,
  underlyings: readonly (readonly RiskRow[])[],
  epoch = 1n,
): Snapshot {
  const places = new Map(
    underlyings.flatMap((rows, underlying) =>
      rows.map((row, index) => [row.id, { underlying, place: index + 1, row }] as const),
    ),
  );
  const noHashes = (): never => {
    throw new Error("a snapshot without hashes proves nothing");
  };
  return {
    epoch,
    ...parameters,
    root: 0n,
    tree: {
      root: 0n,
      subRoots: [],
      locate: (id) => places.get(id),
      row: (underlying, place) =>
        place === 0 ? NULL_ROW : (underlyings[underlying]?.[place - 1] ?? NULL_ROW),
      rowPath: noHashes,
      underlyingPath: noHashes,
    },
  };
}
