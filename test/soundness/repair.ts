import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { CausalOrder } from "./causalOrder.ts";
import {
  A,
  B,
  C,
  type ConstraintSystem,
  coefficientOf,
  constraintsOf,
  inverse,
  isMet,
  type Part,
  partValue,
  reduce,
  solveFor,
  wiresOf,
} from "./constraintSystem.ts";
import { type Digits, type Hint, leastMaximum } from "./hints.ts";

/** What the cheater does besides the change itself. */
export interface Repair {
  /** The constraint that is not there; −1 for none. */
  dropped: number;
  /** Whether public signals may be chosen anew. */
  publics: "free" | "fixed";
  /**
   * "forward": what is computed from the change is computed anew, hints included. "anything": a check that then fails is met by another
   * choice of some input, and what leads to that input is computed backwards.
   */
  effort: "forward" | "anything";
  /** Which of several choices is made where there are some: 0 always the first, other numbers mix. */
  choice: number;
  /** Whether to end with the first constraint that is broken; with the effort "anything" that is so in any case. */
  first?: boolean;
  /** How many times as many constraints as usual may be evaluated; 1 when not given. */
  patience?: number;
  /** When given, constraints outside of this part of the circuit wait, and are not looked at. */
  within?: (constraint: number) => boolean;
}

/** What came of it. */
export interface Outcome {
  /** Constraints that the repaired witness breaks, the dropped one apart; the first alone where the repair ends with it. */
  broken: number[];
  /** Whether it breaks the dropped constraint. */
  breaksDropped: boolean;
  /** The wires that differ from the honest witness, with their new values. */
  altered: Map<number, bigint>;
  /** Constraints evaluated, and checks met by another choice of an input. */
  evaluated: number;
  choices: number;
}

/** Constraints evaluated in one attempt at most, so that none runs for long. */
const EFFORT = 40_000;
/** Checks met by another choice of an input in one attempt at most. */
const CHOICES = 120;

/** Wires of a constraint over which the search for an input steps back further, and how far it goes: through a choice by four bits. */
const SHORT = 6;
const STEPS = 4;

/** A cheater with an honest witness: changes wires, repairs what follows, and says which constraints notice. */
export type Cheater = (changes: readonly [wire: number, value: bigint][], repair: Repair) => Outcome;

/** Vectors of private inputs that hold the same values in different places, as the nodes do that two paths of one tree share. */
function twins(system: ConstraintSystem, witness: readonly bigint[]): Map<number, number[]> {
  const vectors = new Map<string, number[]>();
  for (let wire = system.publics + 1; wire <= system.inputs; wire++) {
    const parsed = /^(.*)\[\d+\]$/.exec(system.names[wire] as string);
    if (parsed === null) continue;
    const prefix = String(parsed[1]);
    vectors.set(prefix, [...(vectors.get(prefix) ?? []), wire]);
  }
  const alike = new Map<string, number[][]>();
  for (const wires of vectors.values()) {
    if (wires.length < 8) continue;
    const values = wires.map((wire) => witness[wire]).join();
    alike.set(values, [...(alike.get(values) ?? []), wires]);
  }
  const found = new Map<number, number[]>();
  for (const group of alike.values())
    for (const wires of group)
      for (const [place, wire] of wires.entries())
        found.set(
          wire,
          group.filter((other) => other !== wires).map((other) => other[place] as number),
        );
  return found;
}

