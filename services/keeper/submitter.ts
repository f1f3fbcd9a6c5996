import type { Contract } from "ethers";
import { NOBODY } from "../../contracts/signing.ts";
import type { TakeOver as ProvenTakeOver } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { relayerClient } from "../relayer/client.ts";
import { submissionId } from "../relayer/submissions.ts";
import type { Sending } from "./send.ts";

/** What a take-over must carry to be submitted, and what it costs. */
export interface SubmissionTerms {
  /** Who alone may submit. */
  relayer: string;
  /** Micro-USDC out of the keeper's account. */
  fee: bigint;
  /** Units of gas that the keeper pays itself. */
  gas: bigint;
}

/** How far a submission is. */
export type Outcome =
  | { state: "pending" }
  | { state: "mined"; transaction?: string }
  | { state: "over"; rule: string };

/** How take-overs get onto the chain. */
export interface Submitter {
  terms(): Promise<SubmissionTerms>;
  /** By which a take-over will be asked after; undefined when it is on the chain as soon as it is submitted. */
  idOf(takeOver: ProvenTakeOver): string | undefined;
  /** Resolves once the take-over is on the chain, or durably with somebody who will bring it there. */
  submit(takeOver: ProvenTakeOver): Promise<{ transaction?: string }>;
  /** Of a submission that has an id. */
  outcome(id: string): Promise<Outcome>;
}

/** Gas of a take-over in a call of its own (`npm run bench -- gas`), rounded up. */
const TAKE_OVER_GAS = 700_000n;

/** Take-overs in transactions of the keeper's own. */
export function directSubmitter({ ledger }: Pick<Deployed, "ledger">, sending: Sending): Submitter {
  return {
    terms: async () => ({ relayer: NOBODY, fee: 0n, gas: TAKE_OVER_GAS }),
    idOf: () => undefined,
    async submit(takeOver) {
      const { hash } = await sending.send(ledger as Contract, "takeOver", [takeOver]);
      return { transaction: hash };
    },
    outcome: async () => ({ state: "mined" }),
  };
}

/** Milliseconds for which a relayer that does not answer is asked again: the epoch's proof is soon worth nothing. */
const PATIENCE_MS = 15_000;

/** Take-overs through a relayer, for its fee. */
export function relayedSubmitter(url: string, patienceMs = PATIENCE_MS): Submitter {
  const client = relayerClient(url, { patienceMs });
  return {
    async terms() {
      const { relayer, fees } = await client.quote();
      return { relayer, fee: fees.takeOver, gas: 0n };
    },
    idOf: (takeOver) => submissionId({ kind: "takeOver", takeOver }),
    async submit(takeOver) {
      await client.submit({ kind: "takeOver", takeOver });
      return {};
    },
    async outcome(id) {
      try {
        const { state, refusal, transaction } = await client.status(id);
        if (state === "refused" || state === "expired")
          return { state: "over", rule: refusal?.rule ?? `relayer.${state}` };
        if (state === "mined" || state === "final")
          return { state: "mined", ...(transaction === undefined ? {} : { transaction }) };
        return { state: "pending" };
      } catch (error) {
        if (error instanceof SolvusError && error.rule === "relayer.unknown")
          return { state: "over", rule: error.rule };
        throw error;
      }
    },
  };
}
