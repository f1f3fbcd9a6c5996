import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concentrationLots, shortOptionAddOn } from "../../protocol/addOns.ts";
import { black76Price } from "../../protocol/black76.ts";
import { KIND } from "../../protocol/constants.ts";
import { settlementValue } from "../../protocol/nextEpoch.ts";
import { expectedSettlement, optionGreeks, optionPrice, pricedOption } from "../../protocol/optionPricing.ts";
import { priceFactor, SCENARIO_LIST, shockedVolatility } from "../../protocol/scenarios.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { DAY, realInputs, smallInputs } from "./support.ts";

function rowOf(snapshot: ReturnType<typeof buildSnapshot>, name: string) {
  const listed = snapshot.underlyings
    .flatMap(({ rows }) => rows)
    .find(({ instrument }) => instrument.name === name);
  if (!listed) throw new Error(`no ${name}`);
  return listed.row;
}

describe("scenarios", () => {
  test("SPAN's order", () => {
    expect(SCENARIO_LIST.map(({ move }) => Math.round(3 * move))).toEqual([
      0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 9, -9,
    ]);
    const directions = SCENARIO_LIST.map(({ volatility }) => volatility);
    expect(directions.slice(0, 14)).toEqual(Array.from({ length: 7 }, () => ["up", "down"]).flat());
    expect(directions.slice(14)).toEqual(["unchanged", "unchanged"]);
    expect(SCENARIO_LIST.map(({ weight }) => weight)).toEqual([...new Array(14).fill(1), 0.33, 0.33]);
  });

  test("prices never fall below a fifth", () => {
    const range = { up: 0.35, down: 0.35 };
    expect(priceFactor(SCENARIO_LIST[15], range)).toBe(0.2);
    expect(priceFactor(SCENARIO_LIST[14], range)).toBeCloseTo(2.05, 12);
    expect(priceFactor(SCENARIO_LIST[12], { up: 0.025, down: 0.125 })).toBe(0.875);
    expect(priceFactor(SCENARIO_LIST[10], { up: 0.025, down: 0.125 })).toBe(1.025);
  });

  test("volatility shocks", () => {
    expect(shockedVolatility(1, 30, "up")).toBeCloseTo(1.5, 12);
    expect(shockedVolatility(1, 30, "down")).toBeCloseTo(0.75, 12);
    expect(shockedVolatility(1, 0.2, "up")).toBeCloseTo(1 + 0.5 * 30 ** 0.3, 12);
    expect(shockedVolatility(1, 120, "up")).toBeCloseTo(1 + 0.5 * 0.25 ** 0.13, 12);
    expect(shockedVolatility(0.1, 60, "up")).toBe(0.5);
    expect(shockedVolatility(0.1, 60, "unchanged")).toBe(0.1);
    expect(shockedVolatility(0.7, 0, "down")).toBeGreaterThan(0);
  });
});

