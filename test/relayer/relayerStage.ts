import { setTimeout as pause } from "node:timers/promises";
import { Wallet } from "ethers";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import type { Transition } from "../../contracts/statements.ts";
import { attach, type Deployed, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import type { Log } from "../../services/log.ts";
import type { OnStage } from "../../services/relayer/context.ts";
import { type RelayerEngine, startEngine } from "../../services/relayer/engine.ts";
import type { EngineRules } from "../../services/relayer/rules.ts";
import {
  addSubmission,
  type Item,
  type Submission,
  type SubmissionState,
  submissionOf,
} from "../../services/relayer/submissions.ts";
import type { Store } from "../../services/store/store.ts";
import { type FaultyRpc, serveFaulty } from "../support/faultyRpc.ts";
import { idealProver } from "../support/idealProver.ts";
import { type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";
import { quietLog, temporaryStore } from "../support/storeFixture.ts";

/*
 * A ledger with the ideal verifier behind a node that can fail, a store, and engines on both. Engines are in a hurry and leave the state
 * tree alone unless told otherwise.
 */

const FIRST_KEY = 6;

export const asItem = (transition: Transition): Item => ({ kind: "transition", transition });

export interface RelayerStage {
  fixture: LedgerFixture;
  rpc: FaultyRpc;
  deployed: Deployed;
  store: Store;
  /** Signs as relayer 0, 1, …. */
  wallet(relayer?: number): Wallet;
  /** Starts an engine; it ends with the test that calls `rest`. */
  engine(options?: {
    relayer?: number;
    rules?: Partial<EngineRules>;
    onStage?: OnStage;
    log?: Log;
    store?: Store;
    prover?: "elsewhere";
  }): Promise<RelayerEngine>;
  /** Stores items and returns their submissions' ids. */
  add(...items: Item[]): Promise<string[]>;
  /** Waits until each of these submissions is in one of the states. */
  reach(ids: readonly string[], ...states: SubmissionState[]): Promise<Submission[]>;
  /** Ends the engines and empties the store. */
  rest(): Promise<void>;
  close(): Promise<void>;
}

export const HURRY: Partial<EngineRules> = {
  batchAgeMs: 50,
  confirmations: 1,
  bumpAfterMs: 300,
  leaseMs: 2_000,
  rpcTimeoutMs: 2_000,
  tickMs: 100,
  insertions: false,
};

/** A stage that is made after this is called and before it is used. */
export function lazily(at: () => RelayerStage): RelayerStage {
  return new Proxy({} as RelayerStage, { get: (_, name) => Reflect.get(at(), name) });
}

const PATIENCE_MS = 40_000;

/** A stage with a store and a ledger of its own, unless they are given. */
export async function relayerStage(
  given: { store?: Store; fixture?: LedgerFixture } = {},
): Promise<RelayerStage> {
  const fixture = given.fixture ?? (await ledgerFixture({}, undefined, { sameTimes: true }));
  const rpc = await serveFaulty(fixture.ethers);
  const provider = await connectRpc(rpc.url);
  const { ledger, oracle, registry, usdc } = fixture.addresses;
  const deployment: Deployment = {
    format: "solvus-deployment",
    version: 1,
    chainId: Number(fixture.chainId),
    fromBlock: 0,
    ...{ ledger, oracle, registry, usdc },
  };
  const deployed = await attach(provider, deployment);
  const store = given.store ?? (await temporaryStore());
  const engines: RelayerEngine[] = [];
  const wallet = (relayer = 0): Wallet => new Wallet(developmentKey(FIRST_KEY + relayer), provider);
  const rest = async (): Promise<void> => {
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
    await store.query(
      "TRUNCATE submission, submission_change, outgoing, attempt, outgoing_item, insertion, sender_lease, setting",
    );
  };
  return {
    fixture,
    rpc,
    deployed,
    store,
    wallet,
    async engine(options = {}) {
      const { relayer = 0, rules = {}, onStage, log = quietLog(), store: other = store } = options;
      const engine = await startEngine({
        store: other,
        deployed,
        signer: wallet(relayer),
        log,
        rules: { ...HURRY, ...rules },
        prover: options.prover ?? idealProver(fixture.verifier),
        ...(onStage && { onStage }),
      });
      engines.push(engine);
      return engine;
    },
    async add(...items) {
      const ids: string[] = [];
      for (const item of items) ids.push((await addSubmission(store, item)).submission.id);
      for (const engine of engines) engine.wake();
      return ids;
    },
    async reach(ids, ...states) {
      const until = Date.now() + PATIENCE_MS;
      for (;;) {
        const seen = await store.query<{ state: SubmissionState; rule: string | null }>(
          "SELECT state, rule FROM submission WHERE id = ANY ($1::text[])",
          [ids],
        );
        if (seen.length === ids.length && seen.every(({ state }) => states.includes(state))) {
          const found = await Promise.all(ids.map((id) => submissionOf(store, id)));
          return found.flatMap((submission) => submission ?? []);
        }
        if (Date.now() > until) {
          const list = seen.map(({ state, rule }) => `${state} ${rule ?? ""}`).join(", ");
          throw new Error(`submissions are ${list}, expected ${states.join(" or ")}`);
        }
        await pause(40);
      }
    },
    rest,
    async close() {
      await Promise.all(engines.splice(0).map((engine) => engine.stop()));
      await store.close();
      provider.destroy();
      await rpc.close();
    },
  };
}
