import { proofContext } from "../../contracts/signing.ts";
import {
  type CircuitName,
  liquidationInputs,
  openInputs,
  transitionInputs,
} from "../../contracts/statements.ts";
import { CIRCUIT_PLACES, type CircuitPlaces, readPinnedKey } from "../../protocol/circuitFiles.ts";
import { holdCurve } from "../../protocol/curve.ts";
import { ensure } from "../../protocol/errors.ts";
import { verifyProof } from "../../protocol/groth16.ts";
import { type VerifyingKey, verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import type { Deployed } from "../chain/deployment.ts";
import { contentOf, type Item } from "./items.ts";

/** Says whether an item's proof shows its statement on the ledger. */
export type ProofCheck = (item: Item) => Promise<boolean>;

const CHECKED: readonly CircuitName[] = [
  "open",
  "transition.small",
  "transition.large",
  "liquidation.small",
  "liquidation.large",
];

/** The circuit that an item was proven with. */
export function circuitOf(item: Item): CircuitName {
  if (item.kind === "opening") return "open";
  const { tier } = item.kind === "transition" ? item.transition : item.takeOver;
  const size = tier === 0n ? "small" : "large";
  return item.kind === "transition" ? `transition.${size}` : `liquidation.${size}`;
}

/** Gives all public signals of an item, in order, as the ledger puts them together. */
export async function signalsOn({ chain, auction }: Deployed): Promise<(item: Item) => bigint[]> {
  const [committeeKey, restoration] = await Promise.all([chain.committeeKey(), auction.restoration()]);
  return (item) => {
    const context = proofContext(chain.chainId, chain.ledger, contentOf(item).terms);
    if (item.kind === "opening") return openInputs(item.opening.signals, committeeKey, context);
    if (item.kind === "transition") return transitionInputs(item.transition.signals, context);
    return liquidationInputs(item.takeOver.signals, restoration, context);
  };
}

/**
 * Checks proofs in this process, on snarkjs's own threads, with the keys that the manifest pins. Throws `setup.*` without them, and
 * `relayer.ledgerKey` when the ledger checks with others: nothing would be accepted for the right reason.
 */
export async function makeProofCheck(
  deployed: Deployed,
  places: CircuitPlaces = CIRCUIT_PLACES,
): Promise<{ verify: ProofCheck; stop(): Promise<void> }> {
  const keys = new Map<CircuitName, VerifyingKey>();
  for (const circuit of CHECKED) {
    const key = await readPinnedKey(circuit, places);
    const [onChain, pinned] = [await deployed.chain.keyHash(circuit), verifyingKeyHash(key)];
    ensure(
      onChain.toLowerCase() === pinned,
      "relayer.ledgerKey",
      `key of ${circuit}: the ledger has hash ${onChain}, expected ${pinned} as the manifest says`,
    );
    keys.set(circuit, key);
  }
  const signalsOf = await signalsOn(deployed);
  const hold = await holdCurve();
  return {
    verify: (item) =>
      verifyProof(keys.get(circuitOf(item)) as VerifyingKey, contentOf(item).proof, signalsOf(item)),
    stop: () => hold.release(),
  };
}
