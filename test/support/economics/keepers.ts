import { KIND, NOTE_LEGS, Q16 } from "../../../protocol/constants.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { applyTakeOver, RESTORATION, REWARD_RATE, sliceBounds } from "../../../protocol/liquidation.ts";
import { marginOf } from "../../../protocol/margin.ts";
import type { Note } from "../../../protocol/note.ts";
import type { Snapshot } from "../../../protocol/snapshot.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import {
  type AuctionModel,
  activeFlag,
  applyBid,
  applyFlag,
  emptyAuction,
  permittedRate,
  verdictOnBid,
} from "../drive/auctionModel.ts";
import {
  applyPayment,
  applyPayout,
  emptyFund,
  type FundModel,
  LOCK_SECONDS,
  lockedUntil,
  verdictOnPayment,
} from "../drive/fundModel.ts";
import { type Random, randomFrom } from "../random.ts";
import { linearRow, PARAMETERS } from "../syntheticMarket.ts";
import { unhashedRows } from "../unhashedRows.ts";
import { blankNote, positionsOf } from "./accounts.ts";

/*
 * Keepers who do not play fair: with the target's owner behind them, with the clock, with false prices, with the fund. Each search goes through a
 * space of strategies in exact model arithmetic and returns the best profit that it found. Amounts in micro-USDC, times in seconds.
 */

const USD = 1_000_000n;
const KEEPER_CASH = 1n << 52n;

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);
const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** A market of one underlying: a perpetual of $1,000 a lot, and hedges for it of which each is an instrument of its own. */
const HEDGES = 16;
export const hedgedMarket: Snapshot = unhashedRows(PARAMETERS, [
  Array.from({ length: HEDGES + 1 }, (_, k) =>
    linearRow(BigInt(11 + k), k === 0 ? KIND.perpetual : KIND.option, 1_000n * USD, {
      longAddOn: 5n * USD,
      shortAddOn: 5n * USD,
    }),
  ),
]);

/** An account with equity at a percentage of its margin: some lots of the perpetual, and a lot against them in each of so many hedges. */
export function hedgedAccount(lots: bigint, hedges: number, lotsEach: bigint, percent: bigint): Note {
  const blank = blankNote(1n);
  const legs = blank.legs.map((leg, k) => {
    if (k === 0 && lots !== 0n) return { id: 11n, size: lots, fundingIndex: 0n };
    return k >= 1 && k <= hedges ? { id: BigInt(11 + k), size: -lotsEach, fundingIndex: 0n } : leg;
  });
  const note = { ...blank, legs };
  const { equity, margin } = standingOf(note, hedgedMarket);
  return { ...note, cash: (margin.maintenance * percent) / 100n - equity };
}

/** What a take-over of an account by a friend did to both. */
interface Step {
  target: Note;
  /** What the keeper owns more. */
  keeper: bigint;
  deficit: bigint;
  reward: bigint;
  payment: bigint;
}

function step(target: Note, snapshot: Snapshot, rate: bigint, part: bigint): Step | undefined {
  const { equity, margin } = standingOf(target, snapshot);
  if (equity >= margin.maintenance) return undefined;
  const { least, most } = sliceBounds(equity, margin.maintenance, { rate, restoration: RESTORATION });
  if (most < least) return undefined;
  const slice = least + ((most - least) * part) / 8n;
  try {
    const keeper = { note: { ...blankNote(2n), cash: KEEPER_CASH }, leafIndex: 2n };
    const taken = applyTakeOver({ note: target, leafIndex: 1n }, keeper, snapshot, {
      rate,
      restoration: RESTORATION,
      fee: 0n,
      slice,
    });
    return {
      target: taken.target.after,
      keeper: taken.keeperEquity - KEEPER_CASH,
      deficit: taken.deficit,
      reward: taken.reward,
      payment: taken.payment,
    };
  } catch (error) {
    if (error instanceof SolvusError) return undefined;
    throw error;
  }
}

/** Best found of a target and its keeper in agreement. */
export interface SelfLiquidation {
  /** What both own more than before and the fund did not pay. */
  made: bigint;
  /** What the fund paid beyond the account's debt and beyond 5% of the margin that it had. */
  beyond: bigint;
  /** 5% of the margin of as many bare lots as all slices but the last can leave by rounding up: a lot for each place of a note. */
  bound: bigint;
  tried: number;
}

const SLICES = 4;

