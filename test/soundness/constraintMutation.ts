import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Random, randomFrom } from "../support/random.ts";
import type { CausalOrder } from "./causalOrder.ts";
import {
  type ConstraintSystem,
  constraintsOf,
  inverse,
  isLinear,
  reduce,
  solveFor,
  wiresOf,
} from "./constraintSystem.ts";
import type { FirstOrder } from "./firstOrder.ts";
import type { Cheater } from "./repair.ts";

/** A bad witness that breaks one constraint and no other: without that constraint it would be accepted. */
export interface Kill {
  constraint: number;
  /** The wire that was changed first, and to what. */
  wire: number;
  value: bigint;
  /** Everything in which it differs from the honest one; for a shared continuation, within its permutation alone. */
  altered: Map<number, bigint>;
  /**
   * "witness": the whole bad witness was made. "shared": it was made within one Poseidon permutation, whose output another bad witness had
   * already carried through the rest of the circuit; the rest takes any output alike.
   */
  evidence: "witness" | "shared";
}

/** New values of wires. */
export type Change = [wire: number, value: bigint][];

/** Values to which a wire is changed; the negative first, since a square that is used squared breaks nothing else by it. */
function valuesFor(value: bigint, random: Random): bigint[] {
  const any = random.between(1n, (1n << 127n) - 1n) * random.between(1n, (1n << 126n) - 1n);
  const tried = [-value, value + 1n, any, value - 1n, 0n, 1n, value + (1n << 16n)];
  return [...new Set(tried.map(reduce))].filter((other) => other !== value);
}

/** A change, which of the repair's choices goes with it, and how long it may take. */
interface Attempt {
  change: Change;
  choice: number;
  patience: number;
}

/**
 * Changes that may break one constraint alone, likely ones first: known ones, digits that are none, then in rounds one value for the wire that the constraint
 * gives, for each wire in it, and for the inputs that these come from, with what the constraint gives computed anew or left as it is. Every
 * round has other values and makes other choices.
 */
function* attemptsFor({ system, order, witness, known }: Attacked, constraint: number): Generator<Attempt> {
  for (const change of known(constraint)) yield { change, choice: 0, patience: 3 };
  const random = randomFrom(constraint);
  const at = (wire: number): bigint => witness[wire] as bigint;
  const target = order.target[constraint] as number;
  const wires = wiresOf(system, constraint);
  const own = wires.length === 1 ? (wires[0] as number) : -1;
  if (own >= 0 && order.booleans.get(own) === constraint)
    for (const change of noDigit(system, order, witness, own)) yield { change, choice: 0, patience: 1 };

  const hint = (wire: number): number => Number((order.hintFor[wire] as number) >= 0);
  const inIt = wires.filter((wire) => wire !== own && wire !== target);
  inIt.sort(
    (one, other) => hint(other) - hint(one) || (order.given[other] as number) - (order.given[one] as number),
  );
  const sources = sourcesOf(system, order, constraint, SOURCES).filter((wire) => !inIt.includes(wire));
  // What else stands beside the wire that is free without the constraint.
  const users = target >= 0 ? [...constraintsOf(system, target)].filter((user) => user !== constraint) : [];
  const beside = users.slice(0, 3).flatMap((user) => {
    const next = order.target[user] as number;
    const checks = next >= 0 ? [...constraintsOf(system, next)].filter((other) => other !== user) : [];
    return [user, ...checks.slice(0, 2)];
  });
  // The farthest ones first, as behind a hash that a sum must meet.
  for (const behind of beside.map((user) => sourcesOf(system, order, user, SOURCES)).toReversed())
    for (const wire of [...behind.slice(-2), ...behind.slice(0, 4)])
      if (!sources.includes(wire)) sources.push(wire);
  const values = new Map<number, bigint[]>();
  const nextValue = (wire: number, round: number): bigint | undefined => {
    if (order.booleans.has(wire)) return round < 3 ? 1n - at(wire) : undefined;
    const all = values.get(wire) ?? valuesFor(at(wire), random);
    values.set(wire, all);
    return all[round];
  };
  const places = [...inIt.slice(0, 8), ...sources];
  // What the constraint gives goes first, with two values.
  for (const value of target >= 0 ? [nextValue(target, 0), nextValue(target, 1)] : [])
    if (value !== undefined) yield { change: [[target, value]], choice: 0, patience: 1 };
  for (let round = 0; round < 7; round++)
    for (const wire of round < 2 || target < 0 ? places : [target, ...places]) {
      const value = nextValue(wire, round);
      if (value === undefined) continue;
      yield { change: [[wire, value]], choice: round % 3, patience: 1 };
      // What the constraint gives stays, and what it is computed from changes.
      if (target >= 0 && wire !== target && round < 3) {
        const change: Change = [
          [wire, value],
          [target, at(target)],
        ];
        yield { change, choice: round % 3, patience: 1 };
      }
    }
}

