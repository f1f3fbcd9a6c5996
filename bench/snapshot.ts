import { performance } from "node:perf_hooks";
import type { MarketInputs, OptionQuote } from "../protocol/marketInputs.ts";
import { buildSnapshot } from "../protocol/snapshot.ts";

const INSTRUMENTS = 1_000;
const EXPIRIES = 12;
const RUNS = 5;
const DAY = 86_400_000;
const TIME = Date.UTC(2024, 0, 10);
const PRICE = 50_000_000_000;

/** One underlying with spot, perpetual and options of twelve expiries: a thousand instruments. */
function thousandInstruments(): MarketInputs {
  const options = INSTRUMENTS - 2;
  const quote = (index: number): OptionQuote => ({
    id: index + 3,
    strike: PRICE / 2 + Math.floor(index / EXPIRIES / 2) * 1_000_000_000,
    call: Math.floor(index / EXPIRIES) % 2 === 0,
    volatility: 500_000 + index * 100,
    forward: PRICE,
    time: TIME,
  });
  const expiries = Array.from({ length: EXPIRIES }, (_, group) => ({
    expiry: TIME + (1 + group * 15) * DAY,
    lotExponent: -2,
    options: Array.from({ length: options }, (_, index) => index)
      .filter((index) => index % EXPIRIES === group)
      .map(quote),
  }));
  return {
    epoch: 1,
    time: TIME,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: [
      {
        name: "BTC",
        index: PRICE,
        scan: {
          model: "volatile",
          floor: 120_000,
          cap: 350_000,
          realizedVolatility: 500_000,
          previousRange: 0,
        },
        concentrationUnits: 1_000,
        spot: { id: 1, lotExponent: -2 },
        perpetual: { id: 2, lotExponent: -2, mark: PRICE, fundingIndex: 0 },
        expiries,
        settled: [],
      },
    ],
    archives: [],
  };
}

/** Seconds to price 1,000 instruments in 16 scenarios and commit to them, from checked inputs to root: median of warm runs. */
export function benchSnapshot(): number {
  const inputs = thousandInstruments();
  buildSnapshot(inputs);
  const seconds = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    buildSnapshot(inputs);
    return (performance.now() - start) / 1000;
  }).sort((first, second) => first - second);
  return seconds[Math.floor(RUNS / 2)];
}

export const benchmarks = [{ name: "snapshot.1000_instruments.seconds", unit: "s", run: benchSnapshot }];
