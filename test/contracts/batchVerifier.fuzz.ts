import { afterAll, beforeAll, expect, test } from "vitest";
import { CIRCUITS } from "../../contracts/statements.ts";
import { type BatchVerifierFixture, batchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { provenItem, SPOILS } from "../support/proofBatch.ts";
import { randomFrom } from "../support/random.ts";
import { compareRandom, compareSpoiled } from "./batchVerdicts.ts";

/* batchVerifier.test.ts with more rounds and other seeds. */

let fixture: BatchVerifierFixture;

beforeAll(async () => {
  fixture = await batchVerifierFixture();
});
afterAll(() => fixture.forger.close());

test.for(CIRCUITS)("valid proofs of %s, 1 to 16 of them", async (circuit) => {
  const items = Array.from({ length: 16 }, () => provenItem(fixture.forger, circuit));
  for (const length of items.keys()) expect(await fixture.batch(items.slice(0, length + 1))).toBe(true);
});

test.for(Object.keys(SPOILS))("random batches with %s", async (name) => {
  await compareSpoiled(fixture, name, randomFrom(1_000 + name.length), 10);
});

test.for([120, 121, 122])("seed %i: random batches with zero to three spoils of any kind", async (seed) => {
  const verdicts = await compareRandom(fixture, randomFrom(seed), 60);
  expect(Math.min(verdicts.true, verdicts.false)).toBeGreaterThan(8);
});
