import { SIZE_BOUND } from "./constants.ts";
import { lotSize } from "./instrument.ts";

/*
 * Add-ons: charges on each leg beside the scan risk, for what scenarios leave out (spreads, the cost of closing, the last two days of
 * short options, large sizes). All in dollars for one unit of the underlying; the row builder rounds them up.
 */

const LINEAR_RATE = 0.005;
const LONG_OPTION_RATE = 0.1;
const SHORT_OPTION_RATE = 0.01;
const LAST_DAYS = 2;
const LAST_DAYS_DIVISOR = 11;
const CONCENTRATION_DIVISOR = 4;

/** Spot and perpetuals, either side: 0.5% of the mark. */
export function linearAddOn(mark: number): number {
  return LINEAR_RATE * mark;
}

/** Long options: 10% of the time value. */
export function longOptionAddOn(mark: number, intrinsic: number): number {
  return LONG_OPTION_RATE * Math.max(0, mark - intrinsic);
}

/** Short options: 1% of the forward; in the last two days the scan range over eleven, if that is more. */
export function shortOptionAddOn(forward: number, range: number, days: number): number {
  const lastDays = days <= LAST_DAYS ? range / LAST_DAYS_DIVISOR : 0;
  return forward * Math.max(SHORT_OPTION_RATE, lastDays);
}

/** For each unit beyond the threshold: a quarter of the scan range more. */
export function concentrationAddOn(price: number, range: number): number {
  return (price * range) / CONCENTRATION_DIVISOR;
}

/** Whole lots in the size beyond which the concentration add-on starts, at most the largest size. */
export function concentrationLots(units: number, lotExponent: number): bigint {
  const lots = BigInt(Math.floor(units / lotSize(lotExponent)));
  return lots < SIZE_BOUND ? lots : SIZE_BOUND - 1n;
}
