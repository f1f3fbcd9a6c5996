import { KIND, Q16 } from "../../../protocol/constants.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { applyTakeOver, RESTORATION, sliceBounds } from "../../../protocol/liquidation.ts";
import { addOnOf } from "../../../protocol/margin.ts";
import type { Note } from "../../../protocol/note.ts";
import type { RiskRow } from "../../../protocol/riskRow.ts";
import type { Snapshot } from "../../../protocol/snapshot.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";
import { applyPayout, emptyFund, type FundModel } from "../drive/fundModel.ts";
import { type Random, randomFrom } from "../random.ts";
import { linearRow, PARAMETERS } from "../syntheticMarket.ts";
import { unhashedRows } from "../unhashedRows.ts";
import { blankNote, IDLE } from "./accounts.ts";

/*
 * Searches for money in the last digit: tiny trades, funding of a micro-dollar, slices of a take-over, withdrawals in pieces. Each tries many
 * cases and returns the most that the searcher gained beyond what the rules give him, in micro-USDC.
 */

/** The most that was gained, and in how many cases something was tried. */
export interface Searched {
  best: bigint;
  tried: number;
}

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);

const USD = 1_000_000n;

/** A perpetual and an option with odd marks and add-ons of a few micro-dollars, so that every rounding shows. */
function oddMarket(random: Random, fundingIndex = 0n, parameters: Partial<typeof PARAMETERS> = {}): Snapshot {
  const odd = (id: bigint, kind: bigint, mark: bigint, index: bigint): RiskRow =>
    linearRow(id, kind, mark, {
      fundingIndex: index,
      longAddOn: random.between(0n, 9n),
      shortAddOn: random.between(0n, 9n),
      losses: linearRow(id, kind, mark).losses.map((loss) => loss + random.between(-3n, 3n)),
    });
  return unhashedRows({ ...PARAMETERS, ...parameters }, [
    [
      odd(11n, KIND.perpetual, random.between(90n, 110n), fundingIndex),
      odd(12n, KIND.option, random.between(1n, 9n), 0n),
    ],
  ]);
}

const admitted = (note: Note, snapshot: Snapshot, changes: Partial<TransitionRequest>): Note | undefined => {
  try {
    return applyTransition(note, 0n, snapshot, { ...IDLE, ...changes }).after;
  } catch (error) {
    if (error instanceof SolvusError) return undefined;
    throw error;
  }
};

/** Both sides of a trade of `lots` of one instrument for cash; undefined when either side is refused. */
function traded(
  [one, other]: readonly [Note, Note],
  snapshot: Snapshot,
  lots: { id: bigint; size: bigint },
  cash: bigint,
): [Note, Note] | undefined {
  const trade = { legs: [lots], cash, salt: 1n };
  const first = admitted(one, snapshot, { trade: { package: trade, side: 0 } });
  const second = admitted(other, snapshot, { trade: { package: trade, side: 1 } });
  return first === undefined || second === undefined ? undefined : [first, second];
}

/**
 * Two accounts trade single lots back and forth, for every cash flow around the price band's edges. `best` is what they own together beyond
 * what they paid in; `most` the largest gift in one trade of many lots, and in as many trades of one lot.
 */
export function dustTrades(
  seed: number,
  cases: number,
): Searched & { most: { split: bigint; whole: bigint } } {
  const random = randomFrom(seed);
  let [best, tried] = [-USD, 0];
  const most = { split: 0n, whole: 0n };
  for (let count = 0; count < cases; count++) {
    const snapshot = oddMarket(random);
    const id = random.pick([11n, 12n]);
    const { row } = openRow(snapshot, id);
    const cash = random.between(50_000n, 90_000n);
    const fresh = (n: bigint): Note => ({ ...blankNote(n), cash });
    let pair: [Note, Note] = [fresh(1n), fresh(2n)];
    for (let step = 0; step < 12; step++) {
      const size = random.pick([1n, -1n]);
      const room = (snapshot.priceBand * max(row.longAddOn, row.shortAddOn)) / Q16;
      const next = traded(
        pair,
        snapshot,
        { id, size },
        -size * row.mark + random.between(-room - 1n, room + 1n),
      );
      if (next === undefined) continue;
      tried++;
      pair = next;
      const owned = pair.reduce((sum, note) => sum + standingOf(note, snapshot).equity, 0n);
      best = max(best, owned - 2n * cash);
    }
    // The largest gift of side 0, all at once and lot by lot.
    const lots = random.between(2n, 9n);
    const giftOf = (size: bigint): bigint => {
      const room = addOnOf({ size, row: { ...row, concentrationRate: 0n }, underlying: 0 });
      for (let gift = (snapshot.priceBand * room) / Q16 + 2n; gift > 0n; gift--) {
        if (traded([fresh(1n), fresh(2n)], snapshot, { id, size }, -size * row.mark - gift) !== undefined)
          return gift;
      }
      return 0n;
    };
    const [split, whole] = [lots * giftOf(1n), giftOf(lots)];
    if (split - whole > most.split - most.whole || count === 0) Object.assign(most, { split, whole });
  }
  return { best, tried, most };
}

/**
 * The funding index of a perpetual goes up and down by a micro-dollar; one side touches its position at random, the other never. `best` is the
 * distance of either side's equity from that of an account which was never touched, and of both together from what they paid in.
 */
