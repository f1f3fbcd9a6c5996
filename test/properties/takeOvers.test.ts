import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { holds, steadyRuns } from "./runs.ts";
import { expectTakeOverAgreement } from "./takeOverAgreement.ts";
import { takeOverCases } from "./takeOverCases.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model, rulebook and circuit agree on random take-overs, and no lie is believed", async () => {
  const circuit = await rulesInstance("liquidation.small", 25);
  const tally = newTally();
  await holds(takeOverCases, (found) => expectTakeOverAgreement(found, circuit, tally), steadyRuns(20));
  expect(tally.verdicts.get("accepted")).toBeGreaterThan(5);
  expect(tally.alone.size).toBeGreaterThan(3);
});
