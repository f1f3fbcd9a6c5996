import { setTimeout as pause } from "node:timers/promises";
import { Wallet } from "ethers";
import { expect } from "vitest";
import { attach } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import type { Log } from "../../services/log.ts";
import type { OnStage } from "../../services/relayer/context.ts";
import { startEngine } from "../../services/relayer/engine.ts";
import type { Item } from "../../services/relayer/items.ts";
import { isTerminal } from "../../services/relayer/messages.ts";
import type { EngineRules } from "../../services/relayer/rules.ts";
import { addSubmission, changesAfter, submissionOf } from "../../services/relayer/submissions.ts";
import { openStore, type Store, type StorePlace } from "../../services/store/store.ts";
import { believedProver, type FaultStage, type Outcome, silentLog } from "./stage.ts";

/*
 * A relayer's engine in this process, in a hurry, and what must be true once everything that was handed in is done.
 */

/** Rules under which a test waits for nothing longer than it must. */
export const HURRIED: Partial<EngineRules> = {
  batchSize: 8,
  batchAgeMs: 100,
  confirmations: 2,
  bumpAfterMs: 1_000,
  leaseMs: 2_000,
  rpcTimeoutMs: 1_000,
  tickMs: 50,
};

export interface EngineRun {
  store: Store;
  stop(): Promise<void>;
}

export interface RunOptions {
  /** Which of the stage's relayers: 0 unless given. */
  relayer?: number;
  rules?: Partial<EngineRules>;
  onStage?: OnStage;
  log?: Log;
}

/** Starts an engine on a stage. Its node is the one that can fail. */
export async function startRun(
  stage: FaultStage,
  place: StorePlace,
  { relayer = 0, rules = {}, onStage, log = silentLog() }: RunOptions = {},
): Promise<EngineRun> {
  const provider = await connectRpc(stage.rpc.url);
  const store = await openStore(place, log);
  const engine = await startEngine({
    store,
    deployed: await attach(provider, stage.deployment),
    signer: new Wallet(stage.relayerKeys[relayer] as string, provider),
    log,
    rules: { ...HURRIED, ...rules },
    prover: believedProver(),
    ...(onStage && { onStage }),
  });
  return {
    store,
    async stop() {
      await engine.stop();
      await store.close();
      provider.destroy();
    },
  };
}

/** Hands items in, however often it takes, and returns their ids. */
export async function handIn(store: Store, items: readonly Item[]): Promise<string[]> {
  const ids: string[] = [];
  for (const item of items) {
    const { submission } = await persistently(() => addSubmission(store, item));
    ids.push(submission.id);
  }
  return ids;
}

const PATIENCE_MS = 60_000;

/** Does something again until it succeeds, as whoever waits for a service in trouble. */
export async function persistently<T>(work: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > until) throw error;
      await pause(50);
    }
  }
}

/** Waits until every submission is in its last state and every leaf in the tree; lets the chain's time pass for the last, partial node. */
export async function untilDone(stage: FaultStage, store: Store, ids: readonly string[]): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  const wait = async (what: string): Promise<void> => {
    if (Date.now() > until) throw new Error(`${what} after ${PATIENCE_MS / 1000} s`);
    await pause(50);
  };
  for (const id of ids) {
    for (;;) {
      const submission = await persistently(() => submissionOf(store, id));
      if (submission !== undefined && isTerminal(submission.state)) break;
      await wait(`submission is ${submission?.state} (${submission?.refusal?.rule})`);
    }
  }
  await stage.fixture.advance(31);
  const { ledger } = stage.fixture;
  for (;;) {
    const [tail, , inserted]: bigint[] = await ledger.queue();
    if (tail === 16n * (inserted as bigint)) return;
    await wait(`${tail} leaves are queued and ${inserted} nodes inserted`);
  }
}

/** Expects that every submission became final, and that this was recorded once and last. */
export async function expectFinalOnce(store: Store, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const states = (await changesAfter(store, 0n, 1_000, id)).map(({ state }) => state);
    expect(states.at(-1), id).toBe("final");
    expect(states.filter((state) => state === "final")).toHaveLength(1);
  }
}

/** What an undisturbed relayer makes of items; chain and clock are put back after it. */
export async function undisturbed(
  stage: FaultStage,
  place: StorePlace,
  items: readonly Item[],
): Promise<Outcome> {
  const back = await stage.mark();
  const run = await startRun(stage, place);
  try {
    const ids = await handIn(run.store, items);
    await untilDone(stage, run.store, ids);
    await expectFinalOnce(run.store, ids);
    return await stage.outcome();
  } finally {
    await run.stop();
    await back();
  }
}
