import type { Random } from "../../support/random.ts";
import { ambiguousWires } from "./bruteForce.ts";
import { determine, type Rule } from "./determine.ts";
import { knowledgeOf } from "./knowledge.ts";
import { randomSystem } from "./randomSystem.ts";

/** Wires, the constant's among them, of the largest system that is tried. */
const MOST_WIRES = 7;
/** Assignments that are looked at; a system with more is passed over. */
const MOST_ASSIGNMENTS = 20_000;

/** Of a random small system: wires that the analysis calls determined although they take two values, and the rules that determined wires. */
export function disagreement(random: Random): { wrong: number[]; used: Rule[]; checked: boolean } {
  const { constraints, wires, given, prime } = randomSystem(random, MOST_WIRES);
  const ambiguous = ambiguousWires(constraints, wires, given, prime, MOST_ASSIGNMENTS);
  if (ambiguous === undefined) return { wrong: [], used: [], checked: false };
  const rules = determine(knowledgeOf(constraints, wires, given, BigInt(prime)));
  return {
    wrong: [...ambiguous].filter((wire) => rules[wire] !== undefined),
    used: rules.slice(1, wires).filter((rule) => rule !== undefined && rule !== "given") as Rule[],
    checked: true,
  };
}
