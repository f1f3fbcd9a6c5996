import { expect, test, vi } from "vitest";
import { expectInsertionAgreement, insertionCases } from "./insertionCases.ts";
import { expectOpeningAgreement, openingCases } from "./openingCases.ts";
import { rulesInstance } from "./rulesCircuit.ts";
import { holds, steadyRuns } from "./runs.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model and circuit agree on random openings, and no lie is believed", async () => {
  const circuit = await rulesInstance("open", 13);
  const tally = newTally();
  await holds(openingCases, (found) => expectOpeningAgreement(found, circuit, tally), steadyRuns(3));
  expect(tally.verdicts.get("accepted")).toBeGreaterThan(0);
});

test("model and circuit agree on random insertions, and no lie is believed", async () => {
  const circuit = await rulesInstance("insertion", 5);
  const seen = new Map<string, number>();
  await holds(insertionCases, (found) => expectInsertionAgreement(found, circuit, seen), steadyRuns(40));
  expect(seen.get("accepted")).toBeGreaterThan(10);
  expect(seen.get("stateTree.occupied")).toBeGreaterThan(2);
});