/** An owner has his own accounts taken over by a friend, in up to four slices, at every rate and size of a grid. */
export function liquidateOneself(seed: number, cases: number): SelfLiquidation {
  const random = randomFrom(seed);
  const bare = marginOf(positionsOf(hedgedMarket, [{ id: 11n, size: BigInt(NOTE_LEGS * (SLICES - 1)) }]));
  const bound = (REWARD_RATE * bare.maintenance) / Q16;
  const best: SelfLiquidation = { made: -KEEPER_CASH, beyond: -KEEPER_CASH, bound, tried: 0 };
  for (let count = 0; count < cases; count++) {
    const hedges = Number(random.between(0n, BigInt(HEDGES)));
    const each = random.pick([1n, 1n, 2n, 5n, 50n]);
    const lots = random.pick([BigInt(hedges) * each, random.between(1n, 60n)]);
    let target = hedgedAccount(lots, hedges, each, random.pick([-150n, -30n, -1n, 0n, 3n, 20n, 99n]));
    const before = standingOf(target, hedgedMarket);
    if (before.margin.maintenance === 0n) continue;
    let [keepers, deficits, rewards] = [0n, 0n, 0n];
    for (let slice = 0; slice < SLICES; slice++) {
      const rate = random.pick([0n, REWARD_RATE, Q16 / 4n, Q16 / 2n]);
      const done = step(target, hedgedMarket, rate, random.between(0n, 8n));
      if (done === undefined) continue;
      best.tried++;
      target = done.target;
      keepers += done.keeper;
      deficits += done.deficit;
      rewards += done.reward;
    }
    const after = standingOf(target, hedgedMarket);
    best.made = max(best.made, after.equity + keepers - before.equity - deficits - rewards);
    const fair = max(0n, -before.equity) + (REWARD_RATE * before.margin.maintenance) / Q16;
    best.beyond = max(best.beyond, deficits + rewards - fair);
  }
  return best;
}

/** The most that a keeper who alone can read an account earns by waiting, over the account's margin, by seconds on the clock. */
export function waitingKeeper(
  seconds: readonly bigint[],
): { seconds: bigint; share: number; equityLeft: bigint }[] {
  return seconds.map((elapsed) => {
    const best = { seconds: elapsed, share: 0, equityLeft: KEEPER_CASH };
    const rate = permittedRate(elapsed);
    for (let percent = 0n; percent < 100n; percent += 14n) {
      for (const part of [0n, 8n]) {
        let target = hedgedAccount(400n, 0, 0n, percent);
        const { margin } = standingOf(target, hedgedMarket);
        let earned = 0n;
        // As long as it may go on at the same prices.
        for (let slice = 0; slice < 20; slice++) {
          const done = step(target, hedgedMarket, rate, part);
          if (done === undefined) break;
          earned += done.payment;
          target = done.target;
        }
        best.share = Math.max(best.share, Number(earned) / Number(margin.maintenance));
        best.equityLeft = min(best.equityLeft, standingOf(target, hedgedMarket).equity);
      }
    }
    return best;
  });
}

/** A false price and what its author can make of it. */
export interface FalsePrice {
  /** Most that a keeper earned of an account that is healthy at the true price. */
  profit: bigint;
  /** What the account's owner lost at the true price. */
  loss: bigint;
  /** How many epochs were false in the best pattern. */
  epochs: number;
  patterns: number;
}

const EPOCH_SECONDS = 60n;

/**
 * A liar moves the price of one lot of $1,000 by a fraction in some of eight epochs, flags whatever he can, and takes over when he may. Every
 * pattern of `falseEpochs` false epochs is tried. The account's equity is `percent` of its margin at the true price, long the perpetual.
 */
