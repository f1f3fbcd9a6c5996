import {
  type BatchGas,
  LARGEST_BATCH,
  type LedgerGas,
  measureBatchGas,
  measureLedgerGas,
} from "../test/support/ledgerGas.ts";
import { measureSnapshotPostGas } from "../test/support/oracleGas.ts";
import type { Benchmark } from "./benchmark.ts";

/** One measurement serves all figures: a chain is deployed once. */
let calls: Promise<LedgerGas> | undefined;
let batches: Promise<BatchGas[]> | undefined;

const CALLS: [name: string, call: keyof LedgerGas][] = [
  ["gas.open", "open"],
  ["gas.transition", "transition"],
  ["gas.deposit", "deposit"],
  ["gas.withdrawal", "withdrawal"],
  ["gas.trade_pair", "tradePair"],
  ["gas.take_over", "takeOver"],
  ["gas.insertion", "insertion"],
];

/** Sizes whose figures have a name; the table has them all. */
const SIZES = [1, 2, 4, 8, LARGEST_BATCH];

const callGas = async (call: keyof LedgerGas): Promise<number> => {
  calls ??= measureLedgerGas();
  return Number((await calls)[call]);
};

const batchGas = async (items: number): Promise<number> => {
  batches ??= measureBatchGas(SIZES);
  return Number((await batches).find((figure) => figure.items === items)?.batch);
};

/** Gas of the ledger's and the oracle's calls on Hardhat's in-process chain, pairings included. */
export const benchmarks: Benchmark[] = [
  ...CALLS.map(([name, call]) => ({ name, unit: "gas", run: () => callGas(call) })),
  { name: "gas.snapshot.post", unit: "gas", run: async () => Number(await measureSnapshotPostGas()) },
  ...SIZES.map((items) => ({
    name: `gas.batch.${items}.per_transition`,
    unit: "gas",
    run: async () => (await batchGas(items)) / items,
  })),
  {
    name: `gas.batch.${LARGEST_BATCH}.with_insertion.per_transition`,
    unit: "gas",
    run: async () => ((await batchGas(LARGEST_BATCH)) + (await callGas("insertion"))) / LARGEST_BATCH,
  },
];

/** What others publish for a step on chain, for comparison. */
const PUBLISHED: [what: string, gas: number][] = [
  ["Zeto: a transfer with encryption, nullifiers and escrow to an authority", 2_760_000],
  ["Renegade: a match", 9_400_000],
  ["a bare snarkjs verification of one Groth16 proof", 221_000],
];

/** Gas by size of the batch, 1 to 16, beside single calls and published figures. */
async function gasTable(): Promise<string> {
  const sizes = Array.from({ length: LARGEST_BATCH }, (_, index) => index + 1);
  const insertion = (await callGas("insertion")) / LARGEST_BATCH;
  const figures = await measureBatchGas(sizes);
  const columns = ["items", "batch", "each", "each, with insertion", "one by one, each", "saved"];
  const rows = figures.map(({ items, batch, singles }) => {
    const each = Number(batch) / items;
    const alone = Number(singles) / items;
    return [
      `${items}`,
      grouped(Number(batch)),
      grouped(each),
      grouped(each + insertion),
      grouped(alone),
      `${((1 - each / alone) * 100).toFixed(0)}%`,
    ];
  });
  const largest = Number(figures.at(-1)?.batch) / LARGEST_BATCH + insertion;
  const published = PUBLISHED.map(
    ([what, gas]) => `${grouped(gas).padStart(10)}  ${what} (${(gas / largest).toFixed(1)} times)`,
  );
  return [
    "Gas of private transitions with a fee: sides of trades, and a transition by itself in an odd batch.",
    "",
    ...aligned([columns, ...rows]),
    "",
    `Published for others, and how many times the ${grouped(largest)} of one in a batch of ${LARGEST_BATCH} with its insertion:`,
    "",
    ...published,
  ].join("\n");
}

/** Tables to read. */
export const tables = { gas: gasTable };

function grouped(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Rows of cells as lines, columns flushed right. */
function aligned(rows: string[][]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
}
