import { performance } from "node:perf_hooks";
import { createProver, type Prover, type Statement } from "../prover/prover.ts";
import { STATEMENTS } from "./statements.ts";

const RUNS = 3;

/** Median seconds of a few runs after one that is not counted. The machine should be idle: proving takes all cores. */
async function seconds(
  circuit: string,
  work: (prover: Prover, statement: Statement) => Promise<unknown>,
): Promise<number> {
  const statement = (STATEMENTS[circuit] as () => Statement)();
  const prover = createProver();
  try {
    await work(prover, statement);
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      await work(prover, statement);
      times.push((performance.now() - start) / 1000);
    }
    return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] as number;
  } finally {
    await prover.close();
  }
}

/** For each circuit: witness, proof and its verification together; and the witness alone. */
export const benchmarks = Object.keys(STATEMENTS).flatMap((circuit) => [
  {
    name: `prove.${circuit}.seconds`,
    unit: "s",
    run: () => seconds(circuit, (prover, statement) => prover.prove(statement)),
  },
  {
    name: `witness.${circuit}.seconds`,
    unit: "s",
    run: () => seconds(circuit, (prover, statement) => prover.witness(statement)),
  },
]);
