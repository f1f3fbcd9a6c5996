import { SolvusError } from "../../protocol/errors.ts";
import { createProver } from "../../prover/prover.ts";
import type { ProverAnswer, ProverRequest } from "./processProver.ts";

/*
 * The program of a proving process: answers its parent's questions, and ends with it.
 */

const prover = createProver();

process.on("message", (request: ProverRequest) => void answer(request));
process.on("disconnect", () => process.exit(0));
// Ctrl-C goes to all processes of a terminal; this one ends when its parent has no more use for it.
process.on("SIGINT", () => undefined);

async function answer({ id, task, statement, circuits }: ProverRequest): Promise<void> {
  try {
    if (task === "warm") await prover.warm(circuits ?? []);
    const result =
      statement && (task === "prove" ? await prover.prove(statement) : await prover.witness(statement));
    process.send?.({ id, result } satisfies ProverAnswer);
  } catch (error) {
    const failure =
      error instanceof SolvusError
        ? { rule: error.rule, message: error.message }
        : { rule: "prover.failed", message: "proving failed; the process's error output says why" };
    if (!(error instanceof SolvusError)) console.error(error);
    process.send?.({ id, failure } satisfies ProverAnswer);
  }
}
