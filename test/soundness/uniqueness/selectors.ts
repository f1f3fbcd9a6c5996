import { inverse } from "./field.ts";
import { coefficientOf, combine, constantOf, type Form } from "./form.ts";
import { isLinear, type Knowledge, openPart, type Relation } from "./knowledge.ts";
import { isBit } from "./twoValued.ts";

/** Determined factors k of relations k·wire = 0. */
function switchesOf(knowledge: Knowledge, wire: number): Form[] {
  const found: Form[] = [];
  for (const index of knowledge.touching[wire] as number[]) {
    const { a, b, c } = knowledge.relations[index] as Relation;
    if (a.length === 0 || c.length > 0) continue;
    for (const [factor, cofactor] of [
      [a, b],
      [b, a],
    ] as const) {
      if (cofactor.length === 1 && cofactor[0]?.wire === wire && openPart(knowledge, factor).length === 0)
        found.push(factor);
    }
  }
  return found;
}

/** True when at most one of the forms can be 0: any two differ by a constant other than 0 after some scaling. */
function neverTwoZero(forms: Form[], prime: bigint): boolean {
  const monic = forms.map((form) => {
    const leading = form.at(-1) as Form[number];
    return combine(form, inverse(leading.coefficient, prime), [], 0n, prime);
  });
  return monic.every((form, index) =>
    monic.slice(0, index).every((other) => {
      const difference = constantOf(combine(form, 1n, other, -1n, prime));
      return difference !== undefined && difference !== 0n;
    }),
  );
}

/**
 * Selectors: wires s_i of a linear relation with determined rest, of which either
 *   - k_i·s_i = 0 for determined k_i that are never 0 together: all but one s_i are 0, and the relation gives that one; or
 *   - all are bits with sum 1 (or 0), and another relation weighs them with pairwise different constants other than 0.
 */
export function findSelectors(knowledge: Knowledge): number[] {
  const { prime, relations } = knowledge;
  const found: number[] = [];
  for (const relation of relations) {
    if (!isLinear(relation)) continue;
    const open = openPart(knowledge, relation.c);
    if (open.length < 2) continue;
    const wires = open.map(({ wire }) => wire);
    const switches = wires.map((wire) => switchesOf(knowledge, wire));
    if (
      switches.every((forms) => forms.length > 0) &&
      neverTwoZero(
        switches.map(([form]) => form as Form),
        prime,
      )
    ) {
      found.push(...wires);
      continue;
    }
    if (isOneHot(knowledge, relation.c, open) && isWeighed(knowledge, wires)) found.push(...wires);
  }
  return found;
}

/** True when the relation says that of the open wires, all bits, exactly one is 1. */
function isOneHot(knowledge: Knowledge, form: Form, open: Form): boolean {
  const [first] = open as [Form[number]];
  if (form.length !== open.length + 1) return false;
  const total = knowledge.prime - coefficientOf(form, 0);
  return (
    total === first.coefficient &&
    open.every(({ wire, coefficient }) => coefficient === total && isBit(knowledge, wire))
  );
}

/** True when another relation has the wires with pairwise different constants and nothing else that is open. */
function isWeighed(knowledge: Knowledge, wires: number[]): boolean {
  // Of different weights one may be 0, so the relation has the first wire or the second.
  const candidates = wires.slice(0, 2).flatMap((wire) => knowledge.touching[wire] as number[]);
  return candidates.some((index) => {
    const { a, b, c } = knowledge.relations[index] as Relation;
    if (openPart(knowledge, a).length + openPart(knowledge, b).length > 0) return false;
    const weights = openPart(knowledge, c);
    if (weights.some(({ wire }) => !wires.includes(wire))) return false;
    // A wire that is missing weighs 0.
    return new Set(wires.map((wire) => coefficientOf(c, wire))).size === wires.length;
  });
}
