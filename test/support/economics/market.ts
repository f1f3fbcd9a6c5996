import { MICRO, q16Ceil, roundNearest } from "../../../protocol/fixedPoint.ts";
import type { MarketInputs } from "../../../protocol/marketInputs.ts";
import { nextInputs } from "../../../protocol/nextEpoch.ts";
import { initialMarginFactor } from "../../../protocol/priceScan.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { firstInputs } from "../../../services/oracle/firstMarket.ts";
import { withSettlements } from "../../../services/oracle/settlement.ts";
import type { SeenExpiry } from "../../../services/oracle/source.ts";
import { unhashedSnapshot } from "../unhashedSnapshot.ts";
import type { ParameterSet } from "./parameterSets.ts";

/*
 * A simulated market: a coin with spot, perpetual and options of one expiry, and tether as collateral. Snapshots have the rules' own rows and
 * factor, without hashes.
 */

/** Unix seconds of the first epoch. */
export const START = Date.UTC(2024, 0, 10) / 1000;
export const MINUTE_MS = 60_000;
const EXPIRY_MINUTES = 20 * 24 * 60;
const STRIKES = [0.8, 1, 1.2];

/** Where the market stands relative to its start; 1 where absent. */
export interface Levels {
  /** Price of the coin. */
  coin?: number;
  /** Mark of the perpetual over the coin's index. */
  basis?: number;
  tether?: number;
  /** Implied volatilities. */
  volatility?: number;
}

/** The snapshot of inputs as the rules make it, but for its hashes. */
export function simulatedSnapshot(inputs: MarketInputs): MarketSnapshot {
  const snapshot = unhashedSnapshot(inputs);
  const ranges = snapshot.underlyings.flatMap(({ rangeState }) => rangeState ?? []);
  return { ...snapshot, imFactor: initialMarginFactor(BigInt(inputs.baseImFactor), ranges) };
}

/** The first epoch's inputs under a set of parameters; options expire so many minutes later. */
export function startOf(set: ParameterSet, expiryMinutes = EXPIRY_MINUTES): MarketInputs {
  const { coin, price, volatility, model } = set;
  const time = START * 1000;
  const seen = (value: number) => ({ price: value, tradedAt: START });
  const expiry: SeenExpiry = {
    expiry: time + expiryMinutes * MINUTE_MS,
    forward: seen(price),
    options: STRIKES.flatMap((strike) =>
      [true, false].map((call) => ({ strike: strike * price, call, volatility, time })),
    ),
  };
  const inputs = firstInputs(
    {
      [coin]: { index: seen(price), realizedVolatility: volatility, expiries: [expiry] },
      USDT: { index: seen(1) },
    },
    START,
  );
  return {
    ...inputs,
    baseImFactor: Number(q16Ceil(set.imFactor)),
    underlyings: inputs.underlyings.map((underlying) =>
      underlying.name === coin && underlying.scan.model === "volatile"
        ? {
            ...underlying,
            scan: {
              ...underlying.scan,
              floor: roundNearest(model.floor * MICRO),
              cap: roundNearest(model.cap * MICRO),
            },
            concentrationUnits: model.concentrationUnits,
          }
        : underlying,
    ),
  };
}

/** Ids of what is traded. Options by rising strike, call before put. */
export interface Listings {
  spot: bigint;
  perpetual: bigint;
  options: bigint[];
  tether: bigint;
}

export function listingsOf(inputs: MarketInputs, coin: string): Listings {
  const listed = inputs.underlyings.find(({ name }) => name === coin);
  const tether = inputs.underlyings.find(({ name }) => name === "USDT");
  return {
    spot: BigInt(listed?.spot?.id ?? 0),
    perpetual: BigInt(listed?.perpetual?.id ?? 0),
    options: (listed?.expiries ?? []).flatMap(({ options }) => options.map(({ id }) => BigInt(id))),
    tether: BigInt(tether?.spot?.id ?? 0),
  };
}

/** Inputs of the epoch at a time, when the market went from one place to another; what has expired by then is settled. */
export function inputsAfter(
  inputs: MarketInputs,
  coin: string,
  time: number,
  from: Levels,
  to: Levels,
): MarketInputs {
  const ratio = (key: keyof Levels): number => (to[key] ?? 1) / (from[key] ?? 1);
  const next = nextInputs(withSettlements(inputs, time), {
    time,
    prices: { [coin]: ratio("coin"), USDT: ratio("tether") },
    volatilities: { [coin]: ratio("volatility") },
  });
  const basis = to.basis ?? 1;
  return {
    ...next,
    underlyings: next.underlyings.map((underlying) =>
      underlying.name === coin && underlying.perpetual !== undefined
        ? {
            ...underlying,
            perpetual: { ...underlying.perpetual, mark: roundNearest(underlying.index * basis) },
          }
        : underlying,
    ),
  };
}
