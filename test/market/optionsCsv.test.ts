import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { marketOf } from "../../cli/oracle/place.ts";
import { type InstrumentFigures, instrumentFigures } from "../../protocol/instrumentFigures.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { settleExpiry } from "../../protocol/nextEpoch.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import { chainText, realChain, refusal, refusedWith } from "./support.ts";

const HEADER =
  "instrument_name,option_type,strike,expiration_timestamp_ms,timestamp_ms,forward_usd,index_usd,mark_price_btc,mark_iv_pct,open_interest_btc,delta,gamma,vega_usd,theta_usd";
const GOOD =
  "BTC-29MAY20-9000-C,call,9000.0,1590739200000,1590103217676,9089.21,9087.82,0.04731374,74.92,1840.2,0.558,0.00041,5.09494,-25.92605";
const PUT =
  "BTC-29MAY20-9000-P,put,9000.0,1590739200000,1590103217676,9089.21,9087.82,0.03749916,74.92,100,-0.442,0.00041,5.09494,-25.92605";

/** A file of the good row with one field replaced. */
function fileWith(field: string, value: string): string {
  const columns = HEADER.split(",");
  const cells = GOOD.split(",");
  cells[columns.indexOf(field)] = value;
  return `${HEADER}\n${cells.join(",")}\n`;
}

describe("accuracy against the venue on its 196 options", () => {
  const { records } = realChain();
  const snapshot = buildSnapshot(inputsFromChain(records));
  const figures = new Map(instrumentFigures(snapshot).map((figure) => [figure.name, figure]));
  const rows = records.map((record) => ({ record, figure: figures.get(record.name) as InstrumentFigures }));

  test("every row is there", () => {
    expect(rows).toHaveLength(196);
    expect(rows.every(({ figure }) => figure !== undefined)).toBe(true);
  });

  test("delta within 2e-4 and vega within 2e-3 on every row", () => {
    for (const { record, figure } of rows) {
      expect(Math.abs(figure.delta - (record.venue.delta as number)), record.name).toBeLessThan(2e-4);
      expect(Math.abs(figure.vegaUsd - (record.venue.vega as number)), record.name).toBeLessThan(2e-3);
    }
  });

  test("gamma within its printed digits; theta of options with a day to live within a cent", () => {
    for (const { record, figure } of rows) {
      expect(Math.abs(figure.gamma - (record.venue.gamma as number)), record.name).toBeLessThan(6e-6);
      if (record.expiry - record.time > 86_400_000) {
        expect(Math.abs(figure.thetaUsd - (record.venue.theta as number)), record.name).toBeLessThan(0.01);
      }
    }
  });

  test("median mark within 1e-4 of the forward", () => {
    const errors = rows
      .map(({ record, figure }) =>
        Math.abs(figure.markUsd / record.forward - (record.venue.markInUnderlying as number)),
      )
      .sort((first, second) => first - second);
    expect(errors[errors.length / 2]).toBeLessThan(1e-4);
  });

  test("spot, perpetual and the other stablecoin are listed with them", () => {
    expect(figures.get("BTC-SPOT")).toMatchObject({ kind: "spot", delta: 1, lot: 0.1 });
    expect(figures.get("BTC-PERPETUAL")).toMatchObject({ kind: "perpetual", delta: 1, vegaUsd: 0 });
    expect(figures.get("USDT-SPOT")).toMatchObject({ kind: "spot", markUsd: 1, lot: 100 });
    for (const figure of figures.values()) expect(figure.lossesUsd).toHaveLength(16);
  });
});

