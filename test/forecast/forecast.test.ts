import { describe, expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import type { Leg } from "../../protocol/leg.ts";
import { marginOf, type Position, scanRisk } from "../../protocol/margin.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { nextInputs } from "../../protocol/nextEpoch.ts";
import { exp, ln, normalCdf } from "../../protocol/normal.ts";
import { emptyNote, type Note } from "../../protocol/note.ts";
import type { OptionRecord } from "../../protocol/optionsCsv.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { openRow } from "../../protocol/transition.ts";
import { drawsFrom } from "../../services/forecast/draws.ts";
import { forecastBreach, makeForecaster } from "../../services/forecast/forecast.ts";
import type { PriceHistory } from "../../services/forecast/history.ts";
import { groupRisk } from "../../services/forecast/lossCurves.ts";
import { randomFrom } from "../support/random.ts";
import { unhashedSnapshot } from "../support/unhashedSnapshot.ts";

const NOW = Date.UTC(2021, 0, 20);
const PRICES = { BTC: 35_000, ETH: 1_300 };

/** Two options of each coin beside spot and perpetual, and a stablecoin. */
function listing(realized = 1): MarketSnapshot["inputs"] {
  const records = (["BTC", "ETH"] as const).flatMap((underlying) =>
    [true, false].map(
      (call): OptionRecord => ({
        line: 0,
        name: `${underlying}-${call}`,
        underlying,
        call,
        strike: PRICES[underlying],
        expiry: Date.UTC(2021, 1, 26, 8),
        time: NOW,
        forward: PRICES[underlying],
        index: PRICES[underlying],
        volatility: 0.9,
        venue: {},
      }),
    ),
  );
  return inputsFromChain(records, { realizedVolatilities: { BTC: realized, ETH: realized } });
}

const snapshot = unhashedSnapshot(listing());
const idOf = (name: string, of: "spot" | "perpetual" | "call" | "put"): bigint => {
  const underlying = snapshot.inputs.underlyings.find((candidate) => candidate.name === name);
  if (of === "spot" || of === "perpetual") return BigInt(underlying?.[of]?.id ?? 0);
  return BigInt(underlying?.expiries[0]?.options.find(({ call }) => call === (of === "call"))?.id ?? 0);
};

/** An account with these sizes whose equity is `ratio` times its maintenance margin. */
function account(sizes: Record<string, bigint>, ratio: number, at = snapshot): Note {
  const legs = Object.entries(sizes).map(([id, size]): Leg => ({ id: BigInt(id), size, fundingIndex: 0n }));
  const empty = emptyNote(1n, 1n, 1n);
  const note = { ...empty, legs: [...legs, ...empty.legs.slice(legs.length)] };
  const { equity, margin } = standingOf(note, at);
  return { ...note, cash: BigInt(Math.ceil(Number(margin.maintenance) * ratio)) - equity };
}

/** Hourly returns, as logarithms, that end at `until`. */
function historyOf(returns: readonly (readonly number[])[], until = NOW): PriceHistory {
  const logs = [0, 0];
  const rows = [{ time: until - returns.length * HOUR_MS, prices: [1, 1] }];
  for (const [index, row] of returns.entries()) {
    for (const column of [0, 1]) logs[column] = (logs[column] as number) + (row[column] as number);
    rows.push({ time: until - (returns.length - index - 1) * HOUR_MS, prices: logs.map((log) => exp(log)) });
  }
  return { stepMs: HOUR_MS, names: ["BTC", "ETH"], rows };
}

/** Pairs of independent standard normal numbers. */
function normals(count: number, seed = 3): [number, number][] {
  const random = randomFrom(seed);
  const uniform = () => (Number(random.between(1n, 1n << 50n)) - 0.5) / 2 ** 50;
  return Array.from({ length: count }, () => {
    const [radius, angle] = [Math.sqrt(-2 * ln(uniform())), 2 * Math.PI * uniform()];
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
}
const steady = (volatility: number, count = 600): PriceHistory =>
  historyOf(normals(count).map((pair) => pair.map((value) => value * volatility)));

const positionsOf = (sizes: Record<string, bigint>, at: MarketSnapshot): Position[] =>
  Object.entries(sizes).map(([id, size]) => ({ size, ...openRow(at, BigInt(id)) }));

const LONG = { [String(idOf("BTC", "perpetual"))]: 100n };
const SHORT_PUT = { [String(idOf("BTC", "put"))]: -100n };
const STRADDLE = {
  [String(idOf("BTC", "put"))]: -100n,
  [String(idOf("BTC", "call"))]: -100n,
  [String(idOf("BTC", "perpetual"))]: 20n,
};

test("the snapshot without hashes lists what a hashed one does", () => {
  const inputs = listing();
  const hashed = buildSnapshot(inputs);
  for (const { id } of hashed.instruments) expect(openRow(snapshot, id)).toEqual(openRow(hashed, id));
});

describe("risk read off the arrays", () => {
  const range = snapshot.underlyings[0]?.range ?? { up: 0, down: 0 };
  const moved = (factor: number): MarketSnapshot =>
    unhashedSnapshot(nextInputs(snapshot.inputs, { time: NOW + 1, prices: { BTC: factor } }));

  test.each([
    ["a long perpetual", LONG],
    ["a short put", SHORT_PUT],
    ["a short straddle", STRADDLE],
  ])("of %s is the arrays' own where nothing moved", (_, sizes) => {
    const positions = positionsOf(sizes, snapshot);
    const risk = groupRisk(positions, range);
    expect(risk.loss(0)).toBe(0);
    expect(risk.scan(0, 1)).toBeCloseTo(Number(scanRisk(positions)), -1);
  });

  test.each([
    ["a long perpetual", LONG, 1e-6, 1e-3],
    ["a short put", SHORT_PUT, 0.02, 0.06],
    ["a short straddle", STRADDLE, 0.02, 0.1],
  ])("of %s after a move is near what the next snapshot's rows give", (_, sizes, ofLoss, ofScan) => {
    const risk = groupRisk(positionsOf(sizes, snapshot), range);
    const before = marginOf(positionsOf(sizes, snapshot));
    for (const factor of [0.9, 0.95, 0.98, 1.03, 1.08]) {
      const next = moved(factor);
      const rangeFactor = (next.underlyings[0]?.range.up ?? 0) / range.up;
      const after = positionsOf(sizes, next);
      const margin = marginOf(after);
      const lost = Number(before.value - margin.value);
      expect(Math.abs(risk.loss(factor - 1) - lost)).toBeLessThan(Number(before.maintenance) * ofLoss);
      const scan = Number(scanRisk(after));
      expect(Math.abs(risk.scan(factor - 1, rangeFactor) - scan)).toBeLessThan(scan * ofScan);
    }
  });
});

describe("the probability of a breach", () => {
  const options = { horizonHours: 4, paths: 1_000, seed: 11 };

  test("is the normal distribution's where returns are normal, one step ahead", () => {
    const volatility = 0.01;
    const history = steady(volatility, 3_000);
    // Below margin when the price falls by more than x: excess = loss(x) - fall of the margin, both linear in x.
    const note = account(LONG, 1.05);
    const { equity, margin } = standingOf(note, snapshot);
    const { row } = openRow(snapshot, idOf("BTC", "perpetual"));
    const perUnit = 100 * Number(row.mark) - Number(margin.maintenance);
    const threshold = ln(1 - Number(equity - margin.maintenance) / perUnit) / volatility;
    const expected = normalCdf(threshold);
    // A decay of nearly one leaves volatility constant, at what the history's first day had.
    const start = history.rows.slice(0, 25).map(({ prices }) => ln(prices[0] as number));
    const squares = start
      .slice(1)
      .reduce((sum, log, index) => sum + (log - (start[index] as number)) ** 2, 0);
    const scaled = normalCdf((threshold * volatility) / Math.sqrt(squares / 24));
    const said = forecastBreach(note, snapshot, history, {
      horizonHours: 1,
      paths: 20_000,
      seed: 5,
      decay: 0.9999999,
    });
    expect(expected).toBeGreaterThan(0.1);
    expect(Math.abs(said - expected)).toBeLessThan(0.02 + Math.abs(scaled - expected));
  });

  test("is the same under the same seed and another under another", () => {
    const history = steady(0.012);
    const note = account(STRADDLE, 1.1);
    const said = (seed: number) => forecastBreach(note, snapshot, history, { ...options, seed });
    expect(said(1)).toBe(said(1));
    expect(said(1)).toBeGreaterThan(0.01);
    expect(new Set([1, 2, 3, 4].map(said)).size).toBeGreaterThan(1);
  });

  test("grows with the horizon and with leverage; is 1 below the margin, 0 for cash", () => {
    const forecast = makeForecaster(snapshot, steady(0.012), options);
    const byRatio = [1.5, 1.2, 1.1, 1.02].map((ratio) => forecast(account(LONG, ratio)));
    for (const { probability, byStep } of byRatio) {
      expect(byStep).toHaveLength(4);
      expect(byStep.at(-1)).toBe(probability);
      byStep.reduce((before, now) => {
        expect(now).toBeGreaterThanOrEqual(before);
        return now;
      }, 0);
    }
    const probabilities = byRatio.map(({ probability }) => probability);
    expect(probabilities).toEqual([...probabilities].sort((one, other) => one - other));
    expect(new Set(probabilities).size).toBe(4);
    expect(forecast(account(LONG, 0.99)).probability).toBe(1);
    expect(forecast({ ...emptyNote(1n, 1n, 1n), cash: 5n }).probability).toBe(0);
  });

  test("follows present volatility: the same returns in another order", () => {
    const calm = normals(300, 5).map((pair) => pair.map((value) => value * 0.004));
    const wild = normals(300, 6).map((pair) => pair.map((value) => value * 0.02));
    const note = account(LONG, 1.15);
    const afterStorm = forecastBreach(note, snapshot, historyOf([...calm, ...wild]), options);
    const afterCalm = forecastBreach(note, snapshot, historyOf([...wild, ...calm]), options);
    expect(afterStorm).toBeGreaterThan(0.3);
    expect(afterCalm).toBeLessThan(0.02);
  });

  test("draws underlyings together: what moves as one hedges", () => {
    const pairs = normals(600).map(([first, second]): [number, number] => [first * 0.012, second * 0.012]);
    const together = historyOf(pairs.map(([first]) => [first, first]));
    const apart = historyOf(pairs);
    const longShort = {
      [String(idOf("BTC", "perpetual"))]: 30n,
      [String(idOf("ETH", "perpetual"))]:
        -30n *
        (openRow(snapshot, idOf("BTC", "perpetual")).row.mark /
          openRow(snapshot, idOf("ETH", "perpetual")).row.mark || 1n),
    };
    const note = account(longShort, 1.05);
    const hedged = forecastBreach(note, snapshot, together, options);
    expect(forecastBreach(note, snapshot, apart, options)).toBeGreaterThan(hedged + 0.1);
  });

  test("counts that margins rise with volatility along the path", () => {
    // A range at its floor has room to rise; at its cap it has none.
    const at = (realized: number): number => {
      const market = unhashedSnapshot(listing(realized));
      const inputs = market.inputs.underlyings.map(({ scan }) => scan);
      expect(inputs[0]?.model).toBe("volatile");
      return forecastBreach(account(LONG, 1.08, market), market, steady(0.03), options);
    };
    expect(at(0.1)).not.toBe(at(4));
  });

  test("holds a stablecoin at its price, and refuses another coin that it knows nothing of", () => {
    const stable = String(snapshot.inputs.underlyings.find(({ name }) => name === "USDT")?.spot?.id);
    const note = account({ ...LONG, [stable]: 1_000n }, 1.1);
    expect(forecastBreach(note, snapshot, steady(0.012), options)).toBeGreaterThan(0);
    const onlyEther = { ...steady(0.012), names: ["LTC", "ETH"] };
    expect(() => forecastBreach(note, snapshot, onlyEther, options)).toThrow(/no prices of BTC/);
  });

  test.each([
    ["too short", "forecast.history", () => steady(0.01, 47), options],
    ["a price that does not move", "forecast.history", () => historyOf(Array(60).fill([0, 0])), options],
    [
      "prices from after the snapshot",
      "forecast.late",
      () => historyOf(normals(100), NOW + HOUR_MS),
      options,
    ],
    ["too old", "forecast.late", () => historyOf(normals(100), NOW - 4 * HOUR_MS), options],
    ["a part of a step", "forecast.horizon", () => steady(0.01), { ...options, horizonHours: 0.5 }],
    ["no paths", "forecast.paths", () => steady(0.01), { ...options, paths: 0 }],
  ])("refuses %s by the rule %s", (_, rule, history, asked) => {
    const refusal = () => forecastBreach(account(LONG, 1.1), snapshot, history(), asked);
    expect(refusal).toThrow(SolvusError);
    try {
      refusal();
    } catch (error) {
      expect((error as SolvusError).rule).toBe(rule);
    }
  });

  test("takes no return across a gap", () => {
    const history = steady(0.012);
    // Ten hours are lost near the end, in which the price doubled.
    const rows = history.rows.map((row, index) =>
      index < 590 ? row : { ...row, prices: row.prices.map((price) => price * 2) },
    );
    const gap = { ...history, rows: rows.filter((_, index) => index < 580 || index >= 590) };
    const note = account(LONG, 1.3);
    const usual = forecastBreach(note, snapshot, history, options);
    expect(Math.abs(forecastBreach(note, snapshot, gap, options) - usual)).toBeLessThan(0.1);
    expect(forecastBreach(note, snapshot, { ...history, rows }, options)).toBeGreaterThan(0.4);
  });
});

test("draws are uniform and differ by seed", () => {
  const counts = new Array<number>(7).fill(0);
  const draws = drawsFrom(9);
  for (let index = 0; index < 70_000; index++) {
    const place = draws.below(7);
    counts[place] = (counts[place] as number) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  const firstOf = (seed: number) => drawsFrom(seed).below(1_000_000);
  expect(new Set([0, 1, 2, 3, 4, 5].map(firstOf)).size).toBe(6);
});
