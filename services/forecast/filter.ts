import { ensure } from "../../protocol/errors.ts";
import { ln } from "../../protocol/normal.ts";
import type { PriceHistory } from "./history.ts";

/*
 * The filter of filtered historical simulation: returns are divided by the volatility that was expected of them, an exponentially weighted
 * mean of the squares before. What remains has no volatility clusters, keeps fat tails and how underlyings move together, and can be
 * drawn at random and multiplied with present volatility.
 */

/** Weight of the past in an hour's variance: of the hundredths the one that fits the first half of January 2021 best. */
export const DECAY = 0.91;
/** Returns whose mean square starts the filter; they are not drawn. */
const WARM_UP = 24;
/** Fewest returns to draw from. */
const LEAST = 24;

/** Standardized returns, and the volatility by which they are to be multiplied now. */
export interface FilteredReturns {
  stepMs: number;
  /** Underlyings, one a column. */
  names: readonly string[];
  decay: number;
  /** Time of the last price, milliseconds since 1970. */
  until: number;
  /** One row for each step drawn from, a standardized return for each underlying; means are zero. */
  standardized: readonly Float64Array[];
  /** Expected variance of the logarithmic return of the next step, by column. */
  variances: Float64Array;
}

/** Logarithmic returns of each pair of rows one step apart. */
function returnsOf({ rows, stepMs, names }: PriceHistory): Float64Array[] {
  const returns: Float64Array[] = [];
  for (let index = 1; index < rows.length; index++) {
    const [before, after] = [rows[index - 1], rows[index]];
    if (before === undefined || after === undefined || after.time - before.time !== stepMs) continue;
    returns.push(
      Float64Array.from(names, (_, column) =>
        ln((after.prices[column] as number) / (before.prices[column] as number)),
      ),
    );
  }
  return returns;
}

const meanSquare = (returns: readonly Float64Array[], column: number): number =>
  returns.reduce((sum, row) => sum + (row[column] as number) ** 2, 0) / returns.length;

/** Filters a history. Throws `forecast.history` when it has fewer than 48 steps, or a price that never moves at its start. */
export function filterReturns(history: PriceHistory, decay = DECAY): FilteredReturns {
  const returns = returnsOf(history);
  ensure(
    returns.length >= WARM_UP + LEAST,
    "forecast.history",
    `price history: ${returns.length} returns over ${history.stepMs / 60_000} minutes, expected at least ${WARM_UP + LEAST}`,
  );
  const { names, stepMs } = history;
  const start = returns.slice(0, WARM_UP);
  const variances = Float64Array.from(names, (_, column) => meanSquare(start, column));
  for (const [column, name] of names.entries())
    ensure(
      (variances[column] as number) > 0,
      "forecast.history",
      `price history: ${name} does not move in its first ${WARM_UP} steps, expected a price that does`,
    );
  const standardized: Float64Array[] = [];
  for (const row of returns.slice(WARM_UP)) {
    standardized.push(row.map((value, column) => value / Math.sqrt(variances[column] as number)));
    for (let column = 0; column < names.length; column++)
      variances[column] = decay * (variances[column] as number) + (1 - decay) * (row[column] as number) ** 2;
  }
  for (let column = 0; column < names.length; column++) {
    const mean = standardized.reduce((sum, row) => sum + (row[column] as number), 0) / standardized.length;
    for (const row of standardized) row[column] = (row[column] as number) - mean;
  }
  const until = history.rows.at(-1)?.time ?? 0;
  return { stepMs, names, decay, until, standardized, variances };
}

/**
 * The decay among `candidates` under which a history's returns are likeliest, were they normal with the filter's variance: the least mean of
 * `ln(variance) + return²/variance` over steps and underlyings.
 */
export function fittedDecay(history: PriceHistory, candidates: readonly number[]): number {
  const returns = returnsOf(history);
  const start = returns.slice(0, WARM_UP);
  let best = { decay: DECAY, loss: Number.POSITIVE_INFINITY };
  for (const decay of candidates) {
    let loss = 0;
    for (let column = 0; column < history.names.length; column++) {
      let variance = meanSquare(start, column);
      for (const row of returns.slice(WARM_UP)) {
        const square = (row[column] as number) ** 2;
        loss += ln(variance) + square / variance;
        variance = decay * variance + (1 - decay) * square;
      }
    }
    if (loss < best.loss) best = { decay, loss };
  }
  return best.decay;
}
