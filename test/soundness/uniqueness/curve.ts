import { FIELD_ORDER } from "../../../protocol/constants.ts";
import { A, ORDER, windowMultiple } from "./babyJubjub.ts";
import { higher, inverse, lower, magnitude, residue } from "./field.ts";
import { combine, constantOf, directionOf, type Form, ratioOf, scale, withoutConstant } from "./form.ts";
import { apart, type Knowledge, openPart, type Relation } from "./knowledge.ts";
import { isBit } from "./twoValued.ts";

/*
 * Slopes of chords and tangents on Baby Jubjub (Montgomery form), slope·run = rise: a slope is determined where run is not 0. Points are
 * followed as multiples k·P of a point P of prime order, k in an interval; two points have different u when neither the sum nor the
 * difference of their k is a multiple of that order.
 */

/** k of a point k·P: integers from low to high, at least `least` in absolute value. */
interface Multiple {
  low: bigint;
  high: bigint;
  least: bigint;
}

/** A point of the curve other than the neutral one, by forms of wires. */
interface CurvePoint {
  u: Form;
  /** Undefined when only u is computed. */
  v: Form | undefined;
  /** What it is a multiple of; undefined when its order is not known. */
  multiple: Multiple | undefined;
  /** The point that it is a multiple of, and how often a point of unknown order was doubled to make it. */
  base: string;
  doublings: number;
}

/** A chord that was followed: the middle of a combined doubling and addition is taken up again. */
interface Chord {
  slope: number;
  one: CurvePoint;
  other: CurvePoint;
  sum: CurvePoint;
}

/** Points and chords found so far. */
export interface CurveFacts {
  points: Map<string, CurvePoint[]>;
  chords: Chord[];
  /** Slopes that are done with, and signed copies. */
  done: Set<number>;
}

export function noCurveFacts(): CurveFacts {
  return { points: new Map(), chords: [], done: new Set() };
}

const P = FIELD_ORDER;
const ONE: Form = [{ wire: 0, coefficient: 1n }];
const HALF = inverse(2n, P);
const GENERATOR = "Base8";

const plus = (one: Form, other: Form) => combine(one, 1n, other, 1n, P);
const minus = (one: Form, other: Form) => combine(one, 1n, other, -1n, P);
const negated = (form: Form) => scale(form, -1n, P);
const textOf = (form: Form) => form.map(({ wire, coefficient }) => `${wire}:${coefficient}`).join(",");
const equal = (one: Form, other: Form) => textOf(one) === textOf(other);

function largest({ low, high }: Multiple): bigint {
  return higher(magnitude(low), magnitude(high));
}

function negative(point: CurvePoint): CurvePoint {
  const { multiple, v } = point;
  return {
    ...point,
    v: v && negated(v),
    multiple: multiple && { low: -multiple.high, high: -multiple.low, least: multiple.least },
  };
}

/** Notes a point, and which factors it shows not to be 0: v and u + 1 vanish at points of even order only. */
function note(knowledge: Knowledge, facts: CurveFacts, point: CurvePoint): CurvePoint {
  // The eighth multiple of any point has prime order.
  const known =
    point.multiple === undefined && point.doublings >= 3
      ? { ...point, multiple: { low: 1n, high: 1n, least: 1n }, base: textOf(point.u) }
      : point;
  const text = textOf(known.u);
  facts.points.set(text, [...(facts.points.get(text) ?? []), known]);
  if (known.multiple !== undefined) {
    if (known.v !== undefined) knowledge.nonZero.add(directionOf(known.v, P));
    knowledge.nonZero.add(directionOf(plus(known.u, ONE), P));
  }
  return known;
}

/** slope·factor = result, for every relation of the slope with its coefficient brought to 1. */
function relationsOf(knowledge: Knowledge, slope: number): { factor: Form; result: Form }[] {
  return (knowledge.touching[slope] as number[]).flatMap((index) => {
    const { a, b, c } = knowledge.relations[index] as Relation;
    return [
      [a, b],
      [b, a],
    ].flatMap(([one, factor]) => {
      if (one?.length !== 1 || one[0]?.wire !== slope || factor === undefined) return [];
      return [{ factor, result: scale(c, inverse(one[0].coefficient, P), P) }];
    });
  });
}

