import { KIND, Q16 } from "../../../protocol/constants.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { MICRO } from "../../../protocol/fixedPoint.ts";
import { RESTORATION } from "../../../protocol/liquidation.ts";
import { addOnOf, covers, marginOf } from "../../../protocol/margin.ts";
import { DEFAULT_IM_FACTOR, underlyingModel } from "../../../protocol/marketListing.ts";
import type { Note } from "../../../protocol/note.ts";
import type { MarketSnapshot, Snapshot } from "../../../protocol/snapshot.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";
import { type Random, randomFrom } from "../random.ts";
import {
  blankNote,
  IDLE,
  initialMarginOf,
  type Lots,
  largest,
  openAgainst,
  positionsOf,
} from "./accounts.ts";
import { inputsAfter, type Levels, listingsOf, MINUTE_MS, simulatedSnapshot, startOf } from "./market.ts";
import type { ParameterSet } from "./parameterSets.ts";

/*
 * Accounts of one mind: what they can give each other, and what they make of a price that everybody else will see an epoch later. Amounts in
 * micro-USDC.
 */

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);
const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);

const after = (note: Note, snapshot: Snapshot, changes: Partial<TransitionRequest>): Note =>
  applyTransition(note, 0n, snapshot, { ...IDLE, ...changes }).after;

/** Both sides of a trade of lots for cash, as side 0 receives them; undefined when either side is refused. */
function exchanged(
  [one, other]: readonly [Note, Note],
  snapshot: Snapshot,
  legs: Lots[],
  cash: bigint,
): [Note, Note] | undefined {
  const trade = { legs, cash, salt: 1n };
  try {
    return [
      after(one, snapshot, { trade: { package: trade, side: 0 } }),
      after(other, snapshot, { trade: { package: trade, side: 1 } }),
    ];
  } catch (error) {
    if (error instanceof SolvusError) return undefined;
    throw error;
  }
}

/** A gift by way of one instrument, taken at the mark and given back for less. */
export interface Gift {
  id: bigint;
  sign: bigint;
  /** The most that the rules admit. */
  given: bigint;
  /** Whether the giver still meets its initial margin, so that it could have withdrawn as much. */
  meetsInitial: boolean;
  /** E − MM of the giver before and after the gift. */
  excessBefore: bigint;
  excess: bigint;
  /** Of the giver afterwards. */
  netCash: bigint;
  /** What both own together more than before. */
  made: bigint;
}

/** Most lots by way of which a gift is tried. */
const GIFT_LOTS = 20_000n;

/**
 * The largest gift that an account can make to a friend by way of each instrument of a market: it deposits the margin that the lots need, takes them
 * at the mark, and gives them back for as little as the rules admit.
 */
export function giftsBy(snapshot: MarketSnapshot, giver: Note): Gift[] {
  const ids = snapshot.instruments.filter(({ kind }) => kind !== KIND.spot).map(({ id }) => id);
  return ids.flatMap((id) => [1n, -1n].flatMap((sign) => giftBy(snapshot, giver, id, sign) ?? []));
}

function giftBy(snapshot: MarketSnapshot, giver: Note, id: bigint, sign: bigint): Gift | undefined {
  const { mark } = openRow(snapshot, id).row;
  const needs = (size: bigint): bigint =>
    initialMarginOf(snapshot, { collateral: [], positions: [{ id, size }] }) + mark * GIFT_LOTS;
  const ready: [Note, Note] = [
    after(giver, snapshot, { deposit: needs(sign * GIFT_LOTS) }),
    after(blankNote(2n), snapshot, { deposit: 3n * needs(-sign * GIFT_LOTS) }),
  ];
  const owned = (pair: readonly Note[]): bigint =>
    pair.reduce((sum, note) => sum + standingOf(note, snapshot).equity, 0n);
  const held = exchanged(ready, snapshot, [{ id, size: sign * GIFT_LOTS }], -sign * GIFT_LOTS * mark);
  if (held === undefined) return undefined;
  const before = standingOf(held[0], snapshot);
  const closing = (given: bigint) =>
    exchanged(held, snapshot, [{ id, size: -sign * GIFT_LOTS }], sign * GIFT_LOTS * mark - given);
  const given = largest(before.equity, (gift) => closing(gift) !== undefined);
  const done = closing(given);
  if (done === undefined) return undefined;
  const { equity, netCash, margin } = standingOf(done[0], snapshot);
  return {
    id,
    sign,
    given,
    meetsInitial: covers(equity, snapshot.imFactor, margin.maintenance),
    excessBefore: before.equity - before.margin.maintenance,
    excess: equity - margin.maintenance,
    netCash,
    made: owned(done) - owned(ready),
  };
}

