import { ensure, reading } from "../../protocol/errors.ts";
import { type Closes, parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { priceAt } from "../../services/oracle/closesSource.ts";

/** Prices of all underlyings at one time. */
export interface PricePoint {
  /** Milliseconds since 1970. */
  time: number;
  /** Dollars, in the order of the underlyings. */
  prices: number[];
}

/** The prices of a file, at the times at which all underlyings have one. */
export interface PriceSeries {
  /** Names of the underlyings, such as `BTC`, in the order of the columns. */
  underlyings: string[];
  /** By rising time; at least two. */
  points: PricePoint[];
  /** The smallest distance of two rows, milliseconds. */
  intervalMs: number;
}

/** Bounds within which lots, margins and cash of a drill stay within what a note holds, dollars. */
const LEAST_PRICE = 1e-4;
const MOST_PRICE = 1e7;
const MOST_UNDERLYINGS = 16;

function pointsOf({ interval, series }: Closes): PricePoint[] {
  const times = new Set([...series.values()].flatMap((closes) => closes.map(({ time }) => time)));
  return [...times]
    .sort((first, second) => first - second)
    .flatMap((time): PricePoint[] => {
      const prices = [...series.values()].map((closes) => priceAt(closes, interval, time)?.price);
      return prices.some((price) => price === undefined)
        ? []
        : [{ time: time * 1000, prices: prices as number[] }];
    });
}

/**
 * Reads a file of closes. Misuse for a file that is malformed (`closesCsv.*`, with line and column) or that a drill cannot play
 * (`drill.prices`).
 */
export function readPrices(text: string): PriceSeries {
  return reading(() => {
    const closes = parseClosesCsv(text);
    const underlyings = [...closes.series.keys()];
    ensure(
      underlyings.length <= MOST_UNDERLYINGS,
      "drill.prices",
      `prices file: ${underlyings.length} underlyings, expected at most ${MOST_UNDERLYINGS}`,
    );
    const points = pointsOf(closes);
    ensure(
      points.length >= 2,
      "drill.prices",
      `prices file: ${points.length} times at which every underlying has a price, expected at least two`,
    );
    for (const { time, prices } of points) {
      const odd = prices.findIndex((price) => price < LEAST_PRICE || price > MOST_PRICE);
      ensure(
        odd < 0,
        "drill.prices",
        `prices file: ${underlyings[odd]} is ${prices[odd]} at ${new Date(time).toISOString()}, expected dollars from ${LEAST_PRICE} to ${MOST_PRICE}`,
      );
    }
    return { underlyings, points, intervalMs: closes.interval * 1000 };
  });
}

/** The point between two others at a time, prices going straight in their logarithm. */
function between(before: PricePoint, after: PricePoint, time: number): PricePoint {
  const share = (time - before.time) / (after.time - before.time);
  const prices = before.prices.map(
    (price, place) => price * ((after.prices[place] as number) / price) ** share,
  );
  return { time, prices };
}

/** The points with others in between wherever two are more than an interval apart. */
function withoutHoles(points: readonly PricePoint[], intervalMs: number): PricePoint[] {
  return points.flatMap((point, place) => {
    const next = points[place + 1];
    if (next === undefined) return [point];
    const missing = Math.ceil((next.time - point.time) / intervalMs) - 1;
    const filled = Array.from({ length: missing }, (_, index) =>
      between(point, next, point.time + (index + 1) * intervalMs),
    );
    return [point, ...filled];
  });
}

/**
 * A file of closes of these points, an interval apart or less, with the first prices for at least `calmMs` before the first one and the last
 * for as long after the last.
 */
export function pricesText(
  underlyings: readonly string[],
  points: readonly PricePoint[],
  { intervalMs, calmMs }: { intervalMs: number; calmMs: number },
): string {
  const [first] = points as [PricePoint];
  const last = points.at(-1) as PricePoint;
  const calmRows = Math.ceil(calmMs / intervalMs);
  const calm = (from: number, prices: number[]): PricePoint[] =>
    Array.from({ length: calmRows }, (_, place) => ({ time: from + place * intervalMs, prices }));
  const before = calm(first.time - calmRows * intervalMs, first.prices);
  const after = calm(last.time + intervalMs, last.prices);
  const rows = [...before, ...withoutHoles(points, intervalMs), ...after].map(({ time, prices }) =>
    [new Date(time).toISOString(), ...prices].join(","),
  );
  return `${["time", ...underlyings].join(",")}\n${rows.join("\n")}\n`;
}
