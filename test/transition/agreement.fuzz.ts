import { expect, test } from "vitest";
import { expectAgreement } from "../support/agreement.ts";

test("model and circuit agree on thousands of random transitions", { timeout: 3_600_000 }, async () => {
  const seed = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
  const verdicts = await expectAgreement(3_000, seed);
  console.log(`seed ${seed}: ${JSON.stringify(Object.fromEntries(verdicts))}`);
  expect(verdicts.size).toBeGreaterThan(8);
});
