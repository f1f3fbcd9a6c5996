import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, measured } from "./runs.ts";
import { runSequences } from "./sequenceRuns.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("over thousands of sequences nothing is made or lost, and rounding cannot be farmed", {
  timeout: 1_800_000,
}, async () => {
  const runs = fuzzRuns(3_000);
  const seen = measured("sequences");
  const { printed, done } = await runSequences({}, 80, runs);
  seen(runs.numRuns as number, done);
  expect(printed).toBeUndefined();
  expect(done.get("take-over")).toBeGreaterThan(100);
});

test("every step of hundreds of sequences is accepted by the circuits, on the tree that the steps before left", {
  timeout: 1_800_000,
}, async () => {
  const circuits = {
    transition: await rulesInstance("transition.small", 15),
    liquidation: await rulesInstance("liquidation.small", 25),
  };
  const runs = fuzzRuns(300);
  const seen = measured("sequences with circuits");
  const { printed, done } = await runSequences(circuits, 60, runs);
  seen(runs.numRuns as number, done);
  expect(printed).toBeUndefined();
  expect(done.get("take-over")).toBeGreaterThan(20);
});
