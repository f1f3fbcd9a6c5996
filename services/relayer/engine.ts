import { setTimeout as sleep } from "node:timers/promises";
import { getAddress, type Signer } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { Prover } from "../../prover/prover.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Log } from "../log.ts";
import { startProvingWorker } from "../proving/worker.ts";
import type { Running } from "../running.ts";
import type { Store } from "../store/store.ts";
import { sendBatches } from "./batches.ts";
import { type EngineContext, type OnStage, patientAsker } from "./context.ts";
import { requireSameChain } from "./deploymentGuard.ts";
import { type FollowMemory, follow, refill } from "./follow.ts";
import { expireWaiting, forgetOld, reclaimSpace, releaseDead } from "./housekeeping.ts";
import { type InsertionMemory, keepTree } from "./insertions.ts";
import { makeLease } from "./leases.ts";
import { makeLedgerMirror } from "./ledgerMirror.ts";
import { DEFAULT_RULES, type EngineRules } from "./rules.ts";
import { type PushMemory, push } from "./sender.ts";

export interface EngineOptions {
  store: Store;
  deployed: Deployed;
  /** Signs transactions; its address earns the fees. */
  signer: Signer;
  log: Log;
  /** What differs from {@link DEFAULT_RULES}. */
  rules?: Partial<EngineRules>;
  /**
   * Proves insertions in this process. By default a process of its own does; `"elsewhere"` leaves the proofs to workers that share the
   * database.
   */
  prover?: Prover | "elsewhere";
  onStage?: OnStage;
}

/** A relayer's engine: sends what is queued, and follows it until it is final. */
export interface RelayerEngine extends Running {
  /** Something was queued: look at once. */
  wake(): void;
}

/**
 * Starts sending what the store's queue holds. Any number of engines may share a store; those with the same key take turns. Whatever fails,
 * node or database, is tried again until it works. Throws `relayer.otherChain` when the store holds submissions to another ledger.
 */
export async function startEngine(options: EngineOptions): Promise<RelayerEngine> {
  const { store, deployed, signer, log, onStage } = options;
  const rules = { ...DEFAULT_RULES, ...options.rules };
  const sender = getAddress(await signer.getAddress());
  await requireSameChain(store, deployed);
  const hurry = new AbortController();
  const context: EngineContext = {
    store,
    deployed,
    signer,
    sender,
    rules,
    log,
    lease: makeLease(store, sender, rules.leaseMs, log),
    stage: async (stage, detail) => onStage?.(stage, detail),
    within: patientAsker(rules.rpcTimeoutMs, hurry.signal),
  };
  const worker =
    options.prover === "elsewhere" || !rules.insertions
      ? undefined
      : await startProvingWorker({ store, log, prover: options.prover, onStage });

  let isStopping = false;
  let awaken = (): void => {};
  let isAwake = false;
  const wake = (): void => {
    isAwake = true;
    awaken();
  };
  const renewal = setInterval(() => {
    void context.lease.renew().catch(() => undefined);
  }, rules.leaseMs / 4);
  const look = makeLook(context, () => isStopping);
  const loop = (async () => {
    while (!isStopping) {
      isAwake = false;
      const isBusy = await look();
      if (isStopping || isAwake || isBusy) continue;
      const pause = new AbortController();
      awaken = () => pause.abort();
      await sleep(rules.tickMs, undefined, { signal: pause.signal }).catch(() => undefined);
    }
  })();

  let stopping: Promise<void> | undefined;
  return {
    wake,
    stop() {
      stopping ??= (async () => {
        isStopping = true;
        awaken();
        const overdue = setTimeout(() => hurry.abort(), LAST_WORDS_MS);
        await loop;
        clearTimeout(overdue);
        clearInterval(renewal);
        await worker?.stop();
        await context.lease.release().catch(() => undefined);
      })();
      return stopping;
    },
  };
}

/** One look at everything. Each part may fail without keeping the others from their turn. Returns whether another look is worth it at once. */
function makeLook(context: EngineContext, isStopping: () => boolean): () => Promise<boolean> {
  const { deployed, lease, log, rules, within } = context;
  const mirror = makeLedgerMirror(deployed, within);
  const follows: FollowMemory = { missing: new Map(), absent: new Map() };
  const pushes: PushMemory = { shown: new Map(), height: new Map(), refused: new Map() };
  const inserts: InsertionMemory = { asked: new Map(), looked: 0 };
  const failing = new Map<string, string>();
  let tidied = 0;
  let forgot = 0;
  /** Runs a part; says once that it fails, and once that it works again. */
  const part = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const result = await work();
      if (failing.delete(name)) log.info({ part: name }, "works again");
      return result;
    } catch (error) {
      const reason =
        error instanceof SolvusError ? error.rule : String((error as Error).message).slice(0, 60);
      if (failing.get(name) !== reason) log.warn({ part: name, err: error }, "failed; tried again");
      failing.set(name, reason);
      return undefined;
    }
  };
  return async () => {
    if ((await part("lease", () => lease.renew())) === undefined) return false;
    const head = await part("chain", async () => {
      const block = await within(() => deployed.provider.getBlock("latest"));
      if (block?.hash == null) throw new SolvusError("chain.block", "latest block: none, expected one");
      return block as typeof block & { hash: string };
    });
    if (head === undefined) return false;
    const isTidyTime = Date.now() - tidied > TIDY_MS;
    if (isTidyTime && (await part("housekeeping", () => releaseDead(context).then(() => true))))
      tidied = Date.now();
    const followed = await part("follow", () => follow(context, head.number, follows));
    await part("push", () => push(context, head.number, pushes));
    if (isTidyTime && lease.isHeld) await part("nonces", () => refill(context, follows));
    if (Date.now() - forgot > FORGET_MS) {
      const isFirst = forgot === 0;
      // Whatever comes of it: what takes long must not take all the time.
      forgot = Date.now();
      await part("forgetting", () => forgetOld(context));
      if (!isFirst) await part("space", () => reclaimSpace(context));
    }
    if (isTidyTime) await part("expiry", () => expireWaiting(context, head));
    let sent = 0;
    if (lease.isHeld && !isStopping()) sent = (await part("batches", () => sendBatches(context))) ?? 0;
    const wrote =
      rules.insertions &&
      !isStopping() &&
      (await part("insertions", () => keepTree(context, mirror, head, inserts)));
    return followed === true || sent > 0 || wrote === true;
  };
}

const TIDY_MS = 1_000;
const FORGET_MS = 3_600_000;
/** How long questions to a node may go on once the engine is to stop. */
const LAST_WORDS_MS = 8_000;
