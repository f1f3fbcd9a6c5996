import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { privacyStage, type Told } from "./chainStage.ts";
import { LEAKS, PRIVATE_PAIRS, TELL_NOTHING } from "./pairs.ts";

let told: Told;
beforeAll(async () => {
  told = await privacyStage();
});

describe("two histories that differ in private values alone look alike: calldata, sizes, events and gas", () => {
  test.each(Object.entries(PRIVATE_PAIRS))("%s", async (_, pair) => {
    expect(await told(pair)).toEqual([]);
  });
});

describe("what docs/threat-model.md says is published", () => {
  test.each(Object.entries(LEAKS))("%s", async (_, { pair, differs, alone }) => {
    const names = await told(pair);
    if (alone) expect(names).toEqual(differs);
    else expect(names).toEqual(expect.arrayContaining([...differs]));
  });

  test("is this list, row by row", () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/threat-model.md"), "utf8");
    const section = document.split("## What the public sees")[1]?.split("\n\n**Linking.**")[0] ?? "";
    const published = section
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split(" | ")[0]?.slice(2))
      .slice(1);
    expect(published.sort()).toEqual([...Object.keys(LEAKS), ...TELL_NOTHING].sort());
  });
});
