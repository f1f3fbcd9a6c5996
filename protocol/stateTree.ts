import { AbiCoder, keccak256 } from "ethers";
import { DOMAIN, FIELD_ORDER, STATE_NODE_LEAVES, STATE_TREE_ARITY, STATE_TREE_LEVELS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { poseidon } from "./poseidon.ts";
import { wordsDigest } from "./wordsDigest.ts";

/** Bottom nodes that the tree has room for: 2^24, of 16 leaves each. */
export const STATE_NODES = STATE_TREE_ARITY ** STATE_TREE_LEVELS;

/** What places a leaf under a root: its bottom node, then the children of each node above it, the lowest first. */
export interface StatePath {
  leafIndex: bigint;
  /** The 16 leaves of its bottom node, itself included. */
  leaves: bigint[];
  /** [8][8]: at each level the eight children of the node on the path. */
  levels: bigint[][];
}

/** Inputs of the circuit `insertion`. */
export interface InsertionInput {
  oldRoot: bigint;
  newRoot: bigint;
  nodeIndex: bigint;
  /** Where the polynomial of the leaves is evaluated; see {@link insertionPoint}. */
  point: bigint;
  /** Its value there: the leaves' digest. */
  value: bigint;
  /** Private, like the levels: the digest binds them to the ledger's. */
  leaves: bigint[];
  levels: bigint[][];
}

const bottomNode = (leaves: readonly bigint[]): bigint => poseidon(DOMAIN.stateLeaves, leaves);
const innerNode = (children: readonly bigint[]): bigint => poseidon(DOMAIN.stateNode, children);
const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** EMPTY[h] is the root of a tree of height h above the bottom nodes that holds nothing but zeros. */
const EMPTY: bigint[] = [bottomNode(repeat(STATE_NODE_LEAVES, 0n))];
for (let level = 0; level < STATE_TREE_LEVELS; level++) {
  EMPTY.push(innerNode(repeat(STATE_TREE_ARITY, EMPTY[level] as bigint)));
}

/** Hash of a bottom node of 16 zeros, which is what an insertion replaces. */
export const EMPTY_BOTTOM_NODE = EMPTY[0] as bigint;

/**
 * The point at which ledger and circuit compare a node's 16 leaves, as the ledger derives it: keccak-256 over everything that determines
 * the insertion, modulo r. The new root is in it, hence the leaves in the circuit were fixed before the point.
 */
export function insertionPoint(
  oldRoot: bigint,
  newRoot: bigint,
  nodeIndex: bigint,
  leaves: readonly bigint[],
): bigint {
  const words = AbiCoder.defaultAbiCoder().encode(
    ["uint256[19]"],
    [[oldRoot, newRoot, nodeIndex, ...leaves]],
  );
  return BigInt(keccak256(words)) % FIELD_ORDER;
}

/** The root that a path leads to from a leaf. Throws `stateTree.path` when the leaf is not where the path says. */
export function statePathRoot(leaf: bigint, path: StatePath): bigint {
  ensure(
    path.leaves.length === STATE_NODE_LEAVES && path.levels.length === STATE_TREE_LEVELS,
    "stateTree.path",
    `path: got ${path.leaves.length} leaves and ${path.levels.length} levels, expected ${STATE_NODE_LEAVES} and ${STATE_TREE_LEVELS}`,
  );
  let position = Number(path.leafIndex);
  let node = leaf;
  for (const [level, children] of [path.leaves, ...path.levels].entries()) {
    const arity = level === 0 ? STATE_NODE_LEAVES : STATE_TREE_ARITY;
    ensure(
      children[position % arity] === node,
      "stateTree.path",
      `leaf index ${path.leafIndex}: level ${level} of the path does not hold the node below`,
    );
    node = level === 0 ? bottomNode(children) : innerNode(children);
    position = Math.floor(position / arity);
  }
  return node;
}

/**
 * The ledger's append-only tree of 2^28 leaves: bottom nodes of 16 leaves under eight levels of arity 8. Only nodes that are not empty
 * are kept. Leaves are written a bottom node at a time and never change, as the ledger writes them; nodes may be written in any order.
 */
export class StateTree {
  readonly #leaves = new Map<number, bigint[]>();
  /** nodes[0] holds the hashes of bottom nodes, nodes[8] the root. */
  readonly #nodes: Map<number, bigint>[] = repeat(STATE_TREE_LEVELS + 1, 0).map(() => new Map());

  get root(): bigint {
    return this.#node(STATE_TREE_LEVELS, 0);
  }

  /** Leaf at an index below 2^28; 0 where nothing was written. */
  leaf(leafIndex: bigint): bigint {
    return this.path(leafIndex).leaves[Number(leafIndex) % STATE_NODE_LEAVES] as bigint;
  }

  /** Writes the 16 leaves of an empty bottom node, unused places 0. Throws `stateTree.*` for a bad index, leaf or occupied node. */
  insertNode(nodeIndex: number, leaves: readonly bigint[]): void {
    this.#checkNode(nodeIndex, leaves);
    this.#leaves.set(nodeIndex, [...leaves]);
    this.#nodes[0]?.set(nodeIndex, bottomNode(leaves));
    let position = nodeIndex;
    for (let level = 0; level < STATE_TREE_LEVELS; level++) {
      position = Math.floor(position / STATE_TREE_ARITY);
      this.#nodes[level + 1]?.set(position, innerNode(this.#children(level, position)));
    }
  }

  /** Path of the leaf at an index below 2^28, whether or not something was written there. */
  path(leafIndex: bigint | number): StatePath {
    const index = Number(leafIndex);
    ensure(
      Number.isInteger(index) && index >= 0 && index < STATE_NODES * STATE_NODE_LEAVES,
      "stateTree.leafIndex",
      `leaf index: got ${leafIndex}, expected 0 to 2^28 - 1`,
    );
    const nodeIndex = Math.floor(index / STATE_NODE_LEAVES);
    const leaves = this.#leaves.get(nodeIndex) ?? repeat(STATE_NODE_LEAVES, 0n);
    return { leafIndex: BigInt(index), leaves: [...leaves], levels: this.#levels(nodeIndex) };
  }

  /** Inputs of the proof that writes these leaves; to be taken before the insertion. Leaves the tree as it is. */
  insertionInput(nodeIndex: number, leaves: readonly bigint[]): InsertionInput {
    this.#checkNode(nodeIndex, leaves);
    const levels = this.#levels(nodeIndex);
    let newRoot = bottomNode(leaves);
    let position = nodeIndex;
    for (const children of levels) {
      newRoot = innerNode(children.with(position % STATE_TREE_ARITY, newRoot));
      position = Math.floor(position / STATE_TREE_ARITY);
    }
    const oldRoot = this.root;
    const point = insertionPoint(oldRoot, newRoot, BigInt(nodeIndex), leaves);
    const value = wordsDigest(leaves, point);
    return { oldRoot, newRoot, nodeIndex: BigInt(nodeIndex), point, value, leaves: [...leaves], levels };
  }

  #node(level: number, position: number): bigint {
    return this.#nodes[level]?.get(position) ?? (EMPTY[level] as bigint);
  }

  /** The eight nodes of `level` that hang under position `parent` of the level above. */
  #children(level: number, parent: number): bigint[] {
    return Array.from({ length: STATE_TREE_ARITY }, (_, place) =>
      this.#node(level, parent * STATE_TREE_ARITY + place),
    );
  }

  #levels(nodeIndex: number): bigint[][] {
    let position = nodeIndex;
    return Array.from({ length: STATE_TREE_LEVELS }, (_, level) => {
      position = Math.floor(position / STATE_TREE_ARITY);
      return this.#children(level, position);
    });
  }

  #checkNode(nodeIndex: number, leaves: readonly bigint[]): void {
    ensure(
      Number.isInteger(nodeIndex) && nodeIndex >= 0 && nodeIndex < STATE_NODES,
      "stateTree.nodeIndex",
      `node index: got ${nodeIndex}, expected 0 to 2^24 - 1`,
    );
    ensure(
      !this.#leaves.has(nodeIndex),
      "stateTree.occupied",
      `node ${nodeIndex}: already written, expected an empty node`,
    );
    ensure(
      leaves.length === STATE_NODE_LEAVES,
      "stateTree.leaves",
      `leaves of node ${nodeIndex}: got ${leaves.length}, expected ${STATE_NODE_LEAVES}`,
    );
    for (const [place, leaf] of leaves.entries()) {
      ensure(
        leaf >= 0n && leaf < FIELD_ORDER,
        "stateTree.leaf",
        `leaf ${place} of node ${nodeIndex}: got ${leaf}, expected a field element`,
      );
    }
    ensure(
      leaves.some((leaf) => leaf !== 0n),
      "stateTree.leaves",
      `leaves of node ${nodeIndex}: all 0, expected at least one leaf`,
    );
  }
}
