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
      await keepProof(store, digest, proof);
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
