import { ensure } from "../../protocol/errors.ts";
import type { Note } from "../../protocol/note.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { type BreachForecast, breachOver } from "./breach.ts";
import { DECAY, filterReturns } from "./filter.ts";
import type { PriceHistory } from "./history.ts";
import { drawPaths } from "./marketPaths.ts";

/*
 * How likely an account is to fall below its maintenance margin within hours, by filtered historical simulation: past returns of all
 * underlyings, each standardized by the volatility of its time, are drawn jointly, rescaled with present volatility, and valued on the
 * account's own risk arrays. Breaches are looked for at the end of each step of the history.
 */

export interface ForecastOptions {
  horizonHours: number;
  /** Simulated paths; 2,000 unless given: a probability near one half is then good to about one in a hundred. */
  paths?: number;
  /** The same seed, history and snapshot give the same forecast. */
  seed?: number;
  /** Weight of the past in a step's variance. */
  decay?: number;
}

/** Steps by which the last price of a history may be older than the snapshot. */
const OLDEST_STEPS = 3;

/**
 * Forecasts for any number of accounts at one snapshot: the paths are drawn once.
 *
 * Throws `forecast.history` for a history that is too short, `forecast.late` for one that ends more than three steps before the snapshot or
 * knows prices from after it, `forecast.horizon` unless the horizon is a whole number of steps, and what {@link breachOver} throws.
 */
export function makeForecaster(
  snapshot: MarketSnapshot,
  history: PriceHistory,
  { horizonHours, paths = 2_000, seed = 1, decay = DECAY }: ForecastOptions,
): (note: Note) => BreachForecast {
  const steps = (horizonHours * HOUR_MS) / history.stepMs;
  ensure(
    Number.isSafeInteger(steps) && steps > 0,
    "forecast.horizon",
    `horizon is ${horizonHours} hours, expected a whole number of steps of ${history.stepMs / 60_000} minutes`,
  );
  const filtered = filterReturns(history, decay);
  const { time } = snapshot.inputs;
  ensure(
    filtered.until <= time && time - filtered.until <= OLDEST_STEPS * history.stepMs,
    "forecast.late",
    `price history ends at ${new Date(filtered.until).toISOString()}, expected at most ${OLDEST_STEPS} steps before the snapshot of ${new Date(time).toISOString()} and none after it`,
  );
  const market = drawPaths(filtered, snapshot, { steps, paths, seed });
  return (note) => breachOver(note, snapshot, market);
}

/** Probability from 0 to 1 that an account falls below its maintenance margin within the horizon. Throws as {@link makeForecaster}. */
export function forecastBreach(
  note: Note,
  snapshot: MarketSnapshot,
  history: PriceHistory,
  options: ForecastOptions,
): number {
  return makeForecaster(snapshot, history, options)(note).probability;
}
