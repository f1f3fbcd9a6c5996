import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type PricePoint, type PriceSeries, pricesText, readPrices } from "../../cli/drill/prices.ts";
import { drillWindow } from "../../cli/drill/window.ts";
import { Misuse } from "../../protocol/errors.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

const HOUR = 3_600_000;
const JANUARY = readFileSync(join(ROOT, "data/btc-eth-1h-2021-01.csv"), "utf8");

/** The refusal of a file's text. */
function refusal(text: string): Misuse {
  try {
    readPrices(text);
  } catch (error) {
    return error as Misuse;
  }
  throw new Error("the file was read");
}

/** A file of hourly rows with one close for each underlying. */
const hourly = (header: string, rows: readonly string[]): string =>
  [
    header,
    ...rows.map(
      (cells, hour) =>
        `2022-05-0${1 + Math.floor(hour / 24)}T${String(hour % 24).padStart(2, "0")}:00Z,${cells}`,
    ),
  ].join("\n");

describe("a price file", () => {
  test("is read with the close of an interval at its end", () => {
    const { underlyings, points, intervalMs } = readPrices(JANUARY);
    expect(underlyings).toEqual(["BTC", "ETH"]);
    expect(intervalMs).toBe(HOUR);
    expect(points).toHaveLength(745);
    expect(points[0]).toEqual({ time: Date.UTC(2021, 0, 1, 1), prices: [28_995.13, 734.07] });
  });

  test("may have other underlyings, a plain time column and few rows", () => {
    const { underlyings, points } = readPrices(
      hourly(
        "time,BTC,ETH,SOL",
        ["3e4,2e3,90", "30100,2010,91"].map((row) => row.replace("3e4", "30000").replace("2e3", "2000")),
      ),
    );
    expect(underlyings).toEqual(["BTC", "ETH", "SOL"]);
    expect(points.map(({ time }) => new Date(time).getUTCHours())).toEqual([0, 1]);
  });

  test.each([
    [
      "a price that is none",
      "time,BTC,ETH\n2021-01-01T00:00Z,30000,1000\n2021-01-01T01:00Z,30000,many\n",
      /line 3.*ETH.*many/,
    ],
    ["a price of zero", "time,BTC\n2021-01-01T00:00Z,30000\n2021-01-01T01:00Z,0\n", /line 3.*BTC/],
    ["a time that is none", "time,BTC\n2021-01-01T00:00Z,30000\nnoon,30000\n", /line 3.*time.*noon/],
    ["a time that goes back", "time,BTC\n2021-01-01T01:00Z,30000\n2021-01-01T00:00Z,30000\n", /line 3.*time/],
    [
      "a row that is too short",
      "time,BTC,ETH\n2021-01-01T00:00Z,30000,1000\n2021-01-01T01:00Z,30000\n",
      /line 3/,
    ],
    ["no rows", "time,BTC\n", /rows/],
    ["nothing", "", /rows/],
    ["one row", "time,BTC\n2021-01-01T00:00Z,30000\n", /rows|times/],
    ["no prices", "time\n2021-01-01T00:00Z\n2021-01-01T01:00Z\n", /column/],
    ["a column twice", "time,BTC,btcusdt_close\n2021-01-01T00:00Z,1,1\n2021-01-01T01:00Z,1,1\n", /BTC/],
    [
      "a price that no account could carry",
      "time,BTC\n2021-01-01T00:00Z,30000\n2021-01-01T01:00Z,99999999\n",
      /BTC.*99999999/,
    ],
  ])("with %s is refused as malformed, in one line that says where", (_, text, where) => {
    const error = refusal(text);
    expect(error).toBeInstanceOf(Misuse);
    expect(error.message).toMatch(where);
    expect(error.message).not.toContain("\n");
  });

  test("is handed on with calm before and after, and reads back", () => {
    const { underlyings, points } = readPrices(JANUARY);
    const part = points.slice(10, 15);
    const again = readPrices(pricesText(underlyings, part, { intervalMs: HOUR, calmMs: 3 * HOUR }));
    expect(again.underlyings).toEqual(underlyings);
    expect(again.points.slice(3, -3)).toEqual(part);
    expect(again.points.slice(0, 3).map(({ prices }) => prices)).toEqual(Array(3).fill(part[0]?.prices));
    expect(again.points.at(-1)).toEqual({
      time: (part.at(-1) as PricePoint).time + 3 * HOUR,
      prices: part.at(-1)?.prices,
    });
  });
});

test("holes in a file are filled with what lies between", () => {
  const at = (hour: number, price: number): PricePoint => ({
    time: Date.UTC(2022, 0, 1, hour),
    prices: [price],
  });
  const text = pricesText(["BTC"], [at(0, 100), at(1, 100), at(4, 800)], { intervalMs: HOUR, calmMs: HOUR });
  const { points } = readPrices(text);
  expect(points.map(({ prices }) => Math.round(prices[0] as number))).toEqual([
    100, 100, 100, 200, 400, 800, 800,
  ]);
});

describe("the window of a drill", () => {
  const series = (prices: readonly number[], intervalMs = HOUR): PriceSeries => ({
    underlyings: ["BTC"],
    intervalMs,
    points: prices.map((price, place) => ({
      time: Date.UTC(2022, 0, 1) + place * intervalMs,
      prices: [price],
    })),
  });

  test("is the fall of 11 January, with keepers away in its steepest half", () => {
    const { points, outage } = drillWindow(readPrices(JANUARY), { outage: true });
    expect(new Date(points[0]?.time as number).toISOString()).toBe("2021-01-10T08:00:00.000Z");
    expect(points).toHaveLength(37);
    const lowest = points.findIndex(
      ({ prices }) => prices[1] === Math.min(...points.map((point) => point.prices[1] as number)),
    );
    expect(outage?.to).toBe(lowest);
    expect(outage?.from).toBeGreaterThan(10);
  });

  test("is all of a short file", () => {
    const short = series([100, 99, 90, 80, 85]);
    const { points, outage } = drillWindow(short, { outage: true });
    expect(points).toEqual(short.points);
    expect(outage).toEqual({ from: 1, to: 3 });
  });

  test("is around the greatest rise where prices only rise", () => {
    const rising = series(
      Array.from({ length: 100 }, (_, place) => (place < 80 ? 100 + place / 10 : 100 + 4 * (place - 78))),
    );
    const { points } = drillWindow(rising, { outage: false });
    expect(points.at(-1)?.time).toBe(rising.points.at(-1)?.time);
    expect(points).toHaveLength(37);
  });

  test("has no more steps for a file of minutes, and reaches its last point", () => {
    const minutes = series(
      Array.from({ length: 600 }, (_, place) => 100 - place / 50),
      60_000,
    );
    const { points } = drillWindow(minutes, { outage: true });
    expect(points.length).toBeLessThanOrEqual(37);
    expect(points.at(-1)).toEqual(minutes.points.at(-1));
  });

  test("is what was asked for, without an outage if so wished", () => {
    const { points, outage } = drillWindow(readPrices(JANUARY), {
      from: Date.UTC(2021, 0, 20),
      to: Date.UTC(2021, 0, 20, 6),
      outage: false,
    });
    expect(points.map(({ time }) => new Date(time).getUTCHours())).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(outage).toBeUndefined();
  });

  test("refuses a wish that leaves no two points", () => {
    expect(() => drillWindow(readPrices(JANUARY), { from: Date.UTC(2024, 0, 1), outage: false })).toThrow(
      /points/,
    );
  });
});
