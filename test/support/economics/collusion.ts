import { Q16 } from "../../../protocol/constants.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { RESTORATION } from "../../../protocol/liquidation.ts";
import { addOnOf, marginOf } from "../../../protocol/margin.ts";
import { DEFAULT_IM_FACTOR, underlyingModel } from "../../../protocol/marketListing.ts";
import type { Note } from "../../../protocol/note.ts";
import type { MarketSnapshot, Snapshot } from "../../../protocol/snapshot.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";
import { type Random, randomFrom } from "../random.ts";
import { blankNote, IDLE, initialMarginOf, type Lots, openAgainst, positionsOf } from "./accounts.ts";
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

/** A gift by way of one instrument, bought at the mark and sold back for less. */
export interface Gift {
  id: bigint;
  /** What the giver had above its maintenance margin, and what it gave. */
  surplus: bigint;
  given: bigint;
  /** Of the giver afterwards. */
  excess: bigint;
  netCash: bigint;
  /** What both own together more than before. */
  made: bigint;
  /** Most that the price band lets a lot give away, over the initial margin that both need for it. */
  perMargin: number;
}

/**
 * The largest gift that an account with spot collateral alone can make to a friend with cash, for each instrument of a market: the
 * giver takes lots at the mark and sells them back at the edge of the price band.
 */
export function giftsBy(snapshot: MarketSnapshot, collateral: Lots): Gift[] {
  const ids = snapshot.instruments.filter(({ kind }) => kind !== 1n).map(({ id }) => id);
  return ids.flatMap((id): Gift[] =>
    [1n, -1n].flatMap((sign): Gift[] => {
      const { row } = openRow(snapshot, id);
      const room =
        (snapshot.priceBand *
          addOnOf({ size: -sign, row: { ...row, concentrationRate: 0n }, underlying: 0 })) /
        Q16;
      const needs = [sign, -sign].map((size) =>
        initialMarginOf(snapshot, { collateral: [], positions: [{ id, size }] }),
      ) as [bigint, bigint];
      const perMargin = Number(room) / Number(needs[0] + needs[1]);
      const giver = after(blankNote(1n), snapshot, { asset: collateral.id, deposit: collateral.size });
      const surplus = standingOf(giver, snapshot).equity - standingOf(giver, snapshot).margin.maintenance;
      if (room === 0n) return [];
      const lots = min(surplus / room + 1n, 100_000n);
      const premium = max(0n, sign * lots * row.mark);
      const friend = after(blankNote(2n), snapshot, {
        deposit: 2n * (needs[1] + needs[0] + row.mark) * lots,
      });
      const ready: [Note, Note] = [
        premium === 0n ? giver : after(giver, snapshot, { deposit: premium }),
        friend,
      ];
      const owned = (pair: readonly Note[]): bigint =>
        pair.reduce((sum, note) => sum + standingOf(note, snapshot).equity, 0n);
      const held = exchanged(ready, snapshot, [{ id, size: sign * lots }], -sign * lots * row.mark);
      if (held === undefined) return [];
      const own = standingOf(held[0], snapshot).equity;
      const { maintenance } = marginOf(positionsOf(snapshot, [collateral]));
      const closing = (given: bigint) =>
        exchanged(held, snapshot, [{ id, size: -sign * lots }], sign * lots * row.mark - given);
      const most = min(own - maintenance, room * lots);
      const done = closing(most);
      if (done === undefined) return [];
      const { equity, netCash } = standingOf(done[0], snapshot);
      // A micro-dollar more is refused.
      if (closing(most + 1n) !== undefined) throw new Error(`a gift of ${most + 1n} by ${id} is not refused`);
      return [
        {
          id,
          surplus,
          given: most,
          excess: equity - maintenance,
          netCash,
          made: owned(done) - owned(ready),
          perMargin,
        },
      ];
    }),
  );
}

/** The least of E − MM that any account was left with, the most that all together gained, and how many trades were admitted. */
export interface Dealings {
  leastExcess: bigint;
  gained: bigint;
  trades: number;
}

/** Accounts in agreement trade random packages at random prices within one epoch, to load everything on one of them. */
export function dealAtRandom(snapshot: MarketSnapshot, seed: number, rounds: number): Dealings {
  const random = randomFrom(seed);
  const ids = snapshot.instruments.filter(({ kind }) => kind !== 1n).map(({ id }) => id);
  const cash = 100_000_000_000n;
  const notes = Array.from({ length: 4 }, (_, n) => after(blankNote(BigInt(n)), snapshot, { deposit: cash }));
  let [leastExcess, trades] = [cash, 0];
  for (let round = 0; round < rounds; round++) {
    const [one, other] = twoOf(random, notes.length);
    const count = random.between(1n, 4n);
    const chosen = new Set(Array.from({ length: Number(count) }, () => random.pick(ids)));
    const legs = [...chosen]
      .sort((a, b) => Number(a - b))
      .map((id) => ({ id, size: random.between(1n, 400n) * random.pick([1n, -1n]) }));
    // Now and then exactly what one of them holds, so that it is a safe trade.
    const held = (notes[one] as Note).legs.filter(({ size }) => size !== 0n);
    const package_ =
      held.length > 0 && random.chance(1, 2)
        ? held
            .slice(0, 4)
            .map(({ id, size }) => ({ id, size: -size }))
            .sort((a, b) => Number(a.id - b.id))
        : legs;
    const { value } = marginOf(positionsOf(snapshot, package_));
    const room = package_.reduce(
      (sum, { id, size }) => sum + addOnOf({ size, ...openRow(snapshot, id) }),
      0n,
    );
    const price = -value - random.between(-(5n * room) - 1n, 5n * room + 1n);
    const done = exchanged([notes[one] as Note, notes[other] as Note], snapshot, package_, price);
    if (done === undefined) continue;
    trades++;
    [notes[one], notes[other]] = done;
    for (const note of done) {
      const { equity, margin } = standingOf(note, snapshot);
      leastExcess = min(leastExcess, equity - margin.maintenance);
    }
  }
  const owned = notes.reduce((sum, note) => sum + standingOf(note, snapshot).equity, 0n);
  return { leastExcess, gained: owned - BigInt(notes.length) * cash, trades };
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
