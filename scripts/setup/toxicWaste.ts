import { createHash } from "node:crypto";
import { FIELD_ORDER } from "../../protocol/constants.ts";

/**
 * The public origin of every development key. Whoever reads it can forge proofs against these keys: that is its purpose, development
 * keys must never look safe. Contracts refuse them on any chain that is not a local one.
 */
export const DEVELOPMENT_SEED = "Solvus development keys: PUBLIC TOXIC WASTE, anybody can forge proofs";

/** The secrets of a Groth16 set-up; gamma is 1, as in every key that snarkjs makes. */
export interface ToxicWaste {
  tau: bigint;
  alpha: bigint;
  beta: bigint;
  delta: bigint;
}

/** A field element, not 0, from the seed and a label. 512 bits are reduced, so the result is uniform to within 2^-250. */
function derive(label: string): bigint {
  const digest = createHash("sha512").update(`${DEVELOPMENT_SEED}\n${label}`).digest("hex");
  return (BigInt(`0x${digest}`) % (FIELD_ORDER - 1n)) + 1n;
}

/** Waste of one circuit: tau, alpha and beta are the same for all circuits, so that a batch verifier can merge their terms. */
export function developmentWaste(circuit: string): ToxicWaste {
  return {
    tau: derive("tau"),
    alpha: derive("alpha"),
    beta: derive("beta"),
    delta: derive(`delta ${circuit}`),
  };
}

/** The 64 bytes that stand in a development key's place for the transcript hash of a ceremony. */
export function developmentMarker(): Uint8Array {
  return createHash("sha512").update(DEVELOPMENT_SEED).digest();
}
