import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FRESH_FOR } from "../../protocol/priceAggregation.ts";
import { realizedVolatility } from "../../protocol/priceScan.ts";
import { parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { parseClosesCsv, secondsOf } from "../../services/oracle/closesCsv.ts";
import { closesSource, priceAt } from "../../services/oracle/closesSource.ts";
import { venueSource } from "../../services/oracle/venueSource.ts";
import { ruleOf } from "../support/rule.ts";

const HOUR = 3_600;
const START = Date.UTC(2021, 0, 1) / 1000;
const JANUARY = parseClosesCsv(readFileSync(join(ROOT, "data/btc-eth-1h-2021-01.csv"), "utf8"));

describe("a file of closes", () => {
  test("names its underlyings by column, and a close comes an interval after its hour opened", () => {
    expect([...JANUARY.series.keys()]).toEqual(["BTC", "ETH"]);
    expect(JANUARY.interval).toBe(HOUR);
    expect(JANUARY.series.get("BTC")![0]).toEqual({ time: START + HOUR, price: 28_995.13 });
    expect(JANUARY.series.get("ETH")!.at(-1)).toEqual({
      time: Date.UTC(2021, 1, 1, 1) / 1000,
      price: 1_279.97,
    });
  });

  test("of another form has times of closes, in any of three ways", () => {
    const { series } = parseClosesCsv(
      "time,BTC,SOL_close,ethusdc_close,USDT\n1609459200,1,2,3,1\n1609462800000,1.5,,3,1.01\n2021-01-01 02:00:00Z,2,4,3,1\n",
    );
    expect([...series.keys()]).toEqual(["BTC", "SOL", "ETH", "USDT"]);
    expect(series.get("BTC")!.map(({ time }) => time)).toEqual([START, START + HOUR, START + 2 * HOUR]);
    expect(series.get("SOL")).toEqual([
      { time: START, price: 2 },
      { time: START + 2 * HOUR, price: 4 },
    ]);
  });

  test.each([
    ["", "closesCsv.empty"],
    ["time,BTC\n1609459200,1\n", "closesCsv.empty"],
    ["time\n1609459200\n1609459260\n", "closesCsv.column"],
    ["time,b-t-c\n1609459200,1\n1609459260,1\n", "closesCsv.column"],
    ["time,BTC,btcusd_close\n1609459200,1,1\n1609459260,1,1\n", "closesCsv.column"],
    ["time,BTC\n1609459200,1\n1609459200,1\n", "closesCsv.time"],
    ["time,BTC\nyesterday,1\n1609459200,1\n", "closesCsv.time"],
    ["time,BTC\n1609459200,0\n1609459260,1\n", "closesCsv.cell"],
    ["time,BTC\n1609459200,-1\n1609459260,1\n", "closesCsv.cell"],
    ["time,BTC\n1609459200,1e5\n1609459260,1\n", "closesCsv.cell"],
    ['time,BTC\n1609459200,"1\n', "closesCsv.csv"],
    ["time,BTC\n1609459200,1,2\n1609459260,1\n", "closesCsv.csv"],
  ])("is refused: %j", (text, rule) => {
    expect(ruleOf(() => parseClosesCsv(text))).toBe(rule);
  });

  test("times that are none are none", () => {
    for (const text of ["", "12", "2021-13-01T00:00Z", "2021-01-01T00:00+01:00", "now"])
      expect(secondsOf(text)).toBeUndefined();
    expect(secondsOf("2021-01-01T00:00")).toBe(START);
  });
});

describe("recorded closes as a source", () => {
  const closes = [
    { time: 0, price: 100 },
    { time: HOUR, price: 400 },
    { time: 5 * HOUR, price: 100 },
    { time: 6 * HOUR, price: 200 },
  ];

  test("go straight in the logarithm between two closes", () => {
    expect(priceAt(closes, HOUR, 0)).toEqual({ price: 100, tradedAt: 0 });
    expect(priceAt(closes, HOUR, HOUR / 2)!.price).toBeCloseTo(200, 9);
    expect(priceAt(closes, HOUR, HOUR)).toEqual({ price: 400, tradedAt: HOUR });
  });

  test("stand still in a hole and after the end, and are late there before long", () => {
    expect(priceAt(closes, HOUR, 3 * HOUR)).toEqual({ price: 400, tradedAt: HOUR });
    expect(priceAt(closes, HOUR, 5.5 * HOUR)!.tradedAt).toBe(5.5 * HOUR);
    const after = priceAt(closes, HOUR, 6 * HOUR + Number(FRESH_FOR) + 1)!;
    expect(after.tradedAt + Number(FRESH_FOR)).toBeLessThan(6 * HOUR + Number(FRESH_FOR) + 1);
    expect(priceAt(closes, HOUR, -1)).toBeUndefined();
  });

  test("show the volatility of the full hours so far, whatever the time within the hour", async () => {
    const source = closesSource(JANUARY);
    const hours = JANUARY.series.get("BTC")!.slice(0, 200);
    const last = hours.at(-1)!.time;
    const expected = realizedVolatility(hours.map(({ price }) => price));
    for (const time of [last, last + 1, last + HOUR - 1])
      expect((await source.observe(time)).BTC!.realizedVolatility).toBeCloseTo(expected, 12);
    expect((await source.observe(last + HOUR)).BTC!.realizedVolatility).not.toBeCloseTo(expected, 5);
    expect((await source.observe(last)).BTC!.realizedVolatility).toBeCloseTo(expected, 12);
  });

  test("show no perpetual where the price is not of now", async () => {
    const source = closesSource({ interval: HOUR, series: new Map([["BTC", closes]]) });
    expect((await source.observe(HOUR)).BTC!.perpetual).toEqual({ mark: 400, fundingRate: 0 });
    const hole = (await source.observe(3 * HOUR)).BTC!;
    expect(hole.perpetual).toBeUndefined();
    expect(hole.index!.tradedAt).toBe(HOUR);
  });

  test("can be those of another time than the chain's", async () => {
    const shiftSeconds = -1_000_000;
    const source = closesSource(JANUARY, { shiftSeconds });
    const plain = closesSource(JANUARY);
    const time = START + 100 * HOUR + 77;
    const shifted = (await source.observe(time - shiftSeconds)).ETH!;
    const unshifted = (await plain.observe(time)).ETH!;
    expect(shifted.index!.price).toBe(unshifted.index!.price);
    expect(shifted.index!.tradedAt).toBe(time - shiftSeconds);
    expect(shifted.realizedVolatility).toBe(unshifted.realizedVolatility);
  });

  test("have prices of their own for what the file lacks, and none for what it has", async () => {
    const source = closesSource(JANUARY, { fixed: { USDT: 0.99, BTC: 1 } });
    const seen = await source.observe(START + HOUR);
    expect(seen.USDT).toEqual({ index: { price: 0.99, tradedAt: START + HOUR } });
    expect(seen.BTC!.index!.price).toBe(28_995.13);
  });
});

describe("a venue of a recording as a source", () => {
  const file = parsePricesCsv(
    [
      "time,kraken_BTCUSD_close,kraken_BTCUSD_volume,other_BTCUSDC_close,other_BTCUSDC_volume",
      "2023-03-10T00:00Z,100,1,99,1",
      "2023-03-10T00:01Z,101,0,98,1",
      "2023-03-10T00:02Z,,,97,0",
      "2023-03-10T01:00Z,110,1,96,1",
    ].join("\n"),
  );
  const START_2023 = Date.UTC(2023, 2, 10) / 1000;

  test("shows its last close with a trade, and when that was", async () => {
    const source = venueSource(file, "kraken_BTCUSD");
    const at = async (time: number) => (await source.observe(START_2023 + time)).BTC!;
    expect((await at(60)).index).toEqual({ price: 100, tradedAt: START_2023 });
    expect((await at(HOUR)).index).toEqual({ price: 110, tradedAt: START_2023 + HOUR });
    expect((await at(HOUR)).realizedVolatility).toBe(realizedVolatility([100, 110]));
    expect((await at(-1)).index).toBeUndefined();
    const other = venueSource(file, "other_BTCUSDC", { shiftSeconds: 60 });
    const seen = (await other.observe(START_2023 + 60)).BTC!.index;
    expect(seen).toEqual({ price: 98, tradedAt: START_2023 });
  });

  test("is refused when the file does not have it", () => {
    expect(ruleOf(() => venueSource(file, "kraken_BTCEUR"))).toBe("source.venue");
  });
});