/** The square of a slope as a form, with the coefficient of the slope in the other factor divided out. */
function squareOf(knowledge: Knowledge, slope: number): Form | undefined {
  for (const { factor, result } of relationsOf(knowledge, slope)) {
    const [only] = factor;
    if (factor.length === 1 && only?.wire === slope) return scale(result, inverse(only.coefficient, P), P);
  }
  return undefined;
}

/** Points of a window: forms of two bits and their product whose four values are known multiples of the generator. */
function windowPoint(knowledge: Knowledge, u: Form, v: Form): CurvePoint | undefined {
  const wires = [...new Set([...u, ...v].map(({ wire }) => wire))].filter((wire) => wire !== 0);
  const products = wires.filter((wire) => productOfBits(knowledge, wire, wires) !== undefined);
  const bits = wires.filter((wire) => !products.includes(wire));
  if (bits.length > 2 || bits.some((wire) => !isBit(knowledge, wire))) return undefined;
  const multiples: bigint[] = [];
  for (let choice = 0; choice < 1 << bits.length; choice++) {
    const bitOf = (wire: number) => BigInt((choice >> bits.indexOf(wire)) & 1);
    const valueAt = (wire: number): bigint => {
      if (wire === 0) return 1n;
      const [one, other] = productOfBits(knowledge, wire, wires) ?? [wire, wire];
      return bitOf(one) * bitOf(other);
    };
    const value = (form: Form) =>
      residue(
        form.reduce((sum, { wire, coefficient }) => sum + coefficient * valueAt(wire), 0n),
        P,
      );
    const multiple = windowMultiple([value(u), value(v)]);
    if (multiple === undefined) return undefined;
    multiples.push(multiple);
  }
  const multiple = {
    low: multiples.reduce(lower),
    high: multiples.reduce(higher),
    least: multiples.map(magnitude).reduce(lower),
  };
  return { u, v, multiple, base: GENERATOR, doublings: 0 };
}

/** The two bits among `wires` that a wire is the product of. */
function productOfBits(knowledge: Knowledge, wire: number, wires: number[]): [number, number] | undefined {
  for (const index of knowledge.touching[wire] as number[]) {
    const { a, b, c } = knowledge.relations[index] as Relation;
    const [one, other, result] = [a, b, c].map((form) => (form.length === 1 ? form[0] : undefined));
    if (one === undefined || other === undefined || result?.wire !== wire) continue;
    if (one.wire === other.wire || !wires.includes(one.wire) || !wires.includes(other.wire)) continue;
    if ((one.coefficient * other.coefficient - result.coefficient) % P === 0n) return [one.wire, other.wire];
  }
  return undefined;
}

/** The known points with this u and, when v is given, this v; a window that is one, else. */
function lookUp(knowledge: Knowledge, facts: CurveFacts, u: Form, v: Form | undefined): CurvePoint[] {
  const known = (facts.points.get(textOf(u)) ?? []).flatMap((point) => [point, negative(point)]);
  if (v === undefined) return known;
  const same = known.filter((point) => point.v !== undefined && equal(point.v, v));
  if (same.length > 0) return same;
  const window = windowPoint(knowledge, u, v);
  return window === undefined ? [] : [window];
}

/** True when k and m, multiples of one point of prime order, are never equal or opposite modulo that order. */
function apartOnCurve(one: CurvePoint, other: CurvePoint): boolean {
  const [k, m] = [one.multiple, other.multiple];
  if (k === undefined || m === undefined || one.base !== other.base) return false;
  if (largest(k) + largest(m) >= ORDER) return false;
  return k.least > largest(m) || m.least > largest(k);
}

/** The sum of two multiples that are never opposite. */
function sumOf(one: Multiple, other: Multiple): Multiple {
  const [low, high] = [one.low + other.low, one.high + other.high];
  const gap = higher(one.least - largest(other), other.least - largest(one));
  return { low, high, least: [gap, low, -high].reduce(higher) };
}