export function falsePrices(deviation: number, percent: bigint, falseEpochs: number): FalsePrice {
  const best: FalsePrice = { profit: 0n, loss: 0n, epochs: falseEpochs, patterns: 0 };
  const rows = (mark: bigint) => [
    linearRow(11n, KIND.perpetual, mark, { longAddOn: 5n * USD, shortAddOn: 5n * USD }),
  ];
  const truth = unhashedRows(PARAMETERS, [rows(1_000n * USD)]);
  const wrong = BigInt(Math.round(1_000 * (1 - deviation))) * USD;
  const start = ((): Note => {
    const blank = blankNote(1n);
    const note = { ...blank, legs: blank.legs.with(0, { id: 11n, size: 400n, fundingIndex: 0n }) };
    const { equity, margin } = standingOf(note, truth);
    return { ...note, cash: (margin.maintenance * percent) / 100n - equity };
  })();
  for (let pattern = 0; pattern < 256; pattern++) {
    const isFalse = (epoch: number): boolean => ((pattern >> epoch) & 1) === 1;
    if (Array.from({ length: 8 }, (_, epoch) => isFalse(epoch)).filter(Boolean).length !== falseEpochs)
      continue;
    best.patterns++;
    let target = { note: start, leafIndex: 1n };
    const auction: AuctionModel = emptyAuction();
    let profit = 0n;
    for (let epoch = 0; epoch < 8; epoch++) {
      const snapshot = unhashedRows(
        PARAMETERS,
        [rows(isFalse(epoch) ? wrong : 1_000n * USD)],
        BigInt(epoch + 1),
      );
      const now = BigInt(epoch) * EPOCH_SECONDS + 1n;
      const { equity, margin } = standingOf(target.note, snapshot);
      if (equity >= margin.maintenance) continue;
      const known = activeFlag(auction, target.leafIndex, now);
      const claim = { leafIndex: target.leafIndex, nullifier: 7n, epoch: snapshot.epoch };
      if (known === undefined) applyFlag(auction, claim, now);
      const flag = activeFlag(auction, target.leafIndex, now);
      const rate = permittedRate(now - (flag?.clockStart ?? now));
      if (verdictOnBid(auction, claim, rate, now) !== undefined) continue;
      const done = step(target.note, snapshot, rate, 8n);
      if (done === undefined) continue;
      applyBid(auction, target.leafIndex, target.leafIndex + 1n, true, now);
      // What the keeper took at a false mark is worth more at the true one.
      const before = standingOf(target.note, truth).equity;
      target = { note: done.target, leafIndex: target.leafIndex + 1n };
      profit += before - standingOf(done.target, truth).equity + done.deficit + done.reward;
    }
    if (profit > best.profit) {
      best.profit = profit;
      best.loss = standingOf(start, truth).equity - standingOf(target.note, truth).equity;
    }
  }
  return best;
}

/** The most that any order and size of rewards draws from a fund within an epoch, and what is left of it after some epochs of that; both over its balance. */
export function farmFund(seed: number, epochs: number): { inOneEpoch: number; left: number } {
  const random: Random = randomFrom(seed);
  const fund = { ...emptyFund(0n), balance: 1_000_000n * USD, ledgerCash: 10n ** 15n };
  const begin = fund.balance;
  let inOneEpoch = 0;
  for (let epoch = 1n; epoch <= BigInt(epochs); epoch++) {
    const before = fund.balance;
    for (let attempt = 0; attempt < 60; attempt++) {
      const deficit = 0n;
      const limit = epoch > fund.rewardEpoch ? fund.balance / 10n : fund.rewardLeft;
      const reward = random.pick([limit, limit + 1n, random.between(0n, 1n + limit), fund.balance]);
      if (verdictOnPayment(fund, deficit, reward, epoch) === undefined)
        applyPayment(fund, deficit, reward, epoch, 1n);
    }
    inOneEpoch = Math.max(inOneEpoch, Number(before - fund.balance) / Number(before));
  }
  return { inOneEpoch, left: Number(fund.balance) / Number(begin) };
}

/** What leaving early brings. */
export interface Run {
  /** Most that was paid beyond an equal share, of all shares and ways to leave, micro-USDC. */
  best: bigint;
  /** Ledger's cash at first. */
  holdings: bigint;
  tried: number;
}

/**
 * A ledger has a deficit at or near the tenth of a percent from which withdrawals lock. Somebody who owns a part of it leaves at once, or in pieces, and
 * takes the rest when the lock is over; an equal share is what everybody would get of holdings less deficit.
 */
export function runOnLedger(): Run {
  const holdings = 10_000_000n * USD;
  const threshold = holdings / 1_000n;
  let [best, tried] = [-holdings, 0];
  for (const uncovered of [1n, threshold / 2n, threshold - 1n, threshold, threshold + 1n, 3n * threshold]) {
    for (const percent of [1n, 10n, 50n, 90n, 99n]) {
      for (const pieces of [1n, 2n, 3n, 10n, 50n]) {
        const fund: FundModel = { ...emptyFund(0n), ledgerCash: holdings };
        applyPayment(fund, uncovered, 0n, 1n, 1n);
        const own = ((holdings + uncovered) * percent) / 100n;
        let [left, got] = [own, 0n];
        for (let piece = 0n; piece < pieces; piece++) {
          if (lockedUntil(fund, 2n) > 2n) break;
          const part = own / pieces < left ? own / pieces : left;
          got += applyPayout(fund, part < fund.ledgerCash ? part : fund.ledgerCash, 2n);
          left -= part;
          tried++;
        }
        if (left > 0n) got += applyPayout(fund, left, 3n + LOCK_SECONDS);
        best = max(best, got - (own * holdings) / (holdings + uncovered));
      }
    }
  }
  return { best, holdings, tried };
}
