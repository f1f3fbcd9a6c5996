import type { Flag } from "./flags.ts";
import type { Evaluated, SightedLedger } from "./sightedLedger.ts";

/** An account below its margin, and where it is in the auction. */
export interface Endangered extends Evaluated {
  flag: Flag | undefined;
  isRevealed: boolean;
}

/** A flag is renewed when it would lapse within this many seconds: time for several proofs. */
export const RENEW_WITHIN = 240n;

/** What a keeper could do now, each list the most urgent first. */
export interface Work {
  /** Flags that lapse soon. */
  renewals: Endangered[];
  /** Accounts below their margin that nobody flagged. */
  flags: Endangered[];
  /** Flagged at an earlier epoch: open for take-overs. */
  takeOvers: Endangered[];
  /** Flagged for so long that their contents may be published, and not published. */
  reveals: Endangered[];
}

/** Equity over margin, for sorting; below every number for accounts without margin. */
export function ratioOf({ standing: { equity, maintenance } }: Evaluated): number {
  if (maintenance !== 0n) return Number(equity) / Number(maintenance);
  return equity < 0n ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Accounts below their margin, the worst first. */
export function endangered(ledger: SightedLedger): Endangered[] {
  return ledger.evaluated
    .filter(({ standing }) => standing.equity < standing.maintenance)
    .map((evaluated) => ({
      ...evaluated,
      flag: ledger.flagOf(evaluated.position),
      isRevealed: ledger.flags.revealed.has(evaluated.position.leafIndex),
    }))
    .sort((one, other) => ratioOf(one) - ratioOf(other) || 0);
}

/** What there is to do about the accounts below their margin. Nothing while the snapshot is too old to prove anything on. */
export function workOn(accounts: readonly Endangered[], ledger: SightedLedger): Work {
  const work: Work = { renewals: [], flags: [], takeOvers: [], reveals: [] };
  const { head, snapshot, times } = ledger;
  if (head === undefined || snapshot === undefined || ledger.isStale()) return work;
  for (const account of accounts) {
    if (!ledger.isPlaced(account.account)) continue;
    const { flag, isRevealed } = account;
    if (flag === undefined) {
      work.flags.push(account);
      continue;
    }
    if (flag.lastProven + times.lapsesAfter - head.time < RENEW_WITHIN) work.renewals.push(account);
    if (snapshot.epoch > flag.firstEpoch) work.takeOvers.push(account);
    if (!isRevealed && head.time >= flag.clockStart + times.revealAfter) work.reveals.push(account);
  }
  return work;
}
