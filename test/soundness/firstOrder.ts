import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { CausalOrder } from "./causalOrder.ts";
import {
  A,
  B,
  C,
  type ConstraintSystem,
  coefficientOf,
  constraintsOf,
  partValue,
  reduce,
  wiresOf,
} from "./constraintSystem.ts";
import { emptySpan, extend, reduced } from "./uniqueness/span.ts";

/*
 * Whether a constraint is needed, to first order: the gradient of each constraint at an honest witness is a row over F_p, and a row that the
 * others do not span has a direction in which the witness can be moved that every other constraint allows and this one does not. Weaker
 * than a second witness, since a direction is none yet, and says it of equations that only roots of polynomials of
 * high degree would solve.
 */

/** How a constraint changes with each of these wires around a witness. */
function gradient(
  system: ConstraintSystem,
  witness: readonly bigint[],
  constraint: number,
  open: ReadonlySet<number>,
): Map<number, bigint> {
  const a = partValue(system, constraint, A, witness) % FIELD_ORDER;
  const b = partValue(system, constraint, B, witness) % FIELD_ORDER;
  const found = new Map<number, bigint>();
  for (const wire of wiresOf(system, constraint)) {
    if (!open.has(wire)) continue;
    const slope = reduce(
      coefficientOf(system, constraint, A, wire) * b +
        coefficientOf(system, constraint, B, wire) * a -
        coefficientOf(system, constraint, C, wire),
    );
    if (slope !== 0n) found.set(wire, slope);
  }
  return found;
}

/** The components around a signal, the innermost first: of `main.a.b[1].c` these are `main.a.b[1]`, `main.a` and `main`. */
function componentsAround(signal: string): string[] {
  const parts = signal.split(".").slice(0, -1);
  return parts.map((_, outer) => parts.slice(0, parts.length - outer).join("."));
}

/** Constraints of a part of the circuit at most. */
const LARGEST = 2_000;

/** Tells which constraints are needed to first order, one part of the circuit after another. */
export type FirstOrder = (constraint: number) => boolean;

/**
 * Tests constraints within the components around them, from the innermost outwards, with every wire that some other part uses, and every public
 * signal, kept as it is.
 */
export function firstOrder(
  system: ConstraintSystem,
  order: CausalOrder,
  witness: readonly bigint[],
): FirstOrder {
  const wiresIn = new Map<string, number[]>();
  const prepare = (): void => {
    for (const [wire, name] of system.names.entries())
      for (const component of wire === 0 ? [] : componentsAround(name)) {
        const found = wiresIn.get(component);
        if (found === undefined) wiresIn.set(component, [wire]);
        else found.push(wire);
      }
  };

  /** Constraints, and the wires that nothing else uses. */
  const partWith = (members: ReadonlySet<number>) => {
    const open = new Set<number>();
    for (const constraint of members)
      for (const wire of wiresOf(system, constraint))
        if (wire > system.publics && constraintsOf(system, wire).every((other) => members.has(other)))
          open.add(wire);
    const constraints = [...members].sort(
      (one, other) => (order.rank[one] as number) - (order.rank[other] as number),
    );
    return { members, constraints, open };
  };
  const wholes = new Map<string, ReturnType<typeof partWith>>();
  /** A component's constraints with those beside it. */
  const partOf = (component: string, beside: readonly number[]) => {
    let whole = wholes.get(component);
    if (whole === undefined) {
      const within = (wiresIn.get(component) ?? []).flatMap((wire) => [...constraintsOf(system, wire)]);
      whole = partWith(new Set(within));
      wholes.set(component, whole);
    }
    const { members } = whole;
    if (beside.every((constraint) => members.has(constraint))) return { ...whole, isWhole: true };
    return { ...partWith(new Set([...members, ...beside])), isWhole: false };
  };
  /** Whether no row is in the span of those before it, and what the rows leave of another one. */
  const spanOf = (constraints: readonly number[], open: ReadonlySet<number>) => {
    const span = emptySpan(FIELD_ORDER);
    const fixed = new Set<number>();
    const rest = (constraint: number): Map<number, bigint> => {
      const form = [...gradient(system, witness, constraint, open)]
        .filter(([wire]) => !fixed.has(wire))
        .map(([wire, coefficient]) => ({ wire, coefficient }));
      return reduced(span, form);
    };
    let independent = true;
    for (const constraint of constraints) {
      const row = rest(constraint);
      if (row.size === 0) {
        independent = false;
        continue;
      }
      const target = order.target[constraint] as number;
      const own = row.get(target);
      const byTarget = own === undefined ? row : new Map([[target, own], ...row]);
      // A wire that is a form by itself leaves the span.
      for (const wire of extend(span, byTarget)) fixed.add(wire);
    }
    return { rest, independent };
  };

  const answers = new Map<string, boolean>();
  return (constraint) => {
    if (wiresIn.size === 0) prepare();
    // What uses the wire that the constraint gives stands beside it.
    const target = order.target[constraint] as number;
    const beside = [constraint, ...(target < 0 ? [] : constraintsOf(system, target)).slice(0, 3)];
    const joined = beside
      .slice(1)
      .flatMap((at) => wiresOf(system, at))
      .filter((wire) => constraintsOf(system, wire).length <= 3)
      .flatMap((wire) => [...constraintsOf(system, wire)]);
    const around = new Set([...beside, ...joined].flatMap((at) => wiresOf(system, at)));
    const names = [...around].map((wire) => system.names[wire] as string);
    const components = [...new Set(names.flatMap(componentsAround))].sort(
      (one, other) => other.length - one.length,
    );
    for (const component of components) {
      if ((wiresIn.get(component) ?? []).length > 2 * LARGEST) continue;
      const key = `${component} ${target < 0 ? constraint : target}`;
      const { constraints, open, isWhole } = partOf(component, beside);
      if (constraints.length > LARGEST) continue;
      const all = answers.get(isWhole ? component : key) ?? spanOf(constraints, open).independent;
      answers.set(isWhole ? component : key, all);
      if (all) return true;
      const others = constraints.filter((other) => other !== constraint);
      if (spanOf(others, open).rest(constraint).size > 0) return true;
    }
    return false;
  };
}
