import { expect, test } from "vitest";
import { expectTakeOverAgreement } from "../support/takeOverAgreement.ts";

test("model and circuit agree on hundreds of random take-overs", { timeout: 7_200_000 }, async () => {
  const seed = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
  const verdicts = await expectTakeOverAgreement(600, seed);
  console.log(`seed ${seed}: ${JSON.stringify(Object.fromEntries(verdicts))}`);
  expect(verdicts.size).toBeGreaterThan(5);
  expect(verdicts.get("liquidation.ratio")).toBeGreaterThan(0);
});
