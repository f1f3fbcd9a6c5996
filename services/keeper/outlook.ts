import { SolvusError } from "../../protocol/errors.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Deployed } from "../chain/deployment.ts";
import { type ChainHistory, chainHistory } from "../forecast/chainHistory.ts";
import { makeForecaster } from "../forecast/forecast.ts";
import { joinHistories, type PriceHistory } from "../forecast/history.ts";
import type { Log } from "../log.ts";
import { ratioOf } from "./priorities.ts";
import type { Evaluated } from "./sightedLedger.ts";

/** How a keeper looks ahead. */
export interface ForecastWish {
  horizonHours: number;
  /** Recorded prices, continued by what the oracle has published. */
  recorded?: PriceHistory;
}

/** An account that meets its margin, and how likely it is not to within the horizon. */
export interface Prospect {
  place: bigint;
  probability: number;
}

/** Who is next. */
export interface Outlook {
  /** The likeliest first. */
  readonly prospects: readonly Prospect[];
  /** The rule that says why there is no forecast. */
  readonly noForecast: string | undefined;
  /** Looks ahead from a snapshot, beside everything else; a look that is under way is left to end first. */
  look(snapshot: MarketSnapshot, evaluated: readonly Evaluated[]): void;
}

/** Accounts nearest to their margin that are forecast at each epoch, and how many of them are told. */
const FORECAST = 64;
const TOLD = 10;
/** Equity over margin above which an account is far from its margin whatever the market does in hours. */
const FAR = 4;
/** Hours of the oracle's prices that a forecast is drawn from, when there are as many. */
const HISTORY_HOURS = 240;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function makeOutlook(
  deployed: Pick<Deployed, "chain" | "oracle">,
  { horizonHours, recorded }: ForecastWish,
  log: Log,
): Outlook {
  const published: ChainHistory = chainHistory(deployed);
  let prospects: Prospect[] = [];
  let noForecast: string | undefined;
  let isLooking = false;

  const lookNow = async (snapshot: MarketSnapshot, near: readonly Evaluated[]): Promise<void> => {
    try {
      const chain = await published.history(HISTORY_HOURS);
      const history = recorded === undefined ? chain : joinHistories(recorded, chain);
      const forecast = makeForecaster(snapshot, history, { horizonHours, seed: Number(snapshot.epoch) });
      const found: Prospect[] = [];
      for (const { position } of near) {
        found.push({ place: position.leafIndex, probability: forecast(position.note).probability });
        await turn();
      }
      prospects = found.sort((one, other) => other.probability - one.probability).slice(0, TOLD);
      noForecast = undefined;
    } catch (error) {
      prospects = [];
      noForecast = error instanceof SolvusError ? error.rule : "forecast.failed";
      if (!(error instanceof SolvusError))
        log.warn({ err: error }, "looking ahead failed; tried again at the next epoch");
    }
  };

  return {
    get prospects() {
      return prospects;
    },
    get noForecast() {
      return noForecast;
    },
    look(snapshot, evaluated) {
      if (isLooking) return;
      const near = evaluated
        .filter(({ standing: { equity, maintenance } }) => maintenance > 0n && equity >= maintenance)
        .map((one) => ({ one, ratio: ratioOf(one) }))
        .filter(({ ratio }) => ratio < FAR)
        .sort((one, other) => one.ratio - other.ratio)
        .slice(0, FORECAST)
        .map(({ one }) => one);
      isLooking = true;
      void lookNow(snapshot, near).finally(() => {
        isLooking = false;
      });
    },
  };
}
