import { bn254 } from "@noble/curves/bn254";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { type Item, inputCountOf } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";
import {
  g1Words,
  inputPoint,
  isOnCurve,
  type KeyPoints,
  Q,
  R,
  times,
  twistPoint,
  twistRightSide,
  twistWords,
  type Verdict,
} from "./equation.ts";

/*
 * What somebody may do to a valid proof and its public signals, each with what becomes of it. Some of it leaves the proof valid: Groth16 proofs
 * can be made over, which is why nothing may rest on a proof's bytes.
 */

const { Fp, Fp2 } = bn254.fields;
const G1 = bn254.G1.ProjectivePoint;
const G2 = bn254.G2.ProjectivePoint;
const LIMIT = 2n ** 256n;
const [A, B, C] = [0, 2, 6];

/** Number of points of the twist: the cofactor times r. 10069 divides the cofactor. */
const TWIST_ORDER = bn254.G2.CURVE.h * R;
const SMALL_ORDER = 10069n;

export interface Attack {
  /** What the equation says afterwards. */
  verdict: Verdict;
  /** snarkjs' contract accepts it all the same. */
  snarkjsAccepts?: true;
  apply(item: Item, random: Random, keys: Record<CircuitName, KeyPoints>): Item;
}

const withProof = (item: Item, start: number, words: readonly bigint[]): Item => ({
  ...item,
  proof: item.proof.toSpliced(start, words.length, ...words),
});
const place = (random: Random, length: number): number => Number(random.between(0n, BigInt(length - 1)));
const scalar = (random: Random): bigint => random.between(2n, 2n ** 120n);
const pointA = ({ proof }: Item) => G1.fromAffine({ x: proof[A] as bigint, y: proof[A + 1] as bigint });
const pointC = ({ proof }: Item) => G1.fromAffine({ x: proof[C] as bigint, y: proof[C + 1] as bigint });
const pointB = ({ proof }: Item) => twistPoint(proof.slice(B, C)) as InstanceType<typeof G2>;
const negatedY = (item: Item, at: number): bigint => (Q - (item.proof[at] as bigint)) % Q;

/** A random point of the twist; that it should lie in the subgroup has a chance of 2^-254. */
function strayTwistPoint(random: Random): InstanceType<typeof G2> {
  for (;;) {
    const x = Fp2.fromBigTuple([random.between(0n, Q - 1n), random.between(0n, Q - 1n)]);
    try {
      return G2.fromAffine({ x, y: Fp2.sqrt(twistRightSide(x)) });
    } catch {
      // No square: half of all x belong to no point.
    }
  }
}

/** A point of the twist of order 10069: the pairing cannot tell B from B and this, unless the subgroup is checked. */
function smallTwistPoint(random: Random): InstanceType<typeof G2> {
  for (;;) {
    const point = times(strayTwistPoint(random), TWIST_ORDER / SMALL_ORDER, G2.ZERO);
    if (!point.equals(G2.ZERO)) return point as InstanceType<typeof G2>;
  }
}

/** A pair of coordinates that is no point of G1. */
function strayPair(random: Random): [bigint, bigint] {
  for (;;) {
    const pair: [bigint, bigint] = [random.between(1n, Q - 1n), random.between(1n, Q - 1n)];
    if (!isOnCurve(...pair)) return pair;
  }
}

/** Signals in another circuit's number: cut, or filled up with zeros. */
const fitted = (inputs: readonly bigint[], count: number): bigint[] =>
  Array.from({ length: count }, (_, index) => inputs[index] ?? 0n);

const withInput = (item: Item, random: Random, change: (input: bigint) => bigint): Item => {
  const index = place(random, item.inputs.length);
  return { ...item, inputs: item.inputs.with(index, change(item.inputs[index] as bigint)) };
};

const FIELD = "coordinate outside the field";
const SIGNAL = "signal outside the field";

