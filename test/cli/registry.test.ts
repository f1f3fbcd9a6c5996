import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseEntitiesCsv } from "../../cli/registry/entitiesCsv.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { buildRegistry, registryPathRoot } from "../../protocol/registryTree.ts";
import { readRegistry, readRegistryList } from "../../services/chain/registryFile.ts";
import { ruleOf } from "../support/rule.ts";
import { solvus } from "./run.ts";

/* The officer's commands that need no chain: a list from CSV, an institution's path, the difference of two lists. */

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-registry-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

async function run(...args: string[]): Promise<{ exitCode: number | null; value: Record<string, unknown> }> {
  const { exitCode, stdout } = await solvus(["registry", ...args, "--json"]);
  return { exitCode, value: JSON.parse(stdout) };
}

/** Builds a list from CSV text, written to `<name>.csv` and `<name>.json`. */
async function build(name: string, csv: string, ...flags: string[]): Promise<Record<string, unknown>> {
  writeFileSync(at(`${name}.csv`), csv);
  const { exitCode, value } = await run(
    ...["build", "--entities", at(`${name}.csv`), "--out", at(`${name}.json`), ...flags],
  );
  expect(value).not.toHaveProperty("error");
  expect(exitCode).toBe(0);
  return value;
}

describe("build", () => {
  test("the root is that of the tree over the entities in ascending order, whatever the order of rows", async () => {
    const { root } = buildRegistry([
      { entity: 7n, expiryEpoch: 40n },
      { entity: 30n, expiryEpoch: 4294967295n },
    ]);
    const first = await build("one", "entity,expiry\n30,4294967295\n7,40\n");
    expect(first).toMatchObject({ root: String(root), entities: 2 });
    const second = await build(
      "two",
      '\ufeffname, expiryEpoch ,entity\r\nAlder,40,7\r\n\r\n"Birch, Desk",4294967295,30\r\n',
    );
    expect(second.root).toBe(first.root);
    expect(readFileSync(at("one.json"), "utf8")).toBe(readFileSync(at("two.json"), "utf8"));
  });

  test("dates end with their last moment, times at theirs, in epochs of the given clock", () => {
    const clock = { epoch: 1000n, time: Date.parse("2026-11-20T12:00Z"), secondsPerEpoch: 60 };
    const expiry = (text: string): bigint =>
      parseEntitiesCsv(`entity,expiry\n5,${text}\n`, clock)[0]?.expiryEpoch as bigint;
    expect(expiry("2026-11-20T12:00Z")).toBe(1000n);
    expect(expiry("2026-11-20T12:00:59Z")).toBe(1000n);
    expect(expiry("2026-11-20T12:01Z")).toBe(1001n);
    expect(expiry("2026-11-20T11:59:59Z")).toBe(999n);
    expect(expiry("2026-11-20")).toBe(1719n);
    expect(expiry("2026-11-21T00:00Z")).toBe(1720n);
  });

  test("a date is counted from the epoch that the flags give", async () => {
    const flags = ["--epoch", "10", "--epoch-time", "2026-11-20T12:00Z", "--epoch-seconds", "150"];
    await build("dated", "entity,expiry_date\n5,2026-11-20T12:05Z\n", ...flags);
    expect(readRegistryList(at("dated.json"), "<file>").entries).toEqual([{ entity: 5n, expiryEpoch: 12n }]);
  });

  test.each([
    ["no entity", "id,expiry\n1,2\n", "registryCsv.columns", '"id"'],
    ["no expiry", "entity,until\n1,2\n", "registryCsv.columns", '"until"'],
    ["two expiries", "entity,expiry,expiryEpoch\n1,2,3\n", "registryCsv.columns", '"expiryEpoch"'],
    ["no rows", "entity,expiry\n", "registryCsv.empty", "no rows"],
    ["a row too short", "entity,expiry\n1\n", "registryCsv.csv", "line 2"],
    ["entity 0", "entity,expiry\n1,2\n0,2\n", "registryCsv.row", 'line 3: entity is "0"'],
    [
      "entity r",
      `entity,expiry\n${FIELD_ORDER},2\n`,
      "registryCsv.row",
      `line 2: entity is "${FIELD_ORDER}"`,
    ],
    ["a negative entity", "entity,expiry\n-1,2\n", "registryCsv.row", 'line 2: entity is "-1"'],
    ["a hexadecimal entity", "entity,expiry\n0x10,2\n", "registryCsv.row", 'line 2: entity is "0x10"'],
    ["an entity twice", "entity,expiry\n8,2\n9,2\n08,3\n", "registryCsv.duplicate", 'line 4: entity is "08"'],
    ["no expiry in a row", "entity,expiry\n8,\n", "registryCsv.row", 'line 2: expiry is ""'],
    ["a negative expiry", "entity,expiry\n8,-1\n", "registryCsv.row", 'line 2: expiry is "-1"'],
    ["an expiry of 2^32", "entity,expiry\n8,4294967296\n", "registryCsv.row", 'expiry is "4294967296"'],
    ["a day that is none", "entity,expiry\n8,2027-02-30\n", "registryCsv.row", 'expiry is "2027-02-30"'],
    ["a date without a clock", "entity,expiry\n8,2027-02-03\n", "registryCsv.row", "--epoch-time"],
    [
      "a local time",
      "entity,expiry\n8,2027-02-03T10:00\n",
      "registryCsv.row",
      'expiry is "2027-02-03T10:00"',
    ],
  ])("refuses %s, naming where and what", async (_, csv, rule, names) => {
    writeFileSync(at("bad.csv"), csv);
    const { exitCode, value } = await run("build", "--entities", at("bad.csv"), "--out", at("bad.json"));
    expect(value).toMatchObject({ error: { rule, message: expect.stringContaining(names) } });
    expect(exitCode).toBe(2);
    expect(() => readFileSync(at("bad.json"))).toThrow();
  });

  test("refuses a date before epoch 0 and one too late for an epoch", () => {
    const start = Date.parse("2026-11-20T12:00Z");
    const read = (text: string, epoch: bigint) => () =>
      parseEntitiesCsv(`entity,expiry\n5,${text}\n`, { epoch, time: start, secondsPerEpoch: 60 });
    expect(ruleOf(read("2026-11-20T11:49:59Z", 10n))).toBe("registryCsv.row");
    expect(read("2026-11-20T11:50Z", 10n)()[0]?.expiryEpoch).toBe(0n);
    expect(read("2026-11-20T12:05Z", 2n ** 32n - 6n)()[0]?.expiryEpoch).toBe(2n ** 32n - 1n);
    expect(ruleOf(read("2026-11-20T12:06Z", 2n ** 32n - 6n))).toBe("registryCsv.row");
  });

  test("refuses more entities than the tree has places, and takes as many", () => {
    const rows = (count: number): string =>
      `entity,expiry\n${Array.from({ length: count }, (_, index) => `${index + 1},9\n`).join("")}`;
    expect(parseEntitiesCsv(rows(4096))).toHaveLength(4096);
    expect(ruleOf(() => parseEntitiesCsv(rows(4097)))).toBe("registryCsv.places");
  });

  test.each([
    [["--epoch", "5"]],
    [["--epoch-time", "2026-11-20T12:00Z"]],
    [["--epoch", "5", "--epoch-time", "2026-11-20"]],
  ])("refuses half a clock: %j", async (flags) => {
    writeFileSync(at("clock.csv"), "entity,expiry\n8,9\n");
    const { exitCode, value } = await run(
      ...["build", "--entities", at("clock.csv"), "--out", at("clock.json"), ...flags],
    );
    expect(value).toMatchObject({ error: { rule: "cli.time" } });
    expect(exitCode).toBe(2);
  });
});

