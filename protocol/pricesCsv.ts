import { CsvError, parse } from "csv-parse/sync";
import { ensure, SolvusError } from "./errors.ts";
import { MICRO } from "./fixedPoint.ts";

/*
 * Prices of one underlying at several sources, in CSV: the first column is the time, then for each source `<venue>_<BASE><QUOTE>_close` and
 * `<venue>_<BASE><QUOTE>_volume`. An interval without a trade has a volume of 0 (some venues repeat the close then) or two empty cells.
 */

/** Currencies that are taken for a dollar each. */
const QUOTES = "USD USDT USDC DAI BUSD TUSD USDP GUSD PYUSD FDUSD USDD USDE USDS RLUSD FRAX LUSD UST".split(
  " ",
);

/** One source of a file. */
export interface PriceSource {
  /** `<venue>_<BASE><QUOTE>`. */
  name: string;
  /** Quote currency, such as `USD` or `USDC`. */
  currency: string;
}

/** What a source shows for an interval. */
export interface PriceCell {
  /** Micro-units of the quote currency. */
  close: bigint;
  /** Whether the source traded in the interval: its volume is not 0. */
  traded: boolean;
}

export interface PriceRow {
  /** Line of the file, the header being line 1. */
  line: number;
  /** Time as the file has it. */
  label: string;
  /** The same in Unix seconds. */
  time: bigint;
  /** For each source; undefined where the cells are empty. */
  cells: (PriceCell | undefined)[];
}

export interface PriceFile {
  /** The underlying, such as `BTC`. */
  base: string;
  sources: PriceSource[];
  /** By rising time. */
  rows: PriceRow[];
}

interface Column {
  source: string;
  pair: string;
  what: "close" | "volume";
}

const HEADER = /^(.+_([A-Za-z0-9]+))_(close|volume)$/;
const NUMBER = /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const TIME = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|\+00:?00)?$/;
/** Dollars; micro-dollars are then safe integers. */
const MAX_CLOSE = 1e9;

const quoted = (text: string): string => JSON.stringify(text.slice(0, 60));

/** A record of the file and the line on which it ends. */
interface ParsedLine {
  record: string[];
  info: { lines: number };
}

function parseLines(text: string): ParsedLine[] {
  try {
    return parse(text, {
      bom: true,
      info: true,
      record_delimiter: ["\r\n", "\n"],
      skip_empty_lines: true,
      trim: true,
    }) as unknown as ParsedLine[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SolvusError("pricesCsv.csv", `prices file: ${error.message.split("\n")[0]}`);
  }
}

function parseHeader(header: readonly string[]): Column[] {
  const seen = new Set<string>();
  return header.map((name) => {
    const [, source, pair, what] = HEADER.exec(name) ?? [];
    ensure(
      source !== undefined && pair !== undefined,
      "pricesCsv.column",
      `prices file: column ${quoted(name)}, expected <venue>_<BASE><QUOTE>_close or _volume, such as kraken_BTCUSD_close`,
    );
    ensure(!seen.has(name), "pricesCsv.column", `prices file: column ${quoted(name)} is there twice`);
    seen.add(name);
    return { source, pair: pair.toUpperCase(), what: what as Column["what"] };
  });
}

/** The ways to read a pair as base and quote: BNBUSD is BNB in USD, or BN in BUSD. */
const basesOf = (pair: string): string[] =>
  QUOTES.filter((quote) => pair.length > quote.length && pair.endsWith(quote)).map((quote) =>
    pair.slice(0, -quote.length),
  );

/** The one base of all pairs; the longest when several would do. */
function commonBase(columns: readonly Column[]): string {
  let common: string[] | undefined;
  for (const { source, pair } of columns) {
    const bases = basesOf(pair);
    ensure(
      bases.length > 0,
      "pricesCsv.column",
      `prices file: column of ${quoted(source)} ends with no known dollar currency, expected one of ${QUOTES.join(", ")}`,
    );
    const before = common;
    common = before === undefined ? bases : bases.filter((base) => before.includes(base));
    ensure(
      common.length > 0,
      "pricesCsv.column",
      `prices file: column of ${quoted(source)} is of another underlying, expected ${before?.[0]} as before`,
    );
  }
  return (common ?? []).reduce((longest, base) => (base.length > longest.length ? base : longest), "");
}

/** A source with the places of its two columns. */
interface PlacedSource extends PriceSource {
  close: number;
  volume: number;
}

function placeSources(columns: readonly Column[], base: string): PlacedSource[] {
  return [...new Set(columns.map(({ source }) => source))].map((name) => {
    const placeOf = (what: string): number => {
      const place = columns.findIndex((column) => column.source === name && column.what === what);
      ensure(place >= 0, "pricesCsv.column", `prices file: column ${quoted(`${name}_${what}`)} is absent`);
      return place + 1;
    };
    const pair = columns.find(({ source }) => source === name)?.pair ?? "";
    return { name, currency: pair.slice(base.length), close: placeOf("close"), volume: placeOf("volume") };
  });
}

/** Unix seconds of a time: ISO 8601 in UTC, or Unix seconds or milliseconds. */
function parseTime(text: string): bigint | undefined {
  if (/^\d{10}$/.test(text)) return BigInt(text);
  if (/^\d{13}$/.test(text)) return BigInt(text) / 1000n;
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const at = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const exact =
    at.getUTCMonth() === month - 1 && at.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return exact && at.getTime() > 0 ? BigInt(at.getTime() / 1000) : undefined;
}

function parseNumber(line: number, column: string, text: string, most: number, least: number): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  ensure(
    value >= least && value <= most,
    "pricesCsv.cell",
    `prices file, line ${line}: ${column} is ${quoted(text)}, expected a number from ${least} to ${most}`,
  );
  return value;
}

