import { type Groth16Proof, groth16 } from "snarkjs";
import { FIELD_ORDER } from "./constants.ts";
import { holdCurve } from "./curve.ts";
import { ensure } from "./errors.ts";
import type { VerifyingKey } from "./verifyingKey.ts";

/** Order of the field in which points have their coordinates. */
export const BASE_FIELD_ORDER =
  21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** A proof in the contracts' order: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y. */
export type ProofWords = readonly bigint[];
export const PROOF_WORDS = 8;

/** A proof in the contracts' order as snarkjs takes it. Throws `proof.words` unless there are eight words below the field's order. */
export function fromProofWords(words: ProofWords): Groth16Proof {
  ensure(
    words.length === PROOF_WORDS,
    "proof.words",
    `proof: got ${words.length} words, expected ${PROOF_WORDS}`,
  );
  for (const [index, word] of words.entries()) {
    ensure(
      word >= 0n && word < BASE_FIELD_ORDER,
      "proof.words",
      `proof word ${index}: got ${word}, expected a coordinate below the order of the base field`,
    );
  }
  const [ax, ay, bxIm, bxRe, byIm, byRe, cx, cy] = words.map(String) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    pi_a: [ax, ay, "1"],
    pi_b: [
      [bxRe, bxIm],
      [byRe, byIm],
      ["1", "0"],
    ],
    pi_c: [cx, cy, "1"],
    protocol: "groth16",
    curve: "bn128",
  };
}

/** Operations on G2 that the subgroup check needs. */
interface G2Group {
  fromObject(point: readonly (readonly bigint[])[]): Uint8Array;
  timesScalar(point: Uint8Array, scalar: bigint): Uint8Array;
  isZero(point: Uint8Array): boolean;
  isValid(point: Uint8Array): boolean;
}

/**
 * Whether a Groth16 proof shows its statement under a key.
 *
 * False as well for what snarkjs alone would not refuse: another number of public signals than the key's, a signal of r or more, a
 * coordinate of q or more, and a point b outside of the subgroup.
 */
export async function verifyProof(
  key: VerifyingKey,
  proof: ProofWords,
  publicSignals: readonly bigint[],
): Promise<boolean> {
  if (publicSignals.length !== key.nPublic || key.IC.length !== key.nPublic + 1) return false;
  if (publicSignals.some((signal) => signal < 0n || signal >= FIELD_ORDER)) return false;
  if (proof.length !== PROOF_WORDS || proof.some((word) => word < 0n || word >= BASE_FIELD_ORDER))
    return false;
  const hold = await holdCurve();
  try {
    const G2 = hold.curve.G2 as unknown as G2Group;
    const [, , bxIm, bxRe, byIm, byRe] = proof as [bigint, bigint, bigint, bigint, bigint, bigint];
    const b = G2.fromObject([
      [bxRe, bxIm],
      [byRe, byIm],
      [1n, 0n],
    ]);
    if (!G2.isValid(b) || !G2.isZero(G2.timesScalar(b, FIELD_ORDER))) return false;
    return await groth16.verify(key as never, publicSignals.map(String), fromProofWords(proof));
  } finally {
    await hold.release();
  }
}
