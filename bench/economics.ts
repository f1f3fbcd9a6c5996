import { liquidateOneself } from "../test/support/economics/keepers.ts";
import { type ParameterSet, SHIPPED } from "../test/support/economics/parameterSets.ts";
import { march, sevenReporters, worstLie } from "../test/support/economics/realMarkets.ts";
import { breaksOf, SHOCKS, type Shock } from "../test/support/economics/shocks.ts";
import { tableText, tryEverything } from "../test/support/economics/table.ts";
import type { Benchmark } from "./benchmark.ts";

const shock = (name: string): Shock => SHOCKS.find((one) => one.name === name) as Shock;
const shipped = (place: number): ParameterSet => SHIPPED[place] as ParameterSet;

/** Smallest size of a shock that makes bad debt, or the largest that was tried; percent. */
function smallestShock(name: string, place: number): number {
  return 100 * (breaksOf(shock(name), shipped(place)).badDebt ?? shock(name).most);
}

/** How much the shipped parameters stand, and the best of what cheats found. */
export const benchmarks: Benchmark[] = [
  { name: "economics.gap.btc", unit: "% that makes bad debt", run: () => smallestShock("gap", 0) },
  { name: "economics.gap.eth", unit: "% that makes bad debt", run: () => smallestShock("gap", 2) },
  {
    name: "economics.basis_gap.btc",
    unit: "% that makes bad debt",
    run: () => smallestShock("basis gap", 0),
  },
  {
    name: "economics.lie_of_one_in_seven",
    unit: "% that the price moves at most",
    run: () => 100 * worstLie(sevenReporters(march())).deviation,
  },
  {
    name: "economics.self_liquidation",
    unit: "USDC beyond debt and 5% of the margin, seed 1, 2,000 accounts",
    run: () => Number(liquidateOneself(1, 2_000).beyond) / 1e6,
  },
];

/** Tables to read. */
export const tables = {
  economics: (): Promise<string> => Promise.resolve(economicsTable()),
};

function economicsTable(): string {
  const results = tryEverything((line) => console.error(`bench: ${line}`));
  return tableText(results).join("\n");
}
