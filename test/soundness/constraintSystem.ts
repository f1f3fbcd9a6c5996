import { readFileSync } from "node:fs";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Combination, readConstraints } from "../support/r1cs.ts";

/** The three linear combinations of a constraint `a·b = c`. */
export const A = 0;
export const B = 1;
export const C = 2;
/** One of {@link A}, {@link B}, {@link C}. */
export type Part = 0 | 1 | 2;

/**
 * An R1CS laid out flat, so that a million single constraints can be evaluated a second time and again: the terms of part p of constraint
 * k are at `start[3k + p]` to `start[3k + p + 1]` of `wire` and `coefficient`.
 */
export interface ConstraintSystem {
  /** Constraints, and wires with the constant 1 on wire 0. */
  constraints: number;
  wires: number;
  /** Wires 1 to `publics` are public signals, those after them up to `inputs` private inputs that were not substituted away. */
  publics: number;
  inputs: number;
  /** A signal that each wire carries. */
  names: string[];
  start: Int32Array;
  wire: Int32Array;
  /** Between −r/2 and r/2, so that the many small ones stay small. */
  coefficient: bigint[];
  /** The constraints that wire w takes part in are at `touchStart[w]` to `touchStart[w + 1]` of `touching`. */
  touchStart: Int32Array;
  touching: Int32Array;
  /** The wires of constraint k, each once, without the constant, are at `holdStart[k]` to `holdStart[k + 1]` of `held`. */
  holdStart: Int32Array;
  held: Int32Array;
}

/** The representative of a residue in [0, r). */
export function reduce(value: bigint): bigint {
  const rest = value % FIELD_ORDER;
  return rest < 0n ? rest + FIELD_ORDER : rest;
}

/** The inverse of a residue that is not 0, by Euclid's algorithm. */
export function inverse(value: bigint): bigint {
  let [low, high] = [reduce(value), FIELD_ORDER];
  let [factor, other] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [high, low] = [low, high - quotient * low];
    [other, factor] = [factor, other - quotient * factor];
  }
  if (low === 0n) throw new Error("0 has no inverse");
  return reduce(factor);
}

