import { CsvError, parse } from "csv-parse/sync";
import { ensure, SolvusError } from "../../protocol/errors.ts";

/*
 * Closes of several underlyings, in CSV: the first column is the time, then one close for each underlying. A column is named after its
 * underlying (`BTC`, `btc_close`), or after the pair it is quoted in (`btcusdt_close`). Times are ISO 8601 in UTC, Unix seconds or
 * milliseconds. When the time's column begins with `open`, it says when an interval began, and its close is one interval later.
 */

/** A close of an underlying. */
export interface Close {
  /** Unix seconds. */
  time: number;
  price: number;
}

/** Closes of a file. */
export interface Closes {
  /** Seconds from a row to the next, the shortest in the file. */
  interval: number;
  /** By name of the underlying, in the order of the columns; by rising time. */
  series: Map<string, Close[]>;
}

const QUOTES = /^([A-Z0-9]{2,12}?)(USDT|USDC|USD)$/;
const NAME = /^[A-Z][A-Z0-9]{0,15}$/;
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:?00)?$/;

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60));

/** The underlying of a column: `btcusdt_close`, `BTC_close` and `BTC` are all of BTC; USDT and USDC by themselves are what they say. */
function underlyingOf(column: string): string {
  const name = column.replace(/[_ ]close$/i, "").toUpperCase();
  const base = QUOTES.exec(name)?.[1] ?? name;
  ensure(
    NAME.test(base),
    "closesCsv.column",
    `closes file: column ${quoted(column)}, expected an underlying or a pair, such as BTC or btcusdt_close`,
  );
  return base;
}

/** Unix seconds of a time; undefined for anything else. */
export function secondsOf(text: string): number | undefined {
  if (/^\d{10}$/.test(text)) return Number(text);
  if (/^\d{13}$/.test(text)) return Math.floor(Number(text) / 1000);
  if (!ISO.test(text)) return undefined;
  const zoned = /(Z|\+00:?00)$/.test(text) ? text : `${text}Z`;
  const milliseconds = Date.parse(zoned.replace(" ", "T"));
  return Number.isFinite(milliseconds) ? Math.floor(milliseconds / 1000) : undefined;
}

function records(text: string): { record: string[]; info: { lines: number } }[] {
  try {
    return parse(text, { bom: true, info: true, skip_empty_lines: true, trim: true }) as never;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SolvusError("closesCsv.csv", `closes file: ${error.message.split("\n")[0]}`);
  }
}

/**
 * Reads a file of closes. An empty cell is a close that is missing. Refuses in one line what is wrong: `closesCsv.csv`, `closesCsv.empty`,
 * `closesCsv.column` (names the column), `closesCsv.time` and `closesCsv.cell` (name line, column and value).
 */
export function parseClosesCsv(text: string): Closes {
  const [header, ...lines] = records(text);
  ensure(
    header !== undefined && lines.length > 1,
    "closesCsv.empty",
    "closes file has fewer than two rows, expected a header and the closes of at least two times",
  );
  const [timeColumn = "", ...columns] = header.record;
  ensure(
    columns.length > 0,
    "closesCsv.column",
    "closes file has no column of prices, expected one for each underlying",
  );
  const names = columns.map(underlyingOf);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  ensure(twice === undefined, "closesCsv.column", `closes file: two columns of ${twice}, expected one`);
  const series = new Map(names.map((name): [string, Close[]] => [name, []]));
  let interval = Number.POSITIVE_INFINITY;
  let before = Number.NEGATIVE_INFINITY;
  for (const { record, info } of lines) {
    const label = record[0] as string;
    const time = secondsOf(label);
    ensure(
      time !== undefined && time > before,
      "closesCsv.time",
      `closes file, line ${info.lines}: ${timeColumn} is ${quoted(label)}, expected a time in UTC such as 2021-01-01T00:00Z, later than the row before`,
    );
    interval = Math.min(interval, time - before);
    before = time;
    names.forEach((name, place) => {
      const cell = record[place + 1] as string;
      if (cell === "") return;
      const price = /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : Number.NaN;
      ensure(
        price >= 1e-6 && price <= 1e8,
        "closesCsv.cell",
        `closes file, line ${info.lines}: ${columns[place]} is ${quoted(cell)}, expected a number from 0.000001 to 100000000`,
      );
      series.get(name)?.push({ time, price });
    });
  }
  const shift = /^open/i.test(timeColumn) ? interval : 0;
  for (const closes of series.values()) for (const close of closes) close.time += shift;
  return { interval, series };
}
