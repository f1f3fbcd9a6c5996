import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commitmentOf } from "../../protocol/note.ts";
import type { CircuitInput, CircuitValue } from "../../protocol/openedRowsInput.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import type { Transition } from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import { type Circuit, loadInstance } from "./circuit.ts";
import { SECRETS } from "./syntheticMarket.ts";
import type { Inputs } from "./witnessCalculator.ts";

const ROOT = join(import.meta.dirname, "../..");

export const CONTEXT = 424242n;
export const LEAF_INDEX = 37n;

/** A state tree that holds one leaf at {@link LEAF_INDEX}. */
export function treeWith(commitment: bigint): StateTree {
  const tree = new StateTree();
  const leaves = Array.from({ length: 16 }, (_, place) =>
    place === Number(LEAF_INDEX) % 16 ? commitment : BigInt(place + 1),
  );
  tree.insertNode(Math.floor(Number(LEAF_INDEX) / 16), leaves);
  return tree;
}

/** Inputs of the transition circuit for a computed transition, checked by the model or not. */
export function inputsOf(transition: Transition, snapshot: Snapshot, registry?: Registry) {
  const tree = treeWith(commitmentOf(transition.before));
  return prepareTransition(transition, snapshot, {
    spendSecret: SECRETS.spendSecret,
    state: { root: tree.root, path: tree.path(LEAF_INDEX) },
    registry,
    context: CONTEXT,
  });
}

/** Signals with one element a leg place that together open its risk row. */
const ROW_SIGNALS = [
  "id",
  "words",
  "mark",
  "fundingIndex",
  "longAddOn",
  "shortAddOn",
  "concentrationThreshold",
  "concentrationRate",
  "kindBits",
  "settled",
  "rowPath0",
  "rowPath1",
  "rowPath2",
  "group",
];

/** The input with the instrument of `place` replaced by that which `other` opens at `otherPlace`; sizes stay. */
export function withRow(
  input: CircuitInput,
  place: number,
  other: CircuitInput,
  otherPlace: number,
): CircuitInput {
  const changed = ROW_SIGNALS.map((signal) => {
    const value = (other[signal] as CircuitValue[])[otherPlace] as CircuitValue;
    return [signal, (input[signal] as CircuitValue[]).with(place, value)];
  });
  return { ...input, ...Object.fromEntries(changed) };
}

const circuits = new Map<string, Promise<Circuit>>();

/** An instance of `circuits/instances.json`, compiled once for all tests of a file. */
export function instance(name: string): Promise<Circuit> {
  const loaded = circuits.get(name) ?? loadInstance(name);
  circuits.set(name, loaded);
  return loaded;
}

/**
 * The source line, in the instance's own file, of the constraint or sub-circuit that refuses the inputs; undefined when they are
 * accepted. The line names the component (`surplusRange.in <== surplus`), so a test can tell which rule refused.
 */
export async function refusedAt(name: string, file: string, inputs: Inputs): Promise<string | undefined> {
  const refusal = await (await instance(name)).refusal(inputs);
  if (refusal === undefined) return undefined;
  const line = [...refusal.message.matchAll(/line: (\d+)/g)].at(-1)?.[1];
  const outer = refusal.templates.join(" > ");
  return `${outer}: ${readFileSync(join(ROOT, file), "utf8").split("\n")[Number(line) - 1]?.trim()}`;
}
