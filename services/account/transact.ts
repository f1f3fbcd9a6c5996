import type { Contract, Signer, TransactionReceipt } from "ethers";
import { NOBODY, proofContext, type Terms } from "../../contracts/signing.ts";
import { type Transition as ProvenTransition, TIER } from "../../contracts/statements.ts";
import { readLedger } from "../../protocol/chain.ts";
import { ensure } from "../../protocol/errors.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import {
  checkTransition,
  computeTransition,
  type Transition,
  type TransitionRequest,
} from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import { type Account, requireInserted } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { chainTime, type Deployed } from "../chain/deployment.ts";
import { PROOF_LIFETIME } from "./open.ts";

/** A transition that asks for nothing; requests override what they want. */
export const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** What a transition is proven against. */
export interface Setting {
  snapshot: Snapshot;
  /** Undefined when the registry is open. */
  registry?: Registry;
  /** Funds a deposit: the sender of the transaction. */
  payer?: string;
  /** Receives a withdrawal. */
  recipient?: string;
  /** Alone may submit, and earns the fee; anybody by default. */
  relayer?: string;
  /** Unix seconds of the chain; an hour from now by default. */
  deadline?: bigint;
}

/** A transition ready to prove: what the owner will have, and the statement with its terms. */
export interface PreparedTransition {
  transition: Transition;
  statement: ReturnType<typeof prepareTransition>;
  terms: Terms;
}

/** A proven transition as the ledger takes it, and what it makes of the account. */
export interface ReadyTransition {
  transition: Transition;
  proven: ProvenTransition;
  proveSeconds: number;
}

/**
 * Computes what a request makes of an account and prepares the statement. With `unchecked` the rules are not applied, so that the
 * circuit is the one to refuse. Throws `transition.*`, `account.pending`.
 */
export async function prepare(
  deployed: Deployed,
  account: Account,
  request: TransitionRequest,
  setting: Setting,
  unchecked = false,
): Promise<PreparedTransition> {
  const { snapshot, registry, payer = NOBODY, recipient = NOBODY, relayer = NOBODY } = setting;
  const { chain } = deployed;
  const computed = computeTransition(account.note, account.leafIndex, snapshot, request);
  const transition = unchecked ? computed : checkTransition(computed, snapshot);
  requireInserted(account);
  const { tree } = (await readLedger(chain)).history;
  const deadline = setting.deadline ?? BigInt((await chainTime(deployed)) + PROOF_LIFETIME);
  const terms: Terms = { payer, recipient, relayer, deadline };
  const statement = prepareTransition(transition, snapshot, {
    spendSecret: account.secrets.spendSecret,
    state: { root: tree.root, path: tree.path(account.leafIndex) },
    ...(registry === undefined ? {} : { registry }),
    context: proofContext(chain.chainId, chain.ledger, terms),
  });
  return { transition, statement, terms };
}

/** Proves a request's transition. Throws what {@link prepare} and the prover throw. */
export async function proveTransition(
  deployed: Deployed,
  prover: Prover,
  account: Account,
  request: TransitionRequest,
  setting: Setting,
): Promise<ReadyTransition> {
  const { transition, statement, terms } = await prepare(deployed, account, request, setting);
  const start = performance.now();
  const { proof } = await prover.prove(statement);
  const proveSeconds = (performance.now() - start) / 1000;
  const { context: _, ...signals } = statement.signals;
  const tier = TIER[statement.tier.name];
  return { transition, proven: { tier, proof, signals, terms, payerSignature: "0x" }, proveSeconds };
}

/** Submits a transition that is not a trade. */
export async function submit(
  { ledger }: Deployed,
  sender: Signer,
  proven: ProvenTransition,
): Promise<TransactionReceipt> {
  return (await (ledger.connect(sender) as Contract).submit(proven)).wait();
}

/**
 * Submits the two halves of a trade. Throws `trade.payer` when the sender would pay the deposit of one: the ledger asks whoever sends for no
 * signature, so that a counterparty could name him in its half and take what he has ever allowed the ledger.
 */
export async function submitTrade(
  { ledger }: Deployed,
  sender: Signer,
  first: ProvenTransition,
  second: ProvenTransition,
): Promise<TransactionReceipt> {
  const address = await sender.getAddress();
  for (const { signals, terms } of [first, second]) {
    ensure(
      signals.deposit === 0n || BigInt(terms.payer) !== BigInt(address),
      "trade.payer",
      `half of side ${signals.side}: deposits ${signals.deposit} units of asset ${signals.asset} of the sender's own money, expected a half without a deposit of ${address}`,
    );
  }
  return (await (ledger.connect(sender) as Contract).submitTrade(first, second)).wait();
}

/** Lets a contract take `units` smallest units of a token from the sender, unless it may already. */
export async function approve(
  spender: Contract,
  sender: Signer,
  token: Contract,
  units: bigint,
): Promise<void> {
  const owner = await sender.getAddress();
  const address = await spender.getAddress();
  if ((await token.allowance(owner, address)) >= units) return;
  await (await (token.connect(sender) as Contract).approve(address, units)).wait();
}
