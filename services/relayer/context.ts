import { setTimeout as sleep } from "node:timers/promises";
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
  /**
   * Asks the node something that may be asked again: when it fails it is, some times, unless `tries` says otherwise. Throws `chain.timeout`
   * when there is no answer in time, and what the last try threw.
   */
  within<T>(question: () => Promise<T>, tries?: number): Promise<T>;
}

const TRIES = 3;
const PAUSE_MS = 50;

/** What asks questions of a node, waiting so long for each answer, and for none any more once `hurry` says so. */
export function patientAsker(milliseconds: number, hurry: AbortSignal): EngineContext["within"] {
  return async (question, tries = TRIES) => {
    for (let attempt = 1; ; attempt++) {
      try {
        hurry.throwIfAborted();
        return await timely(question(), milliseconds, hurry);
      } catch (error) {
        if (attempt >= tries || hurry.aborted || isRefusal(error)) throw error;
        await sleep(PAUSE_MS * attempt);
      }
    }
  };
}

/** Bounds how long a promise is waited for. What it does goes on; nobody hears of it. */
async function timely<T>(answer: Promise<T>, milliseconds: number, hurry: AbortSignal): Promise<T> {
  let giveUp = (): void => {};
  const late = new Promise<never>((_, reject) => {
    giveUp = () =>
      reject(
        new SolvusError(
          "chain.timeout",
          `node: no answer in ${milliseconds / 1000} s, expected one; it is asked again`,
        ),
      );
  });
  const timer = setTimeout(giveUp, milliseconds);
  hurry.addEventListener("abort", giveUp, { once: true });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    hurry.removeEventListener("abort", giveUp);
  }
}

function isRefusal(error: unknown): boolean {
  try {
    refusalIn(error);
    return true;
  } catch {
    return false;
  }
}

/**
 * Why the contracts refuse a call; rethrows what is no refusal but a failure of the node or of the way to it. A library may report a node
 * that is busy as a call that reverted without data: what the node itself said counts.
 */
export function refusalIn(error: unknown): { rule: string; message: string } {
  const refusal = contractRefusal(error);
  if (refusal !== undefined) return refusal;
  const { code, message, info } = error as {
    code?: string;
    message?: string;
    info?: { error?: { message?: string } };
  };
  if (code === "CALL_EXCEPTION" && /revert|out of gas|opcode/i.test(info?.error?.message ?? message ?? ""))
    return { rule: "chain.reverted", message: "a contract refused without a reason" };
  throw error;
}
