import { ln } from "../../protocol/normal.ts";
import { realizedVolatility } from "../../protocol/priceScan.ts";
import type { Close, Closes } from "./closesCsv.ts";
import type { PriceSource, Seen, SeenPrice, SeenUnderlying } from "./source.ts";

/*
 * Recorded closes as a market: between two closes the price goes straight in its logarithm; realized volatility is the EWMA of the hourly
 * returns up to the last full hour; perpetuals stand at the price, without funding.
 */

const HOUR = 3_600;

export interface ClosesOptions {
  /** Seconds from the chain's time to the recording's: 0 when the chain's clock is the recording's. */
  shiftSeconds?: number;
  /** Prices of underlyings that the file does not have, in its currency. Default: USDT at 1. */
  fixed?: Readonly<Record<string, number>>;
}

/** Index of the last close at or before a time; −1 before the first. */
function closeBefore(closes: readonly Close[], time: number): number {
  let low = -1;
  let high = closes.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((closes[middle] as Close).time <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The price at a time. In a hole of more than two intervals, and after the end, it is the last close with that one's time, which is late
 * before long; undefined before the first.
 */
export function priceAt(closes: readonly Close[], interval: number, time: number): SeenPrice | undefined {
  const place = closeBefore(closes, time);
  const before = closes[place];
  if (before === undefined) return undefined;
  const after = closes[place + 1];
  if (after === undefined || after.time - before.time > 2 * interval)
    return { price: before.price, tradedAt: before.time };
  const share = (time - before.time) / (after.time - before.time);
  return { price: before.price * Math.exp(share * ln(after.price / before.price)), tradedAt: time };
}

/** Closes at full hours up to a time, oldest first: what the realized volatility is computed from. */
function hourlyCloses(closes: readonly Close[], interval: number, time: number): number[] {
  const first = closes[0]?.time ?? Number.POSITIVE_INFINITY;
  const hours: number[] = [];
  for (let hour = Math.ceil(first / HOUR) * HOUR; hour <= time; hour += HOUR) {
    const seen = priceAt(closes, interval, hour);
    if (seen !== undefined && seen.tradedAt + HOUR > hour) hours.push(seen.price);
  }
  return hours;
}

/** A source that replays recorded closes at the chain's time. */
export function closesSource({ interval, series }: Closes, options: ClosesOptions = {}): PriceSource {
  const { shiftSeconds = 0, fixed = { USDT: 1 } } = options;
  // The volatility of an hour is asked for every epoch of it.
  const volatilities = new Map<string, { hour: number; volatility: number }>();
  const volatilityOf = (name: string, closes: readonly Close[], time: number): number => {
    const hour = Math.floor(time / HOUR);
    const known = volatilities.get(name);
    if (known?.hour === hour) return known.volatility;
    const volatility = realizedVolatility(hourlyCloses(closes, interval, hour * HOUR));
    volatilities.set(name, { hour, volatility });
    return volatility;
  };
  return {
    name: "recorded closes",
    async observe(chainTime) {
      const time = chainTime + shiftSeconds;
      const seen: Seen = {};
      for (const [name, closes] of series) {
        const index = priceAt(closes, interval, time);
        const shown: SeenUnderlying = { realizedVolatility: volatilityOf(name, closes, time) };
        if (index !== undefined) {
          shown.index = { price: index.price, tradedAt: index.tradedAt - shiftSeconds };
          if (index.tradedAt === time) shown.perpetual = { mark: index.price, fundingRate: 0 };
        }
        seen[name] = shown;
      }
      for (const [name, price] of Object.entries(fixed))
        seen[name] ??= { index: { price, tradedAt: chainTime } };
      return seen;
    },
    async close() {},
  };
}
