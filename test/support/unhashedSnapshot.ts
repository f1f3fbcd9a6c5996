import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { underlyingRows } from "../../protocol/marketRows.ts";
import { SCENARIO_LIST } from "../../protocol/scenarios.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { unhashedRows } from "./unhashedRows.ts";

/**
 * The snapshot of market inputs but for its hashes: nothing can be proven against it, and it is made fifty
 * times as fast. What it lists, and where, is what `buildSnapshot` gives; archives are left out, and `imFactor` is the base.
 */
export function unhashedSnapshot(inputs: MarketInputs): MarketSnapshot {
  const underlyings = inputs.underlyings.map((underlying) =>
    underlyingRows(underlying, inputs, SCENARIO_LIST),
  );
  const parameters = {
    imFactor: BigInt(inputs.baseImFactor),
    priceBand: BigInt(inputs.priceBand),
    debtLimit: BigInt(inputs.debtLimit),
  };
  const rows = underlyings.map(({ rows: listed }) => listed.map(({ row }) => row));
  return {
    ...unhashedRows(parameters, rows, BigInt(inputs.epoch)),
    inputs,
    instruments: underlyings.flatMap(({ rows: listed }) => listed.map(({ instrument }) => instrument)),
    underlyings,
  };
}