/** Inputs behind a constraint that are changed at most. */
const SOURCES = 20;

/** Values other than 0 and 1 for a digit, with other digits of its sum taking up the difference where there are some. */
function* noDigit(
  system: ConstraintSystem,
  order: CausalOrder,
  witness: readonly bigint[],
  own: number,
): Generator<Change> {
  const at = (wire: number): bigint => witness[wire] as bigint;
  const sum = order.hints[order.hintFor[own] as number];
  if (sum?.kind === "digits") {
    const mine = sum.digits.indexOf(own);
    const place = sum.places[mine] as number;
    // Near digits first: of a place in a tree these are of the same level.
    const others = [...sum.digits.entries()].filter(([index]) => index !== mine);
    others.sort(([one], [other]) => Math.abs(one - mine) - Math.abs(other - mine) || other - one);
    for (const [index, other] of others) {
      const flipped = 1n - at(other);
      const difference = (at(other) - flipped) * power((sum.places[index] as number) - place);
      yield [
        [other, flipped],
        [own, reduce(at(own) + difference)],
      ];
    }
  }
  yield* withOtherBits(system, order, witness, own);
  for (const value of [2n, FIELD_ORDER - 1n, power(-1), 1n << 40n]) yield [[own, value]];
}

/** One or two other bits of a sum flipped, such as that of a choice of one; the bit itself, which then is none, takes up the difference. */
function* withOtherBits(
  system: ConstraintSystem,
  order: CausalOrder,
  witness: readonly bigint[],
  own: number,
): Generator<Change> {
  for (const sum of constraintsOf(system, own)) {
    const bits = wiresOf(system, sum).filter((wire) => wire !== own && order.booleans.has(wire));
    if (!isLinear(system, sum) || bits.length > 20) continue;
    for (const [index, first] of bits.entries())
      for (const second of bits.slice(index)) {
        const flipped = [...new Set([first, second])].map((wire): [number, bigint] => [
          wire,
          1n - (witness[wire] as bigint),
        ]);
        const values = [...witness];
        for (const [wire, value] of flipped) values[wire] = value;
        const value = solveFor(system, sum, own, values);
        if (value !== undefined && value > 1n) yield [...flipped, [own, value]];
      }
  }
}

/** 2^exponent in the field. */
function power(exponent: number): bigint {
  return exponent >= 0 ? 1n << BigInt(exponent) : inverse(1n << BigInt(-exponent));
}

/** The nearest given wires that the wires of a constraint are computed from. */
function sourcesOf(
  system: ConstraintSystem,
  order: CausalOrder,
  constraint: number,
  limit: number,
): number[] {
  const seen = new Set(wiresOf(system, constraint));
  const found: number[] = [];
  for (const wire of seen) {
    if (order.given[wire]) found.push(wire);
    if (found.length >= limit || seen.size > 3_000) break;
    const hint = order.hints[order.hintFor[wire] as number];
    const definer = hint?.constraint ?? (order.definer[wire] as number);
    if (definer >= 0) for (const next of wiresOf(system, definer)) seen.add(next);
  }
  return found;
}