describe("path", () => {
  beforeAll(() => build("list", "entity,expiry\n5,40\n6,41\n700,42\n"));

  test("leads from the entity to the list's root, and holds no other entity", async () => {
    const { exitCode, value } = await run(
      ...["path", "--registry", at("list.json"), "--entity", "700", "--out", at("700.json")],
    );
    expect(exitCode).toBe(0);
    const list = readRegistryList(at("list.json"), "<file>");
    expect(value).toMatchObject({ root: String(list.root), entity: "700", expiryEpoch: "42" });
    const registry = readRegistry(at("700.json"), "<file>");
    expect(registry.root).toBe(list.root);
    expect(registry.path(700n)).toEqual(list.path(700n));
    expect(registryPathRoot(700n, registry.path(700n))).toBe(list.root);
    expect(ruleOf(() => registry.path(5n))).toBe("registry.unknown");
    const numbers = JSON.stringify(JSON.parse(readFileSync(at("700.json"), "utf8")));
    for (const other of ["5", "6"]) expect(numbers).not.toContain(`"${other}"`);
  });

  test("is refused for an entity that is not listed", async () => {
    const flags = ["--registry", at("list.json"), "--entity", "7", "--out", at("none.json")];
    const { exitCode, value } = await run("path", ...flags);
    expect(value).toMatchObject({ error: { rule: "registry.unknown" } });
    expect(exitCode).toBe(1);
    expect(() => readFileSync(at("none.json"))).toThrow();
  });

  test("an altered file is refused: list and path are recomputed when they are read", async () => {
    await run("path", "--registry", at("list.json"), "--entity", "6", "--out", at("6.json"));
    const alter = (name: string, change: (content: Record<string, unknown>) => void): string => {
      const content = JSON.parse(readFileSync(at(name), "utf8"));
      change(content);
      writeFileSync(at("altered.json"), JSON.stringify(content));
      return at("altered.json");
    };
    const rule = (file: string): string | undefined => ruleOf(() => readRegistry(file, "<file>"));
    const expiry = { expiryEpoch: "99999" };
    expect(rule(alter("6.json", (path) => Object.assign(path, expiry)))).toBe("registry.path");
    expect(rule(alter("6.json", (path) => Object.assign(path, { entity: "5" })))).toBe("registry.path");
    expect(rule(alter("6.json", (path) => Object.assign(path, { root: "1" })))).toBe("registry.fileRoot");
    expect(rule(alter("6.json", (path) => Object.assign(path, { levels: [] })))).toBe("file.format");
    expect(rule(alter("6.json", (path) => Object.assign(path, { spendSecret: "1" })))).toBe("file.format");
    expect(
      rule(alter("list.json", (list) => Object.assign(list, { entries: [{ entity: "5", ...expiry }] }))),
    ).toBe("registry.fileRoot");
    expect(rule(alter("list.json", (list) => delete list.root))).toBeUndefined();
  });
});

