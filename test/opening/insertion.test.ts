import { beforeAll, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { EMPTY_BOTTOM_NODE, type InsertionInput, STATE_NODES, StateTree } from "../../protocol/stateTree.ts";
import { type Circuit, loadTemplate } from "../support/circuit.ts";

const leavesFrom = (first: bigint, count = 16) =>
  Array.from({ length: 16 }, (_, place) => (place < count ? first + BigInt(place) : 0n));
const PUBLIC = ["oldRoot", "newRoot", "nodeIndex", "leaves"];

let circuit: Circuit;
/** A tree with nodes 0, 1 and the last one, and the insertion of node 2. */
let tree: StateTree;
let input: InsertionInput;

beforeAll(async () => {
  circuit = await loadTemplate("circuits/insertion.circom", "Insertion", [], PUBLIC);
  tree = new StateTree();
  for (const node of [0, 1, STATE_NODES - 1]) tree.insertNode(node, leavesFrom(BigInt(100 + node)));
  input = tree.insertionInput(2, leavesFrom(900n));
});

test("fits its budget of 9,000 constraints", () => {
  expect(circuit.constraints).toBeLessThanOrEqual(9_000);
});

test("model and circuit agree on the first, the last, neighbouring and partial nodes", async () => {
  const growing = new StateTree();
  const order = [0, STATE_NODES - 1, 1, 7, 8, 63, 64, STATE_NODES - 2];
  for (const [step, node] of order.entries()) {
    const leaves = leavesFrom(FIELD_ORDER - 16n - BigInt(16 * step), step % 2 === 0 ? 16 : 3);
    const next = growing.insertionInput(node, leaves);
    const witness = await circuit.witness({ ...next });
    expect(circuit.violations(witness)).toEqual([]);
    growing.insertNode(node, leaves);
    expect(growing.root).toBe(next.newRoot);
  }
});

test("a written node is never overwritten", async () => {
  // The honest path of node 1 holds its hash, not that of an empty node.
  const levels = tree.path(16n).levels;
  expect(await circuit.refusedBy({ ...input, nodeIndex: 1n, levels })).toBe("Insertion > NodeAt");
  // With the empty node put in its place the path leads to another root than the ledger's.
  const forged = levels.map((children, level) =>
    level === 0 ? children.with(1, EMPTY_BOTTOM_NODE) : children,
  );
  expect(await circuit.refusedBy({ ...input, nodeIndex: 1n, levels: forged })).toBe("Insertion > NodeAt");
});

test("leaves go to no other index than the one claimed", async () => {
  for (let bit = 0n; bit < 24n; bit++) {
    const inputs = { ...input, nodeIndex: 2n ^ (1n << bit) };
    expect(await circuit.refusedBy(inputs), `bit ${bit}`).toMatch(/^Insertion( > NodeAt)?$/);
  }
});

test("an index has one representation below 2^24", async () => {
  for (const nodeIndex of [2n ** 24n, 2n ** 24n + 2n, FIELD_ORDER - 1n]) {
    expect(await circuit.refusedBy({ ...input, nodeIndex })).toBe("Insertion > Num2Bits");
  }
  const witness = await circuit.witness({ ...input });
  const tampered = circuit.set(circuit.set(witness, "main.bits[1]", 0n), "main.bits[0]", 2n);
  expect(circuit.violations(tampered).join("\n")).toContain("main.bits[1]");
});

test("both roots have the same siblings", async () => {
  // A sibling altered before and after: the old root tells. Altered after only: impossible to express, the new root tells.
  for (let level = 0; level < 8; level++) {
    const place = level === 0 ? 5 : 6;
    const levels = input.levels.map((children, at) => (at === level ? children.with(place, 7n) : children));
    expect(await circuit.refusedBy({ ...input, levels }), `level ${level}`).toMatch(
      /^Insertion( > NodeAt)?$/,
    );
  }
  const swapped = input.levels.map((children, at) => (at === 0 ? [...children].reverse() : children));
  expect(await circuit.refusedBy({ ...input, levels: swapped })).toBe("Insertion > NodeAt");
  const other = new StateTree();
  other.insertNode(0, leavesFrom(100n));
  other.insertNode(2, leavesFrom(900n));
  expect(await circuit.refusedAt({ ...input, newRoot: other.root })).toBe("after[8] === newRoot;");
});

test("the difference cannot be put at a second place", async () => {
  const witness = await circuit.witness({ ...input });
  // Index 2: only place 2 differs. Places whose signal is a combination of the others have no wire of their own.
  const places = circuit.signals(/^main\.difference\[0\]/);
  expect(places.length).toBeGreaterThan(2);
  for (const signal of places) {
    expect(circuit.brokenBy(witness, signal, circuit.get(witness, signal) + 1n).join("\n")).toContain(signal);
  }
});

test("every public signal is bound", async () => {
  const witness = await circuit.witness({ ...input });
  for (const name of ["oldRoot", "newRoot", "nodeIndex", ...leavesFrom(0n).map((_, i) => `leaves[${i}]`)]) {
    const signal = `main.${name}`;
    const broken = circuit.brokenBy(witness, signal, circuit.get(witness, signal) + 1n);
    expect(broken.length, name).toBeGreaterThan(0);
  }
  for (const [place, leaf] of input.leaves.entries()) {
    const leaves = input.leaves.with(place, leaf + 1n);
    expect(await circuit.refusedAt({ ...input, leaves }), `leaf ${place}`).toBe("after[8] === newRoot;");
  }
});
