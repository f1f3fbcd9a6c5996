import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { compiledCircuit } from "../../scripts/setup/circuits.ts";
import { type Instance, readInstances } from "../../scripts/setup/instances.ts";
import { circuitFile, PLACES } from "../../scripts/setup/paths.ts";
import { compile, type Optimization, ROOT, sourcesOf } from "../support/compile.ts";
import { readSymbols, type Symbols } from "../support/symbols.ts";
import { type Inputs, witnessCalculator } from "../support/witnessCalculator.ts";
import { causalOrder } from "./causalOrder.ts";
import { BY_HAND, type Rules } from "./changesByHand.ts";
import { type Attacked, type Change, permutations } from "./constraintMutation.ts";
import {
  type ConstraintSystem,
  constraintsOf,
  isMet,
  readSystem,
  reduce,
  wiresOf,
} from "./constraintSystem.ts";
import { firstOrder } from "./firstOrder.ts";
import { honestInputs } from "./honestInputs.ts";
import { cheaterWith } from "./repair.ts";
import { constraintName } from "./survivors.ts";

/**
 * A circuit with honest witnesses. It is attacked as compiled with O1, where every sum is a constraint of its own, so that a cheater can follow what
 * depends on what; every bad witness is then checked against the constraints that are proven, which O2 makes of the same
 * products.
 */
export interface CircuitUnderAttack {
  /** As compiled with O1. */
  system: ConstraintSystem;
  /** As it is proven. */
  proven: ConstraintSystem;
  /** Number of honest witnesses. */
  witnesses: number;
  /** The attack that starts from a witness. */
  attacked(witness: number): Attacked;
  /** Constraints of the proven system that the witness of this number breaks after changes. */
  brokenInProof(witness: number, altered: ReadonlyMap<number, bigint>): number[];
}

async function filesOf(instance: Instance, optimization: Optimization) {
  const { file, template, parameters, publicSignals, name } = instance;
  if (optimization === "O2" && compiledCircuit(instance, PLACES) !== undefined) {
    const made = (extension: "r1cs" | "sym" | "wasm") => circuitFile(PLACES.build, name, extension);
    return { r1cs: made("r1cs"), sym: made("sym"), wasm: made("wasm") };
  }
  const visible = `{public [${publicSignals.join(", ")}]} `;
  const folder = await compile(file, `${visible}= ${template}(${parameters.join(", ")})`, optimization);
  const made = (name: string) => join(folder, name);
  return { r1cs: made("circuit.r1cs"), sym: made("circuit.sym"), wasm: made("circuit_js/circuit.wasm") };
}

/** A circuit whose constraints can be told by their templates. */
export interface NamedCircuitUnderAttack extends CircuitUnderAttack {
  /** The templates down to the component that a constraint of `system` belongs to, as `Outer > Inner`. */
  templatesOf(constraint: number): string;
}

/** An instance of circuits/instances.json with the witnesses of these inputs; of {@link honestInputs} when none are given. */
export async function underAttack(
  name: string,
  inputs?: readonly Inputs[],
): Promise<NamedCircuitUnderAttack> {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  const [fine, shipped] = [await filesOf(instance, "O1"), await filesOf(instance, "O2")];
  const calculate = witnessCalculator(await WebAssembly.compile(await readFile(fine.wasm)));
  const given = inputs ?? honestInputs(name);
  const witnesses: bigint[][] = [];
  for (const input of given) witnesses.push(await calculate(input));
  const system = readSystem(fine.r1cs, fine.sym);
  const rules = BY_HAND[instance.template];
  const circuit = attackOn(system, readSystem(shipped.r1cs, shipped.sym), witnesses, rules);
  let symbols: Symbols | undefined;
  return {
    ...circuit,
    templatesOf(constraint) {
      symbols ??= readSymbols(
        readFileSync(fine.sym, "utf8"),
        sourcesOf(resolve(ROOT, instance.file)).values(),
        instance.template,
      );
      const held = wiresOf(system, constraint).map((wire) => ({ wire, coefficient: 1n }));
      return symbols.describe({ a: held, b: [], c: [] }, constraint).split(" at ")[0] as string;
    },
  };
}

/** Prepares the attack on a circuit in its two forms, whose signals have the same names. @param rules changes by hand. */
export function attackOn(
  system: ConstraintSystem,
  proven: ConstraintSystem,
  witnesses: readonly (readonly bigint[])[],
  rules: Rules = {},
): CircuitUnderAttack {
  const permutation = permutations(system);
  const wireOf = new Map(system.names.map((name, wire) => [name, wire]));
  const provenWire = new Map<number, number>();
  for (const [wire, name] of proven.names.entries()) {
    const same = wireOf.get(name);
    if (same === undefined) throw new Error(`signal ${name} has no wire in the circuit as compiled with O1`);
    provenWire.set(same, wire);
  }
  const changesOf = (constraint: number, witness: readonly bigint[]): Change[] => {
    const signals = wiresOf(system, constraint).map((wire) => system.names[wire] as string);
    const rule = rules[constraintName(signals)];
    if (rule === undefined) return [];
    const honest = (signal: string): bigint | undefined => {
      const value = witness[wireOf.get(`main.${signal}`) ?? -1];
      return value === undefined || 2n * value < FIELD_ORDER ? value : value - FIELD_ORDER;
    };
    const named = signals.map((signal) => signal.replace(/^main\./, ""));
    return rule(honest, named).map((change) =>
      Object.entries(change).flatMap(([signal, value]): Change => {
        const wire = wireOf.get(`main.${signal}`);
        return wire === undefined ? [] : [[wire, reduce(value)]];
      }),
    );
  };
  const made = new Map<number, Attacked>();
  const attacked = (index: number): Attacked => {
    const before = made.get(index);
    if (before !== undefined) return before;
    const witness = witnesses[index] as readonly bigint[];
    const order = causalOrder(system, witness);
    const carried = new Map<string, number>();
    const attack = {
      system,
      order,
      witness,
      permutation,
      carried,
      refused: new Map<number, number>(),
      known: (constraint: number) => changesOf(constraint, witness),
      isNeeded: firstOrder(system, order, witness),
      cheat: cheaterWith(system, order, witness),
    };
    made.set(index, attack);
    return attack;
  };
  const provenValues = witnesses.map((witness) =>
    proven.names.map((name) => witness[wireOf.get(name) as number] as bigint),
  );
  return {
    ...{ system, proven, witnesses: witnesses.length, attacked },
    brokenInProof(witness, altered) {
      const honest = provenValues[witness] as bigint[];
      const values = [...honest];
      const touched = new Set<number>();
      for (const [wire, value] of altered) {
        const same = provenWire.get(wire);
        if (same === undefined) continue;
        values[same] = value;
        for (const constraint of constraintsOf(proven, same)) touched.add(constraint);
      }
      return [...touched].filter((constraint) => !isMet(proven, constraint, values));
    },
  };
}
