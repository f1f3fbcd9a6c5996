import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { underlyingRows } from "../../protocol/marketRows.ts";
import { NULL_ROW, type RiskRow } from "../../protocol/riskRow.ts";
import { SCENARIO_LIST } from "../../protocol/scenarios.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";

/**
 * The snapshot of market inputs but for its hashes: nothing can be proven against it, and it is made fifty
 * times as fast. What it lists, and where, is what `buildSnapshot` gives; archives are left out, and `imFactor` is the base.
 */
export function unhashedSnapshot(inputs: MarketInputs): MarketSnapshot {
  const underlyings = inputs.underlyings.map((underlying) =>
    underlyingRows(underlying, inputs, SCENARIO_LIST),
  );
  const places = new Map<bigint, { underlying: number; place: number; row: RiskRow }>();
  underlyings.forEach(({ rows }, underlying) => {
    rows.forEach(({ row }, index) => {
      places.set(row.id, { underlying, place: index + 1, row });
    });
  });
  const rows = underlyings.map(({ rows: listed }) => listed.map(({ row }) => row));
  const noHashes = (): never => {
    throw new Error("a snapshot without hashes proves nothing");
  };
  return {
    epoch: BigInt(inputs.epoch),
    imFactor: BigInt(inputs.baseImFactor),
    priceBand: BigInt(inputs.priceBand),
    debtLimit: BigInt(inputs.debtLimit),
    root: 0n,
    tree: {
      root: 0n,
      subRoots: [],
      locate: (id) => places.get(id),
      row: (underlying, place) => (place === 0 ? NULL_ROW : (rows[underlying]?.[place - 1] ?? NULL_ROW)),
      rowPath: noHashes,
      underlyingPath: noHashes,
    },
    inputs,
    instruments: underlyings.flatMap(({ rows: listed }) => listed.map(({ instrument }) => instrument)),
    underlyings,
  };
}
