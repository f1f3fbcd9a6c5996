import type { FollowedAccount } from "../../protocol/accountHistory.ts";
import { ensure } from "../../protocol/errors.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { type Standing, standingOf } from "../../protocol/solvency.ts";
import { chainTime, type Deployed } from "../chain/deployment.ts";

/** An unlapsed flag of the auction. */
export interface ActiveFlag {
  /** Epoch of its first proof; take-overs need a later one. */
  firstEpoch: bigint;
  /** Seconds on the auction's clock. */
  clock: bigint;
  /** Seconds until it lapses unless somebody proves again. */
  left: bigint;
  /** Highest rate that a keeper may ask now, Q16. */
  permittedRate: bigint;
}

/** Where an account is on its way through a liquidation. A flag outlasts a recovery until it is cleared or lapses. */
export type AuctionState = "healthy" | "below margin" | "flagged" | "revealed";

/** An account as a keeper looks at it. */
export interface WatchedAccount {
  account: FollowedAccount;
  standing: Standing;
  /** Equity below the maintenance margin. */
  isBelow: boolean;
  flag?: ActiveFlag;
  isRevealed: boolean;
  state: AuctionState;
}

/** The unlapsed flag of the note at a place. */
export async function activeFlag(deployed: Deployed, leafIndex: bigint): Promise<ActiveFlag | undefined> {
  const { auction } = deployed;
  const { clockStart, lastProven, firstEpoch } = await auction.flagOf(leafIndex);
  const permittedRate: bigint = await auction.permittedRate(leafIndex);
  if (permittedRate === 0n) return undefined;
  const now = BigInt(await chainTime(deployed));
  const lapses: bigint = lastProven + (await auction.LAPSES_AFTER());
  return { firstEpoch, clock: now - clockStart, left: lapses - now, permittedRate };
}

/** Where accounts stand at a snapshot, and in the auction now. */
export async function watchAccounts(
  deployed: Deployed,
  accounts: readonly FollowedAccount[],
  snapshot: MarketSnapshot,
): Promise<WatchedAccount[]> {
  const watched: WatchedAccount[] = [];
  for (const account of accounts) {
    const standing = standingOf(account.note, snapshot);
    const isBelow = standing.equity < standing.margin.maintenance;
    const flag = await activeFlag(deployed, account.leafIndex);
    const isRevealed: boolean = await deployed.auction.isRevealed(account.leafIndex);
    const state = isRevealed
      ? "revealed"
      : flag !== undefined
        ? "flagged"
        : isBelow
          ? "below margin"
          : "healthy";
    watched.push({ account, standing, isBelow, isRevealed, state, ...(flag === undefined ? {} : { flag }) });
  }
  return watched;
}

const placesOf = (accounts: readonly WatchedAccount[]): string =>
  accounts.map(({ account }) => String(account.leafIndex)).join(", ");

/**
 * The account at a place of the state tree, or without a place the only one below its margin. Throws `keeper.place` when there is none or
 * more than one, `keeper.healthy` for one that meets its margin, `keeper.pending` for a note that is not in the tree yet.
 */
export function chooseAccount(accounts: readonly WatchedAccount[], place?: bigint): WatchedAccount {
  const below = accounts.filter(({ isBelow }) => isBelow);
  const found = place === undefined ? below : accounts.filter(({ account }) => account.leafIndex === place);
  const [chosen] = found;
  const wanted = place === undefined ? "accounts below their margin: places" : `place: ${place}, of places`;
  ensure(
    chosen !== undefined && found.length === 1,
    "keeper.place",
    place === undefined
      ? `${wanted} ${placesOf(below) || "none"}, expected one, or --place to choose`
      : `${wanted} ${placesOf(accounts) || "none"}, expected the present note of an account that can be read`,
  );
  const { account, isBelow, standing } = chosen;
  ensure(
    isBelow,
    "keeper.healthy",
    `equity at place ${account.leafIndex}: ${standing.equity} micro-USDC, expected below the maintenance margin ${standing.margin.maintenance}`,
  );
  ensure(
    account.inserted,
    "keeper.pending",
    `note at place ${account.leafIndex}: waits in the queue, expected in the state tree; seal and insert its node first`,
  );
  return chosen;
}
