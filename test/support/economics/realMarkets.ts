import { readFileSync } from "node:fs";
import { join } from "node:path";
import { replayPrices } from "../../../protocol/priceReplay.ts";
import { type PriceFile, parsePricesCsv } from "../../../protocol/pricesCsv.ts";
import { historyFromCsv, type PriceHistory } from "../../../services/forecast/history.ts";
import type { MarketPath } from "./crash.ts";

/*
 * Recorded markets: the hours of January 2021, each hour's move in one epoch, and the minutes of the weekend in March 2023 on which USDC lost its
 * peg, through the oracle's aggregation, with and without a source that lies.
 */

const DATA = join(import.meta.dirname, "../../../data");

/** Hourly closes of BTC and ETH in January 2021. */
export function january(): PriceHistory {
  return historyFromCsv(readFileSync(join(DATA, "btc-eth-1h-2021-01.csv"), "utf8"));
}

/** Minutes after each full hour at which there is an epoch. */
const AFTER_THE_HOUR = [0, 1, 2, 5, 10, 20, 30];

/** A coin's prices from an hour on, relative to that hour; the whole move of an hour comes in one epoch. */
export function hourlyPath(history: PriceHistory, coin: string, from: number, hours: number): MarketPath {
  const column = history.names.indexOf(coin);
  const priceAt = (hour: number): number => history.rows[from + hour]?.prices[column] as number;
  const last = Math.min(hours, history.rows.length - 1 - from);
  return {
    minutes: Array.from({ length: last }, (_, hour) =>
      AFTER_THE_HOUR.map((minute) => 60 * (hour + 1) + minute),
    ).flat(),
    at: (minute) => ({ coin: priceAt(Math.min(last, Math.floor(minute / 60))) / priceAt(0) }),
  };
}

/** Minutes of 10 to 12 March 2023 at four sources in three currencies. */
export function march(): PriceFile {
  return parsePricesCsv(readFileSync(join(DATA, "btc-4-venues-1m-2023-03-10_12.csv"), "utf8"));
}

/** Which of the recorded sources each of seven reporters watches: three dollar sources, two in tether, two in USDC, as a deployment must have them. */
const SEVEN = [0, 0, 0, 1, 1, 2, 3];

/** Seven reporters on the recording; those on one source see it a few hundredths of a percent apart. */
export function sevenReporters(file: PriceFile): PriceFile {
  const spread = (reporter: number, row: number): bigint => BigInt(((reporter * 7 + row * 3) % 9) - 4);
  return {
    ...file,
    sources: SEVEN.map((place, reporter) => ({
      ...(file.sources[place] as PriceFile["sources"][number]),
      name: `${reporter} ${file.sources[place]?.name}`,
    })),
    rows: file.rows.map((row, index) => ({
      ...row,
      cells: SEVEN.map((place, reporter) => {
        const cell = row.cells[place];
        if (cell === undefined) return undefined;
        return { ...cell, close: cell.close + (cell.close * spread(reporter, index)) / 10_000n };
      }),
    })),
  };
}

/** Rows of a recording from one to another. */
export const between = (file: PriceFile, from: number, to: number): PriceFile => ({
  ...file,
  rows: file.rows.slice(from, to),
});

/** What one source says instead of the truth: a factor at each row. */
export type Lie = (row: number) => number;

/** The recording with one source that lies and always seems to have just traded. */
export function withLiar(file: PriceFile, liar: number, lie: Lie): PriceFile {
  return {
    ...file,
    rows: file.rows.map((row, index) => ({
      ...row,
      cells: row.cells.map((cell, place) =>
        place === liar && cell !== undefined
          ? { close: BigInt(Math.round(Number(cell.close) * lie(index))), traded: true }
          : cell,
      ),
    })),
  };
}

/** Lies that are tried: steps of every size, slow drifts, and a flicker. */
export const LIES: readonly { name: string; lie: Lie }[] = [
  ...[0.01, 0.5, 0.8, 0.9, 0.94, 0.97, 0.981, 0.99, 1.01, 1.019, 1.03, 1.06, 1.1, 1.2, 2, 100].map(
    (factor) => ({
      name: `times ${factor}`,
      lie: () => factor,
    }),
  ),
  ...[-0.02, -0.005, 0.005, 0.02].map((perMinute) => ({
    name: `drifting ${perMinute} a minute`,
    lie: (row: number) => Math.exp(perMinute * (row % 120)),
  })),
  { name: "flickering by 3%", lie: (row) => (row % 2 === 0 ? 1.03 : 0.97) },
];

/** How far the worst lie of one source takes the price from what it is without it. */
export interface WorstLie {
  liar: string;
  name: string;
  deviation: number;
  /** Epochs without a price, at most over all lies. */
  unpriced: number;
}

export function worstLie(file: PriceFile): WorstLie {
  const honest = replayPrices(file).epochs.map(({ price }) => price);
  const worst: WorstLie = { liar: "", name: "", deviation: 0, unpriced: 0 };
  for (const [liar, source] of file.sources.entries()) {
    for (const { name, lie } of LIES) {
      let unpriced = 0;
      replayPrices(withLiar(file, liar, lie)).epochs.forEach(({ price }, row) => {
        const truth = honest[row];
        if (price === null) unpriced++;
        else if (truth !== null && truth !== undefined && Math.abs(price / truth - 1) > worst.deviation)
          Object.assign(worst, { liar: source.name, name, deviation: Math.abs(price / truth - 1) });
      });
      worst.unpriced = Math.max(worst.unpriced, unpriced);
    }
  }
  return worst;
}

/** The prices of an aggregated recording as a path, relative to the first; an epoch without a price is left out. */
export function minutePath(file: PriceFile): { path: MarketPath; first: number } {
  const priced = replayPrices(file).epochs.flatMap(({ price }, row) =>
    price === null ? [] : [{ row, price }],
  );
  const first = priced[0]?.price as number;
  const prices = new Map(priced.map(({ row, price }) => [row, price / first]));
  return {
    first,
    path: {
      minutes: priced.slice(1).map(({ row }) => row),
      at: (minute) => ({ coin: prices.get(minute) as number }),
    },
  };
}
