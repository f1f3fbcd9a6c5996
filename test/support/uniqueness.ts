import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Constraint, evaluate } from "./r1cs.ts";

/** How a constraint `a·b − c = 0` changes with each wire at a witness; wires that it does not change with are left out. */
function gradient({ a, b, c }: Constraint, witness: readonly bigint[]): number[] {
  const slopes = new Map<number, bigint>();
  const add = (wire: number, slope: bigint) => slopes.set(wire, (slopes.get(wire) ?? 0n) + slope);
  const [valueOfA, valueOfB] = [evaluate(a, witness), evaluate(b, witness)];
  for (const { wire, coefficient } of a) add(wire, coefficient * valueOfB);
  for (const { wire, coefficient } of b) add(wire, coefficient * valueOfA);
  for (const { wire, coefficient } of c) add(wire, -coefficient);
  return [...slopes].filter(([, slope]) => slope % FIELD_ORDER !== 0n).map(([wire]) => wire);
}

/**
 * Wires that the inputs (given by their wires) do not determine around a valid witness: a hint that nothing constrains shows up here, with everything
 * computed from it.
 *
 * A wire counts as determined when some constraint changes with it and, of all wires not yet determined, with it alone; so the rest of the
 * constraint pins it to finitely many values (a bit to 0 and 1, a quotient to one). Which of finitely many is beyond this check: two
 * decompositions of one number need tests of their own. Constraints that pin several wires only together are not solved, so the answer
 * errs on the side of naming too many; O2 makes such constraints by substitution, so the circuit is to be compiled with O1, whose
 * system has the same solutions.
 */
export function undeterminedWires(
  constraints: readonly Constraint[],
  inputs: readonly number[],
  witness: readonly bigint[],
): number[] {
  const determined = new Uint8Array(witness.length);
  for (const wire of [0, ...inputs]) determined[wire] = 1;

  // For each constraint its undetermined wires, for each wire its constraints.
  const open = constraints.map((constraint) =>
    gradient(constraint, witness).filter((wire) => !determined[wire]),
  );
  const missing = open.map((wires) => wires.length);
  const touching: number[][] = Array.from({ length: witness.length }, () => []);
  for (const [index, wires] of open.entries()) for (const wire of wires) touching[wire]?.push(index);

  const ready = missing.flatMap((count, index) => (count === 1 ? [index] : []));
  for (let index = ready.pop(); index !== undefined; index = ready.pop()) {
    const wire = open[index]?.find((candidate) => !determined[candidate]);
    if (wire === undefined) continue;
    determined[wire] = 1;
    for (const other of touching[wire] as number[]) {
      missing[other] = (missing[other] as number) - 1;
      if (missing[other] === 1) ready.push(other);
    }
  }
  return [...determined.keys()].filter((wire) => !determined[wire]);
}
