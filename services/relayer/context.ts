import type { Signer } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { contractRefusal } from "../chain/revert.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/store.ts";
import type { Lease } from "./leases.ts";
import type { EngineRules } from "./rules.ts";

/**
 * Points at which a test may stop an engine or kill its process; awaited where they happen, absent in production. Each is named after
 * what has just been done:
 *
 * - `formed`: items are claimed for a batch; `simulated`: the chain was asked about them; `signed`: the transaction is signed and known
 *   to nobody; `stored`: it is in the database; `broadcast`: a node has it; `mined`: its receipt was seen; `recorded`: what became of its
 *   items is in the database;
 * - `insertion.proven`: a node's proof is computed and known to nobody; `insertion.sent`: a node has the transaction that writes it.
 */
export type OnStage = (stage: Stage, detail: Record<string, unknown>) => Promise<void> | void;

export type Stage =
  | "formed"
  | "simulated"
  | "signed"
  | "stored"
  | "broadcast"
  | "mined"
  | "recorded"
  | "insertion.proven"
  | "insertion.sent";

/** What every part of an engine works with. */
export interface EngineContext {
  store: Store;
  deployed: Deployed;
  signer: Signer;
  /** The signer's address, checksummed. */
  sender: string;
  rules: EngineRules;
  log: Log;
  lease: Lease;
  stage(stage: Stage, detail: Record<string, unknown>): Promise<void>;
  /** Bounds the time of a question to the node; throws `chain.timeout` when it is over. */
  within<T>(question: Promise<T>): Promise<T>;
}

/** Bounds how long promises are waited for. What they do goes on; nobody hears of it. */
export function timeLimit(milliseconds: number): <T>(question: Promise<T>) => Promise<T> {
  return async (question) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new SolvusError(
              "chain.timeout",
              `node: no answer in ${milliseconds / 1000} s, expected one; it is asked again`,
            ),
          ),
        milliseconds,
      );
    });
    question.catch(() => undefined);
    try {
      return await Promise.race([question, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Why the contracts refuse a call; rethrows what is no refusal but a failure of the node or of the way to it. */
export function refusalIn(error: unknown): { rule: string; message: string } {
  const refusal = contractRefusal(error);
  if (refusal !== undefined) return refusal;
  if ((error as { code?: string }).code === "CALL_EXCEPTION")
    return { rule: "chain.reverted", message: "a contract refused without a reason" };
  throw error;
}
