import { intrinsicValue } from "./black76.ts";
import { ensure } from "./errors.ts";
import { MICRO, roundNearest } from "./fixedPoint.ts";
import { lotSize } from "./instrument.ts";
import { checkInputs, type MarketInputs, type UnderlyingInputs } from "./marketInputs.ts";
import { ln } from "./normal.ts";
import { HOUR_MS, updatedVolatility, volatileRange } from "./priceScan.ts";

/** `scan` with the range that the arrays of an earlier epoch used, so that the limit on its rise holds between the two. */
export function carriedScan(
  scan: UnderlyingInputs["scan"],
  before: UnderlyingInputs,
  previous: MarketInputs,
): UnderlyingInputs["scan"] {
  if (scan.model !== "volatile" || before.scan.model !== "volatile") return scan;
  return { ...scan, previousRange: volatileRange(before, before.scan, previous).applied };
}

export interface MarketMove {
  /** Time of the next epoch in milliseconds; later than the last. */
  time: number;
  /** Default: the next number. */
  epoch?: number;
  /** What each underlying's index, perpetual and forwards are multiplied by; 1 where absent. */
  prices?: Readonly<Record<string, number>>;
  /** What each underlying's implied volatilities are multiplied by; 1 where absent. */
  volatilities?: Readonly<Record<string, number>>;
  /** Funding rates by underlying, as a fraction of the mark that longs pay in eight hours; 0 where absent. */
  fundingRates?: Readonly<Record<string, number>>;
}

const FUNDING_PERIOD_MS = 8 * HOUR_MS;

/** What one long lot of a perpetual pays over a time at a rate for eight hours: micro-USDC, to nearest. Both sides take the same integer. */
export function fundingPayment(
  markMicroUsd: number,
  lotExponent: number,
  rate: number,
  elapsedMs: number,
): number {
  return roundNearest((markMicroUsd * lotSize(lotExponent) * rate * elapsedMs) / FUNDING_PERIOD_MS);
}

/**
 * Inputs of the next epoch when the market has moved as told since `inputs`: prices and implied volatilities are multiplied, funding
 * accrues, realized volatility takes the return in, and all quotes are of the new time. Strikes keep their volatilities. Refuses inputs
 * (`inputs.*`) that result out of bounds, among them an expiry that has passed: settle it first.
 */
export function nextInputs(inputs: MarketInputs, move: MarketMove): MarketInputs {
  const elapsed = move.time - inputs.time;
  ensure(elapsed > 0, "nextEpoch.time", `time is ${move.time}, expected later than ${inputs.time}`);
  const underlyings = inputs.underlyings.map((underlying): UnderlyingInputs => {
    const factor = move.prices?.[underlying.name] ?? 1;
    ensure(
      factor > 0,
      "nextEpoch.prices",
      `price factor of ${underlying.name} is ${factor}, expected a positive number`,
    );
    const volatilityFactor = move.volatilities?.[underlying.name] ?? 1;
    const scan = carriedScan(underlying.scan, underlying, inputs);
    const { perpetual } = underlying;
    return {
      ...underlying,
      index: roundNearest(underlying.index * factor),
      scan:
        scan.model === "stable"
          ? scan
          : {
              ...scan,
              realizedVolatility: roundNearest(
                updatedVolatility(scan.realizedVolatility / MICRO, ln(factor), elapsed / HOUR_MS) * MICRO,
              ),
            },
      ...(perpetual && {
        perpetual: {
          ...perpetual,
          mark: roundNearest(perpetual.mark * factor),
          fundingIndex:
            perpetual.fundingIndex +
            fundingPayment(
              perpetual.mark,
              perpetual.lotExponent,
              move.fundingRates?.[underlying.name] ?? 0,
              elapsed,
            ),
        },
      }),
      expiries: underlying.expiries.map((group) => ({
        ...group,
        options: group.options.map((option) => ({
          ...option,
          forward: roundNearest(option.forward * factor),
          volatility: roundNearest(option.volatility * volatilityFactor),
          time: move.time,
        })),
      })),
    };
  });
  return checkInputs({
    ...inputs,
    epoch: move.epoch ?? inputs.epoch + 1,
    time: move.time,
    previousTime: inputs.time,
    underlyings,
  });
}

/** What one long lot of an option receives at a settlement price (micro-dollars for one unit): micro-USDC, to nearest. */
export function settlementValue(
  strike: number,
  call: boolean,
  lotExponent: number,
  settlementPrice: number,
): number {
  return roundNearest(intrinsicValue(settlementPrice, strike, call) * lotSize(lotExponent));
}

/**
 * Inputs in which the options of an expiry are settled at a price (dollars for one unit, the mean of the settlement window): each becomes
 * a settled row whose funding index is minus its settlement value, which the next touch of every account pays out, both sides alike.
 * Refuses (`nextEpoch.expiry`) an expiry that is not listed.
 */
export function settleExpiry(
  inputs: MarketInputs,
  underlyingName: string,
  expiry: number,
  settlementPrice: number,
): MarketInputs {
  const listed = inputs.underlyings.find(({ name }) => name === underlyingName);
  const group = listed?.expiries.find((candidate) => candidate.expiry === expiry);
  ensure(
    group !== undefined,
    "nextEpoch.expiry",
    `expiry is ${expiry}, expected one that is listed for ${underlyingName}`,
  );
  const price = roundNearest(settlementPrice * MICRO);
  const settled = group.options.map((option) => ({
    id: option.id,
    kind: 3 as const,
    // 0 − value, so that a worthless option has index 0 and not −0.
    fundingIndex: 0 - settlementValue(option.strike, option.call, group.lotExponent, price),
  }));
  return checkInputs({
    ...inputs,
    underlyings: inputs.underlyings.map((underlying) =>
      underlying.name === underlyingName
        ? {
            ...underlying,
            expiries: underlying.expiries.filter((candidate) => candidate.expiry !== expiry),
            settled: [...underlying.settled, ...settled],
          }
        : underlying,
    ),
  });
}
