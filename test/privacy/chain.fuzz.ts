import { afterAll, beforeAll, expect, test } from "vitest";
import { createForger, type Forger } from "../support/forgedProofs.ts";
import { privacyStage, type Told } from "./chainStage.ts";
import { PRIVATE_PAIRS } from "./pairs.ts";

/* As chain.test.ts, with proofs that the real verifier checks: what verifying costs depends on nothing private either. */

let forger: Forger;
let told: Told;
beforeAll(async () => {
  forger = await createForger();
  told = await privacyStage(forger);
});
afterAll(() => forger.close());

test.each(Object.entries(PRIVATE_PAIRS))("the real verifier's gas tells nothing of %s", async (_, pair) => {
  expect(await told(pair)).toEqual([]);
});
