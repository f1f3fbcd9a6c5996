import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Leg } from "../../protocol/leg.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { nextInputs } from "../../protocol/nextEpoch.ts";
import { exp, ln } from "../../protocol/normal.ts";
import { emptyNote, type Note } from "../../protocol/note.ts";
import type { OptionRecord } from "../../protocol/optionsCsv.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { openRow } from "../../protocol/transition.ts";
import { breachOver } from "../../services/forecast/breach.ts";
import { type FilteredReturns, filterReturns, fittedDecay } from "../../services/forecast/filter.ts";
import { historyFromCsv, historyUntil, type PriceHistory } from "../../services/forecast/history.ts";
import { drawPaths } from "../../services/forecast/marketPaths.ts";
import {
  type ReliabilityBin,
  reliability,
  type Scores,
  scoresOf,
  type Verdict,
} from "../../services/forecast/scores.ts";
import { type Random, randomFrom } from "./random.ts";
import { unhashedSnapshot } from "./unhashedSnapshot.ts";

/*
 * How good the forecast of breaches is, on hours that it has not seen: the hourly closes of January 2021, split in two. What is fitted (the
 * filter's decay, the baselines) is fitted to the first part; forecasts are made in the second, each from what was known at its hour. Accounts
 * are random; whether one breached is read off the snapshots of the hours that followed, with funding aside.
 */

const FILE = join(import.meta.dirname, "../../data/btc-eth-1h-2021-01.csv");
/** Forecasts are made from here on. */
const SPLIT = Date.UTC(2021, 0, 16);
const EXPIRIES = [Date.UTC(2021, 1, 5, 8), Date.UTC(2021, 2, 26, 8)];
const STRIKES = { BTC: [28_000, 32_000, 36_000, 42_000], ETH: [900, 1_100, 1_300, 1_600] };
const IMPLIED = { BTC: 0.8, ETH: 1 };
const COINS = ["BTC", "ETH"] as const;
export const HORIZONS = [1, 4, 12] as const;
const LONGEST = 12;

/** Decays among which the training part chooses. */
const DECAYS = Array.from({ length: 20 }, (_, index) => (80 + index) / 100);

/** Kinds of account, which are also told apart in the report. */
export type Portfolio = "linear" | "options";

interface Case {
  portfolio: Portfolio;
  note: Note;
}

function firstInputs({ rows, names }: PriceHistory) {
  const first = rows[0];
  const priceOf = (coin: string): number => first?.prices[names.indexOf(coin)] as number;
  const time = first?.time as number;
  const records = COINS.flatMap((coin) =>
    EXPIRIES.flatMap((expiry) =>
      STRIKES[coin].flatMap((strike) =>
        [true, false].map(
          (call, side): OptionRecord => ({
            line: 0,
            name: `${coin}-${expiry}-${strike}-${side}`,
            underlying: coin,
            call,
            strike,
            expiry,
            time,
            forward: priceOf(coin),
            index: priceOf(coin),
            volatility: IMPLIED[coin],
            venue: {},
          }),
        ),
      ),
    ),
  ).map((record, line) => ({ ...record, name: `${record.underlying}-${line}` }));
  return inputsFromChain(records, { prices: {}, realizedVolatilities: IMPLIED });
}

/** The snapshot of every hour; implied volatility rises by twice what the price falls, which no forecast is told. */
function hourlySnapshots(history: PriceHistory): MarketSnapshot[] {
  const snapshots = [unhashedSnapshot(firstInputs(history))];
  for (let hour = 1; hour < history.rows.length; hour++) {
    const { time, prices } = history.rows[hour] as PriceHistory["rows"][number];
    const before = (snapshots[hour - 1] as MarketSnapshot).inputs;
    const factors = Object.fromEntries(
      history.names.map((name, column) => {
        const index = before.underlyings.find((underlying) => underlying.name === name)?.index as number;
        return [name, ((prices[column] as number) * 1e6) / index];
      }),
    );
    const volatilities = Object.fromEntries(
      Object.entries(factors).map(([name, factor]) => [name, exp(-2 * ln(factor))]),
    );
    snapshots.push(unhashedSnapshot(nextInputs(before, { time, prices: factors, volatilities })));
  }
  return snapshots;
}

