import { DAY_MS, yearsBetween } from "./black76.ts";
import { Q16 } from "./constants.ts";
import { MICRO } from "./fixedPoint.ts";
import type { MarketInputs, OptionQuote, UnderlyingInputs, VolatileScan } from "./marketInputs.ts";
import { ln, power } from "./normal.ts";

/*
 * The price scan range: the largest move of the risk arrays, scaled to how volatile the market is. Volatilities and ranges are fractions
 * here; inputs hold them in millionths.
 */

export const HOUR_MS = 3_600_000;
const HOURS_A_YEAR = 8760;
const DECAY = 0.99;
const DEVIATIONS = 3;
/** A day in years, as 365-day years have it. */
const SCAN_YEARS = 1 / 365;
/** How fast the range in the arrays may rise, of itself. */
const RISE_PER_HOUR = 0.02;
/** 1.75 in Q16. */
const IM_FACTOR_CAP = (Q16 * 7n) / 4n;

/**
 * Yearly volatility after one more return: the exponentially weighted mean of squared returns with weight 0.99 an hour, for a logarithmic
 * return over `hours`.
 */
export function updatedVolatility(volatility: number, logReturn: number, hours: number): number {
  const kept = hours === 1 ? DECAY : power(DECAY, hours);
  const squared = (logReturn * logReturn * HOURS_A_YEAR) / hours;
  return Math.sqrt(kept * volatility * volatility + (1 - kept) * squared);
}

/** Yearly EWMA(0.99) volatility of hourly closes, oldest first, started at the first return; 0 for fewer than two closes. */
export function realizedVolatility(closes: readonly number[]): number {
  let volatility = 0;
  for (let hour = 1; hour < closes.length; hour++) {
    const logReturn = ln((closes[hour] as number) / (closes[hour - 1] as number));
    volatility =
      hour === 1
        ? Math.abs(logReturn) * Math.sqrt(HOURS_A_YEAR)
        : updatedVolatility(volatility, logReturn, 1);
  }
  return volatility;
}

/** Mean volatility of the quotes at each strike, by rising strike. */
function volatilityByStrike(options: readonly OptionQuote[]): [strike: number, volatility: number][] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const option of options) {
    const entry = sums.get(option.strike) ?? { sum: 0, count: 0 };
    sums.set(option.strike, { sum: entry.sum + option.volatility, count: entry.count + 1 });
  }
  return [...sums]
    .map(([strike, { sum, count }]): [number, number] => [strike, sum / count / MICRO])
    .sort(([first], [second]) => first - second);
}

/**
 * At-the-money volatility of an underlying's options: of the first expiry at least a day away (of the last one, if all are nearer), at
 * its mean forward, linear between the two strikes around it. 0 without options.
 */
export function atTheMoneyVolatility(underlying: UnderlyingInputs, time: number): number {
  const byExpiry = [...underlying.expiries].sort((first, second) => first.expiry - second.expiry);
  const group = byExpiry.find(({ expiry }) => expiry - time >= DAY_MS) ?? byExpiry.at(-1);
  if (group === undefined) return 0;
  const forward = group.options.reduce((sum, option) => sum + option.forward, 0) / group.options.length;
  const curve = volatilityByStrike(group.options);
  const above = curve.findIndex(([strike]) => strike >= forward);
  const [highStrike, high] = (above < 0 ? curve.at(-1) : curve[above]) as [number, number];
  const [lowStrike, low] = (above <= 0 ? [highStrike, high] : curve[above - 1]) as [number, number];
  return highStrike === lowStrike
    ? high
    : low + ((high - low) * (forward - lowStrike)) / (highStrike - lowStrike);
}

/**
 * The range that present volatility asks for, in millionths rounded up: three standard deviations of a day's move, of the larger of
 * realized and at-the-money volatility, between floor and cap.
 */
export function targetRange(scan: VolatileScan, atTheMoney: number): number {
  const volatility = Math.max(scan.realizedVolatility / MICRO, atTheMoney);
  const range = Math.ceil(DEVIATIONS * volatility * Math.sqrt(SCAN_YEARS) * MICRO);
  return Math.min(Math.max(scan.floor, range), scan.cap);
}

/**
 * The range that goes into the arrays, in millionths: the target, but at most 2% an hour (of itself, for the time elapsed) above the
 * one before. It falls at once.
 */
export function limitedRange(target: number, scan: VolatileScan, elapsedMs: number): number {
  if (scan.previousRange === 0) return target;
  const limit = Math.floor(scan.previousRange * (1 + (RISE_PER_HOUR * elapsedMs) / HOUR_MS));
  return Math.min(target, limit);
}

/** Range of one underlying at an epoch, in millionths. */
export interface RangeState {
  /** What present volatility asks for. */
  target: number;
  /** What the arrays use. */
  applied: number;
}

export function volatileRange(
  underlying: UnderlyingInputs,
  scan: VolatileScan,
  inputs: MarketInputs,
): RangeState {
  const target = targetRange(scan, atTheMoneyVolatility(underlying, inputs.time));
  return { target, applied: limitedRange(target, scan, inputs.time - inputs.previousTime) };
}

/**
 * Initial margin factor in Q16: the base times the largest ratio of a target range to the applied one, rounded up, at most 1.75 (or the
 * base, if that is more). What the arrays may not yet show, new risk pays at once.
 */
export function initialMarginFactor(baseImFactor: bigint, ranges: readonly RangeState[]): bigint {
  let factor = baseImFactor;
  for (const { target, applied } of ranges) {
    const scaled = (baseImFactor * BigInt(target) + BigInt(applied) - 1n) / BigInt(applied);
    if (scaled > factor) factor = scaled;
  }
  if (factor <= IM_FACTOR_CAP) return factor;
  return baseImFactor > IM_FACTOR_CAP ? baseImFactor : IM_FACTOR_CAP;
}

/** Years from a quote to its expiry, and days, both of 365-day years. */
export function timeToExpiry(quoteTime: number, expiry: number): { years: number; days: number } {
  return { years: yearsBetween(quoteTime, expiry), days: (expiry - quoteTime) / DAY_MS };
}
