import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/security.md"), "utf8");

const sources = new Map<string, string | undefined>();

/** Text of a file of the repository; undefined when there is none. */
function source(file: string): string | undefined {
  if (!sources.has(file)) {
    const path = join(ROOT, file);
    sources.set(file, existsSync(path) ? readFileSync(path, "utf8") : undefined);
  }
  return sources.get(file);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Whether a test file has a test, or a group of tests, of exactly this name that is not switched off. */
function hasTest(text: string, name: string): boolean {
  const literal = escaped(name).replaceAll('"', '\\\\?"');
  const quoted = `(?:"${literal}"|\`${literal}\`)`;
  return new RegExp(`(?:\\b(?:test|it|describe)(?:\\.(?:sequential|concurrent))?|\\))\\(\\s*${quoted}`).test(
    text,
  );
}

/** Tests or groups of them that do not run, or need not pass, whatever their names. */
const SWITCHED_OFF = /\b(?:test|it|describe)\.(?:skip|skipIf|runIf|todo|only|fails)\b/;

/** What is wrong with the tests that a text names as `file`: "name", "name", or as `file`: `function` of a Solidity test. */
function faultsOfTests(text: string): string[] {
  const faults: string[] = [];
  for (const [, file, names] of text.matchAll(
    /`(test\/[\w./]+)`: ((?:(?:"(?:[^"\\]|\\.)+"|`[^`]+`)(?:, )?)+)/g,
  ) as Iterable<[string, string, string]>) {
    const code = source(file);
    if (code === undefined) {
      faults.push(`${file}: no such file`);
      continue;
    }
    if (SWITCHED_OFF.test(code)) faults.push(`${file}: has tests that are switched off`);
    for (const [quoted] of names.matchAll(/"(?:[^"\\]|\\.)+"|`[^`]+`/g)) {
      const name = quoted.slice(1, -1).replaceAll("\\|", "|");
      const found = quoted.startsWith("`")
        ? new RegExp(`\\bfunction ${escaped(name)}\\(`).test(code)
        : hasTest(code, name);
      if (!found) faults.push(`${file}: no test "${name}"`);
    }
  }
  return faults;
}

/** What is wrong with the places that a cell names as `file`, or as `file`: `name`, `name`. */
function faultsOfPlaces(cell: string): string[] {
  return cell.split("; ").flatMap((place) => {
    const [, file, names] = place.match(/^`([^`]+)`(?:: (.+))?$/) ?? [];
    if (file === undefined) return [`${place}: not a place`];
    const code = source(file);
    if (code === undefined) return [`${file}: no such file`];
    return [...(names ?? "").matchAll(/`(\w+)`/g)]
      .map(([, name]) => name as string)
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(code))
      .map((name) => `${file}: no ${name}`);
  });
}

/** The attack tables' rows as cells. */
function rowsOf(document: string): string[][] {
  const attacks = document.split(/^## /m).find((section) => section.startsWith("Attacks\n")) ?? "";
  return attacks
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| attack "))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

describe("the table of attacks", () => {
  const rows = rowsOf(DOCUMENT);

  test("has a place and a test in every row, and no attack twice in a section", () => {
    expect(rows.length).toBeGreaterThan(100);
    for (const cells of rows) {
      expect(cells, cells[0]).toHaveLength(3);
      for (const cell of cells) expect(cell, cells[0]).not.toBe("");
    }
    const attacks = rows.map(([attack]) => attack);
    expect(attacks.filter((attack, i) => attacks.indexOf(attack) !== i)).toEqual([]);
  });

  test("names files, templates and functions that exist", () => {
    expect(
      rows.flatMap(([attack, place]) => faultsOfPlaces(place as string).map((fault) => [attack, fault])),
    ).toEqual([]);
  });

  test("names tests that exist, in the whole document", () => {
    for (const [attack, , tests] of rows) expect(tests, attack).toMatch(/^`test\/[^`]+`: ["`]/);
    expect(faultsOfTests(DOCUMENT)).toEqual([]);
  });
});

describe("the checks of the table", () => {
  test("find a test that is not there, and one that is switched off", () => {
    const file = "test/docs/security.test.ts";
    expect(faultsOfTests(`\`${file}\`: "the table of attacks", "no such test"`)).toEqual([
      `${file}: no test "no such test"`,
    ]);
    expect(faultsOfTests('`test/docs/gone.test.ts`: "anything"')).toEqual([
      "test/docs/gone.test.ts: no such file",
    ]);
    expect(faultsOfTests("`test/solidity/BabyJubjub.t.sol`: `testNothing`")).toHaveLength(1);
    const skip = "skip";
    expect(hasTest(`test.${skip}("a name", () => {})`, "a name")).toBe(false);
    expect(hasTest('test.each([1])("a name", () => {})', "a name")).toBe(true);
    expect(SWITCHED_OFF.test(`describe.${skip}.each([1])("a name", () => {})`)).toBe(true);
    expect(SWITCHED_OFF.test('test.each([1])("a name", () => {})')).toBe(false);
  });

  test("find a place that is not there, and an empty cell", () => {
    expect(faultsOfPlaces("`contracts/Ledger.sol`: `submitBatch`")).toEqual([]);
    expect(
      faultsOfPlaces("`contracts/Ledger.sol`: `noSuchThing`; `contracts/Gone.sol`; nowhere"),
    ).toHaveLength(3);
    expect(rowsOf("## Attacks\n\n| attack | a |\n|---|---|\n| x |  | y |\n")).toEqual([["x", "", "y"]]);
  });
});
