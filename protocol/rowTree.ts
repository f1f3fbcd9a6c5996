import { DOMAIN, ROW_TREE_ARITIES, UNDERLYING_TREE_ARITIES } from "./constants.ts";
import { ensure } from "./errors.ts";
import { poseidon } from "./poseidon.ts";
import { checkRow, NULL_ROW, type RiskRow, rowLeaf } from "./riskRow.ts";

/** Places of one underlying's subtree (the first holds the null row), and underlyings of the tree. */
export const ROW_PLACES = ROW_TREE_ARITIES.reduce((product: number, arity) => product * arity, 1);
export const UNDERLYING_PLACES = UNDERLYING_TREE_ARITIES.reduce(
  (product: number, arity) => product * arity,
  1,
);

/** The rows of a snapshot under one root, in two levels: a subtree for each underlying, and a tree of the subtrees' roots. */
export interface RowTree {
  root: bigint;
  /** Roots of the 64 subtrees. */
  subRoots: bigint[];
  /** Where an instrument's row is; undefined when the tree has none. */
  locate(id: bigint): { underlying: number; place: number } | undefined;
  /** The row at a place; the null row where nothing is listed. */
  row(underlying: number, place: number): RiskRow;
  /** Children of each node above a row, from the bottom: 11, 11 and 9 values. */
  rowPath(underlying: number, place: number): bigint[][];
  /** Children of each node above a subtree's root, from the bottom: 8 and 8 values. */
  underlyingPath(underlying: number): bigint[][];
}

/** A tree of fixed shape that stores only the nodes above its first leaves; all others are its empty nodes. */
interface SparseTree {
  arities: readonly number[];
  /** Nodes of each level from the leaves to the root, cut where only empty ones follow. */
  levels: bigint[][];
  /** What an absent node of each level is. */
  empty: bigint[];
}

/** Hashes of wholly empty nodes: of the leaf, of a bottom node, …, of the root. */
function emptyNodes(domain: bigint, arities: readonly number[], emptyLeaf: bigint): bigint[] {
  const nodes = [emptyLeaf];
  let node = emptyLeaf;
  for (const arity of arities) {
    node = poseidon(domain, new Array<bigint>(arity).fill(node));
    nodes.push(node);
  }
  return nodes;
}

const EMPTY_ROW_NODES = emptyNodes(DOMAIN.rowNode, ROW_TREE_ARITIES, rowLeaf(NULL_ROW));
const EMPTY_SUBTREE = EMPTY_ROW_NODES[ROW_TREE_ARITIES.length] as bigint;
const EMPTY_UNDERLYING_NODES = emptyNodes(DOMAIN.underlyingNode, UNDERLYING_TREE_ARITIES, EMPTY_SUBTREE);

/** The children of node `index` of level `level + 1`. */
function childrenOf(tree: SparseTree, level: number, index: number): bigint[] {
  const arity = tree.arities[level] as number;
  const nodes = tree.levels[level] as bigint[];
  return Array.from(
    { length: arity },
    (_, child) => nodes[index * arity + child] ?? (tree.empty[level] as bigint),
  );
}

function buildSparse(
  domain: bigint,
  arities: readonly number[],
  leaves: bigint[],
  empty: bigint[],
): SparseTree {
  const tree: SparseTree = { arities, levels: [leaves], empty };
  for (const [level, arity] of arities.entries()) {
    const below = tree.levels[level] as bigint[];
    const nodes: bigint[] = [];
    for (let index = 0; index * arity < below.length; index++) {
      nodes.push(poseidon(domain, childrenOf(tree, level, index)));
    }
    tree.levels.push(nodes);
  }
  return tree;
}

function rootOf(tree: SparseTree): bigint {
  const top = tree.arities.length;
  return tree.levels[top]?.[0] ?? (tree.empty[top] as bigint);
}

function pathOf(tree: SparseTree, leaf: number): bigint[][] {
  let index = leaf;
  return tree.arities.map((arity, level) => {
    index = Math.floor(index / arity);
    return childrenOf(tree, level, index);
  });
}

function checkPlace(rule: string, value: number, places: number): void {
  ensure(
    Number.isInteger(value) && value >= 0 && value < places,
    rule,
    `${rule.slice(rule.indexOf(".") + 1)} is ${value}, expected an integer from 0 to ${places - 1}`,
  );
}

/**
 * Builds the row tree from the rows of each underlying (the index in the outer array is the underlying's place, the order of the inner
 * array the row's place from 1 on; place 0 is the null row).
 *
 * Costs one hash a row and about one in ten rows for the nodes; empty parts cost nothing. Refuses rows out of bounds (`row.*`), an id
 * listed twice (`rowTree.duplicateId`) and too many rows or underlyings (`rowTree.rows`, `rowTree.underlyings`).
 */
export function buildRowTree(underlyings: readonly (readonly RiskRow[])[]): RowTree {
  ensure(
    underlyings.length <= UNDERLYING_PLACES,
    "rowTree.underlyings",
    `underlyings has ${underlyings.length} entries, expected at most ${UNDERLYING_PLACES}`,
  );
  const places = new Map<bigint, { underlying: number; place: number }>();
  for (const [underlying, rows] of underlyings.entries()) {
    ensure(
      rows.length < ROW_PLACES,
      "rowTree.rows",
      `underlying ${underlying} has ${rows.length} rows, expected at most ${ROW_PLACES - 1}`,
    );
    for (const [index, row] of rows.entries()) {
      checkRow(row);
      ensure(!places.has(row.id), "rowTree.duplicateId", `id ${row.id} is listed twice, expected once`);
      places.set(row.id, { underlying, place: index + 1 });
    }
  }
  const subtrees = underlyings.map((rows) =>
    buildSparse(
      DOMAIN.rowNode,
      ROW_TREE_ARITIES,
      rows.length === 0 ? [] : [EMPTY_ROW_NODES[0] as bigint, ...rows.map(rowLeaf)],
      EMPTY_ROW_NODES,
    ),
  );
  const emptySubtree: SparseTree = {
    arities: ROW_TREE_ARITIES,
    levels: [[], [], [], []],
    empty: EMPTY_ROW_NODES,
  };
  const top = buildSparse(
    DOMAIN.underlyingNode,
    UNDERLYING_TREE_ARITIES,
    subtrees.map(rootOf),
    EMPTY_UNDERLYING_NODES,
  );
  return {
    root: rootOf(top),
    subRoots: Array.from(
      { length: UNDERLYING_PLACES },
      (_, index) => top.levels[0]?.[index] ?? EMPTY_SUBTREE,
    ),
    locate: (id) => places.get(id),
    row(underlying, place) {
      checkPlace("rowTree.underlying", underlying, UNDERLYING_PLACES);
      checkPlace("rowTree.place", place, ROW_PLACES);
      return (place === 0 ? undefined : underlyings[underlying]?.[place - 1]) ?? NULL_ROW;
    },
    rowPath(underlying, place) {
      checkPlace("rowTree.underlying", underlying, UNDERLYING_PLACES);
      checkPlace("rowTree.place", place, ROW_PLACES);
      return pathOf(subtrees[underlying] ?? emptySubtree, place);
    },
    underlyingPath(underlying) {
      checkPlace("rowTree.underlying", underlying, UNDERLYING_PLACES);
      return pathOf(top, underlying);
    },
  };
}
