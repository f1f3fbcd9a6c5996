import { verifyTypedData } from "ethers";
import { DEPOSIT_TYPES, ledgerDomain } from "../../contracts/signing.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Item } from "./items.ts";
import type { Refusal } from "./refusals.ts";

/**
 * Why a relayer does not send an item: a deposit that the relayer's own address would pay without having signed it. The ledger asks whoever
 * sends a transition himself for no signature, so that anybody could otherwise spend what that address has ever allowed the ledger to take.
 */
export function refusalOfPayer({ chain }: Deployed, sender: string, item: Item): Refusal | undefined {
  if (item.kind !== "transition") return undefined;
  const { signals, terms, payerSignature } = item.transition;
  if (signals.deposit === 0n || BigInt(terms.payer) !== BigInt(sender)) return undefined;
  const { nullifier, commitment, asset, deposit: amount } = signals;
  const deposit = { nullifier, commitment, asset, amount, deadline: terms.deadline };
  try {
    const domain = ledgerDomain(chain.chainId, chain.ledger);
    if (verifyTypedData(domain, DEPOSIT_TYPES, deposit, payerSignature) === sender) return undefined;
  } catch {
    // What is no signature is nobody's.
  }
  return {
    rule: "relayer.payer",
    message: `terms.payer is ${sender}, this relayer, which did not sign the deposit; expected whose money it is`,
  };
}