describe("the form of the file", () => {
  const plain = parseOptionsCsv(`${HEADER}\n${GOOD}\n${PUT}\n`);

  test("column order, quotes, CRLF, a byte order mark, blank lines and unknown columns do not matter", () => {
    const columns = HEADER.split(",");
    const reversed = [HEADER, GOOD, PUT]
      .map((line, index) => [...line.split(",").reverse(), index === 0 ? "note" : "x, y"])
      .map((cells) => cells.map((cell) => ` "${cell}"`).join(","));
    const text = `\uFEFF${reversed[0]}\r\n\r\n${reversed[1]}\r\n${reversed[2]}\r\n`;
    expect(columns.length).toBe(14);
    const strip = (chain: typeof plain) => chain.records.map(({ line: _, ...record }) => record);
    expect(strip(parseOptionsCsv(text))).toEqual(strip(plain));
  });

  test("the venue's figures may be absent, as cells or as columns", () => {
    const required = HEADER.split(",").slice(0, 7).concat("mark_iv_pct");
    const cells = GOOD.split(",");
    const text = `${required.join(",")}\n${[...cells.slice(0, 7), cells[8]].join(",")}\n`;
    expect(parseOptionsCsv(text).records[0]).toMatchObject({ volatility: 0.7492, venue: {} });
    for (const value of ["", "nan", "NULL"]) {
      expect(parseOptionsCsv(fileWith("vega_usd", value)).records[0].venue.vega).toBeUndefined();
    }
  });

  test("expired options are left out and told", () => {
    const chain = parseOptionsCsv(
      `${HEADER}\n${GOOD}\n${GOOD.replace("9000-C", "8000-C").replace("1590739200000", "1590103217676")}\n`,
    );
    expect(chain.records).toHaveLength(1);
    expect(chain.skipped).toEqual([{ line: 3, name: "BTC-29MAY20-8000-C", reason: "expired" }]);
  });

  test("a volatility of zero makes the option its intrinsic value", () => {
    const { records } = parseOptionsCsv(fileWith("mark_iv_pct", "0.0"));
    const figure = instrumentFigures(buildSnapshot(inputsFromChain(records))).find(
      ({ kind }) => kind === "option",
    );
    expect(figure).toMatchObject({ markUsd: 89.21, delta: 1, vegaUsd: 0 });
  });

  test("an empty volatility follows from the mark, or the row is left out", () => {
    expect(parseOptionsCsv(fileWith("mark_iv_pct", "")).records[0].volatility).toBeCloseTo(0.7492, 3);
    const chain = parseOptionsCsv(
      `${fileWith("mark_iv_pct", "").replace(",0.04731374,", ",0.001,")}${PUT}\n`,
    );
    expect(chain.records.map(({ name }) => name)).toEqual(["BTC-29MAY20-9000-P"]);
    expect(chain.skipped[0].reason).toContain("mark_price_btc");
  });

  test.each([
    ["instrument_name", "BTC"],
    ["option_type", "straddle"],
    ["strike", "-9000"],
    ["strike", ""],
    ["strike", "9,000"],
    ["expiration_timestamp_ms", "29MAY20"],
    ["timestamp_ms", "1590103217.5"],
    ["timestamp_ms", "1590103217"],
    ["forward_usd", "abc"],
    ["forward_usd", "0"],
    ["forward_usd", "1e999"],
    ["index_usd", "NaN"],
    ["mark_iv_pct", "-1"],
    ["mark_iv_pct", "high"],
    ["delta", "1.5"],
    ["vega_usd", "0x10"],
  ])("%s = %j is refused in one line that names it", (field, value) => {
    const text = fileWith(field, value.includes(",") ? `"${value}"` : value);
    const error = refusedWith(() => parseOptionsCsv(text));
    expect(error.rule).toBe("optionsCsv.row");
    expect(error.message).toContain("line 2");
    expect(error.message).toContain(field);
    expect(error.message).toContain(JSON.stringify(value));
    expect(error.message).toContain("expected");
    expect(error.message).not.toContain("\n");
  });

  test("structural faults", () => {
    expect(refusal(() => parseOptionsCsv(""))).toBe("optionsCsv.empty");
    expect(refusal(() => parseOptionsCsv(`${HEADER}\n`))).toBe("optionsCsv.empty");
    expect(refusal(() => parseOptionsCsv(`${HEADER}\n${GOOD},1\n`))).toBe("optionsCsv.csv");
    expect(refusal(() => parseOptionsCsv(`${HEADER}\n"${GOOD}\n`))).toBe("optionsCsv.csv");
    expect(refusal(() => parseOptionsCsv("a,b\n1,2\n"))).toBe("optionsCsv.columns");
    expect(refusal(() => parseOptionsCsv(`${HEADER}\n${GOOD}\n${GOOD}\n`))).toBe("optionsCsv.duplicate");
    const error = refusedWith(() => parseOptionsCsv(fileWith("expiration_timestamp_ms", "1590103217676")));
    expect(error.rule).toBe("optionsCsv.empty");
  });
});

