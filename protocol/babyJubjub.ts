import { FIELD_ORDER } from "./constants.ts";
import { toField } from "./poseidon.ts";

/*
 * Baby Jubjub, the twisted Edwards curve 168700·x² + y² = 1 + 168696·x²·y² over BN254's scalar field, in projective coordinates: x = X/Z,
 * y = Y/Z, so that one product with a scalar costs one inversion. The formulas of addition and doubling (Bernstein, Birkner, Joye, Lange and
 * Peters, 2008) hold for every two points, since 168700 is a square of the field and 168696 is none. The group has 8·SUBGROUP_ORDER elements.
 * Nothing here runs in constant time.
 */
const A = 168700n;
const D = 168696n;

/** x and y of a point in Edwards form, each in [0, r). */
export type Point = readonly [bigint, bigint];

/** Prime order of the subgroup that keys live in, about 2^250.6. */
export const SUBGROUP_ORDER = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

/** Cofactor: what the group has beyond the subgroup. */
export const COFACTOR = 8n;

/** Generator of the subgroup: 8 times circomlib's generator. */
export const BASE8: Point = [
  5299619240641551281634865583518297030282874472190772894086521144482721001553n,
  16950150798460657717958625567821834550301663161624707787222815936182638968203n,
];

/** The neutral element. */
export const NEUTRAL: Point = [0n, 1n];

/** X, Y and Z, residues of any sign; Z is never 0 on the curve. */
type Projective = readonly [bigint, bigint, bigint];

const PROJECTIVE_NEUTRAL: Projective = [0n, 1n, 1n];

const projective = ([x, y]: Point): Projective => [toField(x), toField(y), 1n];

/** The inverse of an element other than 0, by Euclid's algorithm. */
function inverse(element: bigint): bigint {
  let [high, low] = [FIELD_ORDER, toField(element)];
  let [before, factor] = [0n, 1n];
  while (low !== 0n) {
    const quotient = high / low;
    [high, low] = [low, high - quotient * low];
    [before, factor] = [factor, before - quotient * factor];
  }
  return toField(before);
}

function affine([x, y, z]: Projective): Point {
  const scale = inverse(z);
  return [toField(x * scale), toField(y * scale)];
}

function sum([x1, y1, z1]: Projective, [x2, y2, z2]: Projective): Projective {
  const a = (z1 * z2) % FIELD_ORDER;
  const b = (a * a) % FIELD_ORDER;
  const c = (x1 * x2) % FIELD_ORDER;
  const d = (y1 * y2) % FIELD_ORDER;
  const e = (D * ((c * d) % FIELD_ORDER)) % FIELD_ORDER;
  const f = b - e;
  const g = b + e;
  const x3 = (((a * f) % FIELD_ORDER) * ((x1 + y1) * (x2 + y2) - c - d)) % FIELD_ORDER;
  const y3 = (((a * g) % FIELD_ORDER) * (d - A * c)) % FIELD_ORDER;
  return [x3, y3, (f * g) % FIELD_ORDER];
}

function double([x, y, z]: Projective): Projective {
  const b = ((x + y) * (x + y)) % FIELD_ORDER;
  const c = (x * x) % FIELD_ORDER;
  const d = (y * y) % FIELD_ORDER;
  const e = A * c;
  const f = (e + d) % FIELD_ORDER;
  const j = (f - 2n * z * z) % FIELD_ORDER;
  return [((b - c - d) * j) % FIELD_ORDER, (f * (e - d)) % FIELD_ORDER, (f * j) % FIELD_ORDER];
}

/** True when both coordinates meet the curve's equation. */
export function isOnCurve([x, y]: Point): boolean {
  const [xx, yy] = [toField(x * x), toField(y * y)];
  return toField(A * xx + yy - 1n - D * xx * yy) === 0n;
}

/** True for a point whose order is SUBGROUP_ORDER: on the curve, in the subgroup, not the neutral element. */
export function hasPrimeOrder(point: Point): boolean {
  if (!isOnCurve(point) || toField(point[0]) === 0n) return false;
  const [x, y] = multiply(point, SUBGROUP_ORDER);
  return x === NEUTRAL[0] && y === NEUTRAL[1];
}

/** scalar·point for a scalar of 0 or more. The point must be on the curve. */
export function multiply(point: Point, scalar: bigint): Point {
  const base = projective(point);
  let product = PROJECTIVE_NEUTRAL;
  for (const bit of scalar.toString(2)) {
    product = double(product);
    if (bit === "1") product = sum(product, base);
  }
  return affine(product);
}

/** Sum of two points on the curve. */
export function add(first: Point, second: Point): Point {
  return affine(sum(projective(first), projective(second)));
}
