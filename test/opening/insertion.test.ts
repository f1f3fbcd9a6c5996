import { beforeAll, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import {
  EMPTY_BOTTOM_NODE,
  type InsertionInput,
  insertionPoint,
  STATE_NODES,
  StateTree,
} from "../../protocol/stateTree.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { type Circuit, loadTemplate } from "../support/circuit.ts";

const leavesFrom = (first: bigint, count = 16) =>
  Array.from({ length: 16 }, (_, place) => (place < count ? first + BigInt(place) : 0n));
const PUBLIC = ["oldRoot", "newRoot", "nodeIndex", "point", "value"];
/** The line that holds the ledger's digest against the circuit's. */
const DIGEST_LINE = "digest.digest === value;";

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
  for (const name of PUBLIC) {
    const signal = `main.${name}`;
    const broken = circuit.brokenBy(witness, signal, circuit.get(witness, signal) + 1n);
    expect(broken.length, name).toBeGreaterThan(0);
  }
});

test("a leaf other than the queue's: neither root nor digest has room for it", async () => {
  for (const [place, leaf] of input.leaves.entries()) {
    // In the tree but not in the digest, then in both, for which the ledger would have to have queued it.
    const leaves = input.leaves.with(place, leaf + 1n);
    expect(await circuit.refusedAt({ ...input, leaves }), `leaf ${place}`).toBe("after[8] === newRoot;");
    const forged = tree.insertionInput(2, leaves);
    const digest = { point: input.point, value: input.value };
    expect(await circuit.refusedAt({ ...forged, ...digest }), `leaf ${place}`).toBe(DIGEST_LINE);
    const witness = await circuit.witness({ ...input });
    const broken = circuit.brokenBy(witness, `main.leaves[${place}]`, leaf + 1n);
    expect(broken.length, `leaf ${place}`).toBeGreaterThan(0);
  }
});

test("swapped leaves have another digest", async () => {
  for (const [one, other] of [
    [0, 1],
    [0, 15],
    [7, 8],
  ]) {
    const swapped = input.leaves
      .with(one, input.leaves[other] as bigint)
      .with(other, input.leaves[one] as bigint);
    const forged = tree.insertionInput(2, swapped);
    const { point, value } = input;
    expect(wordsDigest(swapped, point)).not.toBe(value);
    expect(await circuit.refusedAt({ ...forged, point, value })).toBe(DIGEST_LINE);
  }
});

test("a wrong value at the point, and the value at another point", async () => {
  for (const value of [0n, input.value + 1n, input.value - 1n, FIELD_ORDER - input.value]) {
    expect(await circuit.refusedAt({ ...input, value })).toBe(DIGEST_LINE);
  }
  for (const point of [0n, 1n, input.point + 1n, FIELD_ORDER - input.point]) {
    expect(await circuit.refusedAt({ ...input, point })).toBe(DIGEST_LINE);
    const value = wordsDigest(input.leaves, point);
    expect(circuit.violations(await circuit.witness({ ...input, point, value }))).toEqual([]);
  }
});

test("a point chosen instead of hashed: 0 binds no leaf, and leaves can be made to agree at any known point", async () => {
  // Why the ledger hashes the point from roots, index and leaves. At 0 all leaves have the digest 0 …
  const other = tree.insertionInput(2, leavesFrom(5_000n));
  expect(await circuit.refusedAt({ ...other, point: 0n, value: 0n })).toBeUndefined();
  expect(await circuit.refusedAt({ ...other, point: 0n, value: 1n })).toBe(DIGEST_LINE);
  // … and at a point known beforehand, leaves of which one absorbs the difference have the digest of the queue's.
  const point = 3n;
  const absorbed = input.leaves.with(0, input.leaves[0] + point).with(1, input.leaves[1] - 1n);
  const value = wordsDigest(input.leaves, point);
  expect(wordsDigest(absorbed, point)).toBe(value);
  const forged = tree.insertionInput(2, absorbed);
  expect(await circuit.refusedAt({ ...forged, point, value })).toBeUndefined();
  // Its new root is another, and with it the point at which the ledger asks for the digest of the queue's leaves.
  const asked = insertionPoint(input.oldRoot, forged.newRoot, 2n, input.leaves);
  expect(await circuit.refusedAt({ ...forged, point: asked, value: wordsDigest(input.leaves, asked) })).toBe(
    DIGEST_LINE,
  );
});

test("the point is a hash of both roots, the index and every leaf", () => {
  const { oldRoot, newRoot, nodeIndex, leaves } = input;
  const points = [
    insertionPoint(oldRoot, newRoot, nodeIndex, leaves),
    insertionPoint(newRoot, oldRoot, nodeIndex, leaves),
    insertionPoint(oldRoot + 1n, newRoot, nodeIndex, leaves),
    insertionPoint(oldRoot, newRoot + 1n, nodeIndex, leaves),
    insertionPoint(oldRoot, newRoot, nodeIndex + 1n, leaves),
    ...leaves.map((leaf, place) =>
      insertionPoint(oldRoot, newRoot, nodeIndex, leaves.with(place, leaf + 1n)),
    ),
  ];
  expect(new Set(points).size).toBe(points.length);
  expect(points[0]).toBe(input.point);
});
