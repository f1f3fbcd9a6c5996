import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SolvusError } from "../../protocol/errors.ts";
import type { ProvenStatement, Prover, Statement } from "../../prover/prover.ts";

/*
 * A prover in a process of its own: proofs take seconds of a whole processor, and nothing else here waits for them.
 */

/** What the process is asked. */
export interface ProverRequest {
  id: number;
  task: "prove" | "warm" | "witness";
  statement?: Statement;
  circuits?: readonly string[];
}

/** What it answers: a result, or the rule and message of a failure. */
export type ProverAnswer = { id: number } & (
  | { result: unknown }
  | { failure: { rule: string; message: string } }
);

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

const ended = (): SolvusError =>
  new SolvusError("prover.ended", "proving process: ended, expected an answer; ask again");

const PROGRAM = fileURLToPath(new URL("./proverProcess.ts", import.meta.url));

/** A prover as `createProver` gives it, in a process that starts with the first question, and anew after it died. */
export function processProver(): Prover {
  let child: ChildProcess | undefined;
  let next = 0;
  const pending = new Map<number, Pending>();
  const start = (): ChildProcess => {
    const started = fork(PROGRAM, [], {
      serialization: "advanced",
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.on("message", (answer: ProverAnswer) => {
      const waiting = pending.get(answer.id);
      pending.delete(answer.id);
      if ("failure" in answer) waiting?.reject(new SolvusError(answer.failure.rule, answer.failure.message));
      else waiting?.resolve(answer.result);
    });
    const gone = (): void => {
      if (child === started) child = undefined;
      for (const { reject } of pending.values()) reject(ended());
      pending.clear();
    };
    started.on("exit", gone);
    started.on("error", gone);
    return started;
  };
  const ask = <T>(request: Omit<ProverRequest, "id">): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      child ??= start();
      const id = next++;
      pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      child.send({ id, ...request } satisfies ProverRequest, (error) => {
        if (error !== null && pending.delete(id)) reject(ended());
      });
    });
  return {
    prove: (statement) => ask<ProvenStatement>({ task: "prove", statement }),
    witness: (statement) => ask({ task: "witness", statement }),
    warm: (circuits) => ask({ task: "warm", circuits }),
    async close() {
      const running = child;
      if (running === undefined) return;
      const gone = new Promise((resolve) => running.once("exit", resolve));
      running.disconnect();
      await gone;
    },
  };
}
