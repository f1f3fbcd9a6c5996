import { setTimeout as sleep } from "node:timers/promises";
import type { ProofWords } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Prover } from "../../prover/prover.ts";
import { insertionStatement } from "../../prover/statements.ts";
import type { Log } from "../log.ts";
import type { Running } from "../running.ts";
import type { Store } from "../store/store.ts";
import { processProver } from "./processProver.ts";
import { keepProof, PROOF_QUEUE, type ProofJob, prepareQueue, wantedInput } from "./queue.ts";

export interface WorkerOptions {
  store: Store;
  log: Log;
  /** By default proofs are computed in a process of their own. */
  prover?: Prover;
  /** Awaited with `insertion.proven` before a proof is stored. */
  onStage?: (stage: "insertion.proven", detail: Record<string, unknown>) => Promise<void> | void;
}

/** Between tries to store a proof while the database is away. */
const AGAIN_MS = 500;

/** Stores a proof, as soon as the database takes it: it was seconds of work. Gives up when the job is no longer this worker's. */
async function keep(store: Store, digest: string, proof: ProofWords, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await keepProof(store, digest, proof);
      return;
    } catch (error) {
      const isAway = error instanceof SolvusError && error.rule === "store.unavailable";
      if (!isAway || signal.aborted) throw error;
      await sleep(AGAIN_MS, undefined, { signal });
    }
  }
}

/**
 * Starts proving what the queue asks for, one proof at a time. Any number of workers may share a database. While a worker lives its job is
 * its own, however long the proof takes; one that dies loses it to another after some seconds. What a worker does too late changes
 * nothing: a proof is the proof of its digest, whoever made it.
 */
export async function startProvingWorker({ store, log, prover, onStage }: WorkerOptions): Promise<Running> {
  const own = prover ?? processProver();
  await prepareQueue(store);
  const worker = await store.boss.work<ProofJob>(
    PROOF_QUEUE,
    { batchSize: 1, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 2, heartbeatRefreshSeconds: 3 },
    async ([job]) => {
      if (job === undefined) return;
      const { digest } = job.data;
      const input = await wantedInput(store, digest);
      if (input === undefined) return;
      const began = Date.now();
      const { proof } = await own.prove(insertionStatement(input));
      await onStage?.("insertion.proven", { node: Number(input.nodeIndex), digest });
      await keep(store, digest, proof, job.signal);
      log.info({ node: Number(input.nodeIndex), milliseconds: Date.now() - began }, "proved an insertion");
    },
  );
  let stopping: Promise<void> | undefined;
  return {
    stop() {
      stopping ??= (async () => {
        await store.boss.offWork(PROOF_QUEUE, { id: worker, wait: true }).catch(() => undefined);
        if (prover === undefined) await own.close();
      })();
      return stopping;
    },
  };
}
