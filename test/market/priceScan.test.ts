import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MarketInputs, VolatileScan } from "../../protocol/marketInputs.ts";
import { nextInputs } from "../../protocol/nextEpoch.ts";
import {
  atTheMoneyVolatility,
  initialMarginFactor,
  limitedRange,
  realizedVolatility,
  targetRange,
  updatedVolatility,
} from "../../protocol/priceScan.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { realInputs, smallInputs } from "./support.ts";

const HOUR = 3_600_000;

const scan = (over: Partial<VolatileScan> = {}): VolatileScan => ({
  model: "volatile",
  floor: 120_000,
  cap: 350_000,
  realizedVolatility: 0,
  previousRange: 0,
  ...over,
});

describe("volatility", () => {
  test("constant returns have their own volatility; one return decays at 0.99 an hour", () => {
    const closes = Array.from({ length: 50 }, (_, hour) => 100 * Math.exp(0.01 * hour));
    expect(realizedVolatility(closes)).toBeCloseTo(0.01 * Math.sqrt(8760), 9);
    expect(updatedVolatility(1, 0, 1) ** 2).toBeCloseTo(0.99, 12);
    expect(updatedVolatility(0, 0.05, 1) ** 2).toBeCloseTo(0.01 * 0.0025 * 8760, 12);
    expect(realizedVolatility([100])).toBe(0);
  });

  test("two half hours without a return decay like one hour", () => {
    expect(updatedVolatility(updatedVolatility(0.8, 0, 0.5), 0, 0.5)).toBeCloseTo(
      updatedVolatility(0.8, 0, 1),
      12,
    );
  });

  test("the fall of January 2021 raises ether's range from below its cap", () => {
    const lines = readFileSync(new URL("../../data/btc-eth-1h-2021-01.csv", import.meta.url), "utf8")
      .trim()
      .split("\n");
    const closes = lines.slice(1).map((line) => Number(line.split(",")[2]));
    const before = realizedVolatility(closes.slice(0, 24 * 2));
    const after = realizedVolatility(closes.slice(0, 24 * 11));
    expect(after).toBeGreaterThan(before);
    const range = (volatility: number) =>
      targetRange(
        scan({ floor: 150_000, cap: 450_000, realizedVolatility: Math.round(volatility * 1e6) }),
        0,
      );
    expect(range(after)).toBeGreaterThan(200_000);
    expect(range(after)).toBeLessThanOrEqual(450_000);
  });

  test("at-the-money volatility of the real chain is that of the options around the forward", () => {
    const inputs = realInputs();
    const bitcoin = inputs.underlyings[0];
    const volatility = atTheMoneyVolatility(bitcoin, inputs.time);
    expect(volatility).toBeGreaterThan(0.74);
    expect(volatility).toBeLessThan(0.76);
    expect(atTheMoneyVolatility({ ...bitcoin, expiries: [] }, inputs.time)).toBe(0);
    // All expiries within a day: the last of them.
    const [near] = bitcoin.expiries;
    expect(atTheMoneyVolatility({ ...bitcoin, expiries: [near] }, inputs.time)).toBeGreaterThan(0.8);
  });
});

describe("price scan range", () => {
  test("three daily deviations between floor and cap", () => {
    expect(targetRange(scan({ realizedVolatility: 1_000_000 }), 0)).toBe(Math.ceil(3e6 / Math.sqrt(365)));
    expect(targetRange(scan({ realizedVolatility: 1_000_000 }), 1.5)).toBe(Math.ceil(4.5e6 / Math.sqrt(365)));
    expect(targetRange(scan(), 0)).toBe(120_000);
    expect(targetRange(scan(), 9)).toBe(350_000);
  });

  test("rises at most 2% of itself an hour, falls at once", () => {
    const before = scan({ previousRange: 200_000 });
    expect(limitedRange(300_000, before, HOUR)).toBe(204_000);
    expect(limitedRange(204_000, before, HOUR)).toBe(204_000);
    expect(limitedRange(203_999, before, HOUR)).toBe(203_999);
    expect(limitedRange(300_000, before, 60_000)).toBe(200_066);
    expect(limitedRange(150_000, before, 0)).toBe(150_000);
    expect(limitedRange(300_000, scan(), 0)).toBe(300_000);
  });

  test("initial margin takes what the arrays do not show, up to 1.75", () => {
    const base = 85_197n;
    expect(initialMarginFactor(base, [])).toBe(base);
    expect(initialMarginFactor(base, [{ target: 200, applied: 200 }])).toBe(base);
    expect(initialMarginFactor(base, [{ target: 220, applied: 200 }])).toBe((base * 220n + 199n) / 200n);
    expect(initialMarginFactor(base, [{ target: 400, applied: 200 }])).toBe(114_688n);
    expect(initialMarginFactor(131_072n, [{ target: 400, applied: 200 }])).toBe(131_072n);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1, max: 1e6 }), (target, applied) => {
        const factor = initialMarginFactor(base, [{ target, applied }]);
        expect(factor).toBeGreaterThanOrEqual(base);
        expect(factor).toBeLessThanOrEqual(114_688n);
      }),
    );
  });

  test("a jump of volatility raises the factor at once and the arrays slowly", () => {
    const first = buildSnapshot(smallInputs());
    const calm = first.underlyings[0].rangeState?.applied as number;
    const inputs: MarketInputs = nextInputs(first.inputs, {
      time: first.inputs.time + 60_000,
      volatilities: { BTC: 3 },
    });
    const second = buildSnapshot(inputs);
    const state = second.underlyings[0].rangeState;
    expect(state?.applied).toBe(Math.floor(calm * (1 + 0.02 / 60)));
    expect(state?.target).toBeGreaterThan(calm * 1.5);
    expect(second.imFactor).toBe(114_688n);
    expect(first.imFactor).toBe(85_197n);
  });
});
