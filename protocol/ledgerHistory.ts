import { STATE_NODE_LEAVES } from "./constants.ts";
import { ensure } from "./errors.ts";
import { StateTree } from "./stateTree.ts";

/*
 * What follows from the events of a ledger: its queue, its state tree and roots, who opened, what was spent. Everything is recomputed; an
 * event that does not fit what came before it is refused.
 */

/** An account was opened. The account tag is the leaf queued next. */
export interface OpenedEvent {
  kind: "opened";
  commitment: bigint;
  accountTag: bigint;
  leafIndex: bigint;
  /** Five words. */
  escrow: bigint[];
}

/** The note of `nullifier` was replaced by the one of `commitment` at `leafIndex`. */
export interface TransitionedEvent {
  kind: "transitioned";
  nullifier: bigint;
  commitment: bigint;
  leafIndex: bigint;
  snapshotRoot: bigint;
  mode: bigint;
  asset: bigint;
  deposit: bigint;
  withdrawal: bigint;
  fee: bigint;
  tradeTag: bigint;
  escrow: [bigint, bigint];
}

/** An event of the ledger, in the order of the chain. */
export type LedgerEvent =
  | { kind: "queued"; leafIndex: bigint; leaf: bigint }
  | { kind: "sealed"; nodeIndex: bigint }
  | { kind: "inserted"; nodeIndex: bigint; root: bigint }
  | OpenedEvent
  | TransitionedEvent;

/** A ledger as its events so far leave it. */
export interface LedgerHistory {
  /** Nodes that were inserted. Its root is the ledger's. */
  tree: StateTree;
  /** Bottom nodes in the tree. */
  inserted: number;
  /** Place of the next leaf. */
  tail: bigint;
  /** Queued leaves by place, inserted or not. */
  leaves: Map<bigint, bigint>;
  /** Every root that the ledger knows. */
  roots: Set<bigint>;
  /** By commitment. */
  openings: Map<bigint, OpenedEvent>;
  /** By nullifier. */
  transitions: Map<bigint, TransitionedEvent>;
}

/** A ledger without events: its one root is that of the empty tree. */
export function emptyHistory(): LedgerHistory {
  const tree = new StateTree();
  return {
    tree,
    inserted: 0,
    tail: 0n,
    leaves: new Map(),
    roots: new Set([tree.root]),
    openings: new Map(),
    transitions: new Map(),
  };
}

const NODE_LEAVES = BigInt(STATE_NODE_LEAVES);

function leavesOf(history: LedgerHistory, nodeIndex: number): bigint[] {
  const first = BigInt(nodeIndex) * NODE_LEAVES;
  return Array.from(
    { length: STATE_NODE_LEAVES },
    (_, place) => history.leaves.get(first + BigInt(place)) ?? 0n,
  );
}

/** Nodes that are full or sealed and not in the tree yet, in the order in which they must be inserted. */
export function closedNodes(history: LedgerHistory): { nodeIndex: number; leaves: bigint[] }[] {
  const nodes = [];
  for (let node = history.inserted; BigInt(node + 1) * NODE_LEAVES <= history.tail; node++) {
    nodes.push({ nodeIndex: node, leaves: leavesOf(history, node) });
  }
  return nodes;
}

/** Whether the leaf at a place is in the tree, so that a proof can refer to it. */
export function isInserted(history: LedgerHistory, leafIndex: bigint): boolean {
  return leafIndex / NODE_LEAVES < BigInt(history.inserted);
}

/**
 * Adds events to a history, in place. Throws `history.*` for an event that does not follow from those before it: a gap in the queue, a
 * leaf that is not the account's commitment, a root that the tree does not have, a nullifier spent twice.
 */
export function applyEvents(history: LedgerHistory, events: Iterable<LedgerEvent>): void {
  for (const event of events) applyEvent(history, event);
}

function applyEvent(history: LedgerHistory, event: LedgerEvent): void {
  const { leaves, tail } = history;
  switch (event.kind) {
    case "queued":
      ensure(
        event.leafIndex === tail,
        "history.queue",
        `queued leaf: place ${event.leafIndex}, expected ${tail}`,
      );
      leaves.set(tail, event.leaf);
      history.tail = tail + 1n;
      return;
    case "sealed":
      ensure(
        event.nodeIndex === tail / NODE_LEAVES && tail % NODE_LEAVES !== 0n,
        "history.seal",
        `sealed node: ${event.nodeIndex}, expected the open node before place ${tail}`,
      );
      history.tail = (event.nodeIndex + 1n) * NODE_LEAVES;
      return;
    case "inserted": {
      const [next] = closedNodes(history);
      ensure(
        next !== undefined && event.nodeIndex === BigInt(next.nodeIndex),
        "history.insertion",
        `inserted node: ${event.nodeIndex}, expected the next closed one, ${next?.nodeIndex ?? "none"}`,
      );
      history.tree.insertNode(next.nodeIndex, next.leaves);
      const { root } = history.tree;
      ensure(
        event.root === root,
        "history.root",
        `root after node ${event.nodeIndex}: ${event.root}, expected ${root} as the queued leaves give`,
      );
      history.inserted++;
      history.roots.add(root);
      return;
    }
    case "opened":
      requireLeaf(history, event.leafIndex, event.commitment);
      requireLeaf(history, event.leafIndex + 1n, event.accountTag);
      history.openings.set(event.commitment, event);
      return;
    case "transitioned":
      requireLeaf(history, event.leafIndex, event.commitment);
      ensure(
        !history.transitions.has(event.nullifier),
        "history.nullifier",
        `nullifier ${event.nullifier}: spent twice, expected once`,
      );
      history.transitions.set(event.nullifier, event);
  }
}

function requireLeaf(history: LedgerHistory, leafIndex: bigint, leaf: bigint): void {
  ensure(
    history.leaves.get(leafIndex) === leaf,
    "history.leaf",
    `place ${leafIndex}: holds ${history.leaves.get(leafIndex) ?? "nothing"}, expected ${leaf} as its event says`,
  );
}