function parseCell(line: number, cells: readonly string[], source: PlacedSource): PriceCell | undefined {
  const close = cells[source.close] as string;
  const volume = cells[source.volume] as string;
  if (close === "" && volume === "") return undefined;
  const amount = parseNumber(line, `${source.name}_volume`, volume, Number.MAX_VALUE, 0);
  if (close === "" && amount === 0) return undefined;
  const price = parseNumber(line, `${source.name}_close`, close, MAX_CLOSE, 1 / MICRO);
  return { close: BigInt(Math.round(price * MICRO)), traded: amount > 0 };
}

/**
 * Reads a file of prices. Refuses in one line anything that is wrong rather than missing: `pricesCsv.csv`, `pricesCsv.empty`,
 * `pricesCsv.column` (names the column), `pricesCsv.time` and `pricesCsv.cell` (name line, column and value).
 */
export function parsePricesCsv(text: string): PriceFile {
  const [header, ...lines] = parseLines(text);
  ensure(
    header !== undefined && lines.length > 0,
    "pricesCsv.empty",
    "prices file has no rows, expected a header and at least one row",
  );
  const [timeColumn = "", ...names] = header.record;
  ensure(
    !HEADER.test(timeColumn),
    "pricesCsv.column",
    `prices file: first column is ${quoted(timeColumn)}, expected the time`,
  );
  ensure(
    names.length > 0,
    "pricesCsv.column",
    "prices file has no column of prices, expected at least one source",
  );
  const columns = parseHeader(names);
  const base = commonBase(columns);
  const sources = placeSources(columns, base);
  let before: PriceRow | undefined;
  const rows = lines.map(({ record: cells, info: { lines: line } }): PriceRow => {
    const label = cells[0] as string;
    const time = parseTime(label);
    ensure(
      time !== undefined,
      "pricesCsv.time",
      `prices file, line ${line}: ${timeColumn} is ${quoted(label)}, expected a time in UTC such as 2023-03-10T00:00Z`,
    );
    ensure(
      before === undefined || time > before.time,
      "pricesCsv.time",
      `prices file, line ${line}: ${timeColumn} is ${quoted(label)}, expected later than ${before?.label}`,
    );
    before = { line, label, time, cells: sources.map((source) => parseCell(line, cells, source)) };
    return before;
  });
  return { base, sources: sources.map(({ name, currency }) => ({ name, currency })), rows };
}
