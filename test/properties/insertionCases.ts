import fc from "fast-check";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type InsertionInput, insertionPoint, STATE_NODES, StateTree } from "../../protocol/stateTree.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { verdictOf } from "../support/rule.ts";
import { amount } from "./markets.ts";
import { readable } from "./readable.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";

/** Bottom nodes that were written, and one that is to be. */
export interface InsertionCase {
  written: { node: number; leaves: bigint[] }[];
  node: number;
  leaves: bigint[];
  lie: number;
}

const leaf = fc.oneof(
  { withCrossShrink: true },
  { weight: 2, arbitrary: fc.constant(0n) },
  { weight: 6, arbitrary: fc.bigInt({ min: 1n, max: FIELD_ORDER - 1n }) },
);
const leaves = fc.array(leaf, { minLength: 16, maxLength: 16 });
const place = amount(BigInt(STATE_NODES), 70n).map(Number);

/** Nodes next to each other, far apart, at both ends of the tree, and the same one twice. */
export const insertionCases: fc.Arbitrary<InsertionCase> = fc
  .record({
    written: fc.array(fc.record({ node: place, leaves }), { maxLength: 4 }),
    node: place,
    again: fc.nat({ max: 3 }).map((roll) => roll === 3),
    leaves,
    lie: fc.nat({ max: 59 }),
  })
  .map(({ written, again, node, ...rest }) => {
    const used = written.filter(
      ({ node: other, leaves: held }, k) =>
        held.some((value) => value !== 0n) && written.findIndex(({ node: first }) => first === other) === k,
    );
    const found: InsertionCase = {
      written: used,
      node: (again ? used[0]?.node : undefined) ?? node,
      ...rest,
    };
    const print = (): string =>
      readable({
        "written before": found.written.map((one) => `node ${one.node}: ${one.leaves.join(", ")}`),
        "to write": `node ${found.node}: ${found.leaves.join(", ")}`,
      });
    return Object.defineProperty(found, fc.toStringMethod, { value: print, enumerable: false });
  });

/** What somebody gives the circuit who wants these leaves at that node, occupied or not. */
function forced(tree: StateTree, node: number, written: readonly bigint[]): InsertionInput {
  const scratch = new StateTree();
  const { levels } = tree.path(node * 16);
  // Where the leaves would lead if the node were the only one under its siblings: the model's own way of climbing.
  const blank = written.some((value) => value !== 0n)
    ? scratch.insertionInput(node, written)
    : scratch.insertionInput(node, [1n, ...written.slice(1)]);
  const oldRoot = tree.root;
  const newRoot = blank.newRoot;
  const point = insertionPoint(oldRoot, newRoot, BigInt(node), written);
  return {
    oldRoot,
    newRoot,
    nodeIndex: BigInt(node),
    point,
    value: wordsDigest(written, point),
    leaves: [...written],
    levels,
  };
}

/**
 * The model writes a node if and only if the circuit accepts it, and the new root is the root of the tree that the model then has. Lies about
 * leaves, place, siblings and roots are refused.
 */
export function expectInsertionAgreement(
  found: InsertionCase,
  circuit: RulesCircuit,
  seen: Map<string, number>,
): void {
  const { node, leaves: written, lie } = found;
  const tree = new StateTree();
  for (const { node: other, leaves: held } of found.written) tree.insertNode(other, held);
  const verdict = verdictOf(() => tree.insertionInput(node, written));
  seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  if (verdict === "stateTree.occupied") {
    const refusal = circuit.refusedAt({ ...forced(tree, node, written) });
    if (!refusal?.includes("NodeAt")) throw new Error(`a written node: circuit ${refusal ?? "accepted"}`);
    return;
  }
  // Sixteen zeros are nothing to write: the model refuses them, the circuit would leave the tree as it is.
  if (verdict === "stateTree.leaves") return;
  if (verdict !== "accepted") throw new Error(`model: ${verdict}`);

  const input = tree.insertionInput(node, written);
  const refusal = circuit.refusedAt({ ...input });
  if (refusal !== undefined) throw new Error(`model: accepted; circuit: ${refusal}`);
  const { oldRoot, newRoot, nodeIndex, point, value, levels } = input;
  const expected = [oldRoot, newRoot, nodeIndex, point, value];
  if (circuit.publicSignals({ ...input }).some((signal, i) => signal !== expected[i]))
    throw new Error("public signals differ");

  const level = lie % 8;
  const sibling = Math.floor(lie / 8);
  const lies: Partial<InsertionInput>[] = [
    { leaves: written.with(lie % 16, (written[lie % 16] as bigint) + 1n) },
    { nodeIndex: nodeIndex ^ (1n << BigInt(lie % 24)) },
    { nodeIndex: nodeIndex + (1n << 24n) },
    { newRoot: newRoot + 1n },
    { oldRoot: oldRoot + 1n },
    { value: value + 1n },
    {
      levels: levels.map((children, at) =>
        at === level ? children.with(sibling, (children[sibling] as bigint) + 1n) : children,
      ),
    },
    // The old tree with another sibling, and the new root that follows from it.
    {
      ...forced(new StateTree(), node, written),
      newRoot: forced(new StateTree(), node, written).newRoot + 1n,
    },
  ];
  if (circuit.refusedAt({ ...input, ...lies[lie % lies.length] }) === undefined)
    throw new Error(`lie ${lie} is believed`);

  tree.insertNode(node, written);
  if (tree.root !== newRoot) throw new Error("the new root is not the tree's");
}
