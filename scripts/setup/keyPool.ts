import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { KeyAnswer, KeyTask } from "./keyWorker.ts";

/**
 * Processes that make keys. Each prepares its tables once and then takes one circuit after the other. Processes, not threads:
 * ffjavascript cannot be imported in a worker thread.
 */
export interface KeyPool {
  /** Makes a key; resolves to the verifying key's hash. */
  make(task: KeyTask): Promise<string>;
  close(): void;
}

/** A key of the 2^16 domain needs about 1 GB while it is made. */
const MAXIMUM_WORKERS = 2;

export const KEY_WORKERS = Math.min(MAXIMUM_WORKERS, availableParallelism());

export function keyPool(): KeyPool {
  const idle: ChildProcess[] = [];
  const all: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const worker = fork(fileURLToPath(new URL("./keyWorker.ts", import.meta.url)), {
      execArgv: [],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    all.push(worker);
    return worker;
  };
  return {
    async make(task) {
      const worker = idle.pop() ?? start();
      const answer = await ask(worker, task);
      idle.push(worker);
      if ("error" in answer) throw new Error(`key of ${task.circuit}: ${answer.error}`);
      return answer.verifyingKeyHash;
    },
    close() {
      for (const worker of all) worker.kill();
    },
  };
}

function ask(worker: ChildProcess, task: KeyTask): Promise<KeyAnswer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null): void =>
      reject(new Error(`key of ${task.circuit}: the worker ended with ${signal ?? `code ${code}`}`));
    worker.once("error", reject);
    worker.once("exit", onExit);
    worker.once("message", (answer) => {
      worker.off("error", reject);
      worker.off("exit", onExit);
      resolve(answer as KeyAnswer);
    });
    worker.send(task);
  });
}
