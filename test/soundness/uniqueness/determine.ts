import { followCurve, noCurveFacts, slopeCandidates } from "./curve.ts";
import { commonDivisor, inverse, magnitude, residue, signed } from "./field.ts";
import { coefficientOf, combine, constantOf, directionOf, type Form, scale } from "./form.ts";
import { boxOf, deriveIntervals, meetOf } from "./intervals.ts";
import {
  addAuxiliary,
  addRelation,
  apart,
  isLinear,
  type Knowledge,
  openPart,
  type Relation,
  slopeOf,
  wiresOf,
} from "./knowledge.ts";
import { maximumOf } from "./maximum.ts";
import { findNonZero, isNonZero } from "./nonZero.ts";
import { type RadixTerm, resolvedTerms, spread } from "./radix.ts";
import { findSelectors } from "./selectors.ts";
import { deriveShortRelations } from "./shortRelations.ts";
import { emptySpan, extend, forget, reduced } from "./span.ts";
import { splitOnZero } from "./split.ts";
import { findTwoValued } from "./twoValued.ts";

/** By which rule a wire was determined. */
export type Rule =
  | "given"
  | "single"
  | "square"
  | "digits"
  | "split"
  | "elimination"
  | "selector"
  | "maximum";

/** Unknown parts of relations longer than this are not tried as digits. */
const MOST_DIGITS = 300;
/** An equation that spreads over more primes than this is not tried: what other relations say makes it narrower by less. */
const MOST_PRIMES = 4n;
/** Longer forms are not kept for elimination: they fill the matrix and hardly ever come down to one wire. */
const MOST_TERMS = 200;

/** The open terms of a relation in which every one has a constant coefficient; undefined when some has not. */
function linearOpenPart(knowledge: Knowledge, { a, b, c }: Relation): Form | undefined {
  if (openPart(knowledge, a).length > 0 || openPart(knowledge, b).length > 0) return undefined;
  return openPart(knowledge, c);
}

/** The coefficients of an equation as integers: all above 0, for numbers of as many bits as the prime has, and nearest to 0. */
const READINGS = [residue, signed];

/**
 * The wires of an equation with bounded open terms that have one value (see {@link resolvedTerms}), under any scaling that keeps it below
 * the prime.
 */
function digits(knowledge: Knowledge, open: Form): number[] {
  const { prime, intervals } = knowledge;
  if (open.length > MOST_DIGITS) return [];
  const widths: bigint[] = [];
  for (const { wire } of open) {
    const interval = intervals[wire];
    if (interval === undefined) return [];
    widths.push(interval.high - interval.low);
  }
  for (const unit of new Set(open.map(({ coefficient }) => coefficient))) {
    const factor = inverse(unit, prime);
    for (const reading of READINGS) {
      const terms: RadixTerm[] = [];
      let total = 0n;
      for (const [place, { coefficient }] of open.entries()) {
        const term = { coefficient: reading(coefficient * factor, prime), width: widths[place] as bigint };
        terms.push(term);
        total += magnitude(term.coefficient) * term.width;
        if (total >= MOST_PRIMES * prime) break;
      }
      if (total >= MOST_PRIMES * prime) continue;
      if (total >= prime && refinedSpread(knowledge, open, terms) >= prime) continue;
      const found = resolvedTerms(terms);
      if (found.length > 0) return found.map((place) => (open[place] as Form[number]).wire);
    }
  }
  return [];
}

/**
 * The spread of an equation, the open wires of which have `terms`, when another linear relation bounds a part of it more narrowly than
 * the wires' own intervals do: the upper bits of a number below the prime, for one.
 */
function refinedSpread(knowledge: Knowledge, open: Form, terms: readonly RadixTerm[]): bigint {
  const { prime, touching, relations } = knowledge;
  let best = spread(terms);
  const candidates = new Set(open.flatMap(({ wire }) => touching[wire] as number[]));
  for (const index of candidates) {
    const relation = relations[index] as Relation;
    if (!isLinear(relation)) continue;
    // Parts of the equation that stand in the relation with one common factor.
    const groups = new Map<bigint, number[]>();
    for (const [place, { wire }] of open.entries()) {
      const other = coefficientOf(relation.c, wire);
      if (other === 0n) continue;
      const ratio = residue((terms[place] as RadixTerm).coefficient * inverse(other, prime), prime);
      groups.set(ratio, [...(groups.get(ratio) ?? []), place]);
    }
    for (const [ratio, places] of groups) {
      if (places.length < 2) continue;
      // In units of their greatest common divisor, the part has integer coefficients, and the relation bounds it as an integer.
      const divisor = places.reduce(
        (sum, place) => commonDivisor(sum, (terms[place] as RadixTerm).coefficient),
        0n,
      );
      const integers = places.map((place) => (terms[place] as RadixTerm).coefficient / divisor);
      if (integers.some((integer) => signed(integer, prime) !== integer)) continue;
      const unit = places.map((place, at) => ({
        wire: (open[place] as Form[number]).wire,
        coefficient: residue(integers[at] as bigint, prime),
      }));
      const rest = combine(unit, 1n, relation.c, -ratio * inverse(divisor, prime), prime);
      const narrow = meetOf([boxOf(knowledge, unit), boxOf(knowledge, rest)], prime);
      if (narrow === undefined) continue;
      const outside = spread(terms.filter((_, place) => !places.includes(place)));
      const size = outside + divisor * (narrow.high - narrow.low);
      if (size < best) best = size;
    }
  }
  return best;
}

/**
 * True when a quadratic relation has at most one root x in the interval of x: two roots add up to −(linear coefficient) / (quadratic coefficient),
 * when that is a constant which no two different values in the interval add up to.
 */
