import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { type MarketInputs, usedIds } from "../../../protocol/marketInputs.ts";
import { inputsFromChain } from "../../../protocol/marketListing.ts";
import { nextInputs, settleExpiry } from "../../../protocol/nextEpoch.ts";
import type { OptionRecord } from "../../../protocol/optionsCsv.ts";
import { HOUR_MS } from "../../../protocol/priceScan.ts";
import type { Random } from "../random.ts";

/*
 * The market of a drive: the hourly closes of January 2021 for BTC and ETH, straight lines between them, with options at volatilities
 * that rise as prices fall.
 */

const FILE = join(import.meta.dirname, "../../../data/btc-eth-1h-2021-01.csv");

/** One hour's close, dollars. `time` is when the hour began, milliseconds since 1970; the close is an hour later. */
interface Hour {
  time: number;
  BTC: number;
  ETH: number;
}

const HOURS = (parse(readFileSync(FILE, "utf8"), { columns: true }) as Record<string, string>[]).map(
  (row): Hour => ({
    time: Date.parse(row.open_time_utc as string),
    BTC: Number(row.btcusdt_close),
    ETH: Number(row.ethusdt_close),
  }),
);

export type Coin = "BTC" | "ETH";
export const COINS: readonly Coin[] = ["BTC", "ETH"];

/** Index of the hour that closes at or before a time. */
function closedHour(time: number): number {
  return HOURS.findLastIndex((hour) => hour.time + HOUR_MS <= time);
}

/** The price at a time: at a full hour the close, between two on the straight line. */
export function priceAt(coin: Coin, time: number): number {
  const hour = closedHour(time);
  const before = HOURS[hour] as Hour;
  const after = HOURS[hour + 1] as Hour;
  const share = (time - before.time - HOUR_MS) / HOUR_MS;
  return before[coin] + (after[coin] - before[coin]) * share;
}

/** Option expiries of the drive: one in the middle of the fall, and one that outlives it. */
export const SETTLES_IN_THE_FALL = Date.UTC(2021, 0, 11, 16);
const LATER_EXPIRY = Date.UTC(2021, 0, 29, 8);
const STRIKES: Record<Coin, readonly number[]> = {
  BTC: [32_000, 36_000, 40_000],
  ETH: [950, 1_100, 1_300],
};
const IMPLIED: Record<Coin, number> = { BTC: 0.65, ETH: 0.8 };
const CALM: Record<Coin, number> = { BTC: 0.5, ETH: 0.6 };

/**
 * Inputs of the first epoch, at a full hour: spot, perpetual and twelve options of each coin. Volatilities are those of a calm time, so that
 * margins begin at their floors and the fall finds accounts that nobody watches with more risk than equity.
 */
export function firstInputs(time: number): MarketInputs {
  const records = COINS.flatMap((coin) =>
    [SETTLES_IN_THE_FALL, LATER_EXPIRY].flatMap((expiry) =>
      STRIKES[coin].flatMap((strike) =>
        [true, false].map(
          (call): OptionRecord => ({
            line: 0,
            name: "",
            underlying: coin,
            call,
            strike,
            expiry,
            time,
            forward: priceAt(coin, time),
            index: priceAt(coin, time),
            volatility: IMPLIED[coin] + (call ? 0 : 0.05),
            venue: {},
          }),
        ),
      ),
    ),
  ).map((record, line) => ({ ...record, name: `${record.underlying}-${line}` }));
  return inputsFromChain(records, { prices: {}, realizedVolatilities: CALM });
}

/**
 * Inputs of the next epoch at a time: prices from the file, implied volatility up by twice what the price fell, a funding rate drawn anew.
 * An expiry that has come is settled at the price of that moment.
 */
export function inputsAt(previous: MarketInputs, time: number, random: Random): MarketInputs {
  let inputs = previous;
  for (const { name, expiries } of previous.underlyings) {
    for (const { expiry } of expiries) {
      if (expiry <= time) inputs = settleExpiry(inputs, name, expiry, priceAt(name as Coin, expiry));
    }
  }
  const factors = Object.fromEntries(
    COINS.map((coin) => {
      const index = previous.underlyings.find(({ name }) => name === coin)?.index as number;
      return [coin, (priceAt(coin, time) * 1e6) / index];
    }),
  );
  return nextInputs(inputs, {
    time,
    prices: factors,
    volatilities: Object.fromEntries(COINS.map((coin) => [coin, (factors[coin] as number) ** -2])),
    fundingRates: Object.fromEntries(
      COINS.map((coin) => [coin, Number(random.between(-300n, 900n)) / 1_000_000]),
    ),
  });
}

/** Ids of the instruments of a coin, options by expiry, strike, call before put. */
export interface Listing {
  spot: bigint;
  perpetual: bigint;
  options: bigint[];
}

export function listingOf(inputs: MarketInputs, coin: Coin): Listing {
  const underlying = inputs.underlyings.find(({ name }) => name === coin);
  return {
    spot: BigInt(underlying?.spot?.id ?? 0),
    perpetual: BigInt(underlying?.perpetual?.id ?? 0),
    options: (underlying?.expiries ?? []).flatMap(({ options }) => options.map(({ id }) => BigInt(id))),
  };
}

/** Every instrument id of the market. */
export const instrumentIds = (inputs: MarketInputs): bigint[] => usedIds(inputs).map(BigInt);