describe("listing", () => {
  const records = realChain().records;

  test("the order of the file does not matter", () => {
    const inputs = inputsFromChain(records);
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (shuffled) => {
        expect(inputsFromChain(shuffled)).toEqual(inputs);
      }),
      { numRuns: 5 },
    );
  });

  test("names of the file are kept, other chains too", () => {
    const chain = parseOptionsCsv(
      `${HEADER}\n${GOOD}\n${PUT.replaceAll("BTC-29MAY20-9000-P", "ETH_USDC-29MAY20-9d5-P").replace("9000.0", "9.5")}\n`,
    );
    const snapshot = buildSnapshot(inputsFromChain(chain.records));
    const names = snapshot.instruments.map(({ name }) => name);
    expect(names).toContain("ETH_USDC-29MAY20-9d5-P");
    expect(names).toContain("ETH_USDC-PERPETUAL");
  });

  test("a later chain keeps ids and lots, new options come after the highest, missing ones are refused", () => {
    const first = inputsFromChain(records.slice(0, 190));
    const later = records.map((record) => ({ ...record, time: record.time + 60_000 }));
    const second = inputsFromChain(later, { previous: first });
    expect(second.epoch).toBe(2);
    expect(second.previousTime).toBe(first.time);
    const ids = (inputs: typeof first) =>
      new Map(buildSnapshot(inputs).instruments.map(({ name, id }) => [name, id]));
    const before = ids(first);
    const after = ids(second);
    for (const [name, id] of before) expect(after.get(name)).toBe(id);
    const added = [...after].filter(([name]) => !before.has(name)).map(([, id]) => id);
    expect(added).toHaveLength(6);
    expect(added.every((id) => id > BigInt(before.size))).toBe(true);
    expect(second.underlyings[0].scan).toMatchObject({ previousRange: 120_000 });
    expect(refusal(() => inputsFromChain(later.slice(1), { previous: first }))).toBe("listing.missing");
    const expiry = records[0].expiry;
    const settled = settleExpiry(first, "BTC", expiry, 9_100);
    const rest = later.filter((record) => record.expiry !== expiry);
    const third = inputsFromChain(rest, { previous: settled });
    expect(third.underlyings[0].settled).toHaveLength(58);
    expect(buildSnapshot(third).tree.locate(before.get(records[0].name) as bigint)).toBeDefined();
  });

  test("prices and volatilities can be given", () => {
    const inputs = inputsFromChain(records, {
      prices: { USDT: 0.98, ETH: 210.5, BTC: 9_000 },
      realizedVolatilities: { BTC: 1.2 },
      epoch: 42,
    });
    expect(inputs.epoch).toBe(42);
    expect(inputs.underlyings.map(({ name, index }) => [name, index])).toEqual([
      ["BTC", 9_000_000_000],
      ["ETH", 210_500_000],
      ["USDT", 980_000],
    ]);
    const snapshot = buildSnapshot(inputs);
    expect(snapshot.underlyings[0].rangeState?.applied).toBe(Math.ceil((3 * 1.2 * 1e6) / Math.sqrt(365)));
    expect(refusal(() => inputsFromChain(records, { prices: { USDT: 0 } }))).toBe("listing.price");
    expect(refusal(() => inputsFromChain([]))).toBe("listing.empty");
  });

  test("a coin of a few micro-dollars is not listed: collateral would count a third more than it is worth", () => {
    const dear = inputsFromChain(records, { prices: { PEBBLE: 0.001 } });
    const pebble = buildSnapshot(dear).instruments.find(({ name }) => name === "PEBBLE-SPOT");
    expect(pebble?.lotExponent).toBe(5);
    expect(refusal(() => inputsFromChain(records, { prices: { PEBBLE: 0.0000015 } }))).toBe("listing.coarse");
    expect(refusal(() => firstInputs({ PEBBLE: { index: { price: 0.0000015, tradedAt: 1 } } }, 1))).toBe(
      "listing.coarse",
    );
    const file = join(mkdtempSync(join(tmpdir(), "solvus-market-")), "market.json");
    const { underlyings, ...rest } = dear;
    const cheap = underlyings.map((one) => (one.name === "PEBBLE" ? { ...one, index: 2 } : one));
    writeFileSync(file, JSON.stringify({ ...rest, underlyings: cheap }));
    expect(() => marketOf({ market: file } as never)).toThrow("price of PEBBLE is 0.000002");
    // What is listed stays, however low it falls, and would count so: two micro-dollars instead of one and a half.
    const fallen = inputsFromChain(records, { prices: { PEBBLE: 0.0000015 }, previous: dear });
    const snapshot = buildSnapshot(fallen);
    const at = snapshot.tree.locate(pebble?.id ?? 0n);
    const { mark } = snapshot.tree.row(at?.underlying ?? 0, at?.place ?? 0);
    expect(Number(mark) / (0.0000015 * 1e5 * 1e6)).toBeCloseTo(4 / 3, 9);
  });

  test("the file's text gives the records of its rows", () => {
    expect(chainText().trim().split("\n")).toHaveLength(records.length + 1);
  });
});
