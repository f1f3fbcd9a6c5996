import { inverse, residue } from "./field.ts";
import { combine, constantOf, type Form, ratioOf, withoutConstant } from "./form.ts";
import { learnInterval } from "./intervals.ts";
import { addAuxiliary, addRelation, isLinear, type Knowledge, type Relation } from "./knowledge.ts";

/**
 * The two values of `form` that a relation admits, when the relation is a polynomial of that form alone which factors by
 * itself: a·b = 0, or a·b = c where c is 0 with a or with b.
 */
function rootsOf({ a, b, c }: Relation, prime: bigint): { form: Form; roots: [bigint, bigint] } | undefined {
  const form = withoutConstant(a);
  const right = ratioOf(a, b, prime);
  if (right === undefined) return undefined;
  const constant = (of: Form) => (of[0]?.wire === 0 ? of[0].coefficient : 0n);
  const ratio = constantOf(c) === undefined ? ratioOf(a, c, prime) : 0n;
  if (ratio === undefined) return undefined;
  // (x + p)(right·x + q) = ratio·x + s, with x the form.
  const [p, q, s] = [constant(a), constant(b), constant(c)];
  // One root r known, the sum of both is (ratio − p·right − q) / right.
  const sum = ((ratio - p * right - q) * inverse(right, prime)) % prime;
  // b first: the compiler writes (x − 1)·x, and the bit is to be x.
  for (const root of [-q * inverse(right, prime), -p]) {
    const value = (root + p) * (right * root + q) - ratio * root - s;
    if (residue(value, prime) === 0n)
      return { form, roots: [residue(root, prime), residue(sum - root, prime)] };
  }
  return undefined;
}

/**
 * Finds forms that have two values, and gives each a bit: the wire itself when its values are 0 and 1, else an auxiliary wire b with
 * form = first + (second − first)·b. Of a double root it notes that the form is constant.
 */
export function findTwoValued(knowledge: Knowledge): void {
  const { prime } = knowledge;
  for (const relation of [...knowledge.relations]) {
    if (isLinear(relation)) continue;
    const found = rootsOf(relation, prime);
    if (found === undefined) continue;
    const [first, second] = found.roots;
    const shifted = combine(found.form, 1n, [{ wire: 0, coefficient: 1n }], -first, prime);
    if (first === second) {
      addRelation(knowledge, { a: [], b: [], c: shifted });
      continue;
    }
    const only = found.form.length === 1 ? found.form[0] : undefined;
    const isBit = only?.coefficient === 1n && found.roots.every((root) => root <= 1n);
    const bit = isBit
      ? only.wire
      : addAuxiliary(knowledge, combine(shifted, inverse(second - first, prime), [], 0n, prime));
    learnInterval(knowledge, bit, { low: 0n, high: 1n });
  }
}

/** True when a wire is known to be 0 or 1. */
export function isBit(knowledge: Knowledge, wire: number): boolean {
  const interval = knowledge.intervals[wire];
  return interval !== undefined && interval.low >= 0n && interval.high <= 1n;
}