export const ATTACKS: Record<string, Attack> = {
  nothing: { verdict: "valid", apply: (item) => item },

  // Valid proofs made over.
  "A and B negated": {
    verdict: "valid",
    apply: (item) =>
      withProof(withProof(item, A + 1, [negatedY(item, 1)]), B + 2, [negatedY(item, 4), negatedY(item, 5)]),
  },
  "A multiplied and B divided by a number": {
    verdict: "valid",
    apply: (item, random) => {
      const factor = scalar(random);
      const b = times(pointB(item), bn254.fields.Fr.inv(factor), G2.ZERO) as InstanceType<typeof G2>;
      return withProof(withProof(item, A, g1Words(pointA(item).multiply(factor))), B, twistWords(b));
    },
  },
  "a multiple of delta added to B, of A to C": {
    verdict: "valid",
    apply: (item, random, keys) => {
      const factor = scalar(random);
      const b = pointB(item).add(keys[item.circuit].delta.multiply(factor));
      const c = pointC(item).add(pointA(item).multiply(factor));
      return withProof(withProof(item, B, twistWords(b)), C, g1Words(c));
    },
  },
  "alpha, beta and −L / delta in a proof's place without the secret": {
    verdict: "equation",
    apply: (item, _, keys) => {
      const { alpha, beta, ic } = keys[item.circuit];
      const c = inputPoint(ic, item.inputs).negate();
      return { ...item, proof: [...g1Words(alpha), ...twistWords(beta), ...g1Words(c)] };
    },
  },

  // Points of the right groups that are the wrong points.
  "A negated": {
    verdict: "equation",
    apply: (item) => withProof(item, A + 1, [negatedY(item, A + 1)]),
  },
  "B negated": {
    verdict: "equation",
    apply: (item) => withProof(item, B + 2, [negatedY(item, B + 2), negatedY(item, B + 3)]),
  },
  "C negated": {
    verdict: "equation",
    apply: (item) => withProof(item, C + 1, [negatedY(item, C + 1)]),
  },
  "A and C exchanged": {
    verdict: "equation",
    apply: (item) => withProof(withProof(item, A, item.proof.slice(C)), C, item.proof.slice(A, B)),
  },
  "A doubled": {
    verdict: "equation",
    apply: (item) => withProof(item, A, g1Words(pointA(item).double())),
  },
  "B doubled": {
    verdict: "equation",
    apply: (item) => withProof(item, B, twistWords(pointB(item).double())),
  },
  "a random point for C": {
    verdict: "equation",
    apply: (item, random) => withProof(item, C, g1Words(G1.BASE.multiply(scalar(random)))),
  },

  // The point at infinity.
  "A at infinity": { verdict: "equation", apply: (item) => withProof(item, A, [0n, 0n]) },
  "B at infinity": { verdict: "equation", apply: (item) => withProof(item, B, [0n, 0n, 0n, 0n]) },
  "C at infinity": { verdict: "equation", apply: (item) => withProof(item, C, [0n, 0n]) },
  "all points at infinity": {
    verdict: "equation",
    apply: (item) => ({ ...item, proof: Array<bigint>(8).fill(0n) }),
  },
  "all points at infinity, all signals 0": {
    verdict: "equation",
    apply: (item) => ({ ...item, proof: Array<bigint>(8).fill(0n), inputs: item.inputs.map(() => 0n) }),
  },
  "(0, q) for infinity": { verdict: FIELD, apply: (item) => withProof(item, A, [0n, Q]) },
  "x = 0 alone in A": { verdict: "A off the curve", apply: (item) => withProof(item, A, [0n]) },
  "y = 0 alone in C": { verdict: "C off the curve", apply: (item) => withProof(item, C + 1, [0n]) },

  // Coordinates outside the field.
  "a coordinate raised by q": {
    verdict: FIELD,
    apply: (item, random) => {
      const index = place(random, 8);
      return withProof(item, index, [(item.proof[index] as bigint) + Q]);
    },
  },
  "a coordinate raised by a multiple of q": {
    verdict: FIELD,
    apply: (item, random) => {
      const index = place(random, 8);
      return withProof(item, index, [(item.proof[index] as bigint) + random.between(1n, 4n) * Q]);
    },
  },
  "a coordinate of q": { verdict: FIELD, apply: (item, random) => withProof(item, place(random, 8), [Q]) },
  "a coordinate of all ones": {
    verdict: FIELD,
    apply: (item, random) => withProof(item, place(random, 8), [LIMIT - 1n]),
  },
  "A's y in the form that snarkjs' contract reduces to −y": {
    verdict: FIELD,
    snarkjsAccepts: true,
    apply: (item, random) => {
      const alias = ((item.proof[A + 1] as bigint) + LIMIT) % Q;
      return withProof(item, A + 1, [alias + random.between(1n, 4n) * Q]);
    },
  },

  // Points off the curves and off the subgroup.
  "A off the curve": {
    verdict: "A off the curve",
    apply: (item, random) => withProof(item, A, strayPair(random)),
  },
  "C off the curve": {
    verdict: "C off the curve",
    apply: (item, random) => withProof(item, C, strayPair(random)),
  },
  "a coordinate of A raised by one": {
    verdict: "A off the curve",
    apply: (item, random) => {
      const index = A + place(random, 2);
      return withProof(item, index, [Fp.add(item.proof[index] as bigint, 1n)]);
    },
  },
  "a coordinate of B raised by one": {
    verdict: "B off the twist",
    apply: (item, random) => {
      const index = B + place(random, 4);
      return withProof(item, index, [Fp.add(item.proof[index] as bigint, 1n)]);
    },
  },
  "real and imaginary parts of B exchanged": {
    verdict: "B off the twist",
    apply: (item) => {
      const [xIm, xRe, yIm, yRe] = item.proof.slice(B, C) as [bigint, bigint, bigint, bigint];
      return withProof(item, B, [xRe, xIm, yRe, yIm]);
    },
  },
  "B anywhere on the twist": {
    verdict: "B outside the subgroup",
    apply: (item, random) => withProof(item, B, twistWords(strayTwistPoint(random))),
  },
  "a point of order 10069 for B": {
    verdict: "B outside the subgroup",
    apply: (item, random) => withProof(item, B, twistWords(smallTwistPoint(random))),
  },
  "a point of order 10069 added to B": {
    verdict: "B outside the subgroup",
    apply: (item, random) => withProof(item, B, twistWords(pointB(item).add(smallTwistPoint(random)))),
  },
  "B anywhere on the twist beside A at infinity": {
    verdict: "B outside the subgroup",
    apply: (item, random) => withProof(withProof(item, A, [0n, 0n]), B, twistWords(strayTwistPoint(random))),
  },

  // Public signals.
  "a signal raised by one": {
    verdict: "equation",
    apply: (item, random) => withInput(item, random, (input) => (input + 1n) % R),
  },
  "a signal negated, or 1 for 0": {
    verdict: "equation",
    apply: (item, random) => withInput(item, random, (input) => (input === 0n ? 1n : R - input)),
  },
  "a signal raised by a multiple of r": {
    verdict: SIGNAL,
    apply: (item, random) => withInput(item, random, (input) => input + random.between(1n, 4n) * R),
  },
  "a signal of r": { verdict: SIGNAL, apply: (item, random) => withInput(item, random, () => R) },
  "a signal of q": { verdict: SIGNAL, apply: (item, random) => withInput(item, random, () => Q) },
  "a signal of all ones": {
    verdict: SIGNAL,
    apply: (item, random) => withInput(item, random, () => LIMIT - 1n),
  },
  "two signals exchanged, or one of two equal ones raised": {
    verdict: "equation",
    apply: (item, random) => {
      const one = place(random, item.inputs.length - 1);
      const [first, second] = item.inputs.slice(one, one + 2) as [bigint, bigint];
      return {
        ...item,
        inputs: item.inputs.with(one, second).with(one + 1, first === second ? (first + 1n) % R : first),
      };
    },
  },
  "the signals moved on by one": {
    verdict: "equation",
    apply: (item) => ({ ...item, inputs: [...item.inputs.slice(1), item.inputs[0] as bigint] }),
  },

  // Keys.
  "another circuit's key": {
    verdict: "equation",
    apply: (item, random) => {
      const circuit = random.pick(CIRCUITS.filter((name) => name !== item.circuit));
      return { ...item, circuit, inputs: fitted(item.inputs, inputCountOf(circuit)) };
    },
  },
  "the other tier's key, or another's where there is one tier": {
    verdict: "equation",
    apply: (item, random) => {
      const count = item.inputs.length;
      const others = CIRCUITS.filter((name) => name !== item.circuit);
      const alike = others.filter((name) => inputCountOf(name) === count);
      const circuit = random.pick(alike.length > 0 ? alike : others);
      return { ...item, circuit, inputs: fitted(item.inputs, inputCountOf(circuit)) };
    },
  },
};
