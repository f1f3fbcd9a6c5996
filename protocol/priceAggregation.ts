/*
 * One price out of what several sources say: the median within each quote currency, then the median across currencies, or the dollar's own
 * median if that is near. The same integers as `contracts/PriceAggregation.sol` gives. Prices are millionths of a quote currency, which is taken for a dollar; times are Unix
 * seconds.
 */

/** Currency in which prices are wanted. */
export const DOLLAR = "USD";
/** Prices are below this. */
export const PRICE_BOUND = 1n << 47n;
/** Seconds before the epoch's time after which the last trade is too old. */
export const FRESH_FOR = 300n;
/** A source is far off when it is more than a twentieth away from the price that all fresh ones give. */
const FAR_OFF_DIVISOR = 20n;
/** Two middle values within one currency are averaged when they are at most a fiftieth apart. */
const AGREEMENT_DIVISOR = 50n;
/**
 * Dollars may be the price when they are at most a fiftieth away from the median across currencies; of two middle values they are taken
 * when they are at most that far from the price before.
 */
const DOLLAR_BAND_DIVISOR = 50n;
/** A price that moves by more than a tenth a minute needs a quorum of sources that moved as far. */
const MOVE_DIVISOR = 10n;

/** What one source says about one price. */
export interface SourcePrice {
  /** Quote currency of the source. */
  currency: string;
  /** 0: it has none. */
  price: bigint;
  /** When it last traded. */
  tradedAt: bigint;
}

/** Why a source does not count, the first that applies; `used` if it does. In the order of the contract's `Reason`. */
export const REASONS = ["used", "absent", "outOfBounds", "tradedLater", "late", "farOff"] as const;
export type Reason = (typeof REASONS)[number];

/** What holds for every price of an epoch. */
export interface AggregationRound {
  time: bigint;
  /** Time of the epoch before; 0 for the first. */
  lastTime: bigint;
  /** Fresh sources that a price needs. */
  quorum: number;
  /** Whether the reporters' sources quote in more than one currency, those of absent reporters included. */
  severalCurrencies: boolean;
}

export interface AggregatedPrice {
  verdict: "priced" | "quorumMissing" | "currencyMissing" | "moveNotConfirmed";
  /** The price; for `moveNotConfirmed` what it would be, 0 for the other refusals. */
  price: bigint;
  /** Fresh sources, or for `moveNotConfirmed` sources that moved as far. */
  count: number;
  /** For each source. */
  reasons: Reason[];
}

/**
 * Fresh sources that a price needs when there are `sources` reporters: 2f + 1 with f the faults that they stand, a third of one less than
 * their number; and always a majority.
 */
export function freshQuorum(sources: number): number {
  return Math.max(2 * Math.floor((sources - 1) / 3) + 1, Math.floor(sources / 2) + 1);
}

const distance = (first: bigint, second: bigint): bigint =>
  first > second ? first - second : second - first;

function admission({ price, tradedAt }: SourcePrice, time: bigint): Reason {
  if (price === 0n) return "absent";
  if (price >= PRICE_BOUND) return "outOfBounds";
  if (tradedAt > time) return "tradedLater";
  if (tradedAt + FRESH_FOR < time) return "late";
  return "used";
}

/** The one nearer to the price before; the lower one of two equally near, or if there is none before. */
function nearer(lower: bigint, upper: bigint, last: bigint): bigint {
  return last === 0n || distance(lower, last) <= distance(upper, last) ? lower : upper;
}

const ascending = (values: readonly bigint[]): bigint[] => [...values].sort((a, b) => (a < b ? -1 : 1));

/** Lower and upper middle of values; the same one twice when their number is odd. */
function middles(values: readonly bigint[]): [lower: bigint, upper: bigint] {
  const sorted = ascending(values);
  const upper = Math.floor(sorted.length / 2);
  const lower = sorted.length % 2 === 1 ? upper : upper - 1;
  return [sorted[lower] as bigint, sorted[upper] as bigint];
}

/**
 * Median within one currency. Two middle values that agree are averaged, rounded down; of two that do not, one may be a lie, and the one
 * nearer to the price before is taken.
 */
function medianWithin(values: readonly bigint[], last: bigint): bigint {
  const [lower, upper] = middles(values);
  if ((upper - lower) * AGREEMENT_DIVISOR <= lower) return (lower + upper) / 2n;
  return nearer(lower, upper, last);
}

