import { CsvError, parse } from "csv-parse/sync";
import { z } from "zod";
import { impliedVolatility, YEAR_MS } from "./black76.ts";
import { ensure, SolvusError } from "./errors.ts";
import { MICRO, roundNearest } from "./fixedPoint.ts";

/*
 * Option chains as Deribit's public data has them, in CSV: one row an option, with the forward of its expiry, the index, the mark (in units
 * of the underlying) and its implied volatility. Columns may be in any order, others are ignored.
 */

/** One usable row. Dollars for one unit of the underlying, volatility a fraction a year, times in milliseconds since 1970. */
export interface OptionRecord {
  /** Line of the file on which the row ends, the header being line 1. */
  line: number;
  name: string;
  underlying: string;
  call: boolean;
  strike: number;
  expiry: number;
  time: number;
  forward: number;
  index: number;
  volatility: number;
  /** The venue's own figures, where the file has them; for comparison only. */
  venue: { markInUnderlying?: number; delta?: number; gamma?: number; vega?: number; theta?: number };
}

/** A row that is left out, and why. */
export interface SkippedRow {
  line: number;
  name: string;
  reason: string;
}

export interface OptionChain {
  records: OptionRecord[];
  skipped: SkippedRow[];
}

const REQUIRED = [
  "instrument_name",
  "option_type",
  "strike",
  "expiration_timestamp_ms",
  "timestamp_ms",
  "forward_usd",
  "index_usd",
  "mark_iv_pct",
] as const;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const EMPTY = /^(|nan|null|none|n\/a)$/i;

function numberField(expected: string, holds: (value: number) => boolean) {
  return z.string({ error: expected }).transform((text, context) => {
    const value = NUMBER.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value) || !holds(value)) {
      context.addIssue({ code: "custom", message: expected });
      return z.NEVER;
    }
    return value;
  });
}

/** An absent column, an empty cell and the usual words for "none" are undefined. */
function optionalNumber(expected: string, holds: (value: number) => boolean) {
  return z
    .string()
    .optional()
    .transform((text) => (text === undefined || EMPTY.test(text) ? undefined : text))
    .pipe(numberField(expected, holds).optional());
}

/** Largest price whose micro-dollars are a safe integer with room for scenario moves. */
const MAX_PRICE = 1e8;
const positivePrice = numberField(
  "a price above 0 and at most 1e8",
  (value) => value >= 1e-6 && value <= MAX_PRICE,
);
const timestamp = numberField(
  "a time in milliseconds since 1970, after 2000 and before 2200",
  (value) => Number.isInteger(value) && value >= 946_684_800_000 && value < 7_258_118_400_000,
);

const csvRow = z.object({
  instrument_name: z.string().regex(/^[A-Za-z0-9_]{1,16}-[!-~]{1,23}$/, "a name such as BTC-22MAY20-6000-C"),
  option_type: z
    .string()
    .toLowerCase()
    .pipe(z.enum(["call", "put", "c", "p"], { error: "call or put" }))
    .transform((type) => type.startsWith("c")),
  strike: positivePrice,
  expiration_timestamp_ms: timestamp,
  timestamp_ms: timestamp,
  forward_usd: positivePrice,
  index_usd: positivePrice,
  mark_iv_pct: optionalNumber(
    "a volatility in percent from 0 to 10000",
    (value) => value >= 0 && value <= 10_000,
  ),
  mark_price_btc: optionalNumber("a price of at least 0", (value) => value >= 0),
  delta: optionalNumber("a number from -1 to 1", (value) => Math.abs(value) <= 1.000001),
  gamma: optionalNumber("a number", () => true),
  vega_usd: optionalNumber("a number", () => true),
  theta_usd: optionalNumber("a number", () => true),
});

interface ParsedLine {
  record: Record<string, string>;
  info: { lines: number };
}

