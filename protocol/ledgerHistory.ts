import { FIELD_ORDER, STATE_NODE_LEAVES } from "./constants.ts";
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

/** A keeper took over a slice of the target's note: both notes are spent, both accounts go on with a new one. */
export interface TakenOverEvent {
  kind: "takenOver";
  targetNullifier: bigint;
  keeperNullifier: bigint;
  /** Place of the target's spent note, by which the auction knows it. */
  targetLeafIndex: bigint;
  targetCommitment: bigint;
  keeperCommitment: bigint;
  /** Place of the target's new note; the keeper's is the next one. */
  leafIndex: bigint;
  snapshotRoot: bigint;
  /** Q16. */
  rate: bigint;
  /** Micro-USDC that the insurance fund owed the target, of which `uncovered` was not there. */
  deficit: bigint;
  /** Micro-USDC from the insurance fund to the keeper. */
  reward: bigint;
  uncovered: bigint;
  /** The target's equity covers its margin again. */
  cured: boolean;
  fee: bigint;
  /** Four words. */
  targetEscrow: bigint[];
  /** Six words. */
  keeperEscrow: bigint[];
}

/** An event of the ledger, in the order of the chain. */
export type LedgerEvent =
  | { kind: "sealed"; nodeIndex: bigint }
  | { kind: "inserted"; nodeIndex: bigint; root: bigint }
  | OpenedEvent
  | TransitionedEvent
  | TakenOverEvent;

/** What spent a note, in which part its account met it, and the account's next note. */
export type Spending = { commitment: bigint; leafIndex: bigint } & (
  | { as: "owner"; event: TransitionedEvent }
  | { as: "target" | "keeper"; event: TakenOverEvent }
);

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
  /** By account tag, which the ledger takes once; an owner may open two accounts on one commitment. */
  openings: Map<bigint, OpenedEvent>;
  /** By the nullifier of the spent note. */
  spendings: Map<bigint, Spending>;
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
    spendings: new Map(),
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
 * Adds events to a history, in place. Throws `history.*` for an event that does not follow from those before it: a leaf that is not at the
 * next free place, a root that the tree does not have, an account tag used twice, a nullifier spent
 * twice.
 */
export function applyEvents(history: LedgerHistory, events: Iterable<LedgerEvent>): void {
  for (const event of events) applyEvent(history, event);
}

function applyEvent(history: LedgerHistory, event: LedgerEvent): void {
  switch (event.kind) {
    case "sealed":
      applySealed(history, event.nodeIndex);
      return;
    case "inserted":
      applyInserted(history, event.nodeIndex, event.root);
      return;
    case "opened":
      ensure(
        !history.openings.has(event.accountTag),
        "history.opening",
        `account tag ${event.accountTag}: used twice, expected once`,
      );
      queueLeaves(history, event.leafIndex, [event.commitment, event.accountTag]);
      history.openings.set(event.accountTag, event);
      return;
    case "transitioned": {
      const { commitment, leafIndex } = event;
      queueLeaves(history, leafIndex, [commitment]);
      spend(history, event.nullifier, { as: "owner", event, commitment, leafIndex });
      return;
    }
    case "takenOver":
      applyTakenOver(history, event);
  }
}

function applySealed(history: LedgerHistory, nodeIndex: bigint): void {
  const { tail } = history;
  ensure(
    nodeIndex === tail / NODE_LEAVES && tail % NODE_LEAVES !== 0n,
    "history.seal",
    `sealed node: ${nodeIndex}, expected the open node before place ${tail}`,
  );
  history.tail = (nodeIndex + 1n) * NODE_LEAVES;
}

function applyInserted(history: LedgerHistory, nodeIndex: bigint, root: bigint): void {
  const [next] = closedNodes(history);
  ensure(
    next !== undefined && nodeIndex === BigInt(next.nodeIndex),
    "history.insertion",
    `inserted node: ${nodeIndex}, expected the next closed one, ${next?.nodeIndex ?? "none"}`,
  );
  history.tree.insertNode(next.nodeIndex, next.leaves);
  const { root: computed } = history.tree;
  ensure(
    root === computed,
    "history.root",
    `root after node ${nodeIndex}: ${root}, expected ${computed} as the queued leaves give`,
  );
  history.inserted++;
  history.roots.add(computed);
}

function applyTakenOver(history: LedgerHistory, event: TakenOverEvent): void {
  const { targetLeafIndex, targetCommitment, keeperCommitment, leafIndex } = event;
  ensure(
    isInserted(history, targetLeafIndex) && history.leaves.has(targetLeafIndex),
    "history.target",
    `target of a take-over: place ${targetLeafIndex}, expected a note in the state tree`,
  );
  queueLeaves(history, leafIndex, [targetCommitment, keeperCommitment]);
  spend(history, event.targetNullifier, { as: "target", event, commitment: targetCommitment, leafIndex });
  spend(history, event.keeperNullifier, {
    as: "keeper",
    event,
    commitment: keeperCommitment,
    leafIndex: leafIndex + 1n,
  });
}

/** Gives leaves the next free places, which must be those that their event says: the queue has no gaps but the ends of sealed nodes. */
function queueLeaves(history: LedgerHistory, leafIndex: bigint, leaves: readonly bigint[]): void {
  const { tail } = history;
  ensure(leafIndex === tail, "history.queue", `queued leaf: place ${leafIndex}, expected ${tail}`);
  for (const leaf of leaves) {
    ensure(
      leaf > 0n && leaf < FIELD_ORDER,
      "history.leaf",
      `leaf at place ${history.tail}: ${leaf}, expected a field element other than 0`,
    );
    history.leaves.set(history.tail, leaf);
    history.tail++;
  }
}

function spend(history: LedgerHistory, nullifier: bigint, spending: Spending): void {
  ensure(
    !history.spendings.has(nullifier),
    "history.nullifier",
    `nullifier ${nullifier}: spent twice, expected once`,
  );
  history.spendings.set(nullifier, spending);
}
