import { getAddress, type Signer } from "ethers";
import type { Prover } from "../../prover/prover.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Log } from "../log.ts";
import type { Running } from "../running.ts";
import { openStore, type StorePlace } from "../store/store.ts";
import type { OnStage } from "./context.ts";
import { requireSameChain } from "./deploymentGuard.ts";
import { type RelayerEngine, startEngine } from "./engine.ts";
import type { FeePolicy } from "./fees.ts";
import { makeProofCheck, type ProofCheck } from "./proofCheck.ts";
import { DEFAULT_RULES, type EngineRules } from "./rules.ts";
import { DEFAULT_LIMITS, type ServiceLimits, startService } from "./service.ts";

export interface RelayerConfig {
  deployed: Deployed;
  /** Signs and pays for batches, and earns their fees. Nobody else may send with its key but relayers on the same store. */
  signer: Signer;
  store: StorePlace;
  /** 127.0.0.1 and a free port unless said otherwise. */
  listen?: { host?: string; port?: number };
  /** How batches are made and sent. */
  rules?: Partial<EngineRules>;
  /** What is asked for; nothing unless said otherwise. */
  fees?: FeePolicy;
  limits?: Partial<ServiceLimits>;
  /** By default Groth16 in this process, with the keys that the manifest pins. */
  verify?: ProofCheck;
  /** Proves insertions in this process; by default a process of its own does, `"elsewhere"` leaves them to workers on the same store. */
  prover?: Prover | "elsewhere";
  log: Log;
  /** Points at which a test may stop it. */
  onStage?: OnStage;
}

const FREE: FeePolicy = { kind: "fixed", transition: 0n, takeOver: 0n };

/**
 * Starts a relayer: a service that takes proven items over HTTP and stores them, and an engine that puts them on the chain. Throws
 * `setup.*` and `relayer.ledgerKey` for keys that are absent or not the ledger's, `store.*` for a store that cannot be opened.
 */
export async function startRelayer(config: RelayerConfig): Promise<Running & { url: string }> {
  const { deployed, signer, log, onStage } = config;
  const relayer = getAddress(await signer.getAddress());
  const rules = { ...DEFAULT_RULES, ...config.rules };
  const check =
    config.verify === undefined
      ? await makeProofCheck(deployed)
      : { verify: config.verify, stop: async () => {} };
  const undo: (() => Promise<void>)[] = [check.stop];
  try {
    const store = await openStore(config.store, log);
    undo.unshift(() => store.close());
    // Before anything is taken in.
    await requireSameChain(store, deployed);
    let engine: RelayerEngine | undefined;
    const service = await startService({
      ...{ store, deployed, relayer, log, verify: check.verify, fees: config.fees ?? FREE },
      limits: { ...DEFAULT_LIMITS, ...config.limits },
      batch: { size: rules.batchSize, ageMs: rules.batchAgeMs },
      listen: { host: "127.0.0.1", port: 0, ...config.listen },
      onStored: () => engine?.wake(),
    });
    undo.unshift(() => service.stop());
    engine = await startEngine({
      ...{ store, deployed, signer, log, rules },
      ...(config.prover !== undefined && { prover: config.prover }),
      async onStage(stage, detail) {
        const { outgoing, transaction, items } = detail;
        if (stage === "simulated" && items !== 0) service.metrics.batch(Number(items));
        if (stage === "mined") service.metrics.mined(String(outgoing), String(transaction));
        await onStage?.(stage, detail);
      },
    });
    return {
      url: service.url,
      async stop() {
        // What is under way is answered and stored, then sent; whoever asks hears of it until the end.
        await service.refuseNew();
        await engine?.stop();
        for (const stop of undo) await stop();
      },
    };
  } catch (error) {
    for (const stop of undo) await stop();
    throw error;
  }
}
