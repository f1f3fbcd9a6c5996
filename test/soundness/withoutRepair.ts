import { FIELD_ORDER } from "../../protocol/constants.ts";
import {
  A,
  B,
  C,
  type ConstraintSystem,
  coefficientOf,
  constraintsOf,
  isMet,
  partValue,
  wiresOf,
} from "./constraintSystem.ts";

/*
 * What two simpler methods notice when a constraint is gone, to compare with: asking around one witness which wires the inputs determine, and
 * changing one wire without repairing anything.
 */

/** How many wires the inputs determine around a witness; without a constraint when one is given. */
export type Determination = (without?: number) => number;

/**
 * A wire counts as determined when some constraint changes with it and, of all wires not determined before, with it alone.
 */
export function determinationAround(system: ConstraintSystem, witness: readonly bigint[]): Determination {
  const { constraints, wires, inputs } = system;
  const sensitive: number[][] = [];
  const touching: number[][] = Array.from({ length: wires }, () => []);
  for (let constraint = 0; constraint < constraints; constraint++) {
    const a = partValue(system, constraint, A, witness) % FIELD_ORDER;
    const b = partValue(system, constraint, B, witness) % FIELD_ORDER;
    const slope = (wire: number): bigint =>
      coefficientOf(system, constraint, A, wire) * b +
      coefficientOf(system, constraint, B, wire) * a -
      coefficientOf(system, constraint, C, wire);
    const found = wiresOf(system, constraint).filter((wire) => slope(wire) % FIELD_ORDER !== 0n);
    sensitive.push(found.filter((wire) => wire > inputs));
    for (const wire of found) if (wire > inputs) touching[wire]?.push(constraint);
  }
  return (without) => {
    const determined = new Uint8Array(wires);
    const missing = Int32Array.from(sensitive, (found) => found.length);
    const ready: number[] = [];
    for (let constraint = 0; constraint < constraints; constraint++)
      if (missing[constraint] === 1) ready.push(constraint);
    let count = inputs;
    for (let constraint = ready.pop(); constraint !== undefined; constraint = ready.pop()) {
      if (constraint === without) continue;
      const wire = sensitive[constraint]?.find((candidate) => !determined[candidate]);
      if (wire === undefined) continue;
      determined[wire] = 1;
      count++;
      for (const other of touching[wire] as number[]) {
        missing[other] = (missing[other] as number) - 1;
        if (missing[other] === 1) ready.push(other);
      }
    }
    return count;
  };
}

/** Whether a change of some one wire of a constraint, and of nothing else, breaks it alone. */
export function breaksAlone(
  system: ConstraintSystem,
  witness: readonly bigint[],
  constraint: number,
  valuesFor: (honest: bigint) => bigint[],
): boolean {
  const values = [...witness];
  return wiresOf(system, constraint).some((wire) => {
    const honest = values[wire] as bigint;
    const others = [...constraintsOf(system, wire)].filter((other) => other !== constraint);
    const alone = valuesFor(honest).some((value) => {
      values[wire] = value;
      return !isMet(system, constraint, values) && others.every((other) => isMet(system, other, values));
    });
    values[wire] = honest;
    return alone;
  });
}
