import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { expectTakeOverAgreement } from "./takeOverAgreement.ts";
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

  // These were breached alone, and refused by their own constraint. The others come together with one of them, or beyond a trillion dollars.
  const alone =
    "rate restoration fee oneself membership keeperLegs tooMuch tooLittle keeperMargin keeperNetCash";
  for (const rule of alone.split(" "))
    expect(tally.alone.get(`liquidation.${rule}`), rule).toBeGreaterThan(0);
  for (const rule of ["healthy", "slice", "deficit"])
    expect(tally.verdicts.get(`liquidation.${rule}`), rule).toBeGreaterThan(0);
  expect(tally.verdicts.get("accepted")).toBeGreaterThan((runs.numRuns as number) / 10);
});
