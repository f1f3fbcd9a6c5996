import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ReplayedEpoch, replayPrices } from "../../protocol/priceReplay.ts";
import { type PriceCell, type PriceFile, parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { solvus } from "../cli/run.ts";

const FILE = join(ROOT, "data/btc-4-venues-1m-2023-03-10_12.csv");
const text = readFileSync(FILE, "utf8");
const file = parsePricesCsv(text);
const [USD, USDT, BINANCE_USDC, KRAKEN_USDC] = file.sources.map(({ name }) => name);
/** Dollar close of each row as recorded. */
const dollars = file.rows.map(({ cells }) => Number(cells[0]?.close) / 1e6);
const DAY = 1440;

/** The recording with the cells of a source changed over some rows. */
function changed(
  recording: PriceFile,
  source: string | undefined,
  [from, to]: [number, number],
  change: (cell: PriceCell) => PriceCell | undefined,
): PriceFile {
  const place = recording.sources.findIndex(({ name }) => name === source);
  const rows = recording.rows.map((row, index) => {
    const cell = row.cells[place];
    if (index < from || index >= to || cell === undefined) return row;
    return { ...row, cells: row.cells.with(place, change(cell)) };
  });
  return { ...recording, rows };
}
const silent = () => undefined;
const times =
  (percent: bigint) =>
  (cell: PriceCell): PriceCell => ({ ...cell, close: (cell.close * percent) / 100n });

/** Worst distance of the prices from the recorded dollar closes, and how many epochs have none. */
function against(epochs: readonly ReplayedEpoch[]): { worst: number; unpriced: number } {
  const deviations = epochs.map(({ price }, row) =>
    price === null ? 0 : Math.abs(price / (dollars[row] as number) - 1),
  );
  return { worst: Math.max(...deviations), unpriced: epochs.filter(({ price }) => price === null).length };
}
const replayed = (recording: PriceFile) => against(replayPrices(recording).epochs);

describe("the weekend on which USDC lost its peg", () => {
  const { epochs, worstDeviation } = replayPrices(file);
  const at = (time: string) => epochs.find((epoch) => epoch.time === time) as ReplayedEpoch;

  test("every minute has a price, within 0.3% of BTC/USD", () => {
    expect(epochs).toHaveLength(4320);
    const { worst, unpriced } = against(epochs);
    expect(unpriced).toBe(0);
    expect(worst).toBe(worstDeviation);
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(0.003);
  });

  test("at the worst, 14% apart, USDC quotes do not move it, and one is left out as far off", () => {
    const { price, sourcesUsed, sourcesLeftOut } = at("2023-03-11T07:50Z");
    expect(price).toBe(20086.85);
    // Two of the four would be too few.
    expect(sourcesUsed).toEqual([USD, USDT, KRAKEN_USDC]);
    expect(sourcesLeftOut).toEqual([
      { source: BINANCE_USDC, reason: expect.stringMatching(/^farOff: 22960\.78 is 14\.3\d%/) },
    ]);
  });

  test("two currencies alone do not stop it, nor does their distance move it", () => {
    expect(at("2023-03-12T11:07Z").price).toBe(20578.4);
    expect(at("2023-03-12T14:55Z").price).toBe(20581.62);
  });

  test("a minute that repeats the close with volume 0 is no trade", () => {
    const { sourcesLeftOut } = at("2023-03-12T14:55Z");
    expect(sourcesLeftOut).toEqual([
      { source: BINANCE_USDC, reason: "late: last trade 660 s before, expected at most 300 s" },
    ]);
    expect(at("2023-03-10T00:00Z").sourcesLeftOut).toEqual([
      { source: BINANCE_USDC, reason: "absent: no trade yet" },
    ]);
  });
});

describe("other weekends", () => {
  const whole: [number, number] = [0, 4320];

  test("a source that is gone, whichever stablecoin's, stops nothing", () => {
    expect(replayed(changed(file, USDT, [DAY, 2 * DAY], silent)).worst).toBeLessThan(0.003);
    for (const gone of [BINANCE_USDC, KRAKEN_USDC]) {
      expect(replayed(changed(file, gone, whole, silent)).worst).toBeLessThan(0.003);
    }
  });

  test("dollars silent for four hours at the height: quotes in tether, never in USDC", () => {
    const { worst, unpriced } = replayed(changed(file, USD, [1900, 2140], silent));
    expect(worst).toBeLessThan(0.01);
    // Where the quorum of three of four is missing there is no price.
    expect(unpriced).toBe(69);
  });

  test("dollars silent while nothing is off: within 0.3%", () => {
    const { worst, unpriced } = replayed(changed(file, USD, [720, 840], silent));
    expect(worst).toBeLessThan(0.003);
    expect(unpriced).toBe(0);
  });

  test.each([1n, 80n, 97n, 105n, 110n, 200n, 100_000n])(
    "a source that lies, at %i% of what it saw, while nothing else is off",
    (percent) => {
      for (const liar of file.sources) {
        const { worst, unpriced } = replayed(changed(file, liar.name, [200, 500], times(percent)));
        expect(worst).toBeLessThan(0.003);
        expect(unpriced).toBe(0);
      }
    },
  );

  test("two USDC venues lie together, far up or far down, all weekend", () => {
    for (const percent of [50n, 80n, 150n, 1000n]) {
      const both = changed(
        changed(file, KRAKEN_USDC, whole, times(percent)),
        BINANCE_USDC,
        whole,
        times(percent),
      );
      expect(replayed(both).worst).toBeLessThan(0.003);
    }
  });

  test("a lying dollar source with one other currency: no drag while the price is known from before", () => {
    const noTether = changed(file, USDT, [190, 330], silent);
    expect(replayed(changed(noTether, USD, [200, 320], times(110n))).worst).toBeLessThan(0.003);
  });

  test("a market that falls by 14% in a minute is followed within two", () => {
    const fallen = file.sources.reduce(
      (recording, { name }) => changed(recording, name, [2000, 4320], times(86n)),
      file,
    );
    const { epochs } = replayPrices(fallen);
    const prices = epochs.slice(2000, 2003).map(({ price }) => price);
    expect(epochs[2000]?.noPrice).toMatch(/^moveNotConfirmed/);
    expect(prices[1]).toBeCloseTo((dollars[2001] as number) * 0.86, 0);
    expect(epochs.filter(({ price }) => price === null)).toHaveLength(1);
  });

  test("without a quorum there is no price, and the next epoch with one goes on", () => {
    const gap = [USDT, BINANCE_USDC, KRAKEN_USDC].reduce(
      (recording, name) => changed(recording, name, [1000, 1030], silent),
      file,
    );
    const { epochs } = replayPrices(gap);
    const unpriced = epochs.flatMap(({ price }, row) => (price === null ? [row] : []));
    expect(unpriced.at(0)).toBeGreaterThan(1000);
    expect(unpriced.at(-1)).toBeLessThanOrEqual(1030);
    expect(unpriced.length).toBeGreaterThan(20);
    const missing = epochs[1020] as ReplayedEpoch;
    expect(missing).toMatchObject({ price: null, sourcesUsed: [] });
    expect(missing.noPrice).toBe("quorumMissing: 1 sources are fresh, expected at least 3");
    expect(missing.sourcesLeftOut).toHaveLength(3);
    expect(against(epochs).worst).toBeLessThan(0.003);
  });

  test("one currency other than the dollar gives no price where there are several", () => {
    const three = parsePricesCsv(
      [
        "t,a_BTCUSD_close,a_BTCUSD_volume,b_BTCUSDC_close,b_BTCUSDC_volume,c_BTCUSDC_close,c_BTCUSDC_volume",
        "2023-03-10T00:00Z,100,1,100,1,100,1",
        "2023-03-10T00:06Z,100,0,114,1,114,1",
      ].join("\n"),
    );
    expect(replayPrices(three).epochs[1]?.noPrice).toMatch(/^currencyMissing/);
  });

  test("a file without dollar quotes has nothing to compare with", () => {
    const { rows, sources, base } = file;
    const foreign = {
      base,
      sources: sources.slice(1),
      rows: rows.map((row) => ({ ...row, cells: row.cells.slice(1) })),
    };
    const { worstDeviation, epochs } = replayPrices(foreign);
    expect(worstDeviation).toBeNull();
    expect(epochs[100]?.price).toBeGreaterThan(19_000);
  });
});

describe("a file of prices", () => {
  const HEADER = "time,a_BTCUSD_close,a_BTCUSD_volume,b_x_BTCUSDT_close,b_x_BTCUSDT_volume";
  const parse = (...rows: string[]) => parsePricesCsv([HEADER, ...rows].join("\n"));

  test("may have its columns in any order, empty cells, exponents, seconds or milliseconds", () => {
    const other = "time,b_x_BTCUSDT_volume,a_BTCUSD_volume,a_BTCUSD_close,b_x_BTCUSDT_close";
    const { base, sources, rows } = parsePricesCsv(
      `\ufeff${other}\r\n1678406400,1e-05,0,20000.1234567,2.0E4\r\n1678406460000,,0.0,,\r\n2023-03-10 00:02:30+00:00,0,1,.5,20000\r\n`,
    );
    expect(base).toBe("BTC");
    expect(sources).toEqual([
      { name: "b_x_BTCUSDT", currency: "USDT" },
      { name: "a_BTCUSD", currency: "USD" },
    ]);
    expect(rows.map(({ time }) => time)).toEqual([1678406400n, 1678406460n, 1678406550n]);
    expect(rows.map(({ cells }) => cells)).toEqual([
      [
        { close: 20_000_000_000n, traded: true },
        { close: 20_000_123_457n, traded: false },
      ],
      [undefined, undefined],
      [
        { close: 20_000_000_000n, traded: false },
        { close: 500_000n, traded: true },
      ],
    ]);
  });

  test("tells base and quote apart by what all its pairs have in common", () => {
    const of = (...pairs: string[]) =>
      parsePricesCsv(
        `t,${pairs.map((pair) => `v_${pair}_close,v_${pair}_volume`).join(",")}\n2023-03-10T00:00Z${",1,1".repeat(pairs.length)}`,
      );
    expect(of("BNBUSD", "BNBUSDT")).toMatchObject({
      base: "BNB",
      sources: [{ currency: "USD" }, { currency: "USDT" }],
    });
    expect(of("BTCBUSD", "BTCFDUSD").sources.map(({ currency }) => currency)).toEqual(["BUSD", "FDUSD"]);
    expect(of("ethusdc", "ETHUSD").base).toBe("ETH");
  });

  test.each([
    ["pricesCsv.empty", "no rows", () => parsePricesCsv("")],
    ["pricesCsv.empty", "no rows", () => parse()],
    ["pricesCsv.column", "first column", () => parsePricesCsv("a_BTCUSD_close,a_BTCUSD_volume\n1,1")],
    ["pricesCsv.column", "no column of prices", () => parsePricesCsv("time\n2023-03-10T00:00Z")],
    [
      "pricesCsv.column",
      '"a_BTCUSD_volume" is absent',
      () => parsePricesCsv("t,a_BTCUSD_close\n2023-03-10T00:00Z,1"),
    ],
    ["pricesCsv.column", '"price"', () => parsePricesCsv("t,price\n2023-03-10T00:00Z,1")],
    [
      "pricesCsv.column",
      '"a_BTCEUR"',
      () => parsePricesCsv("t,a_BTCEUR_close,a_BTCEUR_volume\n2023-03-10T00:00Z,1,1"),
    ],
    [
      "pricesCsv.column",
      '"b_ETHUSD"',
      () =>
        parsePricesCsv(
          "t,a_BTCUSD_close,a_BTCUSD_volume,b_ETHUSD_close,b_ETHUSD_volume\n2023-03-10T00:00Z,1,1,1,1",
        ),
    ],
    [
      "pricesCsv.column",
      "twice",
      () => parsePricesCsv("t,a_BTCUSD_close,a_BTCUSD_close\n2023-03-10T00:00Z,1,1"),
    ],
    ["pricesCsv.csv", "line 2", () => parse("2023-03-10T00:00Z,1,1,1")],
    ["pricesCsv.csv", "", () => parse('2023-03-10T00:00Z,1,1,1,"1')],
    ["pricesCsv.time", 'line 2: time is "yesterday"', () => parse("yesterday,1,1,1,1")],
    ["pricesCsv.time", "line 4", () => parse("", "", "today,1,1,1,1")],
    ["pricesCsv.time", "line 2", () => parse("2023-02-29T00:00Z,1,1,1,1")],
    ["pricesCsv.time", "line 2", () => parse("2023-03-10T24:00Z,1,1,1,1")],
    ["pricesCsv.time", "line 2", () => parse("2023-03-10T00:00+01:00,1,1,1,1")],
    ["pricesCsv.time", "line 3", () => parse("2023-03-10T00:01Z,1,1,1,1", "2023-03-10T00:01Z,1,1,1,1")],
    ["pricesCsv.time", "line 3", () => parse("2023-03-10T00:01Z,1,1,1,1", "2023-03-10T00:00Z,1,1,1,1")],
    ["pricesCsv.cell", 'line 2: a_BTCUSD_close is "0"', () => parse("2023-03-10T00:00Z,0,1,1,1")],
    ["pricesCsv.cell", 'a_BTCUSD_close is "-1"', () => parse("2023-03-10T00:00Z,-1,1,1,1")],
    ["pricesCsv.cell", 'a_BTCUSD_close is "NaN"', () => parse("2023-03-10T00:00Z,NaN,1,1,1")],
    ["pricesCsv.cell", 'a_BTCUSD_close is "Infinity"', () => parse("2023-03-10T00:00Z,Infinity,1,1,1")],
    ["pricesCsv.cell", 'a_BTCUSD_close is "1e300"', () => parse("2023-03-10T00:00Z,1e300,1,1,1")],
    ["pricesCsv.cell", 'a_BTCUSD_close is "1,5"', () => parse('2023-03-10T00:00Z,"1,5",1,1,1')],
    ["pricesCsv.cell", 'a_BTCUSD_close is ""', () => parse("2023-03-10T00:00Z,,1,1,1")],
    [
      "pricesCsv.cell",
      'line 3: b_x_BTCUSDT_volume is ""',
      () => parse("2023-03-10T00:00Z,1,1,1,1", "2023-03-10T00:01Z,1,1,1,"),
    ],
    ["pricesCsv.cell", 'b_x_BTCUSDT_volume is "-0.1"', () => parse("2023-03-10T00:00Z,1,1,1,-0.1")],
  ])("is refused by %s, naming %s", (rule, part, read) => {
    expect(read).toThrow(expect.objectContaining({ rule }));
    expect(read).toThrow(part);
    expect(read).toThrow(/^[^\n]+$/);
  });
});

describe("solvus oracle replay", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "solvus-oracle-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("prints one object a row and the worst deviation last", async () => {
    const { stdout, exitCode } = await solvus(["oracle", "replay", "--prices", FILE, "--json"]);
    expect(exitCode).toBe(0);
    const printed = JSON.parse(stdout);
    const { epochs, worstDeviation } = replayPrices(file);
    expect(printed).toEqual([...epochs, { worstDeviation }]);
    expect(stdout.split("\n")).toHaveLength(4320 + 4);
  });

  test("says in words which sources were left out, and which epochs have no price", async () => {
    const { stdout, exitCode } = await solvus(["oracle", "replay", "--prices", FILE]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "4320 epochs of BTC from 2023-03-10T00:00Z to 2023-03-12T23:59Z, 4320 with a price",
    );
    expect(stdout).toMatch(/kraken_BTCUSDC +USDC +\d+ +9 /);
    expect(stdout).toContain("Worst deviation from the dollar quote: 0.104% at 2023-03-10T13:42Z.");
    const few = join(directory, "few.csv");
    writeFileSync(
      few,
      "t,a_BTCUSD_close,a_BTCUSD_volume,b_BTCUSDT_close,b_BTCUSDT_volume\n2023-03-10T00:00Z,1,1,1,0\n",
    );
    const gap = await solvus(["oracle", "replay", "--prices", few]);
    expect(gap.stdout).toContain("2023-03-10T00:00Z  no price: quorumMissing");
    expect(gap.stdout).toContain("No row has a dollar quote");
  });

  test("refuses a malformed file in one line and ends with 2", async () => {
    const bad = join(directory, "bad.csv");
    writeFileSync(bad, text.replace("20359.86", "2o359.86"));
    const { stderr, stdout, exitCode } = await solvus(["oracle", "replay", "--prices", bad]);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      'error: pricesCsv.cell: prices file, line 3: binanceus_BTCUSD_close is "2o359.86", expected a number from 0.000001 to 1000000000\n',
    );
    const absent = await solvus(["oracle", "replay", "--prices", join(directory, "none.csv"), "--json"]);
    expect(absent.exitCode).toBe(2);
    expect(JSON.parse(absent.stdout).error.rule).toBe("file.read");
  });

  test("takes tens of thousands of rows", async () => {
    const [header, ...rows] = text.trimEnd().split("\n") as [string, ...string[]];
    const many = Array.from({ length: 10 }, (_, copy) =>
      rows.map((row) => row.replace("2023-03", `20${23 + copy}-03`)),
    );
    const long = join(directory, "long.csv");
    writeFileSync(long, [header, ...many.flat()].join("\n"));
    const { stdout, stderr, exitCode } = await solvus(["oracle", "replay", "--prices", long, "--json"]);
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    const printed = JSON.parse(stdout);
    expect(printed).toHaveLength(43_201);
    expect(printed.at(-1).worstDeviation).toBeLessThan(0.003);
  });
});