function hasOneRoot(knowledge: Knowledge, { a, b, c }: Relation, wire: number): boolean {
  const { prime, intervals } = knowledge;
  const interval = intervals[wire];
  if (interval === undefined) return false;
  const [left, right, result] = [apart(a, wire), apart(b, wire), apart(c, wire)];
  const products = combine(right.rest, left.coefficient, left.rest, right.coefficient, prime);
  const linear = constantOf(
    combine(products, 1n, [{ wire: 0, coefficient: 1n }], -result.coefficient, prime),
  );
  if (linear === undefined) return false;
  const sum = residue(-linear * inverse(left.coefficient * right.coefficient, prime), prime);
  const [least, most] = [2n * interval.low + 1n, 2n * interval.high - 1n];
  // The least number that is congruent to the sum and not below `least`.
  return least + residue(sum - least, prime) > most;
}

/** Wires that the relation determines by itself, those it has besides being determined already. */
function determinedBy(
  knowledge: Knowledge,
  relation: Relation,
  open: number[],
): { rule: Rule; wires: number[] } {
  if (open.length === 1) {
    const slope = slopeOf(relation, open[0] as number, knowledge.prime);
    if (slope !== undefined && isNonZero(knowledge, slope)) return { rule: "single", wires: open };
    if (slope === undefined && hasOneRoot(knowledge, relation, open[0] as number))
      return { rule: "square", wires: open };
  }
  const linear = linearOpenPart(knowledge, relation);
  return { rule: "digits", wires: linear === undefined ? [] : digits(knowledge, linear) };
}

/**
 * Determines wires from those that are, to a fixed point. A wire is called determined only when no two solutions with the same given wires
 * differ in it, whatever the given wires are. Returns the rule for each determined wire.
 */
export function determine(knowledge: Knowledge): (Rule | undefined)[] {
  findTwoValued(knowledge);
  deriveIntervals(knowledge);
  deriveShortRelations(knowledge);
  deriveIntervals(knowledge);
  findNonZero(knowledge);

  const { prime, relations, touching, determined } = knowledge;
  const rules: (Rule | undefined)[] = determined.map((known) => (known ? "given" : undefined));
  const queue = new Set(relations.keys());
  const span = emptySpan(prime);
  const mark = (wires: Iterable<number>, rule: Rule): boolean => {
    let news = false;
    for (const wire of wires) {
      if (determined[wire]) continue;
      determined[wire] = true;
      rules[wire] = rule;
      news = true;
      for (const index of touching[wire] as number[]) queue.add(index);
      mark(forget(span, wire), "elimination");
    }
    return news;
  };
  const settle = () => {
    for (const index of queue) {
      queue.delete(index);
      const relation = relations[index] as Relation;
      const open = wiresOf(relation).filter((wire) => !determined[wire]);
      if (open.length === 0) continue;
      const found = determinedBy(knowledge, relation, open);
      mark(found.wires, found.rule);
    }
  };
  const substituted = new Set<number>();
  const ownWires = new Map<string, number>();
  /** Gives a factor that has one value, though its wires may not, a wire of its own, for the rules that look at wires. */
  const substituteFactor = (index: number, isA: boolean): boolean => {
    const { a, b, c } = relations[index] as Relation;
    const [factor, cofactor] = isA ? [a, b] : [b, a];
    if (substituted.has(index) || openPart(knowledge, factor).length === 0) return false;
    substituted.add(index);
    // One wire for all multiples of the factor: for the one that starts with coefficient 1.
    const [{ coefficient }] = factor as [Form[number]];
    const direction = directionOf(factor, prime);
    let wire = ownWires.get(direction);
    if (wire === undefined) {
      wire = addAuxiliary(knowledge, scale(factor, inverse(coefficient, prime), prime));
      ownWires.set(direction, wire);
      const own: Form = [{ wire, coefficient: 1n }];
      if (isNonZero(knowledge, factor)) knowledge.nonZero.add(directionOf(own, prime));
    }
    addRelation(knowledge, { a: [{ wire, coefficient }], b: cofactor, c });
    mark([wire], "elimination");
    return true;
  };
  /** Adds to the span what the relations say of forms; true when that was something. */
  const eliminate = (order: Iterable<number>): boolean => {
    let news = false;
    const isDetermined = (form: Form) => reduced(span, openPart(knowledge, form)).size === 0;
    for (const index of order) {
      const { a, b, c } = relations[index] as Relation;
      // Of a·b = c: c, when a and b have one value each; a factor, when c and the other one have and that is not 0.
      let follows: Form | undefined;
      const [hasA, hasB] = [isDetermined(a), isDetermined(b)];
      if (a.length > 0 && hasA !== hasB && substituteFactor(index, hasA)) news = true;
      if (hasA && hasB) follows = c;
      else if ((hasA || hasB) && isDetermined(c) && isNonZero(knowledge, hasA ? a : b))
        follows = hasA ? b : a;
      if (follows === undefined) continue;
      const row = reduced(span, openPart(knowledge, follows));
      if (row.size === 0 || row.size > MOST_TERMS) continue;
      news = true;
      mark(extend(span, row), "elimination");
    }
    return news;
  };

  const facts = noCurveFacts();
  const slopes = slopeCandidates(knowledge);
  const followSlopes = () => {
    for (let again = [0]; again.length > 0; ) {
      settle();
      again = followCurve(knowledge, facts, slopes);
      for (const index of again) queue.add(index);
    }
  };

  do followSlopes();
  while (
    mark(splitOnZero(knowledge), "split") ||
    mark(findSelectors(knowledge), "selector") ||
    mark(maximumOf(knowledge), "maximum") ||
    eliminate(relations.keys()) ||
    eliminate([...relations.keys()].reverse())
  );
  return rules;
}
