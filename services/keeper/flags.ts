import type { AuctionEvent } from "../../protocol/auctionEvents.ts";
import { Q16 } from "../../protocol/constants.ts";
import type { Deployed } from "../chain/deployment.ts";

/** A note's flag as the auction last wrote it; it may have lapsed. Times are Unix seconds. */
export interface Flag {
  clockStart: bigint;
  lastProven: bigint;
  /** Epoch of its first proof; take-overs need a later one. */
  firstEpoch: bigint;
}

/** What the auction says about notes, by their places in the state tree. */
export interface FlagBook {
  flags: Map<bigint, Flag>;
  revealed: Set<bigint>;
}

/** Parameters of the auction that keepers go by, in seconds. */
export interface AuctionTimes {
  lapsesAfter: bigint;
  revealAfter: bigint;
  /** After its observation, a snapshot proves nothing any more. */
  staleAfter: bigint;
}

export function emptyFlags(): FlagBook {
  return { flags: new Map(), revealed: new Set() };
}

export async function auctionTimes({ auction }: Pick<Deployed, "auction">): Promise<AuctionTimes> {
  const [lapsesAfter, revealAfter, staleAfter]: bigint[] = await Promise.all([
    auction.LAPSES_AFTER(),
    auction.REVEAL_AFTER(),
    auction.STALE_AFTER(),
  ]);
  return { lapsesAfter, revealAfter, staleAfter } as AuctionTimes;
}

/** A first reading may ask for thousands of places. */
const QUESTIONS_AT_ONCE = 32;

/** Places that an event of the auction touches. */
function touchedBy(event: AuctionEvent): bigint[] {
  return event.kind === "flagMoved" ? [event.leafIndex, event.newLeafIndex] : [event.leafIndex];
}

/**
 * Brings a book forward, in place: reads the flags at the places that the events touch. After a re-org `events` are all of the auction's,
 * and what the book held is forgotten.
 */
export async function advanceFlags(
  book: FlagBook,
  { auction }: Pick<Deployed, "auction">,
  events: readonly AuctionEvent[],
  reorganized: boolean,
): Promise<void> {
  const places = [...new Set(events.flatMap(touchedBy))];
  const read: { place: bigint; flag: Flag }[] = [];
  for (let from = 0; from < places.length; from += QUESTIONS_AT_ONCE) {
    const asked = places.slice(from, from + QUESTIONS_AT_ONCE).map(async (place) => {
      const { clockStart, lastProven, firstEpoch } = await auction.flagOf(place);
      return { place, flag: { clockStart, lastProven, firstEpoch } };
    });
    read.push(...(await Promise.all(asked)));
  }
  if (reorganized) {
    book.flags.clear();
    book.revealed.clear();
  }
  for (const { place, flag } of read) {
    if (flag.clockStart === 0n) book.flags.delete(place);
    else book.flags.set(place, flag);
  }
  for (const event of events) if (event.kind === "revealed") book.revealed.add(event.leafIndex);
}

/** The unlapsed flag of the note at a place at a time. */
export function flagAt(
  book: FlagBook,
  place: bigint,
  now: bigint,
  { lapsesAfter }: Pick<AuctionTimes, "lapsesAfter">,
): Flag | undefined {
  const flag = book.flags.get(place);
  return flag !== undefined && now <= flag.lastProven + lapsesAfter ? flag : undefined;
}

const FIRST_SECONDS = 900n;
const SECOND_SECONDS = 2_700n;

/** The highest rate that a keeper may ask when an auction's clock shows `elapsed` seconds: 5% to 30% to 50%, Q16, floored as the contract does. */
export function permittedRate(elapsed: bigint): bigint {
  if (elapsed <= FIRST_SECONDS) return (Q16 * (5n * FIRST_SECONDS + 25n * elapsed)) / (100n * FIRST_SECONDS);
  const later = elapsed - FIRST_SECONDS;
  if (later >= SECOND_SECONDS) return Q16 / 2n;
  return (Q16 * (30n * SECOND_SECONDS + 20n * later)) / (100n * SECOND_SECONDS);
}
