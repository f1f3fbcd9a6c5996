import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
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

test("a file is continued by the chain, in the underlyings that both have", () => {
  const earlier = historyFromCsv("time,ETH,BTC\n1609459200,700,29000\n1609462800,710,29100\n");
  const later = historyFromInputs([epoch(1_609_462_800_000, 29_200), epoch(1_609_466_400_000, 29_300)]);
  const joined = joinHistories(earlier, later);
  expect(joined.names).toEqual(["BTC"]);
  expect(joined.rows.map(({ prices }) => prices[0])).toEqual([29_000, 29_200, 29_300]);
  expect(historyUntil(joined, 1_609_462_800_000).rows).toHaveLength(2);
  expect(ruleOf(() => joinHistories({ ...earlier, stepMs: 60_000 }, later))).toMatch(/^forecast.step/);
});
