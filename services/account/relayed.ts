import type { Signer } from "ethers";
import { getAddress } from "ethers";
import { signDeposit } from "../../contracts/signing.ts";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { ensure } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
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

/** The terms of a relayer's quote. Throws `relayer.ledger` when it serves another ledger, `relayer.fee` when it asks for more than can be paid. */
export async function relayedTerms(
  relayer: Pick<RelayerClient, "quote">,
  { chain }: Pick<Deployed, "chain">,
): Promise<RelayedTerms> {
  const { chainId, ledger, relayer: address, fees } = await relayer.quote();
  ensure(
    chainId === chain.chainId && getAddress(ledger) === getAddress(chain.ledger),
    "relayer.ledger",
    `relayer: serves ledger ${ledger} on chain ${chainId}, expected ${chain.ledger} on ${chain.chainId}`,
  );
  ensure(
    fees.transition <= FEE_CAP,
    "relayer.fee",
    `relayer's fee: ${fees.transition} micro-USDC, expected at most ${FEE_CAP}`,
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

/** Hands an item to a relayer and waits until it is on the chain. Throws the relayer's refusal, `relayer.timeout`. */
export async function relay(
  relayer: Pick<RelayerClient, "submit" | "wait">,
  item: Item,
  timeoutMs?: number,
): Promise<Relayed> {
  const { id } = await relayer.submit(item);
  return relayer.wait(id, ["mined", "final"], timeoutMs);
}
