import { inverse, residue, signed } from "./field.ts";
import { combine, constantOf, directionOf, type Form, ratioOf, scale } from "./form.ts";
import { boxOf, intervalOf } from "./intervals.ts";
import { type Interval, isLinear, type Knowledge } from "./knowledge.ts";
import { isBit } from "./twoValued.ts";

/** Forms of more bits than this are not tried for all values of their bits. */
const MOST_BITS = 8;

function excludesZero({ low, high }: Interval, prime: bigint): boolean {
  // No multiple of the prime in between.
  return low > 0n ? high < prime : high < 0n && low > -prime;
}

/** True when some combination of bit values makes the form 0. */
function vanishes(form: Form, bits: number[], prime: bigint): boolean {
  for (let choice = 0; choice < 1 << bits.length; choice++) {
    let value = 0n;
    for (const { wire, coefficient } of form) {
      if (wire === 0 || (choice >> bits.indexOf(wire)) & 1) value += coefficient;
    }
    if (residue(value, prime) === 0n) return true;
  }
  return false;
}

/** True when the form is shown to be 0 in no solution: a constant, an interval without 0, no choice of its few bits, or a fact noted before. */
export function isNonZero(knowledge: Knowledge, form: Form): boolean {
  const { prime, nonZero } = knowledge;
  const constant = constantOf(form);
  if (constant !== undefined) return constant !== 0n;
  if (nonZero.has(directionOf(form, prime))) return true;
  const wires = form.filter(({ wire }) => wire !== 0).map(({ wire }) => wire);
  if (wires.length <= MOST_BITS && wires.every((wire) => isBit(knowledge, wire)))
    return !vanishes(form, wires, prime);
  const interval = intervalOf(knowledge, form);
  if (interval !== undefined && excludesZero(interval, prime)) return true;
  // The same with the wire of least coefficient counted in ones.
  const scaled = scale(form, inverse((form.at(-1) as Form[number]).coefficient, prime), prime);
  const box = boxOf(knowledge, scaled);
  return box !== undefined && excludesZero(box, prime);
}

/**
 * Notes factors that cannot be 0: both, where a product is shown not to be 0; and a factor k where k·x = c with c = m·k + (a constant other
 * than 0), since k = 0 would leave 0 on one side only.
 */
export function findNonZero(knowledge: Knowledge): void {
  const { prime, nonZero } = knowledge;
  for (const relation of knowledge.relations) {
    if (isLinear(relation)) continue;
    const { a, b, c } = relation;
    const factors = [a, b];
    if (isNonZero(knowledge, c)) {
      for (const factor of factors) nonZero.add(directionOf(factor, prime));
      continue;
    }
    for (const factor of factors) {
      const ratio = ratioOf(factor, c, prime);
      if (ratio === undefined) continue;
      const left = constantOf(combine(c, 1n, factor, -ratio, prime));
      if (left !== undefined && signed(left, prime) !== 0n) nonZero.add(directionOf(factor, prime));
    }
  }
}
