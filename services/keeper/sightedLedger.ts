import { type SnapshotSource, snapshotsOf } from "../../protocol/chain.ts";
import type { LedgerHistory } from "../../protocol/ledgerHistory.ts";
import { type PostedSnapshot, rebuildSnapshot } from "../../protocol/postedSnapshot.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Log } from "../log.ts";
import {
  type AccountBook,
  advanceBook,
  emptyBook,
  isPlaced,
  presentOf,
  rollBack,
  type Sight,
  type TrackedAccount,
  type TrackedPosition,
} from "./accountBook.ts";
import { type BookPlace, loadBook } from "./bookFile.ts";
import { type BriefStanding, standingsOf } from "./bulkMargin.ts";
import { type Advance, followChain, type Head } from "./chainFollower.ts";
import {
  type AuctionTimes,
  advanceFlags,
  auctionTimes,
  emptyFlags,
  type Flag,
  type FlagBook,
  flagAt,
} from "./flags.ts";

/** An account with where it stands at the latest snapshot. */
export interface Evaluated {
  account: TrackedAccount;
  position: TrackedPosition;
  standing: BriefStanding;
}

/** A ledger with its accounts, as a keeper sees it. */
export interface SightedLedger {
  readonly head: Head | undefined;
  readonly history: LedgerHistory;
  readonly book: AccountBook;
  readonly flags: FlagBook;
  readonly times: AuctionTimes;
  /** The latest one; undefined before the first epoch. */
  readonly snapshot: MarketSnapshot | undefined;
  /** Every account that can be priced, at the latest snapshot. */
  readonly evaluated: readonly Evaluated[];
  /** Seconds that the last evaluation took, with the snapshot's recomputation if there was a new one. */
  readonly evaluationSeconds: number;
  /**
   * Goes to the chain's latest block and evaluates anew what changed. Returns whether anything did. Throws what the endpoint throws; what was
   * read is not lost, and the next call goes on from there.
   */
  advance(): Promise<boolean>;
  /** The account's unlapsed flag at the head's time. */
  flagOf(position: TrackedPosition): Flag | undefined;
  /** Whether a proof can refer to the account's present note. */
  isPlaced(account: TrackedAccount): boolean;
  /** Whether the latest snapshot is too old, by the head's time, to prove anything on. */
  isStale(): boolean;
}

export interface SightOptions {
  deployed: Deployed;
  sight: Sight;
  own: readonly AccountSecrets[];
  /** Where the accounts were when the keeper last ran. */
  file: BookPlace;
  log: Log;
  /** For how long an endpoint may lag behind what was read before; milliseconds of the clock. */
  lagMs?: number;
  /** Ends a long reading: the next advance goes on from there. */
  signal: AbortSignal;
}

export async function sightLedger(options: SightOptions): Promise<SightedLedger> {
  const { deployed, sight, own, file, log, lagMs, signal } = options;
  const follower = followChain(deployed.chain, deployed.provider, lagMs);
  const times = await auctionTimes(deployed);
  const book = emptyBook();
  const flags = emptyFlags();
  const fromChain = snapshotsOf(deployed.chain);
  let snapshot: MarketSnapshot | undefined;
  let posted: PostedSnapshot | undefined;
  let evaluated: Evaluated[] = [];
  let evaluationSeconds = 0;
  let loaded = false;
  /** Events that the history holds and the books do not yet. */
  let backlog: Advance | undefined;
  /** A reading failed after it had changed accounts, perhaps. */
  let isHalfRead = false;

  const snapshots: SnapshotSource = async (root) =>
    snapshot !== undefined && snapshot.root === root ? snapshot : fromChain(root);

  const takeIn = async ({ events, auctionEvents, reorganized }: Advance): Promise<number> => {
    if (reorganized) rollBack(book, follower.history);
    if (!loaded) {
      const accounts = await loadBook(file, book, follower.history);
      if (accounts > 0) log.info({ accounts }, "accounts taken from the data directory");
      loaded = true;
    }
    const kept = { sight, own, snapshots, log, signal };
    const changed = await advanceBook(book, follower.history, { events, auctionEvents }, kept);
    await advanceFlags(flags, deployed, auctionEvents, reorganized);
    return changed;
  };

  /** Recomputes the latest snapshot, which the newest spendings name too; returns the seconds that it took. */
  const renewSnapshot = (): number => {
    const start = performance.now();
    if (follower.posted !== undefined && snapshot?.root !== follower.posted.root)
      snapshot = rebuildSnapshot(follower.posted);
    return (performance.now() - start) / 1000;
  };

  const evaluate = (renewalSeconds: number): void => {
    const start = performance.now();
    if (snapshot === undefined) return;
    const accounts = [...book.accounts.values()];
    const positions = accounts.map(presentOf);
    const standings = standingsOf(
      positions.map(({ note }) => note),
      snapshot,
    );
    evaluated = accounts.flatMap((account, at) => {
      const standing = standings[at];
      return standing === undefined
        ? []
        : [{ account, position: positions[at] as TrackedPosition, standing }];
    });
    evaluationSeconds = renewalSeconds + (performance.now() - start) / 1000;
  };

  return {
    get head() {
      return follower.head;
    },
    get history() {
      return follower.history;
    },
    book,
    flags,
    times,
    get snapshot() {
      return snapshot;
    },
    get evaluated() {
      return evaluated;
    },
    get evaluationSeconds() {
      return evaluationSeconds;
    },
    async advance() {
      const advance = await follower.advance();
      if (advance !== undefined) backlog = joined(backlog, advance);
      if (backlog === undefined) return false;
      const renewalSeconds = renewSnapshot();
      const wasHalfRead = isHalfRead;
      isHalfRead = true;
      const changed = await takeIn(backlog);
      isHalfRead = false;
      if (changed > 0 || wasHalfRead || posted !== follower.posted || backlog.reorganized)
        evaluate(renewalSeconds);
      posted = follower.posted;
      backlog = undefined;
      return true;
    },
    flagOf: ({ leafIndex }) => flagAt(flags, leafIndex, follower.head?.time ?? 0n, times),
    isPlaced: (account) => isPlaced(account, follower.history),
    isStale: () => posted === undefined || (follower.head?.time ?? 0n) > posted.time + times.staleAfter,
  };
}

/** What two advances brought together. One that follows a re-org holds everything. */
function joined(before: Advance | undefined, advance: Advance): Advance {
  if (before === undefined || advance.reorganized) return advance;
  return {
    ...advance,
    reorganized: before.reorganized,
    events: [...before.events, ...advance.events],
    auctionEvents: [...before.auctionEvents, ...advance.auctionEvents],
  };
}
