import type { ProjPointType } from "@noble/curves/abstract/weierstrass";
import { bn254 } from "@noble/curves/bn254";
import type { VerifyingKey } from "../../protocol/verifyingKey.ts";

/*
 * Groth16's equation worked out a third time: from the snarkjs form of a key, with the pairing of @noble/curves, and with every condition on
 * fields, curves and the subgroup written out here. It shares no code with the contracts, with the precompiles or with snarkjs.
 */

const { Fp, Fp2, Fp12, Fr } = bn254.fields;
const G1 = bn254.G1.ProjectivePoint;
const G2 = bn254.G2.ProjectivePoint;
type G1Point = InstanceType<typeof G1>;
type G2Point = InstanceType<typeof G2>;
type Fp2Element = ReturnType<typeof Fp2.create>;

/** Order of the field of coordinates (q) and of public signals (r). */
export const Q = Fp.ORDER;
export const R = Fr.ORDER;

/** y² = x³ + 3 on G1's curve, y² = x³ + 3/(9 + u) on the twist. */
const TWIST_B = Fp2.div(Fp2.fromBigTuple([3n, 0n]), Fp2.fromBigTuple([9n, 1n]));

/** Why a proof is refused, by the first condition that it misses; `valid` when it misses none. */
export type Verdict =
  | "number of signals"
  | "signal outside the field"
  | "coordinate outside the field"
  | "A off the curve"
  | "B off the twist"
  | "B outside the subgroup"
  | "C off the curve"
  | "equation"
  | "valid";

export const isOnCurve = (x: bigint, y: bigint): boolean =>
  Fp.eql(Fp.sqr(y), Fp.add(Fp.mul(Fp.sqr(x), x), 3n));

export const twistRightSide = (x: Fp2Element): Fp2Element => Fp2.add(Fp2.mul(Fp2.sqr(x), x), TWIST_B);

/** scalar·point by doubling and adding, for points of any order. */
export function times<T>(point: ProjPointType<T>, scalar: bigint, zero: ProjPointType<T>): ProjPointType<T> {
  let result = zero;
  for (let bit = scalar.toString(2).length - 1; bit >= 0; bit--) {
    result = result.double();
    if ((scalar >> BigInt(bit)) & 1n) result = result.add(point);
  }
  return result;
}

/** Point of G1 from two words; (0, 0) stands for the point at infinity. Undefined off the curve. */
function g1(x: bigint, y: bigint): G1Point | undefined {
  if (x === 0n && y === 0n) return G1.ZERO;
  return isOnCurve(x, y) ? G1.fromAffine({ x, y }) : undefined;
}

/** Point of the twist from four words, imaginary parts first; four zeros stand for the point at infinity. Undefined off the twist. */
export function twistPoint(words: readonly bigint[]): G2Point | undefined {
  if (words.every((word) => word === 0n)) return G2.ZERO;
  const [xIm, xRe, yIm, yRe] = words as [bigint, bigint, bigint, bigint];
  const x = Fp2.fromBigTuple([xRe, xIm]);
  const y = Fp2.fromBigTuple([yRe, yIm]);
  return Fp2.eql(Fp2.sqr(y), twistRightSide(x)) ? G2.fromAffine({ x, y }) : undefined;
}

/** Four words of a point of the twist, as {@link twistPoint} reads them. */
export function twistWords(point: G2Point): bigint[] {
  if (point.equals(G2.ZERO)) return [0n, 0n, 0n, 0n];
  const { x, y } = point.toAffine();
  return [x.c1, x.c0, y.c1, y.c0];
}

/** Two words of a point of G1. */
export function g1Words(point: G1Point): bigint[] {
  if (point.equals(G1.ZERO)) return [0n, 0n];
  const { x, y } = point.toAffine();
  return [x, y];
}

/** Points of a key in snarkjs' form. */
export interface KeyPoints {
  alpha: G1Point;
  beta: G2Point;
  gamma: G2Point;
  delta: G2Point;
  ic: G1Point[];
}

export function keyPoints(key: VerifyingKey): KeyPoints {
  const first = ([x, y]: string[]): G1Point => g1(BigInt(x as string), BigInt(y as string)) as G1Point;
  const second = ([x, y]: string[][]): G2Point =>
    twistPoint([x?.[1], x?.[0], y?.[1], y?.[0]].map((word) => BigInt(word as string))) as G2Point;
  return {
    alpha: first(key.vk_alpha_1),
    beta: second(key.vk_beta_2),
    gamma: second(key.vk_gamma_2),
    delta: second(key.vk_delta_2),
    ic: key.IC.map(first),
  };
}

/** IC_0 + sum of signal_i·IC_(i+1). */
export function inputPoint(ic: readonly G1Point[], signals: readonly bigint[]): G1Point {
  const [constant, ...points] = ic as [G1Point, ...G1Point[]];
  return constant.add(G1.msm(points, [...signals]));
}

/** Whether e(A, B) = e(alpha, beta)·e(L, gamma)·e(C, delta), after every condition that makes the question a sound one. */
export function judge(key: KeyPoints, proof: readonly bigint[], signals: readonly bigint[]): Verdict {
  if (signals.length !== key.ic.length - 1) return "number of signals";
  if (signals.some((signal) => signal < 0n || signal >= R)) return "signal outside the field";
  if (proof.some((word) => word < 0n || word >= Q)) return "coordinate outside the field";
  const [ax, ay, , , , , cx, cy] = proof as [bigint, ...bigint[]];
  const a = g1(ax, ay as bigint);
  if (a === undefined) return "A off the curve";
  const b = twistPoint(proof.slice(2, 6));
  if (b === undefined) return "B off the twist";
  if (!times(b, R, G2.ZERO).equals(G2.ZERO)) return "B outside the subgroup";
  const c = g1(cx as bigint, cy as bigint);
  if (c === undefined) return "C off the curve";
  const pairs = [
    { g1: a.negate(), g2: b },
    { g1: key.alpha, g2: key.beta },
    { g1: inputPoint(key.ic, signals), g2: key.gamma },
    { g1: c, g2: key.delta },
  ].filter((pair) => !pair.g1.equals(G1.ZERO) && !pair.g2.equals(G2.ZERO));
  return Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE) ? "valid" : "equation";
}