function parseLines(text: string): ParsedLine[] {
  try {
    return parse(text, {
      bom: true,
      columns: (header: string[]) => header.map((column) => column.trim()),
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as ParsedLine[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new SolvusError("optionsCsv.csv", `options file: ${error.message.split("\n")[0]}`);
  }
}

/** Volatility of a row: the venue's, or, where the cell is empty, the one its mark price implies. */
function volatilityOf(line: number, row: z.infer<typeof csvRow>): number | string {
  if (row.mark_iv_pct !== undefined) return row.mark_iv_pct / 100;
  if (row.mark_price_btc === undefined) return "neither mark_iv_pct nor mark_price_btc";
  const years = (row.expiration_timestamp_ms - row.timestamp_ms) / YEAR_MS;
  try {
    const price = row.mark_price_btc * row.forward_usd;
    return impliedVolatility(price, row.forward_usd, row.strike, years, row.option_type);
  } catch (error) {
    if (!(error instanceof SolvusError)) throw error;
    return `no mark_iv_pct, and none follows from mark_price_btc at line ${line}: ${error.message}`;
  }
}

/**
 * Reads an option chain.
 *
 * Rows that cannot be priced are left out and listed in `skipped`: options that have expired by the latest time in the file, and rows with
 * neither volatility nor mark. A volatility of 0 is taken as given (the option is worth its intrinsic value). Anything that is wrong rather than
 * missing is refused in one line: `optionsCsv.columns` (a required column is absent), `optionsCsv.row` (names line, field, value and
 * expectation), `optionsCsv.duplicate`, `optionsCsv.csv`, `optionsCsv.empty`.
 */
export function parseOptionsCsv(text: string): OptionChain {
  const lines = parseLines(text);
  ensure(
    lines.length > 0,
    "optionsCsv.empty",
    "options file has no rows, expected a header and at least one option",
  );
  const present = Object.keys(lines[0]?.record ?? {});
  const missing = REQUIRED.filter((column) => !present.includes(column));
  ensure(
    missing.length === 0,
    "optionsCsv.columns",
    `options file: column ${missing.join(", ")} is absent, expected the columns ${REQUIRED.join(", ")}`,
  );
  const parsed = lines.map(({ record, info }) => {
    const result = csvRow.safeParse(record);
    if (!result.success) {
      const issue = result.error.issues[0];
      const field = String(issue?.path[0]);
      throw new SolvusError(
        "optionsCsv.row",
        `options file, line ${info.lines}: ${field} is ${JSON.stringify(record[field])}, expected ${issue?.message}`,
      );
    }
    return { line: info.lines, row: result.data };
  });
  const latest = parsed.reduce((time, { row }) => Math.max(time, row.timestamp_ms), 0);
  const records: OptionRecord[] = [];
  const skipped: SkippedRow[] = [];
  const terms = new Map<string, number>();
  for (const { line, row } of parsed) {
    const name = row.instrument_name;
    if (row.expiration_timestamp_ms <= latest) {
      skipped.push({ line, name, reason: "expired" });
      continue;
    }
    const volatility = volatilityOf(line, row);
    if (typeof volatility === "string") {
      skipped.push({ line, name, reason: volatility });
      continue;
    }
    const underlying = name.slice(0, name.indexOf("-")).toUpperCase();
    const strike = roundNearest(row.strike * MICRO) / MICRO;
    const key = `${underlying} ${row.expiration_timestamp_ms} ${strike} ${row.option_type ? "call" : "put"}`;
    const before = terms.get(key);
    ensure(
      before === undefined,
      "optionsCsv.duplicate",
      `options file, line ${line}: instrument_name is ${JSON.stringify(name)}, expected an option not listed before (line ${before} has the same terms)`,
    );
    terms.set(key, line);
    records.push({
      line,
      name,
      underlying,
      call: row.option_type,
      strike,
      expiry: row.expiration_timestamp_ms,
      time: row.timestamp_ms,
      forward: row.forward_usd,
      index: row.index_usd,
      volatility,
      venue: {
        ...(row.mark_price_btc === undefined ? {} : { markInUnderlying: row.mark_price_btc }),
        ...(row.delta === undefined ? {} : { delta: row.delta }),
        ...(row.gamma === undefined ? {} : { gamma: row.gamma }),
        ...(row.vega_usd === undefined ? {} : { vega: row.vega_usd }),
        ...(row.theta_usd === undefined ? {} : { theta: row.theta_usd }),
      },
    });
  }
  ensure(
    records.length > 0,
    "optionsCsv.empty",
    `options file has no live option among ${parsed.length} rows, expected at least one (first reason: ${skipped[0]?.reason})`,
  );
  return { records, skipped };
}
