import type { Constraint } from "../../support/r1cs.ts";
import { combine, constantOf, type Form, formOf, scale } from "./form.ts";

/** The integers from `low` to `high`, fewer than the prime: every solution's value of a wire is congruent to one of them. */
export interface Interval {
  low: bigint;
  high: bigint;
}

/** A constraint a·b = c in normal form: when a or b is constant, both are empty and c = 0 is the whole of it. */
export interface Relation {
  a: Form;
  b: Form;
  c: Form;
}

/** What the analysis knows of a system, all of it true of every solution for every input. */
export interface Knowledge {
  prime: bigint;
  /** The constraints, then the definitions of auxiliary wires and the relations derived from others. */
  relations: Relation[];
  /** For each wire, the relations in which it takes part. */
  touching: number[][];
  /** Wires that have one value for the given inputs. Wire 0 and the given ones from the start. */
  determined: boolean[];
  /** Known intervals, by wire. */
  intervals: (Interval | undefined)[];
  /** Directions (see directionOf) of forms that are 0 in no solution. */
  nonZero: Set<string>;
}

function relationOf({ a, b, c }: Constraint, prime: bigint): Relation {
  const [left, right, result] = [formOf(a, prime), formOf(b, prime), formOf(c, prime)];
  const [constantLeft, constantRight] = [constantOf(left), constantOf(right)];
  if (constantLeft !== undefined)
    return { a: [], b: [], c: combine(result, 1n, right, -constantLeft, prime) };
  if (constantRight !== undefined)
    return { a: [], b: [], c: combine(result, 1n, left, -constantRight, prime) };
  return { a: left, b: right, c: result };
}

/** True for a relation c = 0 between wires with constant coefficients. */
export function isLinear(relation: Relation): boolean {
  return relation.a.length === 0;
}

/** Wires of a relation without the constant's, each once. */
export function wiresOf({ a, b, c }: Relation): number[] {
  const wires = new Set<number>();
  for (const form of [a, b, c]) for (const { wire } of form) if (wire !== 0) wires.add(wire);
  return [...wires];
}

/** What is known before any deduction: the relations, and that the given wires are determined. @param wires number of wires, the constant's among them. */
export function knowledgeOf(
  constraints: readonly Constraint[],
  wires: number,
  given: readonly number[],
  prime: bigint,
): Knowledge {
  const determined: boolean[] = new Array(wires).fill(false);
  for (const wire of [0, ...given]) determined[wire] = true;
  const knowledge: Knowledge = {
    prime,
    relations: [],
    touching: Array.from({ length: wires }, () => []),
    determined,
    intervals: new Array(wires).fill(undefined),
    nonZero: new Set(),
  };
  for (const constraint of constraints) addRelation(knowledge, relationOf(constraint, prime));
  return knowledge;
}

/** Adds a relation that follows from the others or defines an auxiliary wire. Returns its index. */
export function addRelation(knowledge: Knowledge, relation: Relation): number {
  const index = knowledge.relations.push(relation) - 1;
  for (const wire of wiresOf(relation)) (knowledge.touching[wire] as number[]).push(index);
  return index;
}

/** Adds an auxiliary wire that equals a form, and the relation that says so. Returns the wire. */
export function addAuxiliary(knowledge: Knowledge, form: Form): number {
  const wire = knowledge.determined.push(false) - 1;
  knowledge.intervals.push(undefined);
  knowledge.touching.push([]);
  const definition = combine(form, 1n, [{ wire, coefficient: 1n }], -1n, knowledge.prime);
  addRelation(knowledge, { a: [], b: [], c: definition });
  return wire;
}

/** Terms of a form on wires that are not determined. */
export function openPart(knowledge: Knowledge, form: Form): Form {
  return form.filter(({ wire }) => !knowledge.determined[wire]);
}

/** Splits a form at one wire: its coefficient, and the rest. */
export function apart(form: Form, wire: number): { coefficient: bigint; rest: Form } {
  const found = form.find((term) => term.wire === wire);
  if (found === undefined) return { coefficient: 0n, rest: form };
  return { coefficient: found.coefficient, rest: form.filter((term) => term.wire !== wire) };
}

/** How a relation changes with one wire when it is linear in it: the coefficient, a form of other wires. Undefined when it is quadratic. */
export function slopeOf({ a, b, c }: Relation, wire: number, prime: bigint): Form | undefined {
  const [left, right, result] = [apart(a, wire), apart(b, wire), apart(c, wire)];
  if (left.coefficient !== 0n && right.coefficient !== 0n) return undefined;
  const products = combine(right.rest, left.coefficient, left.rest, right.coefficient, prime);
  return combine(products, 1n, scale([{ wire: 0, coefficient: 1n }], result.coefficient, prime), -1n, prime);
}
