import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { median, select } from "../../bench/benchmark.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

const benchmarks = ["a.one", "a.two", "ab.one"].map((name) => ({ name, unit: "s", run: () => 1 }));
const names = (words: string[]) => select(benchmarks, words)?.map(({ name }) => name);
const BENCH = join(ROOT, "bench/bench.ts");

describe("the benchmarks", () => {
  it("are selected by whole words of their names", () => {
    expect(names([])).toEqual(["a.one", "a.two", "ab.one"]);
    expect(names(["a"])).toEqual(["a.one", "a.two"]);
    expect(names(["a.two", "ab"])).toEqual(["a.two", "ab.one"]);
    expect(names(["a.tw"])).toBeUndefined();
  });

  it("report the middle of several runs", () => {
    expect(median([3, 1, 2])).toBe(2);
  });

  it("print one list of figures and leave standard output to it", () => {
    const output = execFileSync(process.execPath, [BENCH, "--json", "constraints.insertion"], {
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual([
      { name: "constraints.insertion", value: expect.any(Number), unit: "constraints" },
    ]);
  });

  it("end with code 2 when asked for what there is not", () => {
    expect(spawnSync(process.execPath, [BENCH, "nothing"]).status).toBe(2);
    expect(spawnSync(process.execPath, [BENCH, "--table", "nothing"]).status).toBe(2);
  });
});
