import type { CausalOrder } from "../causalOrder.ts";
import {
  C,
  type ConstraintSystem,
  coefficientOf,
  constraintsOf,
  isLinear,
  wiresOf,
} from "../constraintSystem.ts";

/**
 * The order with every public signal computed that some check has as the sum of wires within the circuit, as the last layer of a hash is: a
 * cheater who may choose public signals takes what comes out there.
 */
export function withPublicOutputs(system: ConstraintSystem, order: CausalOrder): CausalOrder {
  const [target, definer, given] = [order.target.slice(), order.definer.slice(), order.given.slice()];
  const isSumFor = (constraint: number, wire: number): boolean =>
    (target[constraint] as number) < 0 &&
    (order.hintOf[constraint] as number) < 0 &&
    isLinear(system, constraint) &&
    [1n, -1n].includes(coefficientOf(system, constraint, C, wire)) &&
    wiresOf(system, constraint).every((other) => other === wire || other > system.inputs);
  for (let wire = 1; wire <= system.publics; wire++) {
    if (given[wire] === 0) continue;
    const check = constraintsOf(system, wire).find((constraint) => isSumFor(constraint, wire));
    if (check === undefined) continue;
    target[check] = wire;
    definer[wire] = check;
    given[wire] = 0;
  }
  return { ...order, target, definer, given };
}
