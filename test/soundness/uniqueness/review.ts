import { readFileSync } from "node:fs";
import { compiledCircuit } from "../../../scripts/setup/circuits.ts";
import { readInstances } from "../../../scripts/setup/instances.ts";
import { circuitFile, PLACES } from "../../../scripts/setup/paths.ts";
import { readCompiled } from "./compiledSystem.ts";
import { remembered } from "./remembered.ts";
import { unprovenWires, unusedInputs } from "./report.ts";
import { REVIEWED } from "./reviewed.ts";

/** The analysis of a circuit beside its review. */
export interface Finding {
  /** Wires that have to be determined: all but the constant's and those of the given inputs. */
  wires: number;
  /** Signals of those that are not proven to be. */
  unproven: string[];
  /** Of these, the ones that the review does not name. */
  unexpected: string[];
  /** Entries of the review that name nothing of the sort. */
  stale: string[];
  /** Inputs that stand in no constraint. */
  unused: string[];
}

/** A signal's name in the review: `rows[3].Hash_12_345.in[0]` is `rows[*].Hash.in[*]`. */
function reviewedName(signal: string): string {
  return signal.replace(/\[\d+\]/g, "[*]").replace(/_\d+_\d+(?=[.[]|$)/g, "");
}

/** Analyses an instance of circuits/instances.json as the set-up compiled it. Throws when that is missing or out of date. */
export function findingOf(name: string): Finding {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  if (compiledCircuit(instance, PLACES) === undefined)
    throw new Error(`${name} is not compiled: npm run setup`);
  const review = REVIEWED[instance.template];
  if (review === undefined) throw new Error(`template ${instance.template} has no review`);
  const constraints = readFileSync(circuitFile(PLACES.build, name, "r1cs"));
  const symbols = readFileSync(circuitFile(PLACES.build, name, "sym"), "utf8");
  const system = readCompiled(constraints, symbols);
  const withheld = [...system.inputs.keys()].filter((input) => review.withheld.includes(reviewedName(input)));
  const unproven = remembered([constraints, symbols, withheld.join()], () =>
    unprovenWires(system, withheld).map((wire) => system.names[wire] as string),
  );

  const names = new Set(unproven.map(reviewedName));
  const inputs = new Set(withheld.map(reviewedName));
  return {
    wires: system.wires - 1 - (system.inputs.size - withheld.length),
    unproven,
    unexpected: unproven.filter((signal) => !Object.hasOwn(review.unproven, reviewedName(signal))),
    stale: [
      ...Object.keys(review.unproven).filter((entry) => !names.has(entry)),
      ...review.withheld.filter((entry) => !inputs.has(entry)),
    ],
    unused: unusedInputs(system),
  };
}
