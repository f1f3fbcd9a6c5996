import { FIELD_ORDER } from "../../protocol/constants.ts";
import { randomFrom } from "../support/random.ts";
import type { CircuitUnderAttack } from "./circuitUnderAttack.ts";
import { isStuck, type Kill, killConstraint } from "./constraintMutation.ts";
import {
  A,
  B,
  C,
  type ConstraintSystem,
  isLinear,
  type Part,
  partValue,
  partWires,
  wiresOf,
} from "./constraintSystem.ts";

/** What became of the constraints that were taken away one at a time. */
export interface MutationScore {
  tried: number;
  killed: number;
  /** Kills whose bad witness was made whole and checked against the proven system, where it breaks one constraint. */
  whole: number;
  /** Whole ones that alter a public signal; the others prove a falsehood about true ones. */
  alterPublics: number;
  /** Constraints without a kill that are needed to first order; see firstOrder.ts. */
  firstOrder: { constraint: number; signals: string[] }[];
  /** Other constraints that no bad witness breaks alone, with the signals in them. */
  survivors: { constraint: number; signals: string[] }[];
  /** Kills whose witness breaks more or less than one constraint of the proven system; a fault of this tool when there are any. */
  disputed: { constraint: number; proven: number[] }[];
}

/**
 * The constraints of the proven system, or a seeded sample of them, by their numbers in the other form: its products, but for those of
 * constants. Sums and products of constants are substituted away.
 */
export function mutants(
  { system, attacked }: CircuitUnderAttack,
  sample?: { size: number; seed: number },
): number[] {
  const { order, witness } = attacked(0);
  const constant = constantsOf(system, order.constant, witness);
  const variable = (constraint: number, part: Part): boolean =>
    partWires(system, constraint, part).some((wire) => constant[wire] === 0);
  const all = [...Array(system.constraints).keys()].filter(
    (constraint) => !isLinear(system, constraint) && variable(constraint, A) && variable(constraint, B),
  );
  if (sample === undefined || sample.size >= all.length) return all;
  const random = randomFrom(sample.seed);
  // The first places of a shuffle.
  for (let place = 0; place < sample.size; place++) {
    const other = Number(random.between(BigInt(place), BigInt(all.length - 1)));
    [all[place], all[other]] = [all[other] as number, all[place] as number];
  }
  return all.slice(0, sample.size).sort((one, other) => one - other);
}

/** The wires with one value in every witness: also what a product gives of which a factor is the constant 0. */
function constantsOf(system: ConstraintSystem, known: Uint8Array, witness: readonly bigint[]): Uint8Array {
  const constant = Uint8Array.from(known);
  constant[0] = 1;
  const isZero = (constraint: number, part: Part): boolean =>
    partWires(system, constraint, part).every((wire) => constant[wire] === 1) &&
    partValue(system, constraint, part, witness) % FIELD_ORDER === 0n;
  for (let before = -1, now = 0; now > before; ) {
    before = now;
    for (let constraint = 0; constraint < system.constraints; constraint++) {
      if (!isZero(constraint, A) && !isZero(constraint, B)) continue;
      const left = partWires(system, constraint, C).filter((wire) => constant[wire] === 0);
      if (left.length !== 1) continue;
      constant[left[0] as number] = 1;
      now++;
    }
  }
  return constant;
}

/** Takes each of these constraints away and looks for a bad witness that then passes. */
export function mutationScore(
  circuit: CircuitUnderAttack,
  constraints: readonly number[],
  progress: (done: number, score: MutationScore) => void = () => {},
): MutationScore {
  const score: MutationScore = {
    tried: 0,
    killed: 0,
    whole: 0,
    alterPublics: 0,
    firstOrder: [],
    survivors: [],
    disputed: [],
  };
  let preferred = 0;
  for (const constraint of constraints) {
    score.tried++;
    const found = firstKill(circuit, constraint, preferred);
    preferred = found?.witness ?? preferred;
    if (found === undefined) {
      const signals = wiresOf(circuit.system, constraint).map((wire) => circuit.system.names[wire] as string);
      const isNeeded = [...new Set([0, preferred])].some((witness) =>
        circuit.attacked(witness).isNeeded(constraint),
      );
      (isNeeded ? score.firstOrder : score.survivors).push({ constraint, signals });
    } else if (found.kill.evidence === "shared") {
      score.killed++;
    } else {
      const proven = circuit.brokenInProof(found.witness, found.kill.altered);
      if (proven.length !== 1) score.disputed.push({ constraint, proven });
      else {
        score.killed++;
        score.whole++;
        if ([...found.kill.altered.keys()].some((wire) => wire <= circuit.system.publics))
          score.alterPublics++;
      }
    }
    progress(score.tried, score);
  }
  return score;
}

/** Constraints evaluated for one constraint and witness: little at first, since another witness may do better, then more. */
const EFFORTS = [20_000, 50_000];

/** Witnesses tried of those on which a constraint is stuck: one is like the other there. */
const STUCK = 2;

/** Tries the witnesses in turn, from that on which `preferred` worked. */
function firstKill(
  circuit: CircuitUnderAttack,
  constraint: number,
  preferred: number,
): { kill: Kill; witness: number } | undefined {
  let stuck = 0;
  for (const effort of EFFORTS)
    for (let turn = 0; turn < circuit.witnesses; turn++) {
      const witness = (preferred + turn) % circuit.witnesses;
      const attacked = circuit.attacked(witness);
      if (isStuck(attacked, constraint) && stuck++ >= STUCK) continue;
      const kill = killConstraint(attacked, constraint, effort);
      if (kill !== undefined) return { kill, witness };
    }
  return undefined;
}
