import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPTION_CHAIN } from "../../cli/demo/market.ts";
import { solvus } from "./run.ts";

interface Instrument {
  name: string;
  markUsd: number;
  delta: number;
  vegaUsd: number;
  lossesUsd: number[];
}

let directory: string;
let file: string;
let built: { epoch: number; root: string; instruments: Instrument[]; out: string };
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-cli-"));
  file = join(directory, "snapshot.json");
  const { stdout, exitCode } = await solvus([
    "snapshot",
    "build",
    "--options",
    OPTION_CHAIN,
    "--out",
    file,
    "--json",
  ]);
  expect(exitCode).toBe(0);
  built = JSON.parse(stdout);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const rows = readFileSync(OPTION_CHAIN, "utf8").trimEnd().split(/\r?\n/);
const header = (rows[0] as string).split(",");
const cell = (row: string, column: string): string => row.split(",")[header.indexOf(column)] as string;

/** A chain file made of the header and some rows. */
function chainOf(name: string, lines: string[]): string {
  const path = join(directory, name);
  writeFileSync(path, `${[rows[0], ...lines].join("\n")}\n`);
  return path;
}

describe("snapshot build", () => {
  test("prints and writes the same instruments, with sixteen losses each", () => {
    const written = JSON.parse(readFileSync(file, "utf8"));
    expect(written.instruments).toEqual(built.instruments);
    expect(written.root).toBe(built.root);
    expect(built.root).toMatch(/^0x[0-9a-f]{64}$/);
    expect(built.epoch).toBe(1);
    expect(built.out).toBe(file);
    for (const { name, markUsd, delta, vegaUsd, lossesUsd } of built.instruments) {
      expect(name).toMatch(/^[A-Z0-9]+-/);
      for (const value of [markUsd, delta, vegaUsd]) expect(Number.isFinite(value)).toBe(true);
      expect(lossesUsd).toHaveLength(16);
    }
  });

  test("lists every option of the file, spot, perpetual and another stablecoin", () => {
    const names = new Set(built.instruments.map(({ name }) => name));
    for (const row of rows.slice(1)) expect(names).toContain(cell(row, "instrument_name"));
    for (const name of ["BTC-SPOT", "BTC-PERPETUAL", "USDT-SPOT"]) expect(names).toContain(name);
  });

  test("agrees with the venue's delta and vega on every row", () => {
    const byName = new Map(built.instruments.map((instrument) => [instrument.name, instrument]));
    for (const row of rows.slice(1)) {
      const { delta, vegaUsd } = byName.get(cell(row, "instrument_name")) as Instrument;
      expect(Math.abs(delta - Number(cell(row, "delta")))).toBeLessThan(2e-4);
      expect(Math.abs(vegaUsd - Number(cell(row, "vega_usd")))).toBeLessThan(2e-3);
    }
  });

  test("leaves nothing but the file behind", () => {
    expect(readdirSync(directory)).toEqual(["snapshot.json"]);
  });

  test("takes a chain with fewer expiries and another order of columns", async () => {
    const december = rows.filter((row) => row.startsWith("BTC-25DEC20"));
    const reversed = [header.join(","), ...december].map((line) => line.split(",").reverse().join(","));
    const path = join(directory, "december.csv");
    writeFileSync(path, `${reversed.join("\n")}\n`);
    const { stdout, exitCode } = await solvus(["snapshot", "build", "--options", path, "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).instruments).toHaveLength(december.length + 3);
  });

  test("moves the market on request", async () => {
    const chain = chainOf(
      "june.csv",
      rows.filter((row) => row.startsWith("BTC-26JUN20")),
    );
    const args = ["snapshot", "build", "--options", chain, "--json"];
    const calm = JSON.parse((await solvus(args)).stdout);
    const moved = JSON.parse(
      (await solvus([...args, "--move-price", "BTC=-12%", "--move-volatility", "BTC=+25%"])).stdout,
    );
    const mark = (document: { instruments: Instrument[] }, name: string): number =>
      document.instruments.find((instrument) => instrument.name === name)?.markUsd as number;
    expect(mark(moved, "BTC-PERPETUAL")).toBeCloseTo(0.88 * mark(calm, "BTC-PERPETUAL"), 2);
    expect(mark(moved, "BTC-26JUN20-8000-P")).toBeGreaterThan(mark(calm, "BTC-26JUN20-8000-P"));
  });

  test.each([
    ["strike", "abc"],
    ["option_type", "straddle"],
    ["expiration_timestamp_ms", "tomorrow"],
    ["forward_usd", "-1"],
    ["mark_iv_pct", "much"],
  ])("names line and field of a bad %s and writes nothing", async (column, value) => {
    const cells = (rows[5] as string).split(",");
    cells[header.indexOf(column)] = value;
    const chain = chainOf(`bad-${column}.csv`, [...rows.slice(1, 5), cells.join(","), ...rows.slice(6, 9)]);
    const out = join(directory, `bad-${column}.json`);
    const { exitCode, stderr } = await solvus(["snapshot", "build", "--options", chain, "--out", out]);
    expect(stderr).toMatch(/^error: optionsCsv\.row: [^\n]+\n$/);
    expect(stderr).toContain("line 6");
    expect(stderr).toContain(column);
    expect(stderr).toContain(value);
    expect(exitCode).toBe(2);
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    ["an empty file", ""],
    ["no CSV", '"'],
    ["a header alone", `${rows[0]}\n`],
    ["missing columns", "strike,delta\n1,2\n"],
    ["binary data", "\u0000\u0001\u0002"],
  ])("refuses %s", async (name, content) => {
    const chain = join(directory, `${name.replaceAll(" ", "-")}.csv`);
    writeFileSync(chain, content);
    const { exitCode, stderr, stdout } = await solvus(["snapshot", "build", "--options", chain]);
    expect(stderr).toMatch(/^error: optionsCsv\.[a-z]+: [^\n]+\n$/);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });
});

describe("snapshot show", () => {
  test("shows a table, or the same figures as JSON", async () => {
    const text = await solvus(["snapshot", "show", file]);
    expect(text.stdout).toContain("BTC-26JUN20-10000-C");
    expect(text.exitCode).toBe(0);
    const json = await solvus(["snapshot", "show", file, "--json"]);
    expect(JSON.parse(json.stdout).instruments).toEqual(built.instruments);
  });

  test("shows one instrument with its risk array", async () => {
    const { stdout } = await solvus(["snapshot", "show", file, "--instrument", "btc-perpetual", "--json"]);
    const { instruments } = JSON.parse(stdout);
    expect(instruments).toHaveLength(1);
    expect(instruments[0].name).toBe("BTC-PERPETUAL");
    const text = await solvus(["snapshot", "show", file, "--instrument", "BTC-PERPETUAL"]);
    expect(text.stdout).toContain("price -1 range");
  });

  test("does not know an instrument that is not listed", async () => {
    const { exitCode, stderr } = await solvus(["snapshot", "show", file, "--instrument", "DOGE-SPOT"]);
    expect(stderr).toContain("error: instrument.unknown: ");
    expect(exitCode).toBe(2);
  });

  test("refuses a file whose figures do not follow from its inputs", async () => {
    const altered = JSON.parse(readFileSync(file, "utf8"));
    altered.instruments[1].markUsd += 1;
    const path = join(directory, "altered.json");
    writeFileSync(path, JSON.stringify(altered));
    const { exitCode, stderr } = await solvus(["snapshot", "show", path]);
    expect(stderr).toContain("error: snapshotFile.instruments: ");
    expect(exitCode).toBe(1);
  });

  test("calls a file that is no snapshot misuse", async () => {
    const path = join(directory, "other.json");
    writeFileSync(path, "{}");
    const { exitCode, stderr } = await solvus(["snapshot", "show", path]);
    expect(stderr).toContain("error: snapshotFile.format: ");
    expect(exitCode).toBe(2);
  });
});
