import { type CircuitFacts, compiledCircuit } from "./circuits.ts";
import type { Instance } from "./instances.ts";
import { type KeyFacts, keyCodeHash, madeKey } from "./keys.ts";
import type { Places } from "./paths.ts";

/** What a set-up finds: per instance, in order, the facts of what is up to date and undefined for what has to be made. */
export interface State {
  instances: Instance[];
  circuits: (CircuitFacts | undefined)[];
  keys: (KeyFacts | undefined)[];
  keyCodeHash: string;
}

export function readState(instances: Instance[], places: Places): State {
  const codeHash = keyCodeHash();
  const circuits = instances.map((instance) => compiledCircuit(instance, places));
  const keys = instances.map((instance, index) => {
    const circuit = circuits[index];
    return circuit && madeKey(instance, circuit, codeHash, places);
  });
  return { instances, circuits, keys, keyCodeHash: codeHash };
}

export interface CompleteState extends State {
  circuits: CircuitFacts[];
  keys: KeyFacts[];
}

/** Whether every circuit is compiled and every key made. */
export function isComplete(state: State): state is CompleteState {
  return [...state.circuits, ...state.keys].every((facts) => facts !== undefined);
}