/**
 * Middle of the currencies' medians. Two middle values are never averaged: one currency may be at fault. Dollars are taken if they are one
 * of the two and have not jumped; else what is nearer to the price before.
 */
function middleAcross(
  medians: ReadonlyMap<string, bigint>,
  dollars: bigint | undefined,
  last: bigint,
): bigint {
  const [lower, upper] = middles([...medians.values()]);
  if (medians.size % 2 === 1) return upper;
  if (dollars === lower || dollars === upper) {
    if (last === 0n || distance(dollars, last) * DOLLAR_BAND_DIVISOR <= last) return dollars;
  }
  return nearer(lower, upper, last);
}

/**
 * Median across currencies; or the dollar's own, if that is near it and another currency is at least as far away. What a stablecoin is worth
 * then does not move the price, and a fault among dollar sources moves it no farther than the others are apart.
 */
function medianAcross(medians: ReadonlyMap<string, bigint>, last: bigint): bigint {
  const dollars = medians.get(DOLLAR);
  const middle = middleAcross(medians, dollars, last);
  if (dollars === undefined) return middle;
  const away = distance(dollars, middle);
  if (away * DOLLAR_BAND_DIVISOR > middle) return middle;
  const isOddOneOut = [...medians].every(
    ([currency, median]) => currency === DOLLAR || distance(median, middle) < away,
  );
  return isOddOneOut ? middle : dollars;
}

function combine(sources: readonly SourcePrice[], reasons: readonly Reason[], last: bigint): bigint {
  const byCurrency = new Map<string, bigint[]>();
  sources.forEach(({ currency, price }, place) => {
    if (reasons[place] !== "used") return;
    const values = byCurrency.get(currency);
    if (values === undefined) byCurrency.set(currency, [price]);
    else values.push(price);
  });
  const medians = new Map<string, bigint>();
  for (const [currency, values] of byCurrency) medians.set(currency, medianWithin(values, last));
  return medianAcross(medians, last);
}

/** Leaves out sources that are far off, the farthest first (of equals the first), `most` at most; true if any was. */
function leaveOutFarOff(
  sources: readonly SourcePrice[],
  reasons: Reason[],
  price: bigint,
  most: number,
): boolean {
  let leftOut = false;
  for (let left = most; left > 0; left--) {
    let farthest = -1;
    let greatest = price / FAR_OFF_DIVISOR;
    sources.forEach((source, place) => {
      const away = distance(source.price, price);
      if (reasons[place] !== "used" || away <= greatest) return;
      farthest = place;
      greatest = away;
    });
    if (farthest < 0) break;
    reasons[farthest] = "farOff";
    leftOut = true;
  }
  return leftOut;
}

/**
 * The price of an epoch from what the sources say, and `last`, the price of the epoch before (0 for none). Late and far-off sources are
 * left out, the latter never below the quorum. There is no price without a quorum of fresh sources (`quorumMissing`), from a single
 * currency other than the dollar (`currencyMissing`), or for a move of more than a tenth a minute that fewer than a quorum made
 * (`moveNotConfirmed`).
 */
export function aggregatePrice(
  round: AggregationRound,
  sources: readonly SourcePrice[],
  last: bigint,
): AggregatedPrice {
  const { time, lastTime, quorum } = round;
  const minutes = (time - lastTime + 59n) / 60n;
  const reasons = sources.map((source) => admission(source, time));
  const isUsed = (_: SourcePrice, place: number): boolean => reasons[place] === "used";
  const fresh = sources.filter(isUsed);
  const count = fresh.length;
  if (count < quorum) return { verdict: "quorumMissing", price: 0n, count, reasons };
  const [first] = fresh;
  if (
    round.severalCurrencies &&
    first?.currency !== DOLLAR &&
    fresh.every(({ currency }) => currency === first?.currency)
  ) {
    return { verdict: "currencyMissing", price: 0n, count, reasons };
  }
  let price = combine(sources, reasons, last);
  if (leaveOutFarOff(sources, reasons, price, count - quorum)) price = combine(sources, reasons, last);
  const isJump = (value: bigint): boolean => distance(value, last) * MOVE_DIVISOR > last * minutes;
  if (last !== 0n && isJump(price)) {
    const confirmations = sources
      .filter(isUsed)
      .filter((source) => source.price > last === price > last && isJump(source.price)).length;
    if (confirmations < quorum) return { verdict: "moveNotConfirmed", price, count: confirmations, reasons };
  }
  return { verdict: "priced", price, count, reasons };
}