/** v of the third point of a chord or tangent through (u, v): slope·(u − third) = v of the third + v. */
function thirdV(knowledge: Knowledge, slope: number, u: Form, v: Form, third: Form): Form | undefined {
  for (const { factor, result } of relationsOf(knowledge, slope)) {
    if (equal(factor, minus(u, third))) return minus(result, v);
    if (equal(factor, minus(third, u))) return minus(negated(result), v);
  }
  return undefined;
}

/** slope·(u₂ − u₁) = v₂ − v₁ and slope² = u₃ + A + u₁ + u₂, of two points that are shown to differ. */
function followChord(
  knowledge: Knowledge,
  facts: CurveFacts,
  slope: number,
  square: Form,
  third: Form,
): boolean {
  const total = minus(minus(square, scale(ONE, A, P)), third);
  for (const { factor: run, result: rise } of relationsOf(knowledge, slope)) {
    if (openPart(knowledge, run).length + openPart(knowledge, rise).length > 0) continue;
    const [u, otherU] = [scale(minus(total, run), HALF, P), scale(plus(total, run), HALF, P)];
    for (const one of firstPoints(knowledge, facts, slope, u, third)) {
      if (one.v === undefined) continue;
      for (const other of lookUp(knowledge, facts, otherU, plus(one.v, rise))) {
        if (!apartOnCurve(one, other) || other.v === undefined) continue;
        knowledge.nonZero.add(directionOf(run, P));
        const v =
          thirdV(knowledge, slope, u, one.v, third) ?? thirdV(knowledge, slope, otherU, other.v, third);
        const multiple = sumOf(one.multiple as Multiple, other.multiple as Multiple);
        const sum = note(knowledge, facts, { u: third, v, multiple, base: one.base, doublings: 0 });
        facts.chords.push({ slope, one, other, sum });
        return true;
      }
    }
  }
  return false;
}

/** Points that a chord may start from: known ones, or a window whose v is read off slope·(u − third) = v of the third + v. */
function firstPoints(
  knowledge: Knowledge,
  facts: CurveFacts,
  slope: number,
  u: Form,
  third: Form,
): CurvePoint[] {
  const known = lookUp(knowledge, facts, u, undefined);
  if (known.length > 0) return known;
  return relationsOf(knowledge, slope).flatMap(({ factor, result }) => {
    const sign = equal(factor, minus(u, third)) ? 1n : equal(factor, minus(third, u)) ? -1n : 0n;
    if (sign === 0n) return [];
    // Which wire of the result is v of the third point is tried: at the right one the rest is v of a window.
    return result.flatMap(({ wire }) => {
      const window = windowPoint(knowledge, u, scale(apart(result, wire).rest, sign, P));
      return window === undefined ? [] : [window];
    });
  });
}

/** slope·2v = 3u² + 2·A·u + 1 and slope² = third + A + 2u, of a point of the curve: v = 0 would need u = 0, and 1 = 0. */
function followTangent(
  knowledge: Knowledge,
  facts: CurveFacts,
  slope: number,
  square: Form,
  third: Form,
): boolean {
  const u = scale(minus(minus(square, scale(ONE, A, P)), third), HALF, P);
  for (const { factor: run, result: rise } of relationsOf(knowledge, slope)) {
    const v = scale(run, HALF, P);
    for (const point of lookUp(knowledge, facts, u, undefined)) {
      if (point.v === undefined || !equal(point.v, v)) continue;
      const uSquared = scale(minus(minus(rise, scale(u, 2n * A, P)), ONE), inverse(3n, P), P);
      if (!isProduct(knowledge, u, u, uSquared)) continue;
      const { multiple, base, doublings } = point;
      if (multiple !== undefined && 2n * largest(multiple) >= ORDER) continue;
      knowledge.nonZero.add(directionOf(run, P));
      const twice = multiple && {
        low: 2n * multiple.low,
        high: 2n * multiple.high,
        least: 2n * multiple.least,
      };
      const sum = thirdV(knowledge, slope, u, point.v, third);
      note(knowledge, facts, { u: third, v: sum, multiple: twice, base, doublings: doublings + 1 });
      return true;
    }
  }
  return false;
}

