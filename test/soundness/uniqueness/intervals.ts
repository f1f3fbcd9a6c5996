import { higher, inverse, lower, signed } from "./field.ts";
import { coefficientOf, combine, type Form } from "./form.ts";
import { type Interval, isLinear, type Knowledge, type Relation } from "./knowledge.ts";

/** The integer interval of a form whose wires all have one, its coefficients read as signed integers; undefined when it reaches the prime. */
export function boxOf({ intervals, prime }: Knowledge, form: Form): Interval | undefined {
  let [low, high] = [0n, 0n];
  for (const { wire, coefficient } of form) {
    const interval = wire === 0 ? { low: 1n, high: 1n } : intervals[wire];
    if (interval === undefined) return undefined;
    const factor = signed(coefficient, prime);
    const [one, other] = [factor * interval.low, factor * interval.high];
    low += lower(one, other);
    high += higher(one, other);
    if (high - low >= prime) return undefined;
  }
  return { low, high };
}

/**
 * Two intervals for one residue as one interval. Undefined when the two do not fix the same integer: moved by the prime the one may
 * meet the other once more.
 */
function meet(one: Interval, other: Interval, prime: bigint): Interval | undefined {
  if (higher(one.high, other.high) - lower(one.low, other.low) >= prime) return undefined;
  return { low: higher(one.low, other.low), high: lower(one.high, other.high) };
}

/** What two intervals of the same residue say together; undefined when one is missing, they do not fix the same integer, or have none in common. */
export function meetOf([one, other]: (Interval | undefined)[], prime: bigint): Interval | undefined {
  const met = one === undefined || other === undefined ? undefined : meet(one, other, prime);
  return met === undefined || met.high < met.low ? undefined : met;
}

/** Enters an interval for a wire; true when that says clearly more than what was known. */
export function learnInterval(knowledge: Knowledge, wire: number, interval: Interval): boolean {
  const known = knowledge.intervals[wire];
  const met = known === undefined ? interval : meet(known, interval, knowledge.prime);
  if (met === undefined || met.high < met.low) return false;
  if (known !== undefined && met.high - met.low >= known.high - known.low) return false;
  knowledge.intervals[wire] = met;
  return true;
}

/** The interval of one wire of a linear relation that the other wires' intervals leave. */
function solvedFor(knowledge: Knowledge, form: Form, wire: number): Interval | undefined {
  const { prime } = knowledge;
  const factor = -inverse(coefficientOf(form, wire), prime);
  const others = form.filter((term) => term.wire !== wire);
  return boxOf(knowledge, combine(others, factor, [], 0n, prime));
}

/**
 * The interval of a form: what its own wires say, and every linear relation that contains a multiple of the form and else only wires with
 * intervals.
 */
export function intervalOf(knowledge: Knowledge, form: Form): Interval | undefined {
  const { prime, touching, relations } = knowledge;
  let best = boxOf(knowledge, form);
  const wires = form.filter(({ wire }) => wire !== 0);
  if (wires.length === 0) return best;
  const count = ({ wire }: Form[number]) => (touching[wire] as number[]).length;
  const pivot = wires.reduce((least, term) => (count(term) < count(least) ? term : least));
  for (const index of touching[pivot.wire] as number[]) {
    const relation = relations[index] as Relation;
    if (!isLinear(relation)) continue;
    const factor = (coefficientOf(relation.c, pivot.wire) * inverse(pivot.coefficient, prime)) % prime;
    // relation = factor·form + rest = 0, so form = −rest / factor.
    const rest = combine(relation.c, 1n, form, -factor, prime);
    const interval = boxOf(knowledge, combine(rest, -inverse(factor, prime), [], 0n, prime));
    if (interval === undefined) continue;
    best = best === undefined ? interval : (meet(best, interval, prime) ?? best);
  }
  return best;
}

/** How often one wire's interval may be made smaller: a loop of relations could do it for ever. */
const MOST_REFINEMENTS = 6;

/** Derives intervals from linear relations and from products of forms with intervals, until nothing more follows. */
export function deriveIntervals(knowledge: Knowledge): void {
  const { relations, touching, intervals, prime } = knowledge;
  const refinements = new Map<number, number>();
  const queue = new Set(relations.keys());
  const learn = (wire: number, interval: Interval | undefined) => {
    if (interval === undefined || interval.high - interval.low >= prime) return;
    const count = refinements.get(wire) ?? 0;
    if (count >= MOST_REFINEMENTS || !learnInterval(knowledge, wire, interval)) return;
    refinements.set(wire, count + 1);
    for (const index of touching[wire] as number[]) queue.add(index);
  };

  for (const index of queue) {
    queue.delete(index);
    const { a, b, c } = relations[index] as Relation;
    const unbounded = c.filter(({ wire }) => wire !== 0 && intervals[wire] === undefined);
    if (a.length === 0) {
      if (unbounded.length > 1) continue;
      // Bits cannot get narrower; of the wider wires each may.
      const targets =
        unbounded.length === 1 ? unbounded : c.filter(({ wire }) => wire !== 0 && isWide(intervals[wire]));
      for (const { wire } of targets) learn(wire, solvedFor(knowledge, c, wire));
    } else if (unbounded.length === 1 && c.length === 1) {
      const [left, right] = [boxOf(knowledge, a), boxOf(knowledge, b)];
      if (left === undefined || right === undefined) continue;
      const [{ wire, coefficient }] = c as [Form[number]];
      const factor = signed(inverse(coefficient, prime), prime);
      const corners = [left.low, left.high].flatMap((one) => [
        right.low * one * factor,
        right.high * one * factor,
      ]);
      learn(wire, {
        low: corners.reduce(lower),
        high: corners.reduce(higher),
      });
    }
  }
}

function isWide(interval: Interval | undefined): boolean {
  return interval !== undefined && interval.high - interval.low > 1n;
}
