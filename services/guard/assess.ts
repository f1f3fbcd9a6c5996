import { SolvusError } from "../../protocol/errors.ts";
import type { Note } from "../../protocol/note.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import type { ChainHistory } from "../forecast/chainHistory.ts";
import { makeForecaster } from "../forecast/forecast.ts";
import { joinHistories, type PriceHistory } from "../forecast/history.ts";
import type { Assessed } from "./policy.ts";

/** Hours of the oracle's prices that a forecast is drawn from, when there are as many. */
const HISTORY_HOURS = 240;

/** Where prices come from: a recorded file, continued by what the oracle has published. */
export interface PriceSources {
  recorded?: PriceHistory;
  published: ChainHistory;
}

async function pricesOf({ recorded, published }: PriceSources): Promise<PriceHistory> {
  const chain = await published.history(HISTORY_HOURS);
  return recorded === undefined ? chain : joinHistories(recorded, chain);
}

/**
 * Where an account stands at a snapshot, and how likely it is to fall below its margin. Without prices to forecast from (too few hours, or
 * none of something that the account holds) `probability` is undefined and `noForecast` the rule that says why.
 */
export async function assess(
  note: Note,
  snapshot: MarketSnapshot,
  sources: PriceSources,
  horizonHours: number,
): Promise<Assessed & { noForecast?: string }> {
  const { equity, margin } = standingOf(note, snapshot);
  const standing = { equity, maintenance: margin.maintenance };
  try {
    const history = await pricesOf(sources);
    const forecast = makeForecaster(snapshot, history, { horizonHours, seed: Number(snapshot.epoch) });
    return { ...standing, probability: forecast(note).probability };
  } catch (error) {
    if (!(error instanceof SolvusError) || !error.rule.startsWith("forecast.")) throw error;
    return { ...standing, probability: undefined, noForecast: error.rule };
  }
}