/** Accounts to give from: spot alone; and a perpetual at its initial margin, of which nothing is free to withdraw. */
export function givers(snapshot: MarketSnapshot, coin: string): { spotAlone: Note; atInitialMargin: Note } {
  const { spot, perpetual } = listingsOf(snapshot.inputs, coin);
  const portfolio = { collateral: [], positions: [{ id: perpetual, size: 1_000n }] };
  return {
    spotAlone: after(blankNote(1n), snapshot, { asset: spot, deposit: 1_000n }),
    atInitialMargin: openAgainst(snapshot, blankNote(1n), blankNote(3n), portfolio, 1n).holder,
  };
}

/** What accounts in agreement were left with; micro-USDC. */
export interface Dealings {
  /** The least of E − MM, and of net cash, that any account was left with. */
  leastExcess: bigint;
  leastNetCash: bigint;
  /** What all own and have withdrawn, more than they paid in. */
  gained: bigint;
  trades: number;
  withdrawals: number;
}

/**
 * Accounts in agreement, some with spot, trade random packages at random prices within one epoch, and take out what they can: to load everything on
 * one of them, or to borrow from everybody else.
 */
export function dealAtRandom(snapshot: MarketSnapshot, coin: string, seed: number, rounds: number): Dealings {
  const random = randomFrom(seed);
  const ids = snapshot.instruments.filter(({ kind }) => kind !== KIND.spot).map(({ id }) => id);
  const { spot } = listingsOf(snapshot.inputs, coin);
  const cash = 100_000_000_000n;
  const notes = Array.from({ length: 4 }, (_, n) => {
    const note = after(blankNote(BigInt(n)), snapshot, { deposit: cash });
    return n < 2 ? after(note, snapshot, { asset: spot, deposit: 300n }) : note;
  });
  const owned = (): bigint => notes.reduce((sum, note) => sum + standingOf(note, snapshot).equity, 0n);
  const begin = owned();
  let withdrawn = 0n;
  const found: Dealings = { leastExcess: begin, leastNetCash: begin, gained: 0n, trades: 0, withdrawals: 0 };
  const look = (note: Note): void => {
    const { equity, netCash, margin } = standingOf(note, snapshot);
    found.leastExcess = min(found.leastExcess, equity - margin.maintenance);
    found.leastNetCash = min(found.leastNetCash, netCash);
  };
  for (let round = 0; round < rounds; round++) {
    const [one, other] = twoOf(random, notes.length);
    const own = notes[one] as Note;
    if (random.chance(1, 16)) {
      const most = largest(begin, (withdrawal) => admits(own, snapshot, { withdrawal }));
      if (most === 0n) continue;
      const withdrawal = random.chance(1, 3) ? most : most / 8n;
      notes[one] = after(own, snapshot, { withdrawal });
      withdrawn += withdrawal;
      found.withdrawals++;
      look(notes[one]);
      continue;
    }
    // Half the time what one of them holds is closed, so that it is a safe trade.
    const held = own.legs.filter(({ id, size }) => size !== 0n && id !== spot);
    const closing = held.length > 0 && random.chance(1, 2);
    const chosen = new Set(Array.from({ length: Number(random.between(1n, 4n)) }, () => random.pick(ids)));
    const legs = closing
      ? held.slice(0, 4).map(({ id, size }) => ({ id, size: -size }))
      : [...chosen].map((id) => ({ id, size: random.between(1n, 200n) * random.pick([1n, -1n]) }));
    legs.sort((first, second) => Number(first.id - second.id));
    const positions = positionsOf(snapshot, legs);
    const { value } = marginOf(positions);
    const room = 5n * positions.reduce((sum, position) => sum + addOnOf(position), 0n);
    const price = -value - random.pick([0n, room, random.between(-room - 1n, room + 1n)]);
    const done = exchanged([own, notes[other] as Note], snapshot, legs, price);
    if (done === undefined) continue;
    found.trades++;
    [notes[one], notes[other]] = done;
    done.forEach(look);
  }
  found.gained = owned() + withdrawn - begin;
  return found;
}

function admits(note: Note, snapshot: Snapshot, changes: Partial<TransitionRequest>): boolean {
  try {
    after(note, snapshot, changes);
    return true;
  } catch (error) {
    if (error instanceof SolvusError) return false;
    throw error;
  }
}