/** Relative sizes of a random portfolio's legs: lots of about equal worth. */
function weights(random: Random, { inputs }: MarketSnapshot, portfolio: Portfolio): [bigint, bigint][] {
  const coins = random.chance(1, 2) ? COINS : [random.pick(COINS)];
  return coins.flatMap((coin): [bigint, bigint][] => {
    const listing = inputs.underlyings.find(({ name }) => name === coin);
    const perpetual = BigInt(listing?.perpetual?.id ?? 0);
    const spot = BigInt(listing?.spot?.id ?? 0);
    const some = (): bigint => random.between(20n, 200n) * (random.chance(1, 2) ? 1n : -1n);
    if (portfolio === "linear")
      return random.chance(1, 4)
        ? [
            [perpetual, some()],
            [spot, random.between(10n, 100n)],
          ]
        : [[perpetual, some()]];
    const options = (listing?.expiries ?? []).flatMap(({ options: quotes }) =>
      quotes.map(({ id }) => BigInt(id)),
    );
    const legs = new Map<bigint, bigint>();
    for (let count = random.between(1n, 3n); count > 0n; count--) legs.set(random.pick(options), some());
    if (random.chance(1, 2)) legs.set(perpetual, some());
    return [...legs];
  });
}

/** Accounts with less margin than this, micro-USDC, are dust: options that are worth nothing, where rounding decides. */
const DUST = 10_000_000n;

/** A random account at a snapshot, whose equity is from 1% to 100% above its maintenance margin. */
function randomCase(random: Random, snapshot: MarketSnapshot): Case {
  const portfolio = random.chance(1, 2) ? "linear" : "options";
  const legs = weights(random, snapshot, portfolio).map(
    ([id, size]): Leg => ({ id, size, fundingIndex: openRow(snapshot, id).row.fundingIndex }),
  );
  const empty = emptyNote(1n, 1n, 1n);
  const held = { ...empty, legs: [...legs, ...empty.legs.slice(legs.length)] };
  const { equity, margin } = standingOf(held, snapshot);
  if (margin.maintenance < DUST) return randomCase(random, snapshot);
  const buffer = exp(ln(100) * (Number(random.between(0n, 1_000n)) / 1_000 - 1));
  const wanted = margin.maintenance + BigInt(Math.ceil(Number(margin.maintenance) * buffer)) + 1n;
  return { portfolio, note: { ...held, cash: wanted - equity } };
}

/** Hours until a note is first below its margin, counted at full hours; infinite if not within the longest horizon. */
function hoursToBreach(note: Note, snapshots: readonly MarketSnapshot[], origin: number): number {
  for (let hour = 1; hour <= LONGEST; hour++) {
    const { equity, margin } = standingOf(note, snapshots[origin + hour] as MarketSnapshot);
    if (equity < margin.maintenance) return hour;
  }
  return Number.POSITIVE_INFINITY;
}

/** Returns that are normal with the covariance of a history, always: the naive market. */
function normalReturns(history: PriceHistory, random: Random): FilteredReturns {
  const returns = history.rows
    .slice(1)
    .map(({ prices }, row) =>
      prices.map((price, column) =>
        ln(price / ((history.rows[row] as (typeof history.rows)[number]).prices[column] as number)),
      ),
    );
  const count = returns.length;
  const covariance = (one: number, other: number): number =>
    returns.reduce((sum, row) => sum + (row[one] as number) * (row[other] as number), 0) / count;
  const variances = Float64Array.from(history.names, (_, column) => covariance(column, column));
  const correlation = covariance(0, 1) / Math.sqrt((variances[0] as number) * (variances[1] as number));
  const uniform = (): number => (Number(random.between(0n, (1n << 52n) - 1n)) + 0.5) / 2 ** 52;
  const standardized = Array.from({ length: 20_000 }, () => {
    const radius = Math.sqrt(-2 * ln(uniform()));
    const angle = 2 * Math.PI * uniform();
    const [first, second] = [radius * Math.cos(angle), radius * Math.sin(angle)];
    return Float64Array.of(first, correlation * first + Math.sqrt(1 - correlation ** 2) * second);
  });
  const { names, stepMs, rows } = history;
  return { stepMs, names, decay: 1, until: rows.at(-1)?.time ?? 0, standardized, variances };
}

export interface CalibrationOptions {
  /** Hours between forecasts. */
  every: number;
  /** Accounts at each. */
  accounts: number;
  paths: number;
  seed: number;
}

/** Of one horizon and kind of portfolio: how good the forecast and the baselines were. */
export interface CalibrationRow {
  horizonHours: number;
  portfolio: Portfolio | "all";
  forecast: Scores;
  /** How often accounts breached in the training part, said always. */
  baseRate: Scores;
  /** Normal returns of the training part's covariance, on the same arrays. */
  normal: Scores;
}

