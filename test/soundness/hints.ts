import { FIELD_ORDER } from "../../protocol/constants.ts";
import {
  A,
  B,
  C,
  type ConstraintSystem,
  constraintsOf,
  isLinear,
  isMet,
  type Part,
  reduce,
  wiresOf,
} from "./constraintSystem.ts";

/**
 * What a prover computes without a formula in the constraints, and so would compute anew after a change: binary digits, wider digits that a sum
 * of powers of two packs, and the inverse in a test for zero. Found by the form of the constraints, of a circuit compiled with O1.
 */
export type Hint = Digits | ZeroTest;

/** Wires whose sum, each weighed by a power of two, is a combination of other wires. */
export interface Digits {
  kind: "digits";
  /** The linear constraint that says so. */
  constraint: number;
  /** Wires of the digits; digit d weighs 2^places[d] and is below 2^widths[d]. */
  digits: number[];
  places: number[];
  widths: number[];
  /** The sum is that of these wires' values by these coefficients. */
  sum: [wire: number, coefficient: bigint][];
  /** The private input, if any, that stands in every digit's place: each digit is how far it is above something, as of a maximum. */
  maximum?: number;
}

/** The least value, 0 or more, of a maximum from which no digit of its sums is negative. */
export function leastMaximum(sums: readonly Digits[], values: readonly bigint[]): bigint {
  let least = 0n;
  for (const { sum, places, maximum } of sums) {
    let rest = 0n;
    for (const [wire, coefficient] of sum)
      if (wire !== maximum) rest -= coefficient * (values[wire] as bigint);
    rest = reduce(rest);
    if (2n * rest > FIELD_ORDER) rest -= FIELD_ORDER;
    const ascending = places.toSorted((one, other) => one - other);
    for (const [index, place] of ascending.entries()) {
      const next = ascending[index + 1];
      const digit = next === undefined ? rest : BigInt.asIntN(next - place, rest);
      if (digit > least) least = digit;
      if (next !== undefined) rest = (rest - digit) >> BigInt(next - place);
    }
  }
  return least;
}

/** circomlib's IsZero: `in·inverse = 1 − out` and `in·out = 0`. */
export interface ZeroTest {
  kind: "zeroTest";
  /** The constraint with the inverse, and that which says that one of `in` and `out` is 0. */
  constraint: number;
  product: number;
  /** The part of `constraint` that is `in`. */
  input: Part;
  inverse: number;
  /** Carries `out`, or what it is substituted by. */
  out: number;
}

/** The terms of a part as a map from wires to coefficients. */
function terms(
  { start, wire, coefficient }: ConstraintSystem,
  constraint: number,
  part: Part,
): Map<number, bigint> {
  const found = new Map<number, bigint>();
  const end = start[3 * constraint + part + 1] as number;
  for (let at = start[3 * constraint + part] as number; at < end; at++)
    found.set(wire[at] as number, coefficient[at] as bigint);
  return found;
}

/** The wires that some constraint of their own allows 0 and 1 only, with that constraint: x·(x − 1) = 0 up to factors. */
export function booleanWires(system: ConstraintSystem): Map<number, number> {
  const found = new Map<number, number>();
  const values: bigint[] = [1n];
  for (let constraint = 0; constraint < system.constraints; constraint++) {
    const wires = wiresOf(system, constraint);
    const [wire] = wires;
    if (wires.length !== 1 || wire === undefined || isLinear(system, constraint)) continue;
    const admits = (value: bigint): boolean => {
      values[wire] = value;
      return isMet(system, constraint, values);
    };
    if (admits(0n) && admits(1n) && !admits(2n)) found.set(wire, constraint);
  }
  return found;
}

const POWERS = new Map(Array.from({ length: 254 }, (_, place) => [1n << BigInt(place), place]));

/**
 * The digits of every sum: binary ones first, the longest sum first, since the digits of one sum may be weighed again in a shorter one; then
 * those of sums whose terms are themselves sums of binary digits and computed by nothing else.
 */
