import { directionOf, type Form } from "./form.ts";
import { type Knowledge, openPart, type Relation, slopeOf, wiresOf } from "./knowledge.ts";
import { isNonZero } from "./nonZero.ts";

/** Open relations k·x = c, by the direction of their factor k: a form that is determined and not constant. */
function byDeterminedFactor(knowledge: Knowledge): Map<string, Relation[]> {
  const found = new Map<string, Relation[]>();
  for (const relation of knowledge.relations) {
    const { a, b, c } = relation;
    if (a.length === 0) continue;
    const [openA, openB] = [openPart(knowledge, a), openPart(knowledge, b)];
    if (openA.length > 0 === openB.length > 0 && openPart(knowledge, c).length === 0) continue;
    for (const factor of [...(openA.length === 0 ? [a] : []), ...(openB.length === 0 ? [b] : [])]) {
      const direction = directionOf(factor as Form, knowledge.prime);
      found.set(direction, [...(found.get(direction) ?? []), relation]);
    }
  }
  return found;
}

/** Wires that the relations determine one at a time, each by the ones before. */
function follow(knowledge: Knowledge, relations: readonly Relation[]): Set<number> {
  const known = new Set<number>();
  for (let before = -1; before < known.size; ) {
    before = known.size;
    for (const relation of relations) {
      const open = wiresOf(relation).filter((wire) => !knowledge.determined[wire] && !known.has(wire));
      if (open.length !== 1) continue;
      const [wire] = open as [number];
      const slope = slopeOf(relation, wire, knowledge.prime);
      if (slope !== undefined && isNonZero(knowledge, slope)) known.add(wire);
    }
  }
  return known;
}

/**
 * Wires that are determined both where a determined form k is 0 and where it is not: with k = 0 each relation k·x = c says c = 0, and
 * otherwise k is a factor to divide by. (Is-zero flags: k·inverse = 1 − flag and k·flag = 0.)
 */
export function splitOnZero(knowledge: Knowledge): number[] {
  const { nonZero } = knowledge;
  const found: number[] = [];
  for (const [direction, relations] of byDeterminedFactor(knowledge)) {
    if (nonZero.has(direction)) continue;
    const ifZero = follow(
      knowledge,
      relations.map(({ c }): Relation => ({ a: [], b: [], c })),
    );
    if (ifZero.size === 0) continue;
    nonZero.add(direction);
    const ifNot = follow(knowledge, relations);
    nonZero.delete(direction);
    for (const wire of ifZero) if (ifNot.has(wire)) found.push(wire);
  }
  return found;
}
