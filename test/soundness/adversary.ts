import { FIELD_ORDER } from "../../protocol/constants.ts";
import { randomFrom } from "../support/random.ts";
import type { Attacked } from "./constraintMutation.ts";
import { reduce } from "./constraintSystem.ts";

/** What became of single wires changed under true public signals. */
export interface Attack {
  /** Changes tried: pairs of a wire and a value. */
  tried: number;
  /** For each accepted change the wire's signal, once. */
  accepted: string[];
  /** How many changes each constraint was among the first to notice, by constraint. */
  noticed: Map<number, number>;
}

/** To what a wire is changed: ends of the field and of ranges, neighbours, and one random value. */
export function dishonestValues(honest: bigint, seed: number): bigint[] {
  const random = randomFrom(seed);
  const ends = [0n, 1n, 2n, -1n, 1n << 16n, 1n << 32n, 1n << 36n, 1n << 60n, 1n << 82n, 1n << 253n];
  const any = random.between(1n, (1n << 127n) - 1n) * random.between(1n, (1n << 126n) - 1n);
  const near = [honest + 1n, honest - 1n, -honest, honest + FIELD_ORDER / 2n];
  return [...new Set([...ends, ...near, any].map(reduce))].filter((value) => value !== honest);
}

/** Every input and every hint, and of the other wires a seeded sample. */
export function wiresToAttack({ system, order }: Attacked, sample: number, seed: number): number[] {
  const random = randomFrom(seed);
  const chosen = new Set<number>();
  for (let wire = 1; wire < system.wires; wire++)
    if (wire <= system.inputs || (order.hintFor[wire] as number) >= 0) chosen.add(wire);
  const others = Math.min(sample, system.wires - 1 - chosen.size);
  for (const target = chosen.size + others; chosen.size < target; )
    chosen.add(Number(random.between(1n, BigInt(system.wires - 1))));
  return [...chosen];
}

/**
 * Changes each of these wires to each value, computes anew what follows from it, hints included, leaves every public signal as it is, and asks the
 * constraints.
 */
export function attackWires(
  { witness, cheat }: Attacked,
  system: Attacked["system"],
  wires: readonly number[],
  values: (honest: bigint, wire: number) => bigint[] = dishonestValues,
): Attack {
  const attack: Attack = { tried: 0, accepted: [], noticed: new Map() };
  for (const wire of wires) {
    let accepted = false;
    for (const value of values(witness[wire] as bigint, wire)) {
      attack.tried++;
      const { broken } = cheat([[wire, value]], {
        ...{ dropped: -1, publics: "fixed", effort: "forward", choice: 0 },
      });
      if (broken.length === 0) accepted = true;
      for (const constraint of broken.slice(0, 1))
        attack.noticed.set(constraint, (attack.noticed.get(constraint) ?? 0) + 1);
    }
    if (accepted) attack.accepted.push(system.names[wire] as string);
  }
  return attack;
}
