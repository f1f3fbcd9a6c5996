import { keccak256, toUtf8Bytes } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import { applyEvents, closedNodes, emptyHistory, type LedgerHistory } from "../../protocol/ledgerHistory.ts";
import { type InsertionInput, StateTree } from "../../protocol/stateTree.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { EngineContext } from "./context.ts";

/*
 * The ledger's queue and state tree, kept up block by block. A replaced block has them built anew.
 */

/** A closed node that is not in the tree, with all that its proof needs. */
export interface ClosedNode {
  nodeIndex: number;
  /** Identifies the statement: keccak-256 of all its inputs. */
  digest: string;
  input: InsertionInput;
}

export interface LedgerMirror {
  /**
   * Reads the blocks up to `head` that were not read yet, or as many as one call may. Throws what the node throws, and the next call goes on;
   * throws `history.*` when blocks changed meanwhile, and the next call starts anew.
   */
  update(head: { number: number; hash: string }): Promise<void>;
  /**
   * Compares with what the ledger says of its queue. A node that is behind leaves out events without saying so: when the difference lasts
   * while nothing is read, all is read again.
   */
  compare(queue: { tail: bigint; inserted: bigint }): void;
  /** Closed nodes that are not in the tree, in the order of their insertion; none before all is read. The proof of each assumes those before it. */
  closed(): ClosedNode[];
}

interface Reading {
  history: LedgerHistory;
  /** The tree with the closed nodes that are to be inserted. */
  projected: StateTree;
  nodes: ClosedNode[];
  /** Next node to be added to the projected tree. */
  next: number;
  block: number;
  hash: string | undefined;
  /** Whether all is read, up to the head of the latest call. */
  isCurrent: boolean;
  /** Since when the chain has no block at this height, wall clock: it is shorter than it was, or the node is behind. */
  absentSince?: number | undefined;
}

/** Blocks that are read at a time, and how often in one call: others have their turn before a long history is read. */
const PIECE_BLOCKS = 10_000;
const PIECES = 10;

/** How long the ledger must say something else of its queue before all is read again. */
const DIFFERS_MS = 2_000;

/** How long a chain must be too short before all is read again. */
const SHORTER_AFTER_MS = 3_000;

export function makeLedgerMirror(
  { chain, provider, deployment }: Deployed,
  within: EngineContext["within"],
): LedgerMirror {
  const start = (): Reading => ({
    history: emptyHistory(),
    projected: new StateTree(),
    nodes: [],
    next: 0,
    block: deployment.fromBlock - 1,
    hash: undefined,
    isCurrent: false,
  });
  let reading = start();
  const hashAt = async (number: number): Promise<string> => {
    const hash = (await within(() => provider.getBlock(number)))?.hash;
    if (hash != null) return hash;
    throw new SolvusError("chain.block", `block ${number}: none, expected one below the latest`);
  };
  const readPiece = async (head: { number: number; hash: string }): Promise<void> => {
    const last = Math.min(reading.block + PIECE_BLOCKS, head.number);
    const hash = last === head.number ? head.hash : await hashAt(last);
    const events = await within(() => chain.ledgerEvents(reading.block + 1, last));
    try {
      applyEvents(reading.history, events);
    } catch (error) {
      reading = start();
      throw error;
    }
    [reading.block, reading.hash] = [last, hash];
  };
  let differing: { state: string; since: number } | undefined;
  return {
    async update(head) {
      const { hash, block } = reading;
      if (hash !== undefined && hash !== head.hash) {
        const known = block === head.number ? head : await within(() => provider.getBlock(block));
        if (known === null) {
          reading.absentSince ??= Date.now();
          if (Date.now() - reading.absentSince < SHORTER_AFTER_MS) return;
        }
        if (known?.hash !== hash) reading = start();
      }
      if (reading.hash === head.hash || head.number <= reading.block) return;
      reading.absentSince = undefined;
      for (let piece = 0; piece < PIECES && reading.block < head.number; piece++) await readPiece(head);
      reading.isCurrent = reading.block >= head.number;
      if (reading.isCurrent) project(reading);
    },
    compare({ tail, inserted }) {
      const { history, isCurrent } = reading;
      if (!isCurrent) return;
      const state = `${history.tail} ${history.inserted}`;
      if (state === `${tail} ${inserted}`) differing = undefined;
      else if (differing?.state !== state) differing = { state, since: Date.now() };
      else if (Date.now() - differing.since >= DIFFERS_MS) {
        differing = undefined;
        reading = start();
      }
    },
    closed: () =>
      (reading.isCurrent ? reading.nodes : []).filter(
        ({ nodeIndex }) => nodeIndex >= reading.history.inserted,
      ),
  };
}

/** Adds newly closed nodes to the projected tree, and what is in the tree by now to it alone. */
function project(reading: Reading): void {
  const { history, projected } = reading;
  for (; reading.next < history.inserted; reading.next++) {
    const first = BigInt(reading.next) * 16n;
    const leaves = Array.from({ length: 16 }, (_, place) => history.leaves.get(first + BigInt(place)) ?? 0n);
    projected.insertNode(reading.next, leaves);
  }
  for (const { nodeIndex, leaves } of closedNodes(history)) {
    if (nodeIndex < reading.next) continue;
    const input = projected.insertionInput(nodeIndex, leaves);
    projected.insertNode(nodeIndex, leaves);
    reading.nodes.push({ nodeIndex, input, digest: digestOf(input) });
    reading.next = nodeIndex + 1;
  }
  reading.nodes = reading.nodes.filter(({ nodeIndex }) => nodeIndex >= history.inserted);
}

function digestOf({ oldRoot, newRoot, nodeIndex, leaves }: InsertionInput): string {
  return keccak256(toUtf8Bytes([oldRoot, newRoot, nodeIndex, ...leaves].join(",")));
}
