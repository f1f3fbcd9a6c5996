import {
  C,
  type ConstraintSystem,
  coefficientOf,
  constraintsOf,
  isLinear,
  solveFor,
  wiresOf,
} from "./constraintSystem.ts";
import { booleanWires, findDigits, findZeroTests, type Hint } from "./hints.ts";

/**
 * Which constraint gives which wire its value when a witness is computed from the inputs, found from the constraints alone. A constraint
 * that gives none is a check. Public signals that the rest determines (roots, commitments) count as computed, not as given.
 */
export interface CausalOrder {
  /** For each constraint the wire that it gives a value; −1 for checks and hints. */
  target: Int32Array;
  /** For each wire the constraint that gives it a value; −1 for what is given and for hints. */
  definer: Int32Array;
  /** For each constraint its turn: what gives comes before what uses, a check after what it compares. */
  rank: Int32Array;
  /** For each constraint the hint that it is part of, −1 for none. */
  hintOf: Int32Array;
  /** For each wire the hint that computes it, −1 for none. */
  hintFor: Int32Array;
  hints: Hint[];
  /** 1 for wires that are given: inputs that nothing else determines, and values that the prover is free to choose. */
  given: Uint8Array;
  /** 1 for wires that have the same value in every witness. */
  constant: Uint8Array;
  /** Given wires that are no inputs. */
  free: number[];
  /** For each wire the constraint that says that it is 0 or 1. */
  booleans: Map<number, number>;
}

/** Whether a wire is in c alone, by itself or its negative: the form of `wire <== a * b + c`. */
function isFormulaFor(system: ConstraintSystem, constraint: number, wire: number): boolean {
  const { start } = system;
  for (let at = start[3 * constraint] as number; at < (start[3 * constraint + C] as number); at++)
    if (system.wire[at] === wire) return false;
  const own = coefficientOf(system, constraint, C, wire);
  return own === 1n || own === -1n;
}

/** Propagation over one witness, whose values tell whether a constraint changes with a wire. */
export function causalOrder(system: ConstraintSystem, witness: readonly bigint[]): CausalOrder {
  const { constraints, wires, publics, inputs } = system;
  const booleans = booleanWires(system);
  const hints: Hint[] = [...findDigits(system, booleans), ...findZeroTests(system)];
  const hintOf = new Int32Array(constraints).fill(-1);
  const hintFor = new Int32Array(wires).fill(-1);
  for (const [index, hint] of hints.entries()) {
    hintOf[hint.constraint] = index;
    if (hint.kind === "digits") for (const digit of hint.digits) hintFor[digit] = index;
    else {
      hintOf[hint.product] = index;
      hintFor[hint.inverse] = index;
      hintFor[hint.out] = index;
    }
  }

  const target = new Int32Array(constraints).fill(-1);
  const definer = new Int32Array(wires).fill(-1);
  const rank = new Int32Array(constraints).fill(-1);
  const given = new Uint8Array(wires);
  const known = new Uint8Array(wires);
  const unknown = new Int32Array(constraints);
  for (let constraint = 0; constraint < constraints; constraint++)
    unknown[constraint] = wiresOf(system, constraint).length;
  /** Constraints with one unknown wire, those of the form `wire <== …` apart; hints whose inputs are known. */
  const formulas: number[] = [];
  const others: number[] = [];
  let turn = 0;

  const outputsOf = (hint: Hint): number[] =>
    hint.kind === "digits" ? hint.digits : [hint.inverse, hint.out];
  const openOutputs = (hint: Hint): number => outputsOf(hint).filter((wire) => !known[wire]).length;
  const lastUnknown = (constraint: number): number =>
    wiresOf(system, constraint).find((wire) => !known[wire]) ?? -1;
  const consider = (constraint: number): void => {
    const hint = hintOf[constraint] as number;
    if (hint >= 0) {
      const found = hints[hint] as Hint;
      if (found.constraint === constraint && unknown[constraint] === openOutputs(found))
        formulas.push(constraint);
      return;
    }
    if (unknown[constraint] !== 1) return;
    const wire = lastUnknown(constraint);
    if (isFormulaFor(system, constraint, wire)) formulas.push(constraint);
    else others.push(constraint);
  };
  const know = (wire: number): void => {
    if (known[wire]) return;
    known[wire] = 1;
    for (const constraint of constraintsOf(system, wire)) {
      unknown[constraint] = (unknown[constraint] as number) - 1;
      if (unknown[constraint] === 0 && (rank[constraint] as number) < 0) rank[constraint] = turn++;
      else consider(constraint);
    }
  };
  const settle = (constraint: number): void => {
    if ((rank[constraint] as number) >= 0) return;
    const hint = hints[hintOf[constraint] as number];
    if (hint !== undefined) {
      if (unknown[constraint] !== openOutputs(hint)) return;
      rank[constraint] = turn++;
      if (hint.kind === "zeroTest") rank[hint.product] = turn++;
      for (const wire of outputsOf(hint)) know(wire);
      return;
    }
    const wire = lastUnknown(constraint);
    if (wire < 0 || solveFor(system, constraint, wire, witness) === undefined) return;
    target[constraint] = wire;
    definer[wire] = constraint;
    rank[constraint] = turn++;
    know(wire);
  };
  const propagate = (): void => {
    for (;;) {
      const constraint = formulas.pop() ?? others.pop();
      if (constraint === undefined) return;
      settle(constraint);
    }
  };

  known[0] = 1;
  for (let constraint = 0; constraint < constraints; constraint++)
    if (unknown[constraint] === 1 && isLinear(system, constraint)) consider(constraint);
  propagate();
  const constant = known.slice();
  for (let wire = publics + 1; wire <= inputs; wire++) {
    given[wire] = 1;
    know(wire);
  }
  propagate();
  // Public signals that no formula gives come first: what is computed has one.
  const hasFormula = (wire: number): boolean =>
    constraintsOf(system, wire).some(
      (constraint) => (hintOf[constraint] as number) < 0 && isFormulaFor(system, constraint, wire),
    );
  const publicWires = Array.from({ length: publics }, (_, index) => index + 1);
  const byUse = [...publicWires.filter((wire) => !hasFormula(wire)), ...publicWires.filter(hasFormula)];
  const free: number[] = [];
  for (const wire of [...byUse, ...Array(wires).keys()]) {
    if (known[wire]) continue;
    given[wire] = 1;
    if (wire > inputs) free.push(wire);
    know(wire);
    propagate();
  }
  for (let constraint = 0; constraint < constraints; constraint++)
    if ((rank[constraint] as number) < 0) rank[constraint] = turn++;
  return { target, definer, rank, hintOf, hintFor, hints, given, constant, free, booleans };
}
