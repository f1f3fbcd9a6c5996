import type { Combination, Constraint } from "../../support/r1cs.ts";

/** Terms as plain numbers: wire, coefficient, wire, coefficient … */
function plain(combination: Combination): number[] {
  return combination.flatMap(({ wire, coefficient }) => [wire, Number(coefficient)]);
}

function evaluate(terms: readonly number[], values: readonly number[], prime: number): number {
  let sum = 0;
  for (let at = 0; at < terms.length; at += 2)
    sum += (terms[at + 1] as number) * (values[terms[at] as number] as number);
  return sum % prime;
}

/**
 * Wires that take two values or more in solutions with the same given wires: all solutions are enumerated, so prime and wires must be
 * few. Undefined when there are more than `most` assignments to look at.
 */
export function ambiguousWires(
  constraints: readonly Constraint[],
  wires: number,
  given: readonly number[],
  prime: number,
  most = 100_000,
): Set<number> | undefined {
  // Wire 0 is 1; the given wires are assigned first. A constraint is checked as soon as its last wire has a value.
  const order = [
    ...given,
    ...Array.from({ length: wires - 1 }, (_, index) => index + 1).filter((wire) => !given.includes(wire)),
  ];
  const place = new Map(order.map((wire, index) => [wire, index]));
  const due: number[][][][] = Array.from({ length: order.length + 1 }, () => []);
  for (const constraint of constraints) {
    const used = [...constraint.a, ...constraint.b, ...constraint.c].map(
      ({ wire }) => (place.get(wire) ?? -1) + 1,
    );
    due[Math.max(0, ...used)]?.push([plain(constraint.a), plain(constraint.b), plain(constraint.c)]);
  }
  const values: number[] = new Array(wires).fill(0);
  values[0] = 1;
  const holds = (depth: number) =>
    (due[depth] as [number[], number[], number[]][]).every(
      ([a, b, c]) =>
        (evaluate(a, values, prime) * evaluate(b, values, prime) - evaluate(c, values, prime)) % prime === 0,
    );

  let looked = 0;
  let first: number[] | undefined;
  const ambiguous = new Set<number>();
  const visit = (depth: number): boolean => {
    if (++looked > most) return false;
    if (depth === order.length) {
      first ??= [...values];
      for (let wire = 1; wire < wires; wire++) if (values[wire] !== first[wire]) ambiguous.add(wire);
      return true;
    }
    for (let value = 0; value < prime; value++) {
      // With all given wires assigned anew, solutions are compared with the first of these.
      if (depth < given.length) first = undefined;
      values[order[depth] as number] = value;
      if (holds(depth + 1) && !visit(depth + 1)) return false;
    }
    return true;
  };
  if (!holds(0)) return ambiguous;
  return visit(0) ? ambiguous : undefined;
}
