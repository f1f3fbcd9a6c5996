import type { Signer } from "ethers";
import { signDeposit } from "../../contracts/signing.ts";
import { MODE } from "../../protocol/constants.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { commitmentOf } from "../../protocol/note.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import type { Account } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { NOTHING, proveTransition } from "../account/transact.ts";
import { chainTime, type Deployed } from "../chain/deployment.ts";
import type { Sending } from "../keeper/send.ts";
import { relayerClient } from "../relayer/client.ts";
import type { Attempt, GuardRecord, TopUp } from "./record.ts";
import { mayPayFee } from "./topUpAmount.ts";

/** Stages of a top-up, in order: it is written down, its proof is made, that is written down, it is handed over. */
export type TopUpStage = "planned" | "proven" | "recorded" | "submitted";

export interface Paying {
  deployed: Deployed;
  prover: Prover;
  /** Pays deposit and gas. */
  payer: Signer;
  /** Sends the payer's transactions. */
  sending: Sending;
  /** URL of the relayer that submits; without one the payer sends. */
  relayer?: string;
  registry(): Promise<Registry | undefined>;
  record: GuardRecord;
  stage(name: TopUpStage): Promise<void>;
}

/** Seconds of the chain's time for which an attempt can land. */
const LIFETIME = 600;

/** A relayer that does not answer is asked again for this long. */
const PATIENCE_MS = 15_000;
const clientOf = (url: string) => relayerClient(url, { patienceMs: PATIENCE_MS });

/** What a relayer asks for a transition, micro-USDC; nothing without one. */
export async function feeOf(relayer: string | undefined): Promise<{ fee: bigint; address?: string }> {
  if (relayer === undefined) return { fee: 0n };
  const { fees, relayer: address } = await clientOf(relayer).quote();
  return { fee: fees.transition, address };
}

/** Lets the ledger take an amount from the payer, unless it may already. */
async function allow({ deployed, payer, sending }: Paying, amount: bigint): Promise<void> {
  const { usdc, deployment } = deployed;
  const allowed: bigint = await usdc.allowance(await payer.getAddress(), deployment.ledger);
  if (allowed < amount) await sending.send(usdc, "approve", [deployment.ledger, amount]);
}

/**
 * Proves the deposit of a planned top-up on the present snapshot and hands it to the relayer, or to the ledger without one and where the
 * rules admit no fee. What could land is in the record before anybody else has it. Throws what refuses it, which the record then says;
 * whether it landed, the chain tells (`resolveTopUps`).
 */
export async function attemptTopUp(
  paying: Paying,
  account: Account,
  snapshot: MarketSnapshot,
  topUp: TopUp,
  asked: { fee: bigint; address?: string },
): Promise<{ proveSeconds: number; transaction?: string; submission?: string }> {
  const { deployed, prover, payer, sending, record } = paying;
  const { netCash } = standingOf(account.note, snapshot);
  const { debtLimit } = snapshot;
  const isRelayed = mayPayFee({ netCash, debtLimit }, { deposit: topUp.amount, fee: asked.fee });
  const { fee, address, relayer } = isRelayed
    ? { ...asked, relayer: paying.relayer }
    : { fee: 0n, address: undefined, relayer: undefined };
  const deadline = BigInt((await chainTime(deployed)) + LIFETIME);
  // Reduce-only is admitted in an emergency too, and asks nothing more of a deposit.
  const request = { ...NOTHING, mode: MODE.reduceOnly, deposit: topUp.amount, fee };
  const registry = await paying.registry();
  const { transition, proven, proveSeconds } = await proveTransition(deployed, prover, account, request, {
    snapshot,
    deadline,
    payer: await payer.getAddress(),
    ...(registry === undefined ? {} : { registry }),
    ...(address === undefined ? {} : { relayer: address }),
  });
  await paying.stage("proven");
  ensure(
    transition.nullifier === topUp.nullifier,
    "guard.moved",
    "account: its note has changed since the top-up was planned, expected the same",
  );
  const attempt: Attempt = { commitment: commitmentOf(transition.after), deadline };
  topUp.attempts.push(attempt);
  record.save();
  await paying.stage("recorded");
  try {
    await allow(paying, topUp.amount);
    if (relayer === undefined) {
      const { hash } = await sending.send(deployed.ledger, "submit", [proven]);
      await paying.stage("submitted");
      return { proveSeconds, transaction: hash };
    }
    const { chainId, ledger } = deployed.chain;
    const { nullifier, commitment } = proven.signals;
    const authorization = { nullifier, commitment, asset: 0n, amount: topUp.amount, deadline };
    const payerSignature = await signDeposit(payer, chainId, ledger, authorization);
    const item = { kind: "transition", transition: { ...proven, payerSignature } } as const;
    const { id } = await clientOf(relayer).submit(item);
    attempt.submission = id;
    record.save();
    await paying.stage("submitted");
    return { proveSeconds, submission: id };
  } catch (error) {
    if (error instanceof SolvusError) {
      attempt.refused = error.rule;
      record.save();
    }
    throw error;
  }
}

/**
 * Whether an open top-up needs another attempt: none was made, the last was refused, its time is over, or the relayer has given it up. An
 * attempt that was not answered (the process ended there) is repeated: both spend one note.
 */
export async function needsAttempt(topUp: TopUp, relayer: string | undefined, now: bigint): Promise<boolean> {
  const last = topUp.attempts.at(-1);
  if (last === undefined || last.refused !== undefined || last.deadline < now) return true;
  if (last.submission === undefined || relayer === undefined) return true;
  try {
    const { state, refusal } = await clientOf(relayer).status(last.submission);
    if (state !== "refused" && state !== "expired") return false;
    last.refused = refusal?.rule ?? `relayer.${state}`;
    return true;
  } catch (error) {
    return error instanceof SolvusError && error.rule === "relayer.unknown";
  }
}