/** Reads a circuit's r1cs and sym files. */
export function readSystem(file: string, symbols: string): ConstraintSystem {
  const bytes = readFileSync(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const constraints = readConstraints(bytes);
  let header = 12;
  while (view.getUint32(header, true) !== 1) header += 12 + Number(view.getBigUint64(header + 4, true));
  const counts = header + 12 + 36;
  const wires = view.getUint32(counts, true);
  const publics = view.getUint32(counts + 4, true) + view.getUint32(counts + 8, true);
  const inputLabels = publics + view.getUint32(counts + 12, true);
  const { names, inputs } = readNames(readFileSync(symbols, "utf8"), wires, inputLabels);

  const start = new Int32Array(3 * constraints.length + 1);
  const parts: Combination[] = constraints.flatMap(({ a, b, c }) => [a, b, c]);
  for (const [part, { length }] of parts.entries()) start[part + 1] = (start[part] as number) + length;
  const terms = start[parts.length] as number;
  const wire = new Int32Array(terms);
  const coefficient = new Array<bigint>(terms);
  const interned = new Map<bigint, bigint>();
  let at = 0;
  for (const part of parts)
    for (const term of part) {
      wire[at] = term.wire;
      const signed = 2n * term.coefficient > FIELD_ORDER ? term.coefficient - FIELD_ORDER : term.coefficient;
      const known = interned.get(signed) ?? signed;
      interned.set(signed, known);
      coefficient[at++] = known;
    }

  const counted = { constraints: constraints.length, wires, publics, inputs };
  const system = { ...counted, names, start, wire, coefficient };
  return { ...system, ...touchingOf(system), ...heldBy(system) };
}

/** Reads a .sym file: lines `label,wire,component,signal`, inputs first, wire −1 for a signal that was substituted away. */
function readNames(text: string, wires: number, inputLabels: number) {
  const names = Array.from({ length: wires }, (_, wire) => (wire === 0 ? "1" : `wire ${wire}`));
  let inputs = 0;
  for (const line of text.split("\n")) {
    const [label, wire, , signal] = line.split(",");
    if (signal === undefined || Number(wire) < 0) continue;
    names[Number(wire)] = signal;
    if (Number(label) <= inputLabels) inputs = Math.max(inputs, Number(wire));
  }
  return { names, inputs };
}

type Unindexed = Omit<ConstraintSystem, "touchStart" | "touching" | "holdStart" | "held">;

/** The index from constraints to their wires. */
function heldBy({ constraints, wires, start, wire }: Unindexed) {
  const holdStart = new Int32Array(constraints + 1);
  const held = new Int32Array(wire.length);
  const last = new Int32Array(wires).fill(-1);
  let count = 0;
  for (let constraint = 0; constraint < constraints; constraint++) {
    for (let term = start[3 * constraint] as number; term < (start[3 * constraint + 3] as number); term++) {
      const at = wire[term] as number;
      if (at === 0 || last[at] === constraint) continue;
      last[at] = constraint;
      held[count++] = at;
    }
    holdStart[constraint + 1] = count;
  }
  return { holdStart, held: held.slice(0, count) };
}

/** The index from wires to the constraints that hold them; a wire that is twice in a constraint names it once. */
function touchingOf({ constraints, wires, start, wire }: Unindexed) {
  const touchStart = new Int32Array(wires + 1);
  const last = new Int32Array(wires).fill(-1);
  const eachPair = (visit: (wire: number, constraint: number) => void): void => {
    last.fill(-1);
    for (let constraint = 0; constraint < constraints; constraint++) {
      const end = start[3 * constraint + 3] as number;
      for (let term = start[3 * constraint] as number; term < end; term++) {
        const at = wire[term] as number;
        if (last[at] === constraint) continue;
        last[at] = constraint;
        visit(at, constraint);
      }
    }
  };
  eachPair((at) => {
    (touchStart[at + 1] as number)++;
  });
  for (let at = 0; at < wires; at++) (touchStart[at + 1] as number) += touchStart[at] as number;
  const touching = new Int32Array(touchStart[wires] as number);
  const next = touchStart.slice(0, wires);
  eachPair((at, constraint) => {
    touching[next[at] as number] = constraint;
    (next[at] as number)++;
  });
  return { touchStart, touching };
}

/** The constraints that a wire takes part in. */
export function constraintsOf(system: ConstraintSystem, wire: number): Int32Array {
  return system.touching.subarray(system.touchStart[wire], system.touchStart[wire + 1]);
}

/** The wires of a constraint, each once, without the constant. */
export function wiresOf(system: ConstraintSystem, constraint: number): number[] {
  const from = system.holdStart[constraint] as number;
  const found = new Array<number>((system.holdStart[constraint + 1] as number) - from);
  for (let index = 0; index < found.length; index++) found[index] = system.held[from + index] as number;
  return found;
}

/** The wires of one part of a constraint, without the constant. */
export function partWires({ start, wire }: ConstraintSystem, constraint: number, part: Part): number[] {
  const at = 3 * constraint + part;
  return [...wire.subarray(start[at], start[at + 1])].filter((held) => held !== 0);
}

/** Value of one part of a constraint, not reduced. */
export function partValue(
  { start, wire, coefficient }: ConstraintSystem,
  constraint: number,
  part: Part,
  values: readonly bigint[],
): bigint {
  let sum = 0n;
  const end = start[3 * constraint + part + 1] as number;
  for (let term = start[3 * constraint + part] as number; term < end; term++)
    sum += (coefficient[term] as bigint) * (values[wire[term] as number] as bigint);
  return sum;
}

/** True when the values meet the constraint. */
export function isMet(system: ConstraintSystem, constraint: number, values: readonly bigint[]): boolean {
  const a = partValue(system, constraint, A, values) % FIELD_ORDER;
  const b = a === 0n ? 0n : partValue(system, constraint, B, values) % FIELD_ORDER;
  return (a * b - partValue(system, constraint, C, values)) % FIELD_ORDER === 0n;
}

/** True when one of a and b is empty, so that only c = 0 is left of the constraint. */
export function isLinear({ start }: ConstraintSystem, constraint: number): boolean {
  const b = start[3 * constraint + B];
  return start[3 * constraint] === b || b === start[3 * constraint + C];
}

/** Coefficient of a wire in one part of a constraint. */
export function coefficientOf(
  { start, wire, coefficient }: ConstraintSystem,
  constraint: number,
  part: Part,
  of: number,
): bigint {
  let sum = 0n;
  const end = start[3 * constraint + part + 1] as number;
  for (let term = start[3 * constraint + part] as number; term < end; term++)
    if (wire[term] === of) sum += coefficient[term] as bigint;
  return sum;
}

/**
 * The one value of a wire that meets the constraint when all other wires keep theirs; undefined when there is none or more than one
 * (the constraint does not change with the wire, or is quadratic in it).
 */
export function solveFor(
  system: ConstraintSystem,
  constraint: number,
  wire: number,
  values: readonly bigint[],
): bigint | undefined {
  const { start, wire: wires, coefficient } = system;
  const value = values[wire] as bigint;
  if (isLinear(system, constraint)) {
    // The sum of the other terms, by the wire's own coefficient.
    let [own, rest] = [0n, 0n];
    const end = start[3 * constraint + 3] as number;
    for (let term = start[3 * constraint + C] as number; term < end; term++)
      if (wires[term] === wire) own += coefficient[term] as bigint;
      else rest += (coefficient[term] as bigint) * (values[wires[term] as number] as bigint);
    if (own === 1n) return reduce(-rest);
    if (own === -1n) return reduce(rest);
    return own === 0n ? undefined : reduce((-rest % FIELD_ORDER) * inverse(own));
  }
  const slopeOfA = coefficientOf(system, constraint, A, wire);
  const slopeOfB = coefficientOf(system, constraint, B, wire);
  if (slopeOfA !== 0n && slopeOfB !== 0n) return undefined;
  const a = partValue(system, constraint, A, values) % FIELD_ORDER;
  const b = partValue(system, constraint, B, values) % FIELD_ORDER;
  const slope = (slopeOfA * b + slopeOfB * a - coefficientOf(system, constraint, C, wire)) % FIELD_ORDER;
  if (slope === 0n) return undefined;
  const excess = a * b - partValue(system, constraint, C, values);
  if (slope === 1n || slope === -1n) return reduce(value - excess * slope);
  return reduce(value - (excess % FIELD_ORDER) * inverse(slope));
}
