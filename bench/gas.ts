import { type LedgerGas, measureLedgerGas } from "../test/support/ledgerGas.ts";
import type { Benchmark } from "./benchmark.ts";

/** One measurement serves all figures: a chain is deployed once. */
let measured: Promise<LedgerGas> | undefined;

const NAMES: [name: string, call: keyof LedgerGas][] = [
  ["gas.open", "open"],
  ["gas.transition", "transition"],
  ["gas.deposit", "deposit"],
  ["gas.withdrawal", "withdrawal"],
  ["gas.trade_pair", "tradePair"],
  ["gas.insertion", "insertion"],
  ["gas.snapshot_post", "post"],
];

/** Gas of the ledger's calls on Hardhat's in-process chain, pairings included. */
export const benchmarks: Benchmark[] = NAMES.map(([name, call]) => ({
  name,
  unit: "gas",
  async run() {
    measured ??= measureLedgerGas();
    return Number((await measured)[call]);
  },
}));
