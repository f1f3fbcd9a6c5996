import type { Provider } from "ethers";
import type { AuctionEvent } from "../../protocol/auctionEvents.ts";
import type { AuditedChain } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import {
  applyEvents,
  emptyHistory,
  type LedgerEvent,
  type LedgerHistory,
} from "../../protocol/ledgerHistory.ts";
import type { PostedSnapshot } from "../../protocol/postedSnapshot.ts";

/*
 * A ledger kept up with block by block, through re-orgs. What was read is kept in segments that each end at a block whose hash is known;
 * when that block is no longer on the chain, its segment is dropped and the history is rebuilt from the segments before it.
 */

/** The chain's latest block. */
export interface Head {
  number: number;
  hash: string;
  /** Unix seconds. */
  time: bigint;
}

/** What the blocks after one head up to another brought. */
interface Segment {
  end: Head;
  events: LedgerEvent[];
  auctionEvents: AuctionEvent[];
  /** The last snapshot posted up to the end. */
  posted: PostedSnapshot | undefined;
}

/** A ledger as of a head. */
export interface ChainFollower {
  /** Undefined before the first advance. */
  readonly head: Head | undefined;
  readonly history: LedgerHistory;
  /** The latest snapshot. */
  readonly posted: PostedSnapshot | undefined;
  /**
   * Goes to the chain's latest block. Undefined when nothing is new, or the endpoint lags behind what was read. Throws what the endpoint
   * throws, `chain.moving` when the chain changed during the reading, and `history.*` for events that do not fit together, because some
   * were left out now or before: the next call reads everything anew.
   */
  advance(): Promise<Advance | undefined>;
}

/** What an advance brought. */
export interface Advance {
  head: Head;
  /** What was given before does not stand: the events below are all of the ledger's, from its beginning. */
  reorganized: boolean;
  events: readonly LedgerEvent[];
  auctionEvents: readonly AuctionEvent[];
}

/** Segments that can be dropped one by one; a re-org beyond them reads the ledger anew. */
const KEPT_SEGMENTS = 256;

/** Nodes behind one address are not equally quick: blocks that are missing for so long, in milliseconds of the clock, were replaced. */
const LAG_MS = 10_000;

export function followChain(
  chain: Pick<AuditedChain, "ledgerEvents" | "auctionEvents" | "snapshots" | "latestSnapshot">,
  provider: Pick<Provider, "getBlock">,
  lagMs = LAG_MS,
): ChainFollower {
  let segments: Segment[] = [];
  let history = emptyHistory();
  /** The next advance gives all events, because what was given before does not stand. */
  let isLost = false;
  /** Since when the endpoint has not had the head that was read. */
  let behindSince: number | undefined;

  const last = (): Segment | undefined => segments.at(-1);

  const hashAt = async (block: number): Promise<string | undefined> =>
    (await provider.getBlock(block))?.hash ?? undefined;

  /** Drops the segments whose end is not on the chain any more. */
  const dropReplaced = async (): Promise<void> => {
    const before = segments.length;
    for (let end = last()?.end; end !== undefined; end = last()?.end) {
      if ((await hashAt(end.number)) === end.hash) break;
      segments.pop();
    }
    if (segments.length === before) return;
    history = rebuilt(segments);
    isLost = true;
  };

  /** Whether an endpoint with this latest block lacks the head that was read, and has not for long. */
  const lags = async (latest: number): Promise<boolean> => {
    const head = last()?.end;
    const lacks = head !== undefined && latest < head.number && (await hashAt(head.number)) === undefined;
    behindSince = lacks ? (behindSince ?? performance.now()) : undefined;
    return behindSince !== undefined && performance.now() - behindSince < lagMs;
  };

  /** The two oldest segments become one. */
  const mergeOldest = (): void => {
    const [first, second, ...others] = segments as [Segment, Segment, ...Segment[]];
    for (const event of second.events) first.events.push(event);
    for (const event of second.auctionEvents) first.auctionEvents.push(event);
    segments = [{ ...first, end: second.end, posted: second.posted }, ...others];
  };

  return {
    get head() {
      return last()?.end;
    },
    get history() {
      return history;
    },
    get posted() {
      return last()?.posted;
    },
    async advance() {
      const latest = await provider.getBlock("latest");
      if (latest === null || latest.hash === null)
        throw new SolvusError("chain.block", "latest block: the endpoint has none, expected a block");
      const end: Head = { number: latest.number, hash: latest.hash, time: BigInt(latest.timestamp) };
      if (last()?.end.hash === end.hash && !isLost) return undefined;
      if (await lags(end.number)) return undefined;
      await dropReplaced();
      const from = (last()?.end.number ?? -1) + 1;
      const [events, auctionEvents, posted] = await Promise.all([
        chain.ledgerEvents(from, end.number),
        chain.auctionEvents(from, end.number),
        latestPosted(chain, from, end.number, last()?.posted),
      ]);
      if ((await hashAt(end.number)) !== end.hash)
        throw new SolvusError("chain.moving", `block ${end.number}: replaced while it was read`);
      try {
        applyEvents(history, events);
      } catch (error) {
        segments = [];
        history = emptyHistory();
        isLost = true;
        throw error;
      }
      segments.push({ end, events, auctionEvents, posted });
      if (segments.length > KEPT_SEGMENTS) mergeOldest();
      if (!isLost) return { head: end, reorganized: false, events, auctionEvents };
      isLost = false;
      return {
        head: end,
        reorganized: true,
        events: segments.flatMap((segment) => segment.events),
        auctionEvents: segments.flatMap((segment) => segment.auctionEvents),
      };
    },
  };
}

function rebuilt(segments: readonly Segment[]): LedgerHistory {
  const history = emptyHistory();
  for (const { events } of segments) applyEvents(history, events);
  return history;
}

/** The latest snapshot at a block, given the one at the block before `from`. */
async function latestPosted(
  chain: Pick<AuditedChain, "snapshots" | "latestSnapshot">,
  from: number,
  to: number,
  before: PostedSnapshot | undefined,
): Promise<PostedSnapshot | undefined> {
  if (before === undefined) return chain.latestSnapshot(to);
  return (await chain.snapshots(from, to)).at(-1) ?? before;
}