/** Makes a cheater of a witness that meets every constraint. */
export function cheaterWith(
  system: ConstraintSystem,
  order: CausalOrder,
  witness: readonly bigint[],
): Cheater {
  const { target, rank, hintOf, hintFor, hints, given, booleans } = order;
  const values = [...witness];
  const twin = twins(system, witness);
  /** The sums whose digits are measured from one maximum. */
  const sumsBelow = new Map<number, Digits[]>();
  for (const hint of hints)
    if (hint.kind === "digits" && hint.maximum !== undefined)
      sumsBelow.set(hint.maximum, [...(sumsBelow.get(hint.maximum) ?? []), hint]);
  /** Marks of the attempt under way: wire changed, wire not to be changed again, wire computed anew, constraint waiting. */
  const changed = new Uint8Array(system.wires);
  const locked = new Uint8Array(system.wires);
  const computed = new Uint8Array(system.wires);
  const waiting = new Uint8Array(system.constraints);
  let log: number[] = [];
  let heap: number[] = [];

  const before = (one: number, other: number): boolean => (rank[one] as number) < (rank[other] as number);
  const push = (constraint: number): void => {
    if (waiting[constraint]) return;
    waiting[constraint] = 1;
    let at = heap.length;
    heap.push(constraint);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(heap[at] as number, heap[parent] as number)) break;
      [heap[at], heap[parent]] = [heap[parent] as number, heap[at] as number];
      at = parent;
    }
  };
  const pop = (): number | undefined => {
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    waiting[first] = 0;
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && before(heap[child] as number, heap[least] as number)) least = child;
      if (least === at) return first;
      [heap[at], heap[least]] = [heap[least] as number, heap[at] as number];
      at = least;
    }
  };

  /** Every constraint on the wire waits, but for one that was solved for this value. */
  const set = (wire: number, value: bigint, solved = -1): void => {
    if (values[wire] === value) return;
    values[wire] = value;
    if (!changed[wire]) {
      changed[wire] = 1;
      log.push(wire);
    }
    const end = system.touchStart[wire + 1] as number;
    for (let at = system.touchStart[wire] as number; at < end; at++) {
      const constraint = system.touching[at] as number;
      if (constraint !== solved) push(constraint);
    }
  };
  const compute = (wire: number, value: bigint, solved = -1): void => {
    if (locked[wire]) return;
    if (!computed[wire]) log.push(wire);
    computed[wire] = 1;
    set(wire, value, solved);
  };

  const guess = (hint: Hint): void => {
    if (hint.kind === "digits") {
      if (hint.maximum !== undefined)
        compute(hint.maximum, leastMaximum(sumsBelow.get(hint.maximum) ?? [], values));
      let sum = 0n;
      for (const [wire, coefficient] of hint.sum) sum += coefficient * (values[wire] as bigint);
      sum = reduce(sum);
      for (const [index, digit] of hint.digits.entries())
        compute(
          digit,
          (sum >> BigInt(hint.places[index] as number)) & ((1n << BigInt(hint.widths[index] as number)) - 1n),
        );
      return;
    }
    const input = partValue(system, hint.constraint, hint.input, values) % FIELD_ORDER;
    if (input === 0n) {
      const out = solveFor(system, hint.constraint, hint.out, values);
      if (out !== undefined) compute(hint.out, out);
      return;
    }
    const out = solveFor(system, hint.product, hint.out, values);
    if (out !== undefined) compute(hint.out, out);
    const inverseOfInput = solveFor(system, hint.constraint, hint.inverse, values);
    if (inverseOfInput !== undefined) compute(hint.inverse, inverseOfInput);
  };

  /** Whether some input by this many steps back, each over a short constraint, can answer for another value of a wire. */
  const isAnswered = (wire: number, steps: number): boolean => {
    const definer = order.definer[wire] as number;
    if (definer < 0) return false;
    const behind = wiresOf(system, definer);
    const can = (other: number): boolean =>
      !locked[other] && !booleans.has(other) && solveFor(system, definer, other, values) !== undefined;
    if (steps === 1) return behind.some((other) => given[other] && can(other));
    return (
      behind.length <= SHORT &&
      behind.some((other) => other !== wire && !given[other] && isAnswered(other, steps - 1) && can(other))
    );
  };
  /** How far the change of a wire reaches back: least for inputs, then for what an input close behind can answer for. */
  const trouble = (wire: number): number => {
    if (given[wire]) return 10;
    if (isAnswered(wire, 1)) return 1000;
    for (let steps = 2; steps <= STEPS; steps++) if (isAnswered(wire, steps)) return 1800 + 10 * steps;
    return computed[wire] ? 3000 : 2000;
  };

  /** Values of single wires that would meet a check, the least disturbing first. */
  const waysToMeet = (
    constraint: number,
    publics: Repair["publics"],
    dropped: number,
  ): [wire: number, value: bigint][] => {
    const unbound = dropped >= 0 ? (target[dropped] as number) : -1;
    const a = partValue(system, constraint, A, values) % FIELD_ORDER;
    const b = partValue(system, constraint, B, values) % FIELD_ORDER;
    const excess = a * b - partValue(system, constraint, C, values);
    // Of a check that x is 0 or 1, x is left as it was.
    const keeps = (part: Part): bigint =>
      partValue(system, constraint, part, values) - partValue(system, constraint, part, witness);
    const ways: [score: number, wire: number, value: bigint][] = [];
    for (const wire of wiresOf(system, constraint)) {
      if (locked[wire] || booleans.has(wire) || (hintFor[wire] as number) >= 0) continue;
      if (wire <= system.publics && publics === "fixed") continue;
      const [inA, inB] = [
        coefficientOf(system, constraint, A, wire),
        coefficientOf(system, constraint, B, wire),
      ];
      const quadratic = inA !== 0n && inB !== 0n;
      const slope = quadratic
        ? inA
        : (inA * b + inB * a - coefficientOf(system, constraint, C, wire)) % FIELD_ORDER;
      if (slope === 0n) continue;
      const distance = quadratic ? keeps(A) : excess;
      const value = reduce((values[wire] as bigint) - (distance % FIELD_ORDER) * inverse(slope));
      const use = constraintsOf(system, wire).length;
      // What the dropped constraint gave its value is free now.
      const score = wire === unbound ? -1000 : wire <= system.publics ? 0 : trouble(wire);
      ways.push([score + Math.min(use, 900), wire, value]);
    }
    return ways
      .sort((one, other) => one[0] - other[0] || one[1] - other[1])
      .map(([, wire, value]) => [wire, value]);
  };

  const restore = (): void => {
    for (const wire of log) {
      values[wire] = witness[wire] as bigint;
      changed[wire] = 0;
      locked[wire] = 0;
      computed[wire] = 0;
    }
    for (const constraint of heap) waiting[constraint] = 0;
    log = [];
    heap = [];
  };
  const lock = (wire: number): void => {
    log.push(wire);
    locked[wire] = 1;
  };

  return (changes, { dropped, publics, effort, choice, first, within, patience = 1 }) => {
    const broken: number[] = [];
    let evaluated = 0;
    let choices = 0;
    let mix = choice;
    for (const [wire] of changes) lock(wire);
    for (const [wire, value] of changes) set(wire, value);

    for (let constraint = pop(); constraint !== undefined; constraint = pop()) {
      if (constraint === dropped || (within !== undefined && !within(constraint))) continue;
      if (++evaluated > patience * EFFORT) {
        broken.push(constraint);
        break;
      }
      const wire = target[constraint] as number;
      if (wire >= 0 && !locked[wire] && !(wire <= system.publics && publics === "fixed")) {
        const value = solveFor(system, constraint, wire, values);
        if (value !== undefined) {
          compute(wire, value, constraint);
          continue;
        }
      }
      if (isMet(system, constraint, values)) continue;
      const hint = hints[hintOf[constraint] as number];
      if (hint !== undefined) {
        guess(hint);
        if (isMet(system, constraint, values)) continue;
      }
      if (effort === "forward") {
        broken.push(constraint);
        if (first) break;
        continue;
      }
      if (hint?.kind === "digits")
        for (const digit of hint.digits) if (!locked[digit]) set(digit, witness[digit] as bigint);
      const ways = ++choices > CHOICES ? [] : waysToMeet(constraint, publics, dropped);
      const way = ways[mix % Math.min(3, Math.max(1, ways.length))];
      mix = Math.floor(mix / 3);
      if (way === undefined) {
        broken.push(constraint);
        break;
      }
      for (const wire of [way[0], ...(twin.get(way[0]) ?? [])]) {
        if (locked[wire]) continue;
        lock(wire);
        set(wire, way[1]);
      }
      if (!isMet(system, constraint, values)) {
        broken.push(constraint);
        break;
      }
    }

    const altered = new Map<number, bigint>();
    for (const wire of log) if (values[wire] !== witness[wire]) altered.set(wire, values[wire] as bigint);
    // Beyond one part the caller checks the witness as a whole, against the proven system.
    if (within !== undefined)
      for (const wire of altered.keys())
        for (const constraint of constraintsOf(system, wire))
          if (constraint !== dropped && within(constraint) && !isMet(system, constraint, values))
            broken.push(constraint);
    const outcome = {
      broken,
      breaksDropped: dropped >= 0 && !isMet(system, dropped, values),
      altered,
      evaluated,
      choices,
    };
    restore();
    return outcome;
  };
}