export function fundingTouches(seed: number, cases: number): Searched {
  const random = randomFrom(seed);
  let [best, tried] = [0n, 0];
  for (let count = 0; count < cases; count++) {
    const marketSeed = Number(random.between(1n, 1_000_000n));
    const at = (index: bigint): Snapshot => oddMarket(randomFrom(marketSeed), index);
    const cash = 10n ** 6n;
    const start: [Note, Note] = [
      { ...blankNote(1n), cash },
      { ...blankNote(2n), cash },
    ];
    const size = random.between(-40n, 40n) || 1n;
    const opened = traded(start, at(0n), { id: 11n, size }, -size * openRow(at(0n), 11n).row.mark);
    if (opened === undefined) continue;
    let [touched] = opened;
    const [untouched, other] = opened;
    let index = 0n;
    for (let epoch = 0; epoch < 20; epoch++) {
      index += random.between(-1n, 1n);
      const snapshot = at(index);
      if (random.chance(1, 2)) {
        // A touch: nothing, or a lot closed and opened again with somebody at the mark, or a deposit taken out again.
        const kind = random.between(0n, 1n);
        const next = admitted(touched, snapshot, kind === 0n ? {} : { deposit: 1n });
        if (next === undefined) continue;
        tried++;
        touched = kind === 0n ? next : (admitted(next, snapshot, { withdrawal: 1n }) as Note);
      }
      const equity = (note: Note): bigint => standingOf(note, snapshot).equity;
      const difference = equity(touched) - equity(untouched);
      best = max(best, difference < 0n ? -difference : difference);
      const together = equity(touched) + equity(other) - 2n * cash;
      best = max(best, together < 0n ? -together : together);
    }
  }
  return { best, tried };
}

/**
 * Accounts of a few lots below their margin are taken over in up to six slices of random size and rate by somebody in agreement with their owner. `best` is
 * what both own together beyond what the fund paid; `deficitBeyondDebt` what it paid for deficits beyond what the account owed at first.
 */
export function slicedTakeOvers(seed: number, cases: number): Searched & { deficitBeyondDebt: bigint } {
  const random = randomFrom(seed);
  let [best, deficitBeyondDebt, tried] = [-USD, -(1n << 60n), 0];
  for (let count = 0; count < cases; count++) {
    const snapshot = unhashedRows(PARAMETERS, [
      Array.from({ length: 6 }, (_, k) =>
        linearRow(BigInt(11 + k), KIND.perpetual, random.between(500n * USD, 999n * USD)),
      ),
    ]);
    const blank = blankNote(1n);
    const legs = blank.legs.map((leg, k) => {
      const size = k < 6 ? random.between(-40n, 40n) : 0n;
      return size === 0n ? leg : { id: BigInt(11 + k), size, fundingIndex: 0n };
    });
    const flat = { ...blank, legs };
    const standing = standingOf(flat, snapshot);
    const { maintenance } = standing.margin;
    if (maintenance === 0n) continue;
    const equity = (maintenance * random.between(-60n, 99n)) / 100n - 1n;
    let target: Note = { ...flat, cash: equity - standing.equity };
    const keeperCash = 1n << 50n;
    let [deficits, paid, keepers, slices] = [0n, 0n, 0n, 0n];
    for (let slice = 0; slice < 6; slice++) {
      const now = standingOf(target, snapshot);
      if (now.equity >= now.margin.maintenance) break;
      const rate = random.between(0n, Q16 / 2n);
      const { least, most } = sliceBounds(now.equity, now.margin.maintenance, {
        rate,
        restoration: RESTORATION,
      });
      try {
        const request = {
          rate,
          restoration: RESTORATION,
          fee: 0n,
          slice: random.between(least, max(least, most)),
        };
        const keeper = { note: { ...blankNote(2n), cash: keeperCash }, leafIndex: 2n };
        const taken = applyTakeOver({ note: target, leafIndex: 1n }, keeper, snapshot, request);
        tried++;
        target = taken.target.after;
        keepers += taken.keeperEquity;
        slices++;
        deficits += taken.deficit;
        paid += taken.deficit + taken.reward;
      } catch (error) {
        if (!(error instanceof SolvusError)) throw error;
      }
    }
    const owned = standingOf(target, snapshot).equity + keepers - slices * keeperCash;
    const gain = owned - equity - paid;
    best = max(best, gain < 0n ? -gain : gain);
    deficitBeyondDebt = max(deficitBeyondDebt, deficits - max(0n, -equity));
  }
  return { best, deficitBeyondDebt, tried };
}

/** A ledger with a deficit: the same sum withdrawn in random pieces and at once. `best` is what the pieces brought more. */
export function impairedWithdrawals(seed: number, cases: number): Searched {
  const random = randomFrom(seed);
  let best = -USD;
  for (let count = 0; count < cases; count++) {
    const ledgerCash = random.between(1n, random.pick([50n, 5_000n, 10n ** 12n]));
    const start: FundModel = {
      ...emptyFund(0n),
      ledgerCash,
      uncovered: random.between(ledgerCash / 900n + 1n, ledgerCash),
      impairedSince: 1n,
    };
    const amount = random.between(1n, max(1n, ledgerCash / 2n));
    const whole = applyPayout({ ...start }, amount, 2n);
    const pieces = { ...start };
    let [left, paid] = [amount, 0n];
    for (let piece = 0; piece < 40 && left > 0n; piece++) {
      const part = piece === 39 ? left : random.between(1n, random.pick([1n, 3n, left]));
      const taken = part < left ? part : left;
      paid += applyPayout(pieces, taken, 2n);
      left -= taken;
    }
    best = max(best, paid - whole);
  }
  return { best, tried: cases };
}
