import { FIELD_ORDER } from "../../../protocol/constants.ts";
import { inverse, residue } from "./field.ts";

/** Baby Jubjub in Montgomery form, v² = u³ + A·u² + u. A² − 4 is no square, so (0, 0) is the only point with v = 0. */
export const A = 168698n;
/** The curve has 8·ORDER points, and ORDER is prime. */
export const ORDER = 2736030358979909402780800718157159386076813972158567259200215660948447373041n;

/** A point other than the neutral one. */
export type Point = readonly [u: bigint, v: bigint];

const field = (value: bigint) => residue(value, FIELD_ORDER);

/** Sum of two points whose sum is not neutral. */
export function addPoints(one: Point, other: Point): Point {
  const [u, v] = one;
  const same = u === other[0];
  const [rise, run] = same ? [3n * u * u + 2n * A * u + 1n, 2n * v] : [other[1] - v, other[0] - u];
  const slope = field(rise * inverse(run, FIELD_ORDER));
  const sum = field(slope * slope - A - u - other[0]);
  return [sum, field(slope * (u - sum) - v)];
}

/** circomlib's Base8, a generator of the points of prime order, from its Edwards coordinates. */
function generator(): Point {
  const x = 5299619240641551281634865583518297030282874472190772894086521144482721001553n;
  const y = 16950150798460657717958625567821834550301663161624707787222815936182638968203n;
  const u = field((1n + y) * inverse(1n - y, FIELD_ORDER));
  return [u, field(u * inverse(x, FIELD_ORDER))];
}

export const BASE8 = generator();

let table: Map<string, bigint> | undefined;

/** k of a point k·BASE8 with k = ±m·4^j for odd m < 16 and j < 124: what a window of two or four signed binary digits holds. */
export function windowMultiple([u, v]: Point): bigint | undefined {
  table ??= windowTable();
  const positive = table.get(`${u},${v}`);
  if (positive !== undefined) return positive;
  const negative = table.get(`${u},${field(-v)}`);
  return negative === undefined ? undefined : -negative;
}

function windowTable(): Map<string, bigint> {
  const found = new Map<string, bigint>();
  let one = BASE8;
  for (let exponent = 0n; exponent < 248n; exponent += 2n) {
    const two = addPoints(one, one);
    let odd = one;
    for (let factor = 1n; factor < 16n; factor += 2n) {
      found.set(odd.join(","), factor << exponent);
      odd = addPoints(odd, two);
    }
    one = addPoints(two, two);
  }
  return found;
}
