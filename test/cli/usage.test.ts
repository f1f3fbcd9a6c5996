import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPTION_CHAIN } from "../../cli/demo/market.ts";
import { solvus, spawnSolvus } from "./run.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-cli-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Expects misuse: exit code 2 and one line on standard error that names the rule. */
async function expectMisuse(args: string[], rule: string, names: string | RegExp = ""): Promise<void> {
  const { exitCode, stdout, stderr } = await solvus(args);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toContain(`error: ${rule}: `);
  expect(stderr).toMatch(names);
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
}

describe("help", () => {
  test("a bare command prints help and ends with 2", async () => {
    for (const entry of ["cli/solvus.js", "cli/solvus.ts"]) {
      const { exitCode, stdout } = await spawnSolvus([], entry);
      expect(stdout).toContain("Usage: solvus");
      expect(exitCode).toBe(2);
    }
  });

  test("a command that needs a subcommand prints its help and ends with 2", async () => {
    for (const group of [
      ["snapshot"],
      ["oracle"],
      ["account"],
      ["account", "trade"],
      ["keeper"],
      ["fund"],
      ["registry"],
    ]) {
      const { exitCode, stdout } = await solvus(group);
      expect(stdout).toContain(`Usage: solvus ${group.join(" ")}`);
      expect(exitCode).toBe(2);
    }
  });

  test.each([
    [[]],
    [["setup"]],
    [["demo"]],
    [["dev"]],
    [["snapshot", "build"]],
    [["snapshot", "show"]],
    [["oracle", "replay"]],
    [["account", "open"]],
    [["account", "deposit"]],
    [["account", "withdraw"]],
    [["account", "trade", "propose"]],
    [["account", "trade", "prove"]],
    [["account", "trade", "submit"]],
    [["account", "show"]],
    [["account", "recover"]],
    [["account", "clear"]],
    [["keeper", "accounts"]],
    [["keeper", "flag"]],
    [["keeper", "take-over"]],
    [["keeper", "reveal"]],
    [["fund", "status"]],
    [["fund", "deposit"]],
    [["registry", "build"]],
    [["registry", "path"]],
    [["registry", "diff"]],
    [["registry", "post"]],
    [["deploy"]],
    [["deploy", "verify"]],
    [["timelock", "show"]],
    [["timelock", "schedule"]],
    [["timelock", "execute"]],
    [["attest"]],
    [["verify"]],
  ])("%j --help says how, with an example", async (words) => {
    const { exitCode, stdout, stderr } = await solvus([...words, "--help"]);
    expect(stdout).toContain(`Usage: solvus ${words.join(" ")}`.trimEnd());
    expect(stdout).toContain("$ solvus");
    if (words.length > 0) expect(stdout).toContain("--json");
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
  });
});

describe("misuse ends with 2 and one line", () => {
  test("unknown command", () => expectMisuse(["frobnicate"], "cli.usage", "frobnicate"));
  test("unknown flag", () =>
    expectMisuse(
      ["snapshot", "build", "--options", OPTION_CHAIN, "--frobnicate"],
      "cli.usage",
      "--frobnicate",
    ));
  test("missing flag", () => expectMisuse(["snapshot", "build"], "cli.usage", "--options"));
  test("missing argument", () => expectMisuse(["snapshot", "show"], "cli.usage", "file"));
  test("missing file", () =>
    expectMisuse(["snapshot", "build", "--options", "none.csv"], "file.read", "none.csv"));
  test("a directory for a file", () =>
    expectMisuse(["snapshot", "build", "--options", directory], "file.read", "directory"));
  test("a number that is none", () =>
    expectMisuse(["snapshot", "build", "--options", OPTION_CHAIN, "--epoch", "x"], "cli.integer", "--epoch"));
  test("a pair that is none", () =>
    expectMisuse(["snapshot", "build", "--options", OPTION_CHAIN, "--price", "USDT"], "cli.pair", "--price"));
  test("a move of an underlying that is not listed", () =>
    expectMisuse(
      ["snapshot", "build", "--options", OPTION_CHAIN, "--move-price", "DOGE=-10%"],
      "cli.underlying",
      "DOGE",
    ));

  test("an output path that cannot be written is refused before the work", async () => {
    const out = join(directory, "none", "snapshot.json");
    await expectMisuse(["snapshot", "build", "--options", OPTION_CHAIN, "--out", out], "file.write", "--out");
    expect(readdirSync(directory)).toEqual([]);
  });

  test("a deployment file that is not one", () =>
    expectMisuse(
      ["account", "show", "--deployment", join(directory, "none.json"), "--keystore", "k.json"],
      "file.read",
      "--deployment",
    ));

  test("a challenge that is no field element", () =>
    expectMisuse(
      ["attest", "--deployment", "d", "--keystore", "k", "--out", join(directory, "a"), "--challenge", "-1"],
      "cli.element",
      "--challenge",
    ));
});

test("with --json a refusal is one document on standard output", async () => {
  const { exitCode, stdout, stderr } = await solvus(["snapshot", "build", "--options", "none.csv", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ error: { rule: "file.read" }, exitCode: 2 });
  expect(stderr).toMatch(/^error: file\.read: /);
  expect(exitCode).toBe(2);
});