/** True when a relation says one·other = result, up to a constant factor. */
function isProduct(knowledge: Knowledge, one: Form, other: Form, result: Form): boolean {
  const [term] = result;
  if (term === undefined) return false;
  return (knowledge.touching[term.wire] as number[]).some((index) => {
    const { a, b, c } = knowledge.relations[index] as Relation;
    return [
      [a, b],
      [b, a],
    ].some(([left = [], right = []]) => {
      const [first, second, third] = [multipleOf(one, left), multipleOf(other, right), multipleOf(result, c)];
      if (first === undefined || second === undefined || third === undefined) return false;
      return (first * second - third) % P === 0n;
    });
  });
}

/** The factor of which `other` is that multiple of `one`, constants included. */
function multipleOf(one: Form, other: Form): bigint | undefined {
  const factor = constantOf(one) === undefined ? ratioOf(one, other, P) : undefined;
  return factor !== undefined && equal(scale(one, factor, P), other) ? factor : undefined;
}

/** (a + slope)·(u − m) = 2v after the chord of slope a through (u, v) to the point at m: the chord from there through (u, v) again. */
function followSecondChord(
  knowledge: Knowledge,
  facts: CurveFacts,
  slope: number,
  square: Form,
  third: Form,
): boolean {
  for (const index of knowledge.touching[slope] as number[]) {
    const { a, b, c } = knowledge.relations[index] as Relation;
    for (const [slopes, run] of [
      [a, b],
      [b, a],
    ] as const) {
      if (slopes.length !== 2) continue;
      for (const chord of facts.chords) {
        const sum: Form = [
          { wire: lower(BigInt(chord.slope), BigInt(slope)), coefficient: 1n },
          { wire: higher(BigInt(chord.slope), BigInt(slope)), coefficient: 1n },
        ].map(({ wire, coefficient }) => ({ wire: Number(wire), coefficient }));
        const factor = multipleOf(sum, slopes);
        if (factor === undefined) continue;
        const rise = scale(c, inverse(factor, P), P);
        for (const [point, added] of [
          [chord.one, chord.other],
          [chord.other, chord.one],
        ] as const) {
          const [k, m] = [point.multiple, added.multiple];
          if (point.v === undefined || k === undefined || m === undefined) continue;
          const sign = equal(run, minus(point.u, chord.sum.u))
            ? 1n
            : equal(run, minus(chord.sum.u, point.u))
              ? -1n
              : 0n;
          if (sign === 0n || !equal(scale(rise, sign, P), scale(point.v, 2n, P))) continue;
          if (!equal(square, [plus(plus(third, scale(ONE, A, P)), chord.sum.u), point.u].reduce(plus)))
            continue;
          // point and sum = point + added differ by added, and add up to 2·point + added.
          const least = 2n * k.least - largest(m);
          if (m.least === 0n || least <= 0n || 2n * largest(k) + largest(m) >= ORDER) continue;
          knowledge.nonZero.add(directionOf(run, P));
          const v = thirdV(knowledge, slope, point.u, point.v, third);
          const multiple = { low: 2n * k.low + m.low, high: 2n * k.high + m.high, least };
          note(knowledge, facts, { u: third, v, multiple, base: point.base, doublings: 0 });
          return true;
        }
      }
    }
  }
  return false;
}

/** Points (u, v) with v·v = w and u·(u² + A·u + 1) = w. */
function findPoints(knowledge: Knowledge, facts: CurveFacts): void {
  for (const { a, b, c } of knowledge.relations) {
    if (a.length === 0 || c.length === 0) continue;
    for (const [u, rest] of [
      [a, b],
      [b, a],
    ] as const) {
      if (u.length !== 1 || rest.length < 3) continue;
      const unit: Form = [{ wire: (u[0] as Form[number]).wire, coefficient: 1n }];
      const factor = (rest[0]?.wire === 0 ? rest[0].coefficient : 0n) as bigint;
      if (factor === 0n) continue;
      const square = minus(minus(scale(rest, inverse(factor, P), P), scale(unit, A, P)), ONE);
      if (!isProduct(knowledge, unit, unit, square)) continue;
      const cube = scale(c, inverse(factor * (u[0] as Form[number]).coefficient, P), P);
      const v = rootOf(knowledge, cube);
      if (v === undefined) continue;
      note(knowledge, facts, { u: unit, v, multiple: undefined, base: "", doublings: 0 });
    }
  }
}