describe("rows", () => {
  const snapshot = buildSnapshot(smallInputs());
  const range = (snapshot.underlyings[0].rangeState?.applied as number) / 1e6;

  test("spot and perpetual move with the price", () => {
    const spot = rowOf(snapshot, "BTC-SPOT");
    expect(spot).toMatchObject({
      id: 1n,
      kind: KIND.spot,
      mark: 500_000_000n,
      fundingIndex: 0n,
      longAddOn: 2_500_000n,
    });
    expect(spot.losses[12]).toBe(BigInt(Math.round(500_000_000 * range)));
    expect(spot.losses[11]).toBe(-spot.losses[13]);
    expect(spot.losses.slice(0, 2)).toEqual([0n, 0n]);
    expect(spot.losses[15]).toBe(BigInt(Math.round(500_000_000 * 3 * range * 0.33)));
    const perpetual = rowOf(snapshot, "BTC-PERPETUAL");
    expect(perpetual).toMatchObject({ kind: KIND.perpetual, mark: 500_100_000n, fundingIndex: -1_234n });
    expect(perpetual.longAddOn).toBe(2_500_500n);
    expect(perpetual.concentrationThreshold).toBe(100_000n);
    expect(perpetual.concentrationRate).toBe(BigInt(Math.ceil((50_010 * range * 10_000) / 4)));
  });

  test("the other stablecoin falls further than it rises", () => {
    const { losses } = rowOf(snapshot, "USDT-SPOT");
    expect(losses[12]).toBe(12_500_000n);
    expect(losses[10]).toBe(-2_500_000n);
    expect(losses[14]).toBe(-2_475_000n);
    expect(losses[15]).toBe(12_375_000n);
  });

  test("an option is repriced at the moved forward and shocked volatility", () => {
    const row = rowOf(snapshot, "BTC-9APR24-60000-C");
    const years = 90 / 365;
    const mark = black76Price(50_000, 60_000, 0.6, years, true);
    expect(Number(row.mark)).toBeCloseTo(mark * 1e4, -0.4);
    for (const [index, scenario] of SCENARIO_LIST.entries()) {
      const forward = 50_000 * Math.max(0.2, 1 + scenario.move * range);
      const volatility = shockedVolatility(0.6, 90, scenario.volatility);
      const loss = (mark - black76Price(forward, 60_000, volatility, years, true)) * scenario.weight * 1e4;
      expect(Math.abs(Number(row.losses[index]) - loss)).toBeLessThanOrEqual(0.5 + 1e-6);
    }
    expect(row.longAddOn).toBe(BigInt(Math.ceil(mark * 1e3)));
    expect(row.shortAddOn).toBe(5_000_000n);
  });

  test("a call less a put of one strike is a forward in every scenario", () => {
    const call = rowOf(snapshot, "BTC-11JAN24-50000-C");
    const put = rowOf(snapshot, "BTC-11JAN24-50000-P");
    const spot = rowOf(snapshot, "BTC-SPOT");
    for (let scenario = 0; scenario < 16; scenario++) {
      const synthetic = call.losses[scenario] - put.losses[scenario];
      expect(Math.abs(Number(synthetic - spot.losses[scenario]))).toBeLessThanOrEqual(2);
    }
  });

  test("short options pay more in the last two days, and concentration starts at whole lots", () => {
    expect(shortOptionAddOn(1000, 0.22, 2)).toBeCloseTo(20, 9);
    expect(shortOptionAddOn(1000, 0.22, 2.01)).toBeCloseTo(10, 9);
    expect(shortOptionAddOn(1000, 0.1, 1)).toBeCloseTo(10, 9);
    expect(rowOf(snapshot, "BTC-11JAN24-50000-C").shortAddOn).toBe(
      BigInt(Math.ceil(500_000_000 * Math.max(0.01, range / 11))),
    );
    expect(concentrationLots(1000, -2)).toBe(100_000n);
    expect(concentrationLots(150, 2)).toBe(1n);
    expect(concentrationLots(1e12, -8)).toBe(2n ** 36n - 1n);
  });

  test("a settled row is its index and nothing else", () => {
    const row = rowOf(snapshot, "BTC-SETTLED-8");
    expect(row).toMatchObject({
      settled: true,
      mark: 0n,
      fundingIndex: -5_000_000n,
      longAddOn: 0n,
      shortAddOn: 0n,
    });
    expect(row.losses.every((loss) => loss === 0n)).toBe(true);
    expect(settlementValue(40_000_000_000, true, -2, 41_000_000_000)).toBe(10_000_000);
    expect(settlementValue(40_000_000_000, false, -2, 41_000_000_000)).toBe(0);
  });

  test("no long option loses more than its mark in the scenarios that count in full", () => {
    const real = buildSnapshot(realInputs());
    for (const { row } of real.underlyings[0].rows.filter(({ row }) => row.kind === KIND.option)) {
      for (const loss of row.losses) expect(loss).toBeLessThanOrEqual(row.mark + 1n);
    }
  });
});

describe("settlement window", () => {
  const time = Date.UTC(2024, 0, 10, 7, 40);
  const quote = { id: 1, strike: 50_000e6, call: true, volatility: 600_000, forward: 50_000e6, time };
  const group = (settlement?: { observed: number; mean: number }) => ({
    expiry: time + 20 * 60_000,
    lotExponent: -2,
    ...(settlement ? { settlement } : {}),
    options: [quote],
  });

  test("the observed part is fixed, the rest moves and keeps variance", () => {
    const window = group({ observed: 10, mean: 51_000e6 });
    const option = pricedOption(window, quote);
    expect(expectedSettlement(option)).toBeCloseTo((51_000 * 10 + 50_000 * 20) / 30, 6);
    expect(expectedSettlement(option, 1.1)).toBeCloseTo((51_000 * 10 + 55_000 * 20) / 30, 6);
    expect(optionPrice(option)).toBeGreaterThan(51_000 / 3 + (50_000 * 2) / 3 - 50_000);
    expect(optionPrice(option)).toBeLessThan(
      optionPrice(pricedOption(group(), { ...quote, forward: 50_333.333e6 })) + 20,
    );
    const slope = (optionPrice(option, 1 + 1e-7) - optionPrice(option, 1 - 1e-7)) / (2e-7 * 50_000);
    expect(optionGreeks(option).delta).toBeCloseTo(slope, 4);
  });

  test("with one observation left hardly anything moves", () => {
    const option = pricedOption(group({ observed: 29, mean: 51_000e6 }), quote);
    expect(option.share).toBeCloseTo(1 / 30, 12);
    expect(optionPrice(option)).toBeCloseTo((51_000 * 29 + 50_000) / 30 - 50_000, 3);
  });

  test("a day before the window nothing changes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (days) => {
        const far = { ...group(), expiry: time + days * DAY };
        expect(optionPrice(pricedOption(far, quote))).toBeCloseTo(
          black76Price(50_000, 50_000, 0.6, days / 365, true),
          8,
        );
      }),
    );
  });
});