/** Which Poseidon permutation each constraint is part of, by number; −1 for none. */
export function permutations(system: ConstraintSystem): Int32Array {
  const numbers = new Map<string, number>();
  const ofWire = system.names.map((name) => {
    const found = /^(.*\.permutation)\./.exec(name)?.[1];
    if (found === undefined) return -1;
    numbers.set(found, numbers.get(found) ?? numbers.size);
    return numbers.get(found) as number;
  });
  const ofConstraint = new Int32Array(system.constraints).fill(-1);
  for (let constraint = 0; constraint < system.constraints; constraint++)
    for (const wire of wiresOf(system, constraint))
      ofConstraint[constraint] = Math.max(ofConstraint[constraint] as number, ofWire[wire] as number);
  return ofConstraint;
}

/** A witness and what is known about cheating with it. */
export interface Attacked {
  system: ConstraintSystem;
  order: CausalOrder;
  witness: readonly bigint[];
  cheat: Cheater;
  /** See {@link permutations}. */
  permutation: Int32Array;
  /** Changes that are known to break a constraint alone; see changesByHand.ts. */
  known(constraint: number): Change[];
  /** How often a change that left a permutation by these wires was carried through the rest of the circuit. */
  carried: Map<string, number>;
  /** By permutation how often a changed output could not be carried before any could; see {@link isStuck}. */
  refused: Map<number, number>;
  /** See {@link FirstOrder}. */
  isNeeded: FirstOrder;
}

/** Changed outputs of a permutation that the rest of the circuit refused, after which it is taken to refuse all. */
const REFUSED = 8;

/** Constraints evaluated for one in such a permutation. */
const STUCK_EFFORT = 2_500;

/** Bad witnesses made whole before a permutation's continuation counts as shared. */
const WHOLE = 2;

/**
 * Whether a constraint is in a permutation of which no changed output could be carried through the rest of the circuit, as when the same
 * output is computed once more elsewhere. What keeps the output is still worth a try.
 */
export function isStuck({ permutation, refused }: Attacked, constraint: number): boolean {
  return (refused.get(permutation[constraint] as number) ?? 0) >= REFUSED;
}

/**
 * Looks for a witness that breaks one constraint and no other.
 *
 * @param effort how many constraints are evaluated at most; a quarter of a million take about a second.
 */
export function killConstraint(attacked: Attacked, constraint: number, effort: number): Kill | undefined {
  const { system, order, cheat, permutation, carried, refused } = attacked;
  const part = permutation[constraint] as number;
  const within = (other: number): boolean => permutation[other] === part;
  // The first thing done to an input is a product; the outputs are sums, and in none.
  const isOutput = (wire: number): boolean =>
    constraintsOf(system, wire).every((other) => !within(other) || isLinear(system, other));
  const terms = { dropped: constraint, publics: "free", effort: "anything" } as const;
  let spent = 0;
  for (const { change, choice, patience } of attemptsFor(attacked, constraint)) {
    const stuck = isStuck(attacked, constraint);
    if (spent > (stuck ? STUCK_EFFORT : effort)) return undefined;
    const [wire, value] = change[0] as [number, bigint];
    if (stuck && change.length === 1 && (spent > 0 || wire !== order.target[constraint])) continue;
    let exits: number[] = [];
    if (part >= 0) {
      const inside = cheat(change, { ...terms, choice: 0, within });
      spent += inside.evaluated;
      if (inside.broken.length === 0 && inside.breaksDropped) {
        exits = [...inside.altered.keys()]
          .filter((altered) => constraintsOf(system, altered).some((other) => !within(other)))
          .sort((one, other) => one - other);
        if (exits.length === 0 || (carried.get(exits.join()) ?? 0) >= WHOLE) {
          const evidence = exits.length === 0 ? "witness" : "shared";
          return { constraint, wire, value, altered: inside.altered, evidence };
        }
        if (stuck && exits.some(isOutput)) continue;
      }
    }
    const outcome = cheat(change, { ...terms, choice, patience });
    spent += outcome.evaluated / patience;
    if (outcome.broken.length === 0 && outcome.breaksDropped) {
      if (exits.length > 0) carried.set(exits.join(), (carried.get(exits.join()) ?? 0) + 1);
      if (exits.some(isOutput)) refused.set(part, Number.NEGATIVE_INFINITY);
      return { constraint, wire, value, altered: outcome.altered, evidence: "witness" };
    }
    if (exits.some(isOutput)) refused.set(part, (refused.get(part) ?? 0) + 1);
  }
  return undefined;
}