/** A wire v with v·v = square. */
function rootOf(knowledge: Knowledge, square: Form): Form | undefined {
  const [term] = square;
  if (term === undefined) return undefined;
  for (const index of knowledge.touching[term.wire] as number[]) {
    const { a } = knowledge.relations[index] as Relation;
    if (a.length !== 1) continue;
    const root: Form = [{ wire: (a[0] as Form[number]).wire, coefficient: 1n }];
    if (isProduct(knowledge, root, root, square)) return root;
  }
  return undefined;
}

/** A wire that is v or −v of a known point, as a bit says: (2·bit − 1)·v. */
function signedCopies(knowledge: Knowledge, facts: CurveFacts): void {
  const points = [...facts.points.values()]
    .flat()
    .filter(({ multiple, v }) => multiple !== undefined && v?.length === 1);
  for (const point of points) {
    const wire = (point.v as Form)[0]?.wire as number;
    if (facts.done.has(wire)) continue;
    facts.done.add(wire);
    for (const index of knowledge.touching[wire] as number[]) {
      const { a, b, c } = knowledge.relations[index] as Relation;
      for (const [sign, v] of [
        [a, b],
        [b, a],
      ] as const) {
        const factor = multipleOf(point.v as Form, v);
        const bit = sign.find((term) => term.wire !== 0);
        const constant = sign[0]?.wire === 0 ? sign[0].coefficient : 0n;
        if (factor === undefined || bit === undefined || sign.length !== 2 || !isBit(knowledge, bit.wire))
          continue;
        // constant + coefficient·bit is ±constant.
        if (c.length !== 1 || residue(bit.coefficient + 2n * constant, P) !== 0n) continue;
        const copy = scale(c, inverse(factor * constant, P), P);
        const most = largest(point.multiple as Multiple);
        const multiple = { low: -most, high: most, least: (point.multiple as Multiple).least };
        note(knowledge, facts, { ...point, v: copy, multiple });
      }
    }
  }
}

/**
 * Follows slopes whose points have become known. Returns relations that are to be looked at again, for a factor in them is now known
 * not to be 0.
 */
export function followCurve(knowledge: Knowledge, facts: CurveFacts, slopes: readonly number[]): number[] {
  if (knowledge.prime !== P) return [];
  if (facts.points.size === 0) findPoints(knowledge, facts);
  signedCopies(knowledge, facts);
  const again: number[] = [];
  for (const slope of slopes) {
    if (facts.done.has(slope)) continue;
    const square = squareOf(knowledge, slope);
    if (square === undefined) continue;
    // u of the third point is a wire of the square, the open one if there is one.
    const open = openPart(knowledge, square);
    const candidates = open.length > 0 ? open : withoutConstant(square);
    if (open.length > 1) continue;
    const followed = candidates.some(({ wire, coefficient }) => {
      const third: Form = [{ wire, coefficient }];
      return (
        followChord(knowledge, facts, slope, square, third) ||
        followTangent(knowledge, facts, slope, square, third) ||
        followSecondChord(knowledge, facts, slope, square, third)
      );
    });
    if (!followed) continue;
    facts.done.add(slope);
    again.push(...(knowledge.touching[slope] as number[]));
  }
  for (const points of again.length > 0 ? facts.points.values() : [])
    for (const { u, v } of points.slice(-1))
      for (const { wire } of [...u, ...(v ?? [])]) again.push(...(knowledge.touching[wire] ?? []));
  return again;
}

/** Wires whose square is a sum and that stand in two more relations, as slopes do. */
export function slopeCandidates({ relations, touching }: Knowledge): number[] {
  return relations.flatMap(({ a, b, c }) => {
    const [one] = a;
    if (one === undefined || a.length !== 1 || b.length !== 1 || one.wire !== b[0]?.wire) return [];
    return c.length > 1 && (touching[one.wire] as number[]).length > 2 ? [one.wire] : [];
  });
}