export function findDigits(system: ConstraintSystem, booleans: ReadonlyMap<number, number>): Digits[] {
  const isComputed = (wire: number): boolean => wire > system.inputs || wire <= system.publics;
  const linear = Array.from({ length: system.constraints }, (_, constraint) => constraint).filter(
    (constraint) => isLinear(system, constraint) && wiresOf(system, constraint).length > 1,
  );
  const candidates = linear
    .map((constraint) => ({
      constraint,
      combination: terms(system, constraint, C),
      bits: wiresOf(system, constraint).filter((wire) => booleans.has(wire) && isComputed(wire)),
    }))
    .filter(({ bits }) => bits.length > 1)
    .sort((one, other) => other.bits.length - one.bits.length);

  const found: Digits[] = [];
  const widthOfSum = new Map<number, number>();
  /** The widths of private inputs, which only count as the quotient above a remainder. */
  const widthOfInput = new Map<number, number>();
  const taken = new Set<number>();
  for (const { constraint, combination, bits } of candidates) {
    if (bits.some((wire) => taken.has(wire))) continue;
    const hint = digitsOf(constraint, combination, bits);
    if (hint === undefined) continue;
    found.push({ ...hint, widths: bits.map(() => 1) });
    for (const wire of bits) taken.add(wire);
    const [total] = hint.sum;
    if (hint.sum.length === 1 && total?.[1] === 1n)
      (isComputed(total[0]) ? widthOfSum : widthOfInput).set(total[0], bits.length);
  }
  for (const constraint of linear) {
    const combination = terms(system, constraint, C);
    const parts = [...combination.keys()].filter((wire) => widthOfSum.has(wire) && !taken.has(wire));
    const quotients = [...combination.keys()].filter((wire) => widthOfInput.has(wire) && !taken.has(wire));
    const isQuotient = parts.length === 1 && quotients.length === 1;
    if (isQuotient) parts.push(...quotients);
    if (parts.length < 2) continue;
    const hint = digitsOf(constraint, combination, parts);
    if (hint === undefined) continue;
    const widths = parts.map((wire) => (widthOfSum.get(wire) ?? widthOfInput.get(wire)) as number);
    if (isQuotient && (hint.places[1] as number) - (hint.places[0] as number) !== widths[0]) continue;
    const everyPlace = hint.places.reduce((sum, place) => sum + (1n << BigInt(place)), 0n);
    const maximum = hint.sum.find(
      ([wire, coefficient]) => coefficient === everyPlace && wire > system.publics && wire <= system.inputs,
    )?.[0];
    found.push({ ...hint, widths, ...(maximum !== undefined && { maximum }) });
    for (const wire of parts) taken.add(wire);
  }
  // A sum of a single digit looks like any other, but for a maximum that has other sums.
  const maxima = new Set(found.map(({ maximum }) => maximum));
  for (const constraint of linear) {
    const combination = terms(system, constraint, C);
    const maximum = [...combination.keys()].find((wire) => maxima.has(wire));
    const part = [...combination.keys()].find((wire) => widthOfSum.has(wire) && !taken.has(wire));
    if (maximum === undefined || part === undefined) continue;
    const hint = digitsOf(constraint, combination, [part]);
    if (hint?.places[0] !== 0 || !hint.sum.some(([wire, by]) => wire === maximum && by === 1n)) continue;
    found.push({ ...hint, widths: [widthOfSum.get(part) as number], maximum });
    taken.add(part);
  }
  return found;
}

/** Reads a linear constraint as a sum of digits; undefined when they are not weighed by distinct powers of two. */
function digitsOf(constraint: number, combination: ReadonlyMap<number, bigint>, digits: number[]) {
  for (const sign of [1n, -1n]) {
    const places = digits.map((wire) => POWERS.get(reduce(sign * (combination.get(wire) as bigint))));
    if (places.includes(undefined) || new Set(places).size < places.length) continue;
    const sum = [...combination]
      .filter(([wire]) => !digits.includes(wire))
      .map(([wire, coefficient]): [number, bigint] => [wire, -sign * coefficient]);
    return { kind: "digits" as const, constraint, digits, places: places as number[], sum };
  }
  return undefined;
}

/** Every test for zero: a component with signals `in`, `out` and `inv`. */
export function findZeroTests(system: ConstraintSystem): ZeroTest[] {
  const found: ZeroTest[] = [];
  for (const [inverse, name] of system.names.entries()) {
    if (!name.endsWith(".inv")) continue;
    for (const constraint of constraintsOf(system, inverse)) {
      const inA = terms(system, constraint, A);
      const input: Part = inA.has(inverse) ? B : A;
      const factor = terms(system, constraint, input === A ? B : A);
      const out = [...terms(system, constraint, C).keys()].filter((wire) => wire !== 0);
      if (factor.size !== 1 || out.length !== 1) continue;
      const inputWires = [...terms(system, constraint, input).keys()].filter((wire) => wire !== 0);
      const product = [...constraintsOf(system, out[0] as number)].find(
        (candidate) =>
          candidate !== constraint &&
          system.start[3 * candidate + 2] === system.start[3 * candidate + 3] &&
          wiresOf(system, candidate).length === new Set([...inputWires, out[0]]).size &&
          inputWires.every((wire) => wiresOf(system, candidate).includes(wire)),
      );
      if (product === undefined) continue;
      found.push({ kind: "zeroTest", constraint, product, input, inverse, out: out[0] as number });
      break;
    }
  }
  return found;
}
