import { expect, test, vi } from "vitest";
import { expectInsertionAgreement, insertionCases } from "./insertionCases.ts";
import { expectOpeningAgreement, OPENING_PLACES, openingCases } from "./openingCases.ts";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model and circuit agree on hundreds of openings", { timeout: 1_800_000 }, async () => {
  const circuit = await rulesInstance("open", 13);
  const tally = newTally();
  const runs = fuzzRuns(600);
  const seen = measured("openings");
  await holds(openingCases, (found) => expectOpeningAgreement(found, circuit, tally), runs);
  seen(runs.numRuns as number, tally.verdicts);
  expect([...tally.alone.keys()].sort()).toEqual(Object.keys(OPENING_PLACES).sort());
});

test("model and circuit agree on thousands of insertions", { timeout: 1_800_000 }, async () => {
  const circuit = await rulesInstance("insertion", 5);
  const counts = new Map<string, number>();
  const runs = fuzzRuns(5_000);
  const seen = measured("insertions");
  await holds(insertionCases, (found) => expectInsertionAgreement(found, circuit, counts), runs);
  seen(runs.numRuns as number, counts);
  expect(counts.get("stateTree.occupied")).toBeGreaterThan((runs.numRuns as number) / 20);
});
