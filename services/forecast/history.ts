import { CsvError, parse } from "csv-parse/sync";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { MICRO } from "../../protocol/fixedPoint.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";

/** Prices of several underlyings at regular times. Rows may be missing: no return is taken across a gap. */
export interface PriceHistory {
  /** Milliseconds between rows. */
  stepMs: number;
  /** Names of the underlyings, one a column. */
  names: readonly string[];
  /** By rising time. */
  rows: readonly PricePoint[];
}

export interface PricePoint {
  /** Milliseconds since 1970; the prices are those of this moment. */
  time: number;
  /** Dollars for one unit, by column. */
  prices: readonly number[];
}

/** A quote currency at the end of a column's name, after two letters or more of its own: `USDT` by itself is a coin. */
const QUOTE = /(?<=..)[-_/]?(USDT|USDC|BUSD|FDUSD|USD)$/;

/** `btcusdt_close` and `BTC` are both bitcoin. */
const underlyingOf = (column: string): string =>
  column
    .replace(/_close$/i, "")
    .toUpperCase()
    .replace(QUOTE, "");

function parseRecords(text: string): string[][] {
  try {
    return parse(text, { bom: true, skip_empty_lines: true, trim: true }) as string[][];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SolvusError("forecast.csv", `price history: ${error.message.split("\n")[0]}`);
  }
}

/** Milliseconds of a time: Unix seconds, Unix milliseconds, or ISO 8601 in UTC. */
function parseTime(text: string, line: number): number {
  const number = /^\d{10}$/.test(text)
    ? Number(text) * 1000
    : /^\d{13}$/.test(text)
      ? Number(text)
      : undefined;
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?Z?$/.test(text)
    ? Date.parse(text.length === 10 ? text : `${text.replace(" ", "T").replace(/Z?$/, "Z")}`)
    : Number.NaN;
  const time = number ?? iso;
  ensure(
    Number.isFinite(time),
    "forecast.csv",
    `price history, line ${line}: time is ${JSON.stringify(text.slice(0, 40))}, expected a time in UTC such as 2021-01-01T00:00Z`,
  );
  return time;
}

/**
 * A history from a CSV file: a time column, then one close per underlying (`BTC`, or as venues write it `btcusdt_close`). A time column
 * that is called `open_time…` says when a step began; its close is one step later. The step is the least distance between rows.
 *
 * Throws `forecast.csv`, naming the line.
 */
export function historyFromCsv(text: string): PriceHistory {
  const [header = [], ...records] = parseRecords(text);
  const [timeColumn = "", ...columns] = header;
  ensure(
    columns.length > 0 && records.length > 1,
    "forecast.csv",
    `price history: ${columns.length} price columns and ${records.length} rows, expected at least one and two`,
  );
  const names = columns.map(underlyingOf);
  ensure(
    new Set(names).size === names.length,
    "forecast.csv",
    `price history: columns are of ${names.join(", ")}, expected each underlying once`,
  );
  const rows = records.map((cells, index): PricePoint => {
    const line = index + 2;
    const prices = cells.slice(1).map((cell, column) => {
      const price = cell === "" ? Number.NaN : Number(cell);
      ensure(
        Number.isFinite(price) && price > 0,
        "forecast.csv",
        `price history, line ${line}: ${names[column]} is ${JSON.stringify(cell.slice(0, 40))}, expected a positive number`,
      );
      return price;
    });
    return { time: parseTime(cells[0] as string, line), prices };
  });
  let stepMs = Number.POSITIVE_INFINITY;
  for (let index = 1; index < rows.length; index++) {
    const distance = (rows[index] as PricePoint).time - (rows[index - 1] as PricePoint).time;
    ensure(
      distance > 0,
      "forecast.csv",
      `price history, line ${index + 2}: time is ${records[index]?.[0]}, expected later than the line before`,
    );
    stepMs = Math.min(stepMs, distance);
  }
  const shift = /^open/i.test(timeColumn) ? stepMs : 0;
  return { stepMs, names, rows: rows.map(({ time, prices }) => ({ time: time + shift, prices })) };
}

/** How old a price may be that stands for a full step, in steps. */
const OLDEST = 1 / 4;

/**
 * A history from what the oracle has published, oldest first: at each full step the index of the last epoch, if that is at most a quarter of a
 * step older. Underlyings are those that every epoch lists. `now` (milliseconds) says until when the last one is known to be the last.
 */
export function historyFromInputs(
  epochs: readonly Pick<MarketInputs, "time" | "underlyings">[],
  { stepMs = HOUR_MS, now }: { stepMs?: number; now?: number } = {},
): PriceHistory {
  const listed = epochs.map(
    ({ underlyings }) => new Map(underlyings.map(({ name, index }) => [name, index])),
  );
  const names = [...(listed[0]?.keys() ?? [])].filter((name) => listed.every((indexes) => indexes.has(name)));
  const rows: PricePoint[] = [];
  for (const [place, { time }] of epochs.entries()) {
    const next = epochs[place + 1]?.time ?? (now ?? time) + 1;
    const full = Math.ceil(time / stepMs) * stepMs;
    if (full >= next || full - time > OLDEST * stepMs) continue;
    const indexes = listed[place] as Map<string, number>;
    rows.push({ time: full, prices: names.map((name) => (indexes.get(name) as number) / MICRO) });
  }
  return { stepMs, names, rows };
}

/**
 * An earlier history (a file) continued by a later one (the chain), in the underlyings that both have; one without rows adds nothing. Throws
 * `forecast.step`.
 */
export function joinHistories(earlier: PriceHistory, later: PriceHistory): PriceHistory {
  if (later.rows.length === 0) return earlier;
  if (earlier.rows.length === 0) return later;
  ensure(
    earlier.stepMs === later.stepMs,
    "forecast.step",
    `price histories have steps of ${earlier.stepMs} and ${later.stepMs} ms, expected the same`,
  );
  const names = earlier.names.filter((name) => later.names.includes(name));
  const chosen = ({ names: columns, rows }: PriceHistory): PricePoint[] => {
    const places = names.map((name) => columns.indexOf(name));
    return rows.map(({ time, prices }) => ({ time, prices: places.map((place) => prices[place] as number) }));
  };
  const newer = chosen(later);
  const from = newer[0]?.time ?? Number.POSITIVE_INFINITY;
  return {
    stepMs: earlier.stepMs,
    names,
    rows: [...chosen(earlier).filter(({ time }) => time < from), ...newer],
  };
}

/** The part of a history that was known at a time: its rows up to then. */
export function historyUntil(history: PriceHistory, time: number): PriceHistory {
  const end = history.rows.findLastIndex((row) => row.time <= time) + 1;
  return { ...history, rows: history.rows.slice(0, end) };
}