function twoOf(random: Random, count: number): [number, number] {
  const one = Number(random.between(0n, BigInt(count - 1)));
  const other = (one + Number(random.between(1n, BigInt(count - 1)))) % count;
  return [one, other];
}

/** A coin by the shipped parameters, at a price and volatility. */
export const shippedCoin = (coin: string, price: number, volatility: number): ParameterSet => ({
  name: coin,
  shipped: true,
  coin,
  price,
  volatility,
  model: underlyingModel(coin),
  imFactor: DEFAULT_IM_FACTOR,
  restoration: RESTORATION,
});

/** What two accounts on opposite sides make of knowing the next price: what they could leave to the fund. */
export interface Insight {
  /** Of the best of all pairs; 0 when both sides stay solvent. */
  profit: bigint;
  /** That, over the maintenance margin of its two sides. */
  perMargin: number;
  /** Least equity of any side, over its maintenance margin at the start; below 0 there is a profit. */
  leastEquity: number;
}

/**
 * A coalition opens both sides of every listed instrument on the latest snapshot while the market already stands at `next`, leaves both sides
 * with their margin (initial, or by gifts the maintenance margin), and abandons the one that is bankrupt at the next snapshot.
 */
export function insightOf(
  set: ParameterSet,
  next: Levels,
  minutes: number,
  start: "initial" | "maintenance",
): Insight {
  const first = startOf(set);
  const snapshot = simulatedSnapshot(first);
  const later = simulatedSnapshot(inputsAfter(first, set.coin, first.time + minutes * MINUTE_MS, {}, next));
  const { perpetual, options } = listingsOf(first, set.coin);
  const best: Insight = { profit: 0n, perMargin: 0, leastEquity: Number.POSITIVE_INFINITY };
  for (const id of [perpetual, ...options]) {
    const { holder, counterparty } = openAgainst(
      snapshot,
      blankNote(1n),
      blankNote(2n),
      { collateral: [], positions: [{ id, size: 100n }] },
      1n,
    );
    const sides = [holder, counterparty].map((note) => {
      const { equity, margin } = standingOf(note, snapshot);
      const floor =
        start === "maintenance"
          ? margin.maintenance
          : (margin.maintenance * snapshot.imFactor + Q16 - 1n) / Q16;
      return {
        margin: margin.maintenance,
        equity: standingOf({ ...note, cash: note.cash - (equity - floor) }, later).equity,
      };
    });
    const profit = sides.reduce((sum, { equity }) => sum + max(0n, -equity), 0n);
    const margins = sides.reduce((sum, { margin }) => sum + margin, 0n);
    for (const { equity, margin } of sides)
      if (margin > 0n) best.leastEquity = Math.min(best.leastEquity, Number(equity) / Number(margin));
    if (profit > best.profit) {
      best.profit = profit;
      best.perMargin = Number(profit) / Number(margins);
    }
  }
  return best;
}

/** Largest position that is tried: its price stays within what a trade may pay. */
const MOST_LOTS = 1n << 28n;
/** Moves of the price that are tried: up to four times itself. */
const PUMPS = Array.from({ length: 60 }, (_, step) => 0.05 * (step + 1));

/**
 * The smallest position, in dollars, with which a coalition profits from driving the coin's own market up within an epoch: it holds both sides at
 * their initial margin, buys coins in a market that moves by 1% for `depth` dollars, abandons the short side, and sells back when the price
 * has gone back by itself.
 */
export function smallestPump(set: ParameterSet, depth: number): number {
  const first = startOf(set);
  const snapshot = simulatedSnapshot(first);
  const { perpetual } = listingsOf(first, set.coin);
  const { mark } = openRow(snapshot, perpetual).row;
  const pumped = PUMPS.map((move) => ({
    later: simulatedSnapshot(inputsAfter(first, set.coin, first.time + MINUTE_MS, {}, { coin: 1 + move })),
    // What he paid on average is half of the move above what he gets.
    cost: (move / 2) * 100 * depth * Math.log(1 + move),
  }));
  const unprofitable = largest(MOST_LOTS, (size) => {
    const portfolio = { collateral: [], positions: [{ id: perpetual, size: -size }] };
    const short = openAgainst(snapshot, blankNote(1n), blankNote(2n), portfolio, 1n).holder;
    return pumped.every(({ later, cost }) => Number(-standingOf(short, later).equity) / MICRO <= cost);
  });
  return (Number(unprofitable + 1n) * Number(mark)) / MICRO;
}
