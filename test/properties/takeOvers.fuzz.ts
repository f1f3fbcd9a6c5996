import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { expectTakeOverAgreement, TAKE_OVER_PLACES } from "./takeOverAgreement.ts";
import { takeOverCases } from "./takeOverCases.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model, rulebook and circuit agree on thousands of take-overs, and no lie is believed", {
  timeout: 1_800_000,
}, async () => {
  const circuit = await rulesInstance("liquidation.small", 25);
  const tally = newTally();
  const runs = fuzzRuns(8_000);
  const seen = measured("take-overs");
  await holds(takeOverCases, (found) => expectTakeOverAgreement(found, circuit, tally), runs);
  seen(runs.numRuns as number, tally.verdicts);

  // Every rule was breached, and all but the bounds of payments and cash alone: who is off those is off others as well.
  expect([...tally.verdicts.keys()]).toEqual(expect.arrayContaining(Object.keys(TAKE_OVER_PLACES)));
  expect(tally.verdicts.get("accepted")).toBeGreaterThan((runs.numRuns as number) / 10);
});
