import { ensure } from "./errors.ts";
import { ln, normalCdf, normalDensity } from "./normal.ts";

/*
 * Black's model of 1976 for options on a forward, at a zero interest rate: marks are settled in USDC as they move, and the venues whose
 * volatilities are read quote them against this model. Years have 365 days. Prices are in the unit of the forward, volatilities are
 * fractions a year (0.75 is 75%).
 */

export const DAY_MS = 86_400_000;
export const YEAR_MS = 365 * DAY_MS;

/** Years between two times in milliseconds. */
export function yearsBetween(from: number, to: number): number {
  return (to - from) / YEAR_MS;
}

/** What the option would pay if the forward were the settlement price. */
export function intrinsicValue(forward: number, strike: number, call: boolean): number {
  return Math.max(0, call ? forward - strike : strike - forward);
}

/**
 * Price of a European option on a forward whose logarithm has standard deviation `deviation` (volatility times the square root of time)
 * at expiry.
 *
 * The out-of-the-money side is computed and the intrinsic value added, so a deep in-the-money price keeps its time value and put-call
 * parity holds to the last bits. Never below intrinsic value, and never above the forward (call) or the strike (put).
 */
export function priceByDeviation(forward: number, strike: number, deviation: number, call: boolean): number {
  const intrinsic = intrinsicValue(forward, strike, call);
  if (deviation <= 0) return intrinsic;
  const d1 = ln(forward / strike) / deviation + 0.5 * deviation;
  const d2 = d1 - deviation;
  const timeValue =
    forward <= strike
      ? forward * normalCdf(d1) - strike * normalCdf(d2)
      : strike * normalCdf(-d2) - forward * normalCdf(-d1);
  return intrinsic + Math.max(0, timeValue);
}

/** Price for a yearly volatility and a time to expiry in years. */
export function black76Price(
  forward: number,
  strike: number,
  volatility: number,
  years: number,
  call: boolean,
): number {
  return priceByDeviation(forward, strike, volatility * Math.sqrt(Math.max(0, years)), call);
}

export interface Greeks {
  /** Change of the price for one dollar of the forward. */
  delta: number;
  /** Change of delta for one dollar of the forward. */
  gamma: number;
  /** Change of the price for one point (0.01) of volatility. */
  vega: number;
  /** Change of the price over one day. */
  theta: number;
}

/**
 * Sensitivities of the price. Without time or volatility the option is its intrinsic value: delta 0 or 1 (a half at the strike), the
 * others 0.
 */
export function black76Greeks(
  forward: number,
  strike: number,
  volatility: number,
  years: number,
  call: boolean,
): Greeks {
  const root = Math.sqrt(Math.max(0, years));
  const deviation = volatility * root;
  if (deviation <= 0) {
    const callDelta = forward > strike ? 1 : forward === strike ? 0.5 : 0;
    return { delta: call ? callDelta : callDelta - 1, gamma: 0, vega: 0, theta: 0 };
  }
  const d1 = ln(forward / strike) / deviation + 0.5 * deviation;
  const density = normalDensity(d1);
  return {
    delta: call ? normalCdf(d1) : -normalCdf(-d1),
    gamma: density / (forward * deviation),
    vega: (forward * density * root) / 100,
    theta: (-forward * density * volatility) / (2 * root) / 365,
  };
}

/** The largest deviation the solver considers; the price is then its upper bound to the last bit. */
const MAX_DEVIATION = 16;
const MAX_ITERATIONS = 200;

/**
 * The yearly volatility at which {@link black76Price} gives `price`.
 *
 * Newton's method on the out-of-the-money price, which shares the volatility and loses no digits to intrinsic value, started at the
 * price's inflection point and kept inside a bracket that halves whenever a step would leave it. A price of exactly intrinsic value has
 * volatility 0. Refuses (`impliedVolatility.*`) a price below intrinsic value or not below the forward (call) or strike (put), a forward or
 * strike that is not positive, and a time that is not positive.
 */
export function impliedVolatility(
  price: number,
  forward: number,
  strike: number,
  years: number,
  call: boolean,
): number {
  ensure(
    forward > 0 && strike > 0 && Number.isFinite(forward) && Number.isFinite(strike),
    "impliedVolatility.forward",
    `forward is ${forward} and strike ${strike}, expected positive numbers`,
  );
  ensure(
    years > 0 && Number.isFinite(years),
    "impliedVolatility.years",
    `years is ${years}, expected a positive number`,
  );
  const intrinsic = intrinsicValue(forward, strike, call);
  const upper = call ? forward : strike;
  ensure(
    price >= intrinsic && price < upper,
    "impliedVolatility.price",
    `price is ${price}, expected at least the intrinsic value ${intrinsic} and below ${upper}`,
  );
  const target = price - intrinsic;
  if (target === 0) return 0;
  // The out-of-the-money option at this strike: a call above the forward, a put below it.
  const otmCall = forward <= strike;
  let low = 0;
  let high = MAX_DEVIATION;
  let deviation = Math.min(Math.max(Math.sqrt(2 * Math.abs(ln(forward / strike))), 0.01), high / 2);
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const excess = priceByDeviation(forward, strike, deviation, otmCall) - target;
    if (excess === 0) break;
    if (excess > 0) high = deviation;
    else low = deviation;
    const d1 = ln(forward / strike) / deviation + 0.5 * deviation;
    const slope = forward * normalDensity(d1);
    const newton = deviation - excess / slope;
    const next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (Math.abs(next - deviation) <= 1e-16 * deviation || high - low <= 1e-15 * high) {
      deviation = next;
      break;
    }
    deviation = next;
  }
  return deviation / Math.sqrt(years);
}
