import { FIELD_ORDER } from "../../../protocol/constants.ts";
import type { CompiledSystem } from "./compiledSystem.ts";
import { determine } from "./determine.ts";
import { knowledgeOf } from "./knowledge.ts";

/** Wires that the analysis does not prove determined by the inputs, those in `withheld` excepted: these have to follow from the others. */
export function unprovenWires(system: CompiledSystem, withheld: readonly string[] = []): number[] {
  for (const name of withheld)
    if (!system.inputs.has(name)) throw new Error(`${name} is no input with a wire of its own`);
  const given = [...system.inputs].filter(([name]) => !withheld.includes(name)).map(([, wire]) => wire);
  const rules = determine(knowledgeOf(system.constraints, system.wires, given, FIELD_ORDER));
  return Array.from({ length: system.wires }, (_, wire) => wire).filter((wire) => rules[wire] === undefined);
}

/** Names of {@link unprovenWires}. */
export function unprovenSignals(system: CompiledSystem, withheld: readonly string[] = []): string[] {
  return unprovenWires(system, withheld).map((wire) => system.names[wire] as string);
}

/** Inputs that stand in no constraint, so that a proof for one value is a proof for all. */
export function unusedInputs({ constraints, inputs }: CompiledSystem): string[] {
  const used = new Set(constraints.flatMap(({ a, b, c }) => [...a, ...b, ...c].map(({ wire }) => wire)));
  return [...inputs].filter(([, wire]) => !used.has(wire)).map(([name]) => name);
}
