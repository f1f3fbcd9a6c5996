import { inverse } from "./field.ts";
import { coefficientOf, combine } from "./form.ts";
import { addRelation, isLinear, type Knowledge, type Relation, wiresOf } from "./knowledge.ts";

/** Terms that two relations must share in one ratio. */
const LEAST_SHARED = 3;

/**
 * Adds differences of two linear relations in which many terms cancel. The compiler writes a number in the place of its highest bit, so
 * that the digits of one number stand in the relation of another; the difference has each where the source had it.
 */
export function deriveShortRelations(knowledge: Knowledge): void {
  const { prime, relations, touching } = knowledge;
  const linear = [...relations.keys()].filter((index) => isLinear(relations[index] as Relation));
  const among = new Set(linear);
  for (const index of linear) {
    const relation = relations[index] as Relation;
    const shared = new Map<number, number[]>();
    for (const wire of wiresOf(relation)) {
      for (const other of touching[wire] as number[]) {
        if (other <= index || !among.has(other)) continue;
        const wires = shared.get(other);
        if (wires === undefined) shared.set(other, [wire]);
        else wires.push(wire);
      }
    }
    for (const [other, wires] of shared) {
      if (wires.length < LEAST_SHARED) continue;
      const second = relations[other] as Relation;
      const votes = new Map<bigint, number>();
      for (const wire of wires) {
        const ratio =
          (coefficientOf(second.c, wire) * inverse(coefficientOf(relation.c, wire), prime)) % prime;
        votes.set(ratio, (votes.get(ratio) ?? 0) + 1);
      }
      const [ratio, count] = [...votes].reduce((most, vote) => (vote[1] > most[1] ? vote : most));
      if (count < LEAST_SHARED) continue;
      const difference = combine(second.c, 1n, relation.c, -ratio, prime);
      const longer = Math.max(second.c.length, relation.c.length);
      if (difference.length > 0 && difference.length < longer)
        addRelation(knowledge, { a: [], b: [], c: difference });
    }
  }
}
