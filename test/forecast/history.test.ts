import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import { chainHistory } from "../../services/forecast/chainHistory.ts";
import {
  historyFromCsv,
  historyFromInputs,
  historyUntil,
  joinHistories,
} from "../../services/forecast/history.ts";

const ruleOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof SolvusError) return `${error.rule}: ${error.message}`;
    throw error;
  }
  return "accepted";
};

test("a recorded file is read: an hour that opens at a time closes an hour later", () => {
  const history = historyFromCsv(readFileSync("data/btc-eth-1h-2021-01.csv", "utf8"));
  expect(history.names).toEqual(["BTC", "ETH"]);
  expect(history.stepMs).toBe(HOUR_MS);
  expect(history.rows[0]).toEqual({ time: Date.UTC(2021, 0, 1, 1), prices: [28_995.13, 734.07] });
});

test("a file of closing times is read as it says, and names without a quote currency stay", () => {
  const history = historyFromCsv(
    "time,USDT,BTC-USD,eth\n1609459200,1,29000,700\n1609462800,1.01,29100,710\n",
  );
  expect(history.names).toEqual(["USDT", "BTC", "ETH"]);
  expect(history.rows.map(({ time }) => time)).toEqual([Date.UTC(2021, 0, 1), Date.UTC(2021, 0, 1, 1)]);
});

test("a file that is wrong is refused, with its line", () => {
  const after = (rows: string) => ruleOf(() => historyFromCsv(`time,BTC\n2021-01-01T00:00Z,29000\n${rows}`));
  expect(after("")).toMatch(/^forecast.csv: .* 1 rows, expected at least one and two/);
  expect(after("2021-01-01T01:00Z,0")).toMatch(/^forecast.csv: .*line 3: BTC is "0"/);
  expect(after("2021-01-01T01:00Z,")).toMatch(/^forecast.csv: .*line 3: BTC is ""/);
  expect(after("2021-01-01T00:00Z,29000")).toMatch(/^forecast.csv: .*line 3: time is .*expected later/);
  expect(after("yesterday,29000")).toMatch(/^forecast.csv: .*line 3: time is "yesterday"/);
  expect(after("2021-01-01T01:00Z,29000,1")).toMatch(/^forecast.csv: /);
  expect(ruleOf(() => historyFromCsv("time,BTC,btcusdt_close\n1609459200,1,1\n1609462800,1,1"))).toMatch(
    /once/,
  );
});

const epoch = (time: number, index: number): Pick<MarketInputs, "time" | "underlyings"> => ({
  time,
  underlyings: [{ name: "BTC", index: index * 1_000_000 }] as MarketInputs["underlyings"],
});

test("what the oracle published gives a price at each full hour that an epoch still speaks for", () => {
  const minute = 60_000;
  const start = Date.UTC(2021, 0, 1);
  const history = historyFromInputs([
    epoch(start - minute, 100), // stands for 00:00
    epoch(start + 30 * minute, 101), // too old for 01:00
    epoch(start + 65 * minute, 102),
    epoch(start + 120 * minute, 103), // is at 02:00
  ]);
  expect(history).toEqual({
    stepMs: HOUR_MS,
    names: ["BTC"],
    rows: [
      { time: start, prices: [100] },
      { time: start + 2 * HOUR_MS, prices: [103] },
    ],
  });
});

test("the last epoch stands for the hour after it once that has come", () => {
  const time = Date.UTC(2021, 0, 1, 0, 59);
  expect(historyFromInputs([epoch(time, 100)]).rows).toEqual([]);
  const now = time + 5 * 60_000;
  expect(historyFromInputs([epoch(time, 100)], { now }).rows).toEqual([
    { time: Date.UTC(2021, 0, 1, 1), prices: [100] },
  ]);
});

/** A chain with an epoch every five minutes, but for one long silence; counts what is asked of it. */
function minutely(start: number, count: number, silent: [number, number]) {
  const asked = { epochs: 0, inputs: 0 };
  const times = Array.from({ length: count }, (_, index) => start + index * 300_000 + 7_000).filter(
    (time) => time < silent[0] || time >= silent[1],
  );
  const inputs: MarketInputs = {
    epoch: 1,
    time: 0,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: [
      {
        name: "BTC",
        index: 1,
        scan: { model: "stable", down: 1, up: 1 },
        concentrationUnits: 1,
        expiries: [],
        settled: [],
      },
    ],
    archives: [],
  };
  const infoOf = (place: bigint) => {
    asked.epochs++;
    return [place, { epoch: place, time: BigInt(Math.floor((times[Number(place) - 1] as number) / 1000)) }];
  };
  const source = {
    oracle: {
      latest: async () => infoOf(BigInt(times.length)),
      snapshotAt: async (place: bigint) => infoOf(place),
    },
    chain: {
      blockNumber: async () => 1,
      snapshotOf: async (root: bigint) => {
        asked.inputs++;
        const time = times[Number(root) - 1] as number;
        const underlyings = inputs.underlyings.map((one) => ({ ...one, index: Number(root) * 1_000_000 }));
        return { inputs: encodeInputs({ ...inputs, time, underlyings }) };
      },
    },
  };
  return { times, asked, source: source as unknown as Parameters<typeof chainHistory>[0] };
}

test("a chain is asked for one epoch an hour, and for each only once", async () => {
  const start = Date.UTC(2021, 0, 1);
  const silent: [number, number] = [start + 20 * HOUR_MS, start + 23 * HOUR_MS];
  const { times, asked, source } = minutely(start, 600, silent);
  const reader = chainHistory(source);
  const { names, rows } = await reader.history(40);
  expect(names).toEqual(["BTC"]);
  const hours = Array.from({ length: 40 }, (_, index) => start + (10 + index) * HOUR_MS);
  const spoken = hours.filter((hour) => hour < start + 21 * HOUR_MS || hour > start + 23 * HOUR_MS);
  expect(rows.map(({ time }) => time)).toEqual(spoken);
  // Each is the price of the last epoch before the hour.
  for (const { time, prices } of rows) expect(prices[0]).toBe(times.findLastIndex((at) => at <= time) + 1);
  expect(asked.inputs).toBeLessThanOrEqual(41);
  const before = { ...asked };
  await reader.history(40);
  expect(asked.inputs).toBe(before.inputs);
  expect(asked.epochs).toBeLessThan(before.epochs + 50);
});

test("a file is continued by the chain, in the underlyings that both have", () => {
  const earlier = historyFromCsv("time,ETH,BTC\n1609459200,700,29000\n1609462800,710,29100\n");
  const later = historyFromInputs([epoch(1_609_462_800_000, 29_200), epoch(1_609_466_400_000, 29_300)]);
  const joined = joinHistories(earlier, later);
  expect(joined.names).toEqual(["BTC"]);
  expect(joined.rows.map(({ prices }) => prices[0])).toEqual([29_000, 29_200, 29_300]);
  expect(joinHistories(earlier, historyFromInputs([]))).toBe(earlier);
  expect(joinHistories(historyFromInputs([]), later)).toBe(later);
  expect(historyUntil(joined, 1_609_462_800_000).rows).toHaveLength(2);
  expect(ruleOf(() => joinHistories({ ...earlier, stepMs: 60_000 }, later))).toMatch(/^forecast.step/);
});
