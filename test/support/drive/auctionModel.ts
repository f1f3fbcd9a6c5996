/*
 * The liquidation auction as its rules say it, written apart from the contract: flags by place in the state tree, their clock, the rate.
 * Times are Unix seconds. A verdict is the name of the contract's error, or undefined when the call is admitted.
 */

export interface Flag {
  clockStart: bigint;
  lastProven: bigint;
  firstEpoch: bigint;
  /** 0 from a take-over until the successor is proven insolvent itself. */
  nullifier: bigint;
}

export interface AuctionModel {
  /** By leaf index. */
  flags: Map<bigint, Flag>;
  revealed: Set<bigint>;
}

export const emptyAuction = (): AuctionModel => ({ flags: new Map(), revealed: new Set() });

const LAPSES_AFTER = 600n;
const REVEAL_AFTER = 900n;
const ONE = 65_536n;

/** The flag at a place, unless it has lapsed. */
export function activeFlag(auction: AuctionModel, leafIndex: bigint, now: bigint): Flag | undefined {
  const flag = auction.flags.get(leafIndex);
  return flag !== undefined && now <= flag.lastProven + LAPSES_AFTER ? flag : undefined;
}

/** 5% at first, 30% after fifteen minutes, 50% after an hour and for ever; Q16, floored. */
export function permittedRate(elapsed: bigint): bigint {
  if (elapsed <= 900n) return (ONE * (4_500n + 25n * elapsed)) / 90_000n;
  if (elapsed < 3_600n) return (ONE * (81_000n + 20n * (elapsed - 900n))) / 270_000n;
  return ONE / 2n;
}

/** A note that is proven insolvent. */
export interface Insolvent {
  leafIndex: bigint;
  nullifier: bigint;
  epoch: bigint;
}

export function verdictOnFlag(auction: AuctionModel, note: Insolvent, now: bigint): string | undefined {
  const known = activeFlag(auction, note.leafIndex, now)?.nullifier ?? 0n;
  return known !== 0n && known !== note.nullifier ? "FlagOfAnotherNote" : undefined;
}

export function applyFlag(auction: AuctionModel, note: Insolvent, now: bigint): void {
  const flag = activeFlag(auction, note.leafIndex, now);
  auction.flags.set(note.leafIndex, {
    clockStart: flag?.clockStart ?? now,
    firstEpoch: flag?.firstEpoch ?? note.epoch,
    lastProven: now,
    nullifier: note.nullifier,
  });
}

export function verdictOnClear(auction: AuctionModel, leafIndex: bigint, now: bigint): string | undefined {
  return activeFlag(auction, leafIndex, now) === undefined ? "NotFlagged" : undefined;
}

export function verdictOnReveal(auction: AuctionModel, note: Insolvent, now: bigint): string | undefined {
  const flag = activeFlag(auction, note.leafIndex, now);
  if (flag === undefined) return "NotFlagged";
  if (now < flag.clockStart + REVEAL_AFTER) return "RevealTooEarly";
  return auction.revealed.has(note.leafIndex) ? "AlreadyRevealed" : verdictOnFlag(auction, note, now);
}

export function verdictOnBid(
  auction: AuctionModel,
  note: Insolvent,
  rate: bigint,
  now: bigint,
): string | undefined {
  const flag = activeFlag(auction, note.leafIndex, now);
  if (flag === undefined) return "NotFlagged";
  if (flag.nullifier !== 0n && flag.nullifier !== note.nullifier) return "FlagOfAnotherNote";
  if (note.epoch <= flag.firstEpoch) return "EpochNotAfterFlag";
  return rate > permittedRate(now - flag.clockStart) ? "RateAboveCurve" : undefined;
}

/** The flag of a note that was taken over goes to its successor, unless that is cured. */
export function applyBid(
  auction: AuctionModel,
  leafIndex: bigint,
  newLeafIndex: bigint,
  cured: boolean,
  now: bigint,
): void {
  const flag = auction.flags.get(leafIndex);
  auction.flags.delete(leafIndex);
  if (flag !== undefined && !cured)
    auction.flags.set(newLeafIndex, { ...flag, lastProven: now, nullifier: 0n });
}
