import { setTimeout as sleep } from "node:timers/promises";
import type { Signer } from "ethers";
import { getAddress } from "ethers";
import { signDeposit } from "../../contracts/signing.ts";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { ensure } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { findApplied } from "../relayer/applied.ts";
import type { RelayerClient } from "../relayer/client.ts";
import type { Item } from "../relayer/items.ts";

/*
 * What an owner does through a relayer: names it in the terms, so that it alone can submit and earns the fee, and waits for the result. An
 * owner who deposits signs for it, since somebody else sends.
 */

/** What a relayer asks for, checked against what the owner knows. */
export interface RelayedTerms {
  /** Address to name in the terms. */
  relayer: string;
  /** Micro-USDC of a transition. */
  fee: bigint;
}

/** Most micro-USDC that the ledger lets a relayer take. */
const FEE_CAP = 5_000_000n;

/**
 * The terms of a relayer's quote. Throws `relayer.ledger` when it serves another ledger, `relayer.fee` when it asks for more than `mostFee`, micro-USDC:
 * what the owner is willing to pay, or all that can be paid.
 */
export async function relayedTerms(
  relayer: Pick<RelayerClient, "quote">,
  { chain }: Pick<Deployed, "chain">,
  mostFee = FEE_CAP,
): Promise<RelayedTerms> {
  const { chainId, ledger, relayer: address, fees } = await relayer.quote();
  ensure(
    chainId === chain.chainId && getAddress(ledger) === getAddress(chain.ledger),
    "relayer.ledger",
    `relayer: serves ledger ${ledger} on chain ${chainId}, expected ${chain.ledger} on ${chain.chainId}`,
  );
  ensure(
    fees.transition <= mostFee && fees.transition <= FEE_CAP,
    "relayer.fee",
    `relayer's fee: ${fees.transition} micro-USDC, expected at most ${mostFee < FEE_CAP ? mostFee : FEE_CAP}`,
  );
  return { relayer: address, fee: fees.transition };
}

/** A proven deposit with the signature of its payer, which lets somebody else submit it. */
export async function withPayerSignature(
  { chain }: Pick<Deployed, "chain">,
  payer: Signer,
  proven: ProvenTransition,
): Promise<ProvenTransition> {
  const { nullifier, commitment, asset, deposit: amount } = proven.signals;
  const { deadline } = proven.terms;
  const authorization = { nullifier, commitment, asset, amount, deadline };
  const payerSignature = await signDeposit(payer, chain.chainId, chain.ledger, authorization);
  return { ...proven, payerSignature };
}

/** What a relayer says of a submission that is on the chain. */
export type Relayed = Awaited<ReturnType<RelayerClient["wait"]>>;

/** How long the chain is looked at for what a relayer says is there: nodes differ. */
const SEEN_MS = 30_000;
const LOOK_MS = 500;

/**
 * Waits until the ledger itself shows an item that a relayer says is on the chain, whose word costs it nothing. `absentAt` is a height at
 * which it was not there. Throws `relayer.notOnChain`.
 */
export async function requireOnChain(
  deployed: Deployed,
  item: Item,
  absentAt: number,
  seenMs = SEEN_MS,
): Promise<void> {
  const within = <T>(question: () => Promise<T>): Promise<T> => question();
  const until = performance.now() + seenMs;
  while ((await findApplied({ deployed, within }, item, absentAt)) === undefined) {
    ensure(
      performance.now() < until,
      "relayer.notOnChain",
      "item: on the chain as the relayer says, expected the ledger's event of it; look at the account before you prove anew",
    );
    await sleep(LOOK_MS);
  }
}

/**
 * Hands an item to a relayer and waits until it is on the chain, by the relayer's word and then by the ledger's own. Throws the relayer's refusal,
 * `relayer.timeout`, `relayer.notOnChain`.
 */
export async function relay(
  relayer: Pick<RelayerClient, "submit" | "wait">,
  deployed: Deployed,
  item: Item,
  patience: { minedMs?: number; seenMs?: number } = {},
): Promise<Relayed> {
  const before = await deployed.provider.getBlockNumber();
  const { id } = await relayer.submit(item);
  const relayed = await relayer.wait(id, ["mined", "final"], patience.minedMs);
  await requireOnChain(deployed, item, before, patience.seenMs);
  return relayed;
}