describe("diff", () => {
  test.each([
    ["nothing", "5,40\n6,41\n", { added: [], removed: [], extended: [], shortened: [], removal: false }],
    ["an addition", "5,40\n6,41\n7,1\n", { added: [{ entity: "7", expiryEpoch: "1" }], removal: false }],
    [
      "an extension",
      "5,40\n6,42\n",
      { extended: [{ entity: "6", before: "41", after: "42" }], removal: false },
    ],
    ["a removal", "6,41\n", { removed: [{ entity: "5", expiryEpoch: "40" }], removal: true }],
    [
      "a shortening",
      "5,39\n6,41\n",
      { shortened: [{ entity: "5", before: "40", after: "39" }], removal: true },
    ],
    ["one in, one out", "5,40\n9,41\n", { added: [{ entity: "9", expiryEpoch: "41" }], removal: true }],
    ["one longer, one shorter", "5,41\n6,40\n", { removal: true }],
  ])("%s", async (_, rows, expected) => {
    await build("old", "entity,expiry\n5,40\n6,41\n");
    await build("new", `entity,expiry\n${rows}`);
    const { exitCode, value } = await run("diff", "--old", at("old.json"), "--new", at("new.json"));
    expect(value).toMatchObject(expected);
    expect(exitCode).toBe(0);
  });
});
