import { FIELD_ORDER } from "../../protocol/constants.ts";
import { inverse, inverses, mod, power, rootOfUnity } from "./fieldArithmetic.ts";
import { domainSize, fieldAt, forEachTerm, type R1cs } from "./r1cs.ts";
import type { ToxicWaste } from "./toxicWaste.ts";

/** Discrete logarithms of the points of a proving key, by section. */
export interface KeyScalars {
  /** A_i(tau) per wire: A in G1. */
  a: bigint[];
  /** B_i(tau) per wire: B in G1 and in G2. */
  b: bigint[];
  /** (beta·A_i + alpha·B_i + C_i)(tau) / gamma per public wire, gamma = 1. */
  ic: bigint[];
  /** (beta·A_i + alpha·B_i + C_i)(tau) / delta per private wire. */
  c: bigint[];
  /** Per row i: the Lagrange polynomial of the odd point w^(2i+1) of the doubled domain, at tau, over delta. */
  h: bigint[];
}

/** Values at tau of the Lagrange polynomials of the points w^j, j = 0 … size − 1, with w of order `size`. */
export function lagrangeAt(tau: bigint, size: number): bigint[] {
  const w = rootOfUnity(size);
  const points: bigint[] = [];
  for (let j = 0, point = 1n; j < size; j++, point = (point * w) % FIELD_ORDER) points.push(point);
  // L_j(tau) = (tau^n − 1) / n · w^j / (tau − w^j)
  const scale = mod((power(tau, BigInt(size)) - 1n) * inverse(BigInt(size)));
  const denominators = inverses(points.map((point) => mod(tau - point)));
  return points.map((point, j) => (((scale * point) % FIELD_ORDER) * denominators[j]) % FIELD_ORDER);
}

/**
 * Evaluates the quadratic arithmetic program at tau. The prover of snarkjs knows A·B − C at the odd points of the doubled domain, the
 * coset w·{w^2i}; that polynomial vanishes at the even points, so the odd Lagrange values give (A·B − C)(tau) = H(tau)·Z(tau).
 */
export function keyScalars(r1cs: R1cs, waste: ToxicWaste): KeyScalars {
  const { wires, publicSignals, constraints } = r1cs;
  const { tau, alpha, beta, delta } = waste;
  const size = domainSize(r1cs);
  const rows = lagrangeAt(tau, size);
  const sums = [0, 1, 2].map(() => new Array<bigint>(wires).fill(0n));
  forEachTerm(r1cs, (matrix, constraint, wire, offset) => {
    // Reduced at the end: a wire has fewer than 2^32 terms, each below 2^508.
    sums[matrix][wire] += rows[constraint] * fieldAt(r1cs.section, offset);
  });
  for (let wire = 0; wire <= publicSignals; wire++) sums[0][wire] += rows[constraints + wire];
  const [a, b, c] = sums.map((list) => list.map((sum) => sum % FIELD_ORDER));
  const combined = a.map((value, wire) => (beta * value + alpha * b[wire] + c[wire]) % FIELD_ORDER);
  const overDelta = inverse(delta);
  const doubled = lagrangeAt(tau, 2 * size);
  return {
    a,
    b,
    ic: combined.slice(0, publicSignals + 1),
    c: combined.slice(publicSignals + 1).map((value) => (value * overDelta) % FIELD_ORDER),
    h: rows.map((_, i) => (doubled[2 * i + 1] * overDelta) % FIELD_ORDER),
  };
}
