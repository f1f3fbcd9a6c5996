import { black76Greeks, type Greeks, intrinsicValue, priceByDeviation } from "./black76.ts";
import { MICRO } from "./fixedPoint.ts";
import type { ExpiryInputs, OptionQuote } from "./marketInputs.ts";
import { timeToExpiry } from "./priceScan.ts";

/** Observations in the settlement mean, one an epoch. */
export const SETTLEMENT_OBSERVATIONS = 30;

/**
 * An option ready to be priced under moves of its forward, in dollars for one unit. Inside the settlement window a part of the
 * settlement value is already fixed: only the `moving` part takes a scenario's move and has variance.
 */
export interface PricedOption {
  strike: number;
  call: boolean;
  /** Part of the expected settlement value that is already observed. */
  fixed: number;
  /** Part that still moves: the forward, times the share not yet observed. */
  moving: number;
  /** Share not yet observed: 1 before the window. */
  share: number;
  /** A fraction a year. */
  volatility: number;
  /** Years over which the moving part gathers variance. */
  years: number;
  /** Days to expiry. */
  days: number;
}

/**
 * Terms of a quote. In the window, with n of thirty observations made, the rest are R = 30 − n equally spaced ones whose mean has the
 * variance of (R+1)(2R+1)/6R² of the remaining time.
 */
export function pricedOption(group: ExpiryInputs, quote: OptionQuote): PricedOption {
  const { years, days } = timeToExpiry(quote.time, group.expiry);
  const observed = group.settlement?.observed ?? 0;
  const rest = SETTLEMENT_OBSERVATIONS - observed;
  const share = rest / SETTLEMENT_OBSERVATIONS;
  const meanVariance = group.settlement ? ((rest + 1) * (2 * rest + 1)) / (6 * rest * rest) : 1;
  return {
    strike: quote.strike / MICRO,
    call: quote.call,
    fixed: group.settlement ? ((1 - share) * group.settlement.mean) / MICRO : 0,
    moving: (share * quote.forward) / MICRO,
    share,
    volatility: quote.volatility / MICRO,
    years: years * meanVariance,
    days,
  };
}

/** Expected settlement value when the forward is multiplied by `factor`. */
export function expectedSettlement(option: PricedOption, factor = 1): number {
  return option.fixed + option.moving * factor;
}

/** Price with the forward multiplied by `factor` and another volatility; the strike keeps its volatility. */
export function optionPrice(option: PricedOption, factor = 1, volatility = option.volatility): number {
  const forward = expectedSettlement(option, factor);
  const deviation = (volatility * Math.sqrt(option.years) * option.moving * factor) / forward;
  return priceByDeviation(forward, option.strike, deviation, option.call);
}

/** Value at once: what the option pays if nothing moves. */
export function optionIntrinsic(option: PricedOption): number {
  return intrinsicValue(expectedSettlement(option), option.strike, option.call);
}

/** Sensitivities to the forward, its volatility and time, for one unit. */
export function optionGreeks(option: PricedOption): Greeks {
  const forward = expectedSettlement(option);
  const scale = option.moving / forward;
  const greeks = black76Greeks(forward, option.strike, option.volatility * scale, option.years, option.call);
  return {
    delta: greeks.delta * option.share,
    gamma: greeks.gamma * option.share * option.share,
    vega: greeks.vega * scale,
    theta: greeks.theta,
  };
}
