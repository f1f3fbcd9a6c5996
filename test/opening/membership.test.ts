import { beforeAll, describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { buildRegistry, NO_REGISTRY_PATH, type RegistryPath } from "../../protocol/registryTree.ts";
import { type StatePath, StateTree, statePathRoot } from "../../protocol/stateTree.ts";
import { type Circuit, loadTemplate } from "../support/circuit.ts";
import { ruleOf } from "../support/rule.ts";

const node = (first: bigint, count = 16) =>
  Array.from({ length: 16 }, (_, place) => (place < count ? first + BigInt(place) : 0n));

describe("state tree", () => {
  let circuit: Circuit;
  const tree = new StateTree();
  const last = 2 ** 24 - 1;
  tree.insertNode(0, node(100n));
  tree.insertNode(1, node(200n, 3));
  tree.insertNode(last, node(300n));
  const input = (leaf: bigint, { leafIndex, leaves, levels }: StatePath) => ({
    leaf,
    leafIndex,
    leaves,
    levels,
  });

  beforeAll(async () => {
    circuit = await loadTemplate("circuits/lib/stateMembership.circom", "StateMembership");
  });

  test("model and circuit agree at the first, the last and inner places", async () => {
    for (const [index, leaf] of [
      [0n, 100n],
      [15n, 115n],
      [16n, 200n],
      [18n, 202n],
      [2n ** 28n - 16n, 300n],
      [2n ** 28n - 1n, 315n],
    ] as const) {
      const path = tree.path(index);
      expect(tree.leaf(index)).toBe(leaf);
      expect(statePathRoot(leaf, path)).toBe(tree.root);
      const witness = await circuit.witness(input(leaf, path));
      expect(circuit.get(witness, "main.root")).toBe(tree.root);
      expect(circuit.violations(witness)).toEqual([]);
    }
  });

  test("a leaf under another index, at any level, is refused", async () => {
    const path = tree.path(16n);
    for (let bit = 0n; bit < 28n; bit++) {
      const inputs = { ...input(200n, path), leafIndex: 16n ^ (1n << bit) };
      expect(await circuit.refusedBy(inputs), `bit ${bit}`).toBe("StateMembership > NodeAt");
    }
  });

  test("an index has one representation: 2^28 + i and -1 are refused", async () => {
    const path = tree.path(16n);
    expect(await circuit.refusedBy({ ...input(200n, path), leafIndex: 16n + 2n ** 28n })).toBe(
      "StateMembership > Num2Bits",
    );
    expect(await circuit.refusedBy({ ...input(200n, path), leafIndex: FIELD_ORDER - 1n })).toBe(
      "StateMembership > Num2Bits",
    );
  });

  test("an inner node is not a leaf and a sibling cannot be exchanged unnoticed", async () => {
    const path = tree.path(16n);
    const inner = path.levels[0]?.[1] as bigint;
    expect(await circuit.refusedBy(input(inner, path))).toBe("StateMembership > NodeAt");
    const swapped = {
      ...path,
      levels: path.levels.map((level, at) => (at === 7 ? level.toReversed() : level)),
    };
    expect(await circuit.refusedBy(input(200n, swapped))).toBe("StateMembership > NodeAt");
    const forged = {
      ...path,
      levels: path.levels.map((level, at) => (at === 0 ? level.with(5, 7n) : level)),
    };
    expect(await circuit.refusedBy(input(200n, forged))).toBe("StateMembership > NodeAt");
    const top = { ...path, levels: path.levels.map((level, at) => (at === 7 ? level.with(5, 7n) : level)) };
    expect(circuit.get(await circuit.witness(input(200n, top)), "main.root")).not.toBe(tree.root);
  });

  test("a non-boolean index bit breaks the decomposition", async () => {
    const witness = await circuit.witness(input(200n, tree.path(16n)));
    expect(circuit.violations(circuit.set(witness, "main.bits[3]", 2n)).join("\n")).toContain("main.bits[3]");
  });

  test("the model refuses bad indexes, occupied nodes and bad leaves", () => {
    expect(ruleOf(() => tree.path(2n ** 28n))).toBe("stateTree.leafIndex");
    expect(ruleOf(() => tree.path(-1n))).toBe("stateTree.leafIndex");
    expect(ruleOf(() => tree.insertNode(2 ** 24, node(1n)))).toBe("stateTree.nodeIndex");
    expect(ruleOf(() => tree.insertNode(1, node(1n)))).toBe("stateTree.occupied");
    expect(ruleOf(() => tree.insertNode(2, node(1n).slice(1)))).toBe("stateTree.leaves");
    expect(ruleOf(() => tree.insertNode(2, node(0n, 0)))).toBe("stateTree.leaves");
    expect(ruleOf(() => tree.insertNode(2, node(FIELD_ORDER - 3n)))).toBe("stateTree.leaf");
    expect(ruleOf(() => statePathRoot(201n, tree.path(16n)))).toBe("stateTree.path");
  });
});

describe("registry", () => {
  let circuit: Circuit;
  const entries = Array.from({ length: 300 }, (_, place) => ({
    entity: 1000n + BigInt(place),
    expiryEpoch: 50n,
  }));
  const registry = buildRegistry([
    ...entries,
    { entity: 77n, expiryEpoch: 2n ** 32n - 1n },
    { entity: 78n, expiryEpoch: 0n },
  ]);
  const input = (
    entity: bigint,
    path: RegistryPath,
    epoch: bigint,
    registryRoot = registry.root,
    needed = 1n,
  ) => ({
    needed,
    entity,
    epoch,
    registryRoot,
    ...path,
  });

  beforeAll(async () => {
    circuit = await loadTemplate("circuits/lib/requireMember.circom", "RequireMember");
  });

  test("a member is accepted up to and including its expiry epoch", async () => {
    for (const [entity, epoch] of [
      [1000n, 0n],
      [1000n, 50n],
      [1299n, 50n],
      [77n, 2n ** 32n - 1n],
      [78n, 0n],
    ] as const) {
      const witness = await circuit.witness(input(entity, registry.path(entity), epoch));
      expect(circuit.violations(witness)).toEqual([]);
    }
  });

  test("an expired entity is refused, one epoch later is enough", async () => {
    expect(await circuit.refusedBy(input(1000n, registry.path(1000n), 51n))).toBe("RequireMember");
    expect(await circuit.refusedBy(input(78n, registry.path(78n), 1n))).toBe("RequireMember");
    expect(await circuit.refusedBy(input(1000n, registry.path(1000n), 2n ** 32n - 1n))).toBe("RequireMember");
  });

  test("comparison inputs are range-checked", async () => {
    const path = registry.path(1000n);
    expect(await circuit.refusedBy(input(1000n, path, 2n ** 32n))).toBe(
      "RequireMember > RegistryMembership > Num2Bits",
    );
    expect(await circuit.refusedBy(input(1000n, path, FIELD_ORDER - 1n))).toBe(
      "RequireMember > RegistryMembership > Num2Bits",
    );
    // A negative expiry would be ahead of every epoch in an unchecked comparison.
    const forged = { ...path, expiryEpoch: FIELD_ORDER - 1n - 2n ** 33n };
    expect(await circuit.refusedBy(input(1000n, forged, 0n, 0n))).toBe(
      "RequireMember > RegistryMembership > Num2Bits",
    );
  });

  test("an expiry other than the listed one, or another entity, is refused", async () => {
    const path = registry.path(1000n);
    const link = "RequireMember > RegistryMembership > NodeMembershipIf";
    expect(await circuit.refusedBy(input(1000n, { ...path, expiryEpoch: 51n }, 51n))).toBe(link);
    expect(await circuit.refusedBy(input(999n, path, 1n))).toBe(link);
  });

  test("a self-made registry is refused by its root", async () => {
    const own = buildRegistry([{ entity: 5n, expiryEpoch: 9n }]);
    expect(await circuit.refusedBy(input(5n, own.path(5n), 1n))).toBe("RequireMember");
    expect(await circuit.refusedBy(input(5n, own.path(5n), 1n, own.root))).toBeUndefined();
  });

  test("nothing is asked when membership is not needed or the registry is open", async () => {
    expect(await circuit.refusedBy(input(5n, NO_REGISTRY_PATH, 1n, 0n))).toBeUndefined();
    expect(await circuit.refusedBy(input(5n, NO_REGISTRY_PATH, 1n, registry.root, 0n))).toBeUndefined();
    expect(await circuit.refusedBy(input(5n, NO_REGISTRY_PATH, 1n))).toBe(
      "RequireMember > RegistryMembership > NodeMembershipIf",
    );
  });

  test("the prover cannot claim an open registry or an unexpired listing", async () => {
    const witness = await circuit.witness(input(1000n, registry.path(1000n), 50n));
    expect(circuit.violations(circuit.set(witness, "main.enforced", 0n)).join("\n")).toContain(
      "main.enforced",
    );
    expect(circuit.violations(circuit.set(witness, "main.membership.current", 0n)).join("\n")).toContain(
      "main.membership.current",
    );
  });

  test("the model refuses duplicates, zero and late expiries, and unknown entities", () => {
    expect(() =>
      buildRegistry([
        { entity: 1n, expiryEpoch: 1n },
        { entity: 1n, expiryEpoch: 2n },
      ]),
    ).toThrow("listed twice");
    expect(() => buildRegistry([{ entity: 0n, expiryEpoch: 1n }])).toThrow("other than 0");
    expect(() => buildRegistry([{ entity: 1n, expiryEpoch: 2n ** 32n }])).toThrow("2^32 - 1");
    expect(() => registry.path(4n)).toThrow("not in the registry");
  });
});