export interface Calibration {
  trainingHours: number;
  testingHours: number;
  decay: number;
  rows: CalibrationRow[];
  /** Every horizon together. */
  total: CalibrationRow;
  reliability: ReliabilityBin[];
  /** Reliability for accounts of perpetuals and spot alone. */
  linearReliability: ReliabilityBin[];
  /** Reliability of the constant normal. */
  normalReliability: ReliabilityBin[];
}

interface Said {
  portfolio: Portfolio;
  horizonHours: number;
  happened: boolean;
  forecast: number;
  normal: number;
  baseRate: number;
}

/** Origins from one hour to another, so that the longest horizon ends by then. */
const originsIn = (from: number, to: number, every: number): number[] =>
  Array.from(
    { length: Math.max(0, Math.floor((to - LONGEST - from) / every) + 1) },
    (_, index) => from + index * every,
  );

/** Runs the experiment. */
export function calibrate({ every, accounts, paths, seed }: CalibrationOptions): Calibration {
  const history = historyFromCsv(readFileSync(FILE, "utf8"));
  const random = randomFrom(seed);
  const snapshots = hourlySnapshots(history);
  const split = history.rows.findIndex(({ time }) => time >= SPLIT);
  const last = history.rows.length - 1;
  const training = historyUntil(history, SPLIT);
  const decay = fittedDecay(training, DECAYS);

  const breached = HORIZONS.map(() => 0);
  let trained = 0;
  for (const origin of originsIn(24, split, every)) {
    for (let index = 0; index < accounts; index++) {
      const { note } = randomCase(random, snapshots[origin] as MarketSnapshot);
      const hours = hoursToBreach(note, snapshots, origin);
      HORIZONS.forEach((horizon, place) => {
        if (hours <= horizon) breached[place] = (breached[place] as number) + 1;
      });
      trained++;
    }
  }
  const naive = normalReturns(training, random);

  const said: Said[] = [];
  for (const origin of originsIn(split, last, every)) {
    const snapshot = snapshots[origin] as MarketSnapshot;
    const known = historyUntil(history, snapshot.inputs.time);
    const drawn = { steps: LONGEST, paths, seed: seed + origin };
    const market = drawPaths(filterReturns(known, decay), snapshot, drawn);
    const normalMarket = drawPaths(naive, snapshot, drawn);
    for (let index = 0; index < accounts; index++) {
      const { note, portfolio } = randomCase(random, snapshot);
      const hours = hoursToBreach(note, snapshots, origin);
      const forecast = breachOver(note, snapshot, market).byStep;
      const normal = breachOver(note, snapshot, normalMarket).byStep;
      HORIZONS.forEach((horizonHours, place) => {
        said.push({
          portfolio,
          horizonHours,
          happened: hours <= horizonHours,
          forecast: forecast[horizonHours - 1] as number,
          normal: normal[horizonHours - 1] as number,
          baseRate: (breached[place] as number) / trained,
        });
      });
    }
  }
  const verdicts = (of: readonly Said[], who: "forecast" | "normal" | "baseRate"): Verdict[] =>
    of.map((one) => ({ probability: one[who], happened: one.happened }));
  const row = (horizonHours: number, portfolio: Portfolio | "all", of: readonly Said[]): CalibrationRow => ({
    horizonHours,
    portfolio,
    forecast: scoresOf(verdicts(of, "forecast")),
    normal: scoresOf(verdicts(of, "normal")),
    baseRate: scoresOf(verdicts(of, "baseRate")),
  });
  return {
    trainingHours: split,
    testingHours: last - split,
    decay,
    rows: HORIZONS.flatMap((horizon) => {
      const own = said.filter(({ horizonHours }) => horizonHours === horizon);
      return [
        row(horizon, "all", own),
        ...(["linear", "options"] as const).map((portfolio) =>
          row(
            horizon,
            portfolio,
            own.filter((one) => one.portfolio === portfolio),
          ),
        ),
      ];
    }),
    total: row(0, "all", said),
    reliability: reliability(verdicts(said, "forecast")),
    linearReliability: reliability(
      verdicts(
        said.filter(({ portfolio }) => portfolio === "linear"),
        "forecast",
      ),
    ),
    normalReliability: reliability(verdicts(said, "normal")),
  };
}
