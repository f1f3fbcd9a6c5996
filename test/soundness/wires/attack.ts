import { SolvusError } from "../../../protocol/errors.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { randomFrom } from "../../support/random.ts";
import { dishonestValues, wiresToAttack } from "../adversary.ts";
import type { NamedCircuitUnderAttack } from "../circuitUnderAttack.ts";
import { reduce } from "../constraintSystem.ts";
import { cheaterWith, type Outcome, type Repair } from "../repair.ts";
import { constraintName } from "../survivors.ts";
import { judgeOf } from "./judge.ts";
import { withPublicOutputs } from "./publicOutputs.ts";
import { flatten, type Reading, withValues } from "./reading.ts";
import { reopenings } from "./reopenings.ts";
import type { Report } from "./report.ts";
import type { HonestStatement } from "./statements.ts";

/** How much is tried. */
export interface Effort {
  seed: number;
  /** Values for each input at most. */
  values: number;
  /** One in how many inputs takes a value for which checks that fail are met by other choices of the prover's. */
  everyNth: number;
  /** Values for each hint within the circuit and each wire of the sample; 0 leaves these wires out. */
  hintValues: number;
  /** Size of the sample of wires that are neither inputs nor hints. */
  others: number;
}

/** A circuit, and the honest statement whose witness has this number. */
export interface Target {
  circuit: NamedCircuitUnderAttack;
  /** Wires of the circuit's inputs by name. */
  inputs: ReadonlyMap<string, number>;
  publicSignals: ReadonlySet<string>;
  read: (input: CircuitInput) => Reading;
  statement: HonestStatement;
  witness: number;
}

type Change = [wire: number, value: bigint];
type Means = Pick<Repair, "publics" | "effort">;

/** Changes wires of one honest witness and adds what comes of it to a report. */
export interface Attacker {
  /** Without the constraint `dropped` where one is given. */
  attempt(changes: readonly Change[], means: Means, dropped?: number): void;
  /** All constraints that a change breaks. */
  refusals(changes: readonly Change[], means: Means): number[];
}

const count = (counts: Map<string, number>, key: string): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1);
};

/** An attacker that repairs as a cheater would: hints by the model, what follows by the constraints. */
export function attackerOf(target: Target, report: Report): Attacker {
  const { circuit, inputs, publicSignals, read, statement, witness } = target;
  const { system } = circuit;
  const attacked = circuit.attacked(witness);
  const cheat = cheaterWith(system, withPublicOutputs(system, attacked.order), attacked.witness);
  const honest = flatten(statement.input);
  const judge = judgeOf(statement.input, publicSignals, read);
  const inputOf = new Map([...inputs].map(([name, wire]) => [wire, name]));
  const templates = new Map<number, string>();
  const templatesOf = (constraint: number): string => {
    const known = templates.get(constraint) ?? circuit.templatesOf(constraint);
    templates.set(constraint, known);
    return known;
  };

  /** The changes with those of hints that the model computes from inputs so changed; of public ones where these may change. */
  const followed = (changes: readonly Change[], publics: Repair["publics"]): Change[] => {
    const own = changes.flatMap(([wire, value]): [string, bigint][] => {
      const name = inputOf.get(wire);
      return name === undefined ? [] : [[name, value]];
    });
    if (own.length === 0) return [...changes];
    let hints: CircuitInput;
    try {
      hints = read(withValues(statement.input, new Map([...honest, ...own]))).hints;
    } catch (error) {
      if (error instanceof SolvusError) return [...changes];
      throw error;
    }
    const set = new Set(changes.map(([wire]) => wire));
    const more = [...flatten(hints)].flatMap(([name, value]): Change[] => {
      const wire = inputs.get(name);
      if (wire === undefined || set.has(wire) || honest.get(name) === value) return [];
      return wire <= system.publics && publics === "fixed" ? [] : [[wire, value]];
    });
    return [...changes, ...more];
  };

  const repaired = (changes: readonly Change[], means: Means, dropped: number, first: boolean): Outcome =>
    cheat(followed(changes, means.publics), { ...means, dropped, first, choice: 0 });

  /** Enters what an accepted witness turns out to be. */
  const accept = (changes: readonly Change[], altered: Outcome["altered"], means: Means): void => {
    const changed = new Map<string, bigint>();
    for (const [wire, value] of altered) {
      const name = inputOf.get(wire);
      if (name !== undefined) changed.set(name, value);
    }
    const verdict = judge(changed);
    if (verdict.kind === "false") {
      const shown = changes.slice(0, 3).map(([wire, value]) => `${system.names[wire]} = ${value}`);
      report.faults.push(
        `${statement.title}: ${shown.join(", ")} (public signals ${means.publics}, ${means.effort}): ${verdict.why}`,
      );
    } else if (verdict.kind === "unknownTree") report.unknownTrees++;
    else if (verdict.kind === "statement") count(report.statements, verdict.changed.join(", "));
    else {
      // A wire that takes another value while all inputs keep theirs is named itself.
      const own = changes.map(([wire]) => constraintName([system.names[wire] as string]));
      for (const name of verdict.changed.length > 0 ? verdict.changed : own) count(report.free, name);
    }
  };

  return {
    attempt(changes, means, dropped = -1) {
      report.tried++;
      const { broken, altered } = repaired(changes, means, dropped, true);
      const [first] = broken;
      if (first !== undefined) {
        count(report.noticed, templatesOf(first));
        return;
      }
      if (dropped < 0 && circuit.brokenInProof(witness, altered).length > 0)
        report.faults.push(`${statement.title}: the proven system refuses what this one accepts`);
      accept(changes, altered, means);
    },
    refusals: (changes, means) => repaired(changes, means, -1, false).broken,
  };
}

