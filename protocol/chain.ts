import type { AuctionEvent } from "./auctionEvents.ts";
import type { CustodyEvent } from "./custodyHistory.ts";
import { SolvusError } from "./errors.ts";
import type { FundEvent } from "./fundHistory.ts";
import { applyEvents, emptyHistory, type LedgerEvent, type LedgerHistory } from "./ledgerHistory.ts";
import { type PostedSnapshot, rebuildSnapshot } from "./postedSnapshot.ts";
import type { MarketSnapshot } from "./snapshot.ts";

/**
 * What this project reads from a chain with one ledger on it. Blocks are inclusive. Events are asked for rather than past states, so
 * that any full node can answer for any block.
 */
export interface Chain {
  chainId: bigint;
  /** Address of the ledger, 0x… with checksum. */
  ledger: string;
  blockNumber(): Promise<number>;
  /** Unix seconds. */
  blockTime(block: number): Promise<bigint>;
  /** The ledger's events from block `from` to block `to`, in the order of the chain. */
  ledgerEvents(from: number, to: number): Promise<LedgerEvent[]>;
  /** The last snapshot posted at or before a block. */
  latestSnapshot(block: number): Promise<PostedSnapshot | undefined>;
  /** The snapshot with a root, if it was posted at or before a block. */
  snapshotOf(root: bigint, block: number): Promise<PostedSnapshot | undefined>;
  /** Keccak-256 of the verifying key with which the ledger checks a circuit's proofs, 0x… */
  keyHash(circuit: string): Promise<string>;
  /** The risk committee's Baby Jubjub key. */
  committeeKey(): Promise<[bigint, bigint]>;
}

/** What an audit of a whole ledger reads besides. */
export interface AuditedChain extends Chain {
  custodyEvents(from: number, to: number): Promise<CustodyEvent[]>;
  auctionEvents(from: number, to: number): Promise<AuctionEvent[]>;
  fundEvents(from: number, to: number): Promise<FundEvent[]>;
  /** Every snapshot posted from block `from` to block `to`, in order. */
  snapshots(from: number, to: number): Promise<PostedSnapshot[]>;
  /** Smallest units of a token that the ledger or the insurance fund held after a block; nodes may know recent blocks only. */
  balanceOf(token: string, holder: "ledger" | "fund", block: number): Promise<bigint>;
}

/** A ledger as of a block. */
export interface LedgerView {
  block: number;
  history: LedgerHistory;
}

/** Rebuilds a ledger from its events up to a block, the latest one unless given. Throws `history.*`. */
export async function readLedger(chain: Chain, block?: number): Promise<LedgerView> {
  const view = { block: -1, history: emptyHistory() };
  await advanceLedger(chain, view, block);
  return view;
}

/** Brings a view forward, in place, to a block: by default the latest. */
export async function advanceLedger(chain: Chain, view: LedgerView, block?: number): Promise<void> {
  const to = block ?? (await chain.blockNumber());
  if (to <= view.block) return;
  applyEvents(view.history, await chain.ledgerEvents(view.block + 1, to));
  view.block = to;
}

/** Gives a posted snapshot by its root, recomputed from its inputs. */
export type SnapshotSource = (root: bigint) => Promise<MarketSnapshot>;

/** Snapshots that stay in memory: an account's transitions are mostly of neighbouring epochs. */
const KEPT = 4;

/** Snapshots of a chain. The source throws `snapshot.unknown` for a root that was not posted, and as {@link rebuildSnapshot} does. */
export function snapshotsOf(chain: Chain): SnapshotSource {
  const kept = new Map<bigint, MarketSnapshot>();
  return async (root) => {
    const known = kept.get(root);
    if (known !== undefined) return known;
    const posted = await chain.snapshotOf(root, await chain.blockNumber());
    if (posted === undefined) {
      throw new SolvusError(
        "snapshot.unknown",
        `snapshot root ${root}: never posted, expected one of the ledger's oracle`,
      );
    }
    const snapshot = rebuildSnapshot(posted);
    kept.set(root, snapshot);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value as bigint);
    return snapshot;
  };
}

/** The latest snapshot at a block (by default the latest block), recomputed. Throws `snapshot.none` before the first epoch. */
export async function latestSnapshot(chain: Chain, block?: number): Promise<MarketSnapshot> {
  const at = block ?? (await chain.blockNumber());
  const posted = await chain.latestSnapshot(at);
  if (posted === undefined) {
    throw new SolvusError(
      "snapshot.none",
      `block ${at}: no snapshot posted, expected the oracle's first epoch`,
    );
  }
  return rebuildSnapshot(posted);
}
