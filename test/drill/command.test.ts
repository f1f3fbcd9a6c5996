import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { PLACES, takeDirectory } from "../../cli/up/directory.ts";
import { solvus } from "../cli/run.ts";

const directory = mkdtempSync(join(tmpdir(), "solvus-drill-command-"));
const out = join(directory, "out");

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileOf(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const GOOD = fileOf("good.csv", "time,BTC\n2021-01-01T00:00Z,30000\n2021-01-01T01:00Z,29000\n");

describe("solvus drill refuses before anything starts", () => {
  test.each([
    [
      "a malformed price, by line and column",
      [
        "--prices",
        fileOf("bad.csv", "time,BTC,ETH\n2021-01-01T00:00Z,30000,1000\n2021-01-01T01:00Z,3e4x,990\n"),
      ],
      /^error: closesCsv\.cell: .*line 3: BTC is "3e4x"/,
    ],
    ["a file that is not there", ["--prices", join(directory, "none.csv")], /^error: file\.read: --prices/],
    ["too few accounts", ["--prices", GOOD, "--accounts", "5"], /^error: drill\.accounts: --accounts is 5/],
    [
      "accounts that are no number",
      ["--prices", GOOD, "--accounts", "many"],
      /^error: cli\.integer: --accounts/,
    ],
    ["a time that is none", ["--prices", GOOD, "--from", "noon"], /^error: cli\.time: --from is "noon"/],
    [
      "a window without prices",
      ["--prices", GOOD, "--from", "2024-01-01"],
      /^error: drill\.window: .*0 points/,
    ],
    ["no prices", [], /--prices/],
    [
      "a report where none can be",
      ["--prices", GOOD, "--out", join(GOOD, "out")],
      /^error: file\.write: --out/,
    ],
  ])("%s", async (_, args, line) => {
    const { exitCode, stdout, stderr } = await solvus(["drill", "--out", out, ...args, "--json"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(line);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout).exitCode).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

describe("the data directory of solvus up", () => {
  test("is emptied of what an earlier run left, and of nothing else", async () => {
    const path = join(directory, "own");
    const first = await takeDirectory(path);
    for (const name of [PLACES.deployment, "notes.txt"]) writeFileSync(join(path, name), "x");
    mkdirSync(join(path, PLACES.relayer));
    await first.release();
    const second = await takeDirectory(path);
    expect(existsSync(join(path, PLACES.deployment))).toBe(false);
    expect(existsSync(join(path, PLACES.relayer))).toBe(false);
    expect(existsSync(join(path, "notes.txt"))).toBe(true);
    await second.release();
  });

  test("is held by one run at a time", async () => {
    const path = join(directory, "held");
    const held = await takeDirectory(path);
    await expect(takeDirectory(path)).rejects.toMatchObject({ rule: "up.directory" });
    await held.release();
  });

  test("is refused when it holds something else", async () => {
    const path = join(directory, "foreign");
    mkdirSync(path);
    writeFileSync(join(path, "thesis.tex"), "years of work");
    await expect(takeDirectory(path)).rejects.toMatchObject({ rule: "up.directory" });
    expect(existsSync(join(path, "thesis.tex"))).toBe(true);
  });
});
