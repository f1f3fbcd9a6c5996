import { MICRO } from "./fixedPoint.ts";
import {
  type AggregatedPrice,
  aggregatePrice,
  DOLLAR,
  FRESH_FOR,
  freshQuorum,
  type SourcePrice,
} from "./priceAggregation.ts";
import type { PriceFile, PriceRow } from "./pricesCsv.ts";

/*
 * Recorded prices through the oracle's aggregation: each source is a reporter, each row an epoch. What a source reports is the close of its
 * last interval with a trade, and the time of that interval.
 */

/** One epoch of a replay. */
export interface ReplayedEpoch {
  /** As the file has it. */
  time: string;
  /** Dollars; null when there is no price. */
  price: number | null;
  sourcesUsed: string[];
  sourcesLeftOut: { source: string; reason: string }[];
  /** Why there is no price. */
  noPrice?: string;
}

export interface Replay {
  epochs: ReplayedEpoch[];
  /**
   * Largest distance of a price from the dollar quote of its row, as a fraction of that; null when no row has both. With several dollar
   * sources the quote is the median of those that traded in the interval, the lower one of two.
   */
  worstDeviation: number | null;
  /** Time of the row with the largest distance. */
  worstTime: string | null;
}

/** Dollar quote of a row, in dollars, from the sources that traded in its interval. */
function dollarQuote({ sources }: PriceFile, row: PriceRow): number | undefined {
  const closes = row.cells
    .flatMap((cell, place) => (cell?.traded && sources[place]?.currency === DOLLAR ? [cell.close] : []))
    .sort((first, second) => (first < second ? -1 : 1));
  const middle = closes[Math.floor((closes.length - 1) / 2)];
  return middle === undefined ? undefined : Number(middle) / MICRO;
}

/** What was wrong with a source that was left out. */
function reasonText(reason: string, { price, tradedAt }: SourcePrice, time: bigint, result: bigint): string {
  switch (reason) {
    case "absent":
      return "absent: no trade yet";
    case "late":
      return `late: last trade ${time - tradedAt} s before, expected at most ${FRESH_FOR} s`;
    case "farOff": {
      const away = (100 * Math.abs(Number(price - result))) / Number(result);
      return `farOff: ${Number(price) / MICRO} is ${away.toFixed(2)}% from the price, expected at most about 5%`;
    }
    default:
      return `${reason}: price ${Number(price) / MICRO}`;
  }
}

function refusalText({ verdict, price, count }: AggregatedPrice, quorum: number): string {
  if (verdict === "quorumMissing")
    return `quorumMissing: ${count} sources are fresh, expected at least ${quorum}`;
  if (verdict === "currencyMissing")
    return "currencyMissing: all fresh sources quote in one currency, expected two or dollars";
  return `moveNotConfirmed: ${Number(price) / MICRO} is too far from the price before, and ${count} sources moved as far, expected at least ${quorum}`;
}

/** What each source reports at each row: the close of its last interval with a trade and the time of that. */
export function reportedPrices({ sources, rows }: PriceFile): SourcePrice[][] {
  const seen = sources.map(({ currency }): SourcePrice => ({ currency, price: 0n, tradedAt: 0n }));
  return rows.map(({ cells, time }) => {
    cells.forEach((cell, place) => {
      if (cell?.traded) seen[place] = { ...(seen[place] as SourcePrice), price: cell.close, tradedAt: time };
    });
    return [...seen];
  });
}

/** Replays a file of prices, one epoch a row. */
export function replayPrices(file: PriceFile): Replay {
  const { sources, rows } = file;
  const quorum = freshQuorum(sources.length);
  const severalCurrencies = new Set(sources.map(({ currency }) => currency)).size > 1;
  const reported = reportedPrices(file);
  let last = 0n;
  let lastTime = 0n;
  let worstDeviation: number | null = null;
  let worstTime: string | null = null;
  const epochs = rows.map((row, index): ReplayedEpoch => {
    const { label, time } = row;
    const seen = reported[index] as SourcePrice[];
    const result = aggregatePrice({ time, lastTime, quorum, severalCurrencies }, seen, last);
    const { verdict, price, reasons } = result;
    const priced = verdict === "priced";
    const epoch: ReplayedEpoch = { time: label, price: null, sourcesUsed: [], sourcesLeftOut: [] };
    reasons.forEach((reason, place) => {
      const source = sources[place]?.name as string;
      if (reason !== "used") {
        const text = reasonText(reason, seen[place] as SourcePrice, time, price);
        epoch.sourcesLeftOut.push({ source, reason: text });
      } else if (priced) epoch.sourcesUsed.push(source);
    });
    if (!priced) return { ...epoch, noPrice: refusalText(result, quorum) };
    last = price;
    lastTime = time;
    const dollars = dollarQuote(file, row);
    const deviation = dollars === undefined ? 0 : Math.abs(Number(price) / MICRO / dollars - 1);
    if (dollars !== undefined && (worstDeviation === null || deviation > worstDeviation)) {
      worstDeviation = deviation;
      worstTime = label;
    }
    return { ...epoch, price: Number(price) / MICRO };
  });
  return { epochs, worstDeviation, worstTime };
}