/** Every input, every hint, a sample of the rest, and every other way to open what is not bound. */
export function attackStatement(target: Target, effort: Effort, report: Report): void {
  const { circuit, inputs, statement, witness } = target;
  const { system } = circuit;
  const attacked = circuit.attacked(witness);
  const { attempt } = attackerOf(target, report);
  const random = randomFrom(effort.seed);
  const some = (values: readonly bigint[], most: number): bigint[] => {
    const left = [...values];
    return Array.from({ length: Math.min(most, left.length) }, () => {
      const [value] = left.splice(Number(random.between(0n, BigInt(left.length - 1))), 1);
      return value as bigint;
    });
  };
  /** A flag or a bit is turned first; few other values tell more of it than that it must be one. */
  const valuesFor = (wire: number, most: number): bigint[] => {
    const honest = attacked.witness[wire] as bigint;
    const turned = attacked.order.booleans.has(wire) ? [1n - honest] : [];
    const others = dishonestValues(honest, effort.seed + wire).filter((value) => !turned.includes(value));
    return [...turned, ...some(others, most)].slice(0, most);
  };

  for (const [index, wire] of [...inputs.values()].entries()) {
    report.wires++;
    const ways = wire > system.publics ? (["fixed", "free"] as const) : (["free"] as const);
    for (const publics of ways) {
      for (const value of valuesFor(wire, effort.values))
        attempt([[wire, value]], { publics, effort: "forward" });
      if (index % effort.everyNth === witness % effort.everyNth)
        for (const value of valuesFor(wire, 1)) attempt([[wire, value]], { publics, effort: "anything" });
    }
  }

  for (const opening of reopenings(statement)) {
    const changes = opening
      .map(([name, value]): Change => [inputs.get(name) as number, reduce(value)])
      .filter(([wire, value]) => attacked.witness[wire] !== value);
    if (changes.length === 0) continue;
    attempt(changes, { publics: "fixed", effort: "forward" });
    attempt(changes, { publics: "free", effort: "anything" });
  }

  if (effort.hintValues === 0) return;
  const isInput = new Set(inputs.values());
  for (const wire of wiresToAttack(attacked, effort.others, effort.seed)) {
    if (isInput.has(wire)) continue;
    report.wires++;
    for (const value of valuesFor(wire, effort.hintValues))
      attempt([[wire, value]], { publics: "fixed", effort: "forward" });
    const borrowed = borrowing(target, wire);
    if (borrowed !== undefined) attempt(borrowed, { publics: "fixed", effort: "forward" });
  }
}

/**
 * A digit too large by one of the next digit, and that digit less by one: the sum stays, and only the digits' ranges can tell. Undefined for what
 * is no digit, or the last one.
 */
function borrowing({ circuit, witness }: Target, wire: number): Change[] | undefined {
  const { order, witness: values } = circuit.attacked(witness);
  const hint = order.hints[order.hintFor[wire] as number];
  if (hint?.kind !== "digits") return undefined;
  const place = hint.places[hint.digits.indexOf(wire)] as number;
  const next = hint.places.indexOf(Math.min(...hint.places.filter((other) => other > place)));
  if (next < 0) return undefined;
  const step = 1n << BigInt((hint.places[next] as number) - place);
  const other = hint.digits[next] as number;
  return [
    [wire, reduce((values[wire] as bigint) + step)],
    [other, reduce((values[other] as bigint) - 1n)],
  ];
}

/**
 * Whether the attack would find it out if a constraint were missing: changes an input of this name until one constraint alone refuses it, takes
 * that away and adds what then comes of it to the report. Returns how many constraints were tried so.
 */
export function attackWithout(target: Target, name: string, seed: number, report: Report): number {
  const { circuit, inputs, witness } = target;
  const { attempt, refusals } = attackerOf(target, report);
  const wire = inputs.get(name);
  if (wire === undefined) throw new Error(`no input ${name}`);
  const gone = new Set<number>();
  for (const value of dishonestValues(circuit.attacked(witness).witness[wire] as bigint, seed)) {
    const changes: Change[] = [[wire, value]];
    const means: Means = { publics: "free", effort: "forward" };
    const [only, ...others] = new Set(refusals(changes, means));
    if (only === undefined || others.length > 0) continue;
    gone.add(only);
    attempt(changes, means, only);
  }
  return gone.size;
}
