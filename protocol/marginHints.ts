import { SCENARIOS } from "./constants.ts";
import { byUnderlying, type Margin, type Position, scenarioLoss } from "./margin.ts";
import type { CircuitInput } from "./openedRowsInput.ts";

/** The hints of the margin's lower bound that make it exact: true signs, true concentration, the worst scenario of each underlying. */
export function lowerBoundHints(
  positions: readonly Position[],
  underlyings: readonly number[],
): CircuitInput {
  const groups = byUnderlying(positions);
  return {
    claimsLong: positions.map(({ size }) => (size >= 0n ? 1n : 0n)),
    claimsConcentrated: positions.map(({ size, row }) =>
      (size < 0n ? -size : size) > row.concentrationThreshold ? 1n : 0n,
    ),
    claimedScenario: underlyings.map((underlying) => {
      const group = groups.get(underlying) ?? [];
      let worst = -1;
      let loss = 0n;
      for (let scenario = 0; scenario < SCENARIOS; scenario++) {
        const candidate = scenarioLoss(group, scenario);
        if (candidate > loss) [worst, loss] = [scenario, candidate];
      }
      return Array.from({ length: SCENARIOS }, (_, scenario) => (scenario === worst ? 1n : 0n));
    }),
  };
}

/** The hint of an exact margin: the scan risk of each underlying that the proof opens. */
export function scanHints(margin: Margin, underlyings: readonly number[]): bigint[] {
  return underlyings.map((underlying) => margin.scanByUnderlying.get(underlying) ?? 0n);
}
