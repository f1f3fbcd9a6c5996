import { readFileSync } from "node:fs";
import { SolvusError } from "../../protocol/errors.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { type OptionChain, parseOptionsCsv } from "../../protocol/optionsCsv.ts";

/** Text of the real option chain. */
export function chainText(): string {
  return readFileSync(new URL("../../data/deribit-btc-options-2020-05-21.csv", import.meta.url), "utf8");
}

export function realChain(): OptionChain {
  return parseOptionsCsv(chainText());
}

export function realInputs(): MarketInputs {
  return inputsFromChain(realChain().records, { prices: { USDT: 1, ETH: 200 } });
}

const TIME = Date.UTC(2024, 0, 10, 12);
export const DAY = 86_400_000;

/** A small market: bitcoin with spot, perpetual and four options of two expiries, and a stablecoin. */
export function smallInputs(): MarketInputs {
  const quote = (id: number, strike: number, call: boolean) => ({
    id,
    strike: strike * 1_000_000,
    call,
    volatility: 600_000,
    forward: 50_000_000_000,
    time: TIME,
  });
  return {
    epoch: 7,
    time: TIME,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: [
      {
        name: "BTC",
        index: 50_000_000_000,
        scan: {
          model: "volatile",
          floor: 120_000,
          cap: 350_000,
          realizedVolatility: 500_000,
          previousRange: 0,
        },
        concentrationUnits: 1_000,
        spot: { id: 1, lotExponent: -2 },
        perpetual: { id: 2, lotExponent: -2, mark: 50_010_000_000, fundingIndex: -1_234 },
        expiries: [
          { expiry: TIME + DAY, lotExponent: -2, options: [quote(3, 50_000, true), quote(4, 50_000, false)] },
          {
            expiry: TIME + 90 * DAY,
            lotExponent: -2,
            options: [quote(5, 60_000, true), quote(6, 40_000, false)],
          },
        ],
        settled: [{ id: 8, kind: 3, fundingIndex: -5_000_000 }],
      },
      {
        name: "USDT",
        index: 1_000_000,
        scan: { model: "stable", down: 125_000, up: 25_000 },
        concentrationUnits: 10_000_000,
        spot: { id: 7, lotExponent: 2 },
        expiries: [],
        settled: [],
      },
    ],
    archives: [[{ id: 9, kind: 3, fundingIndex: -7 }]],
  };
}

/** The rule of the error that `action` throws; fails when it throws none. */
export function refusal(action: () => unknown): string {
  return refusedWith(action).rule;
}

/** The error that `action` throws. */
export function refusedWith(action: () => unknown): SolvusError {
  try {
    action();
  } catch (error) {
    if (error instanceof SolvusError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
