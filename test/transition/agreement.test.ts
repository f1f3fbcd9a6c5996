import { expect, test } from "vitest";
import { expectAgreement } from "../support/agreement.ts";

test("model and circuit agree on random transitions of every class and mode", async () => {
  const verdicts = await expectAgreement(40, 1);
  expect(verdicts.get("accepted")).toBeGreaterThan(5);
  expect(verdicts.size).toBeGreaterThan(5);
});
