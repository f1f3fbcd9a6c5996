import { afterAll, beforeAll, expect, test } from "vitest";
import { createForger, type Forger } from "../support/forgedProofs.ts";
import { randomFrom } from "../support/random.ts";
import { batchWorld, compareBatches, compareFalsified } from "./batchAgreement.ts";

/* ledgerBatchDifferential.test.ts with many more batches and other seeds. */

let forger: Forger;

beforeAll(async () => {
  forger = await createForger();
});
afterAll(() => forger.close());

const SEEDS = [101, 102];

test.each(SEEDS)(
  "seed %i: batches apply what their items would apply singly",
  { timeout: 600_000 },
  async (seed) => {
    for (const [spoiled, batches] of [
      [0, 10],
      [20, 20],
      [50, 40],
    ] as const)
      expect(
        (await compareBatches(await batchWorld(), randomFrom(seed), batches, spoiled)).applied,
      ).toBeGreaterThan(20);
    expect(
      (await compareBatches(await batchWorld(forger), randomFrom(seed), 15, 40)).applied,
    ).toBeGreaterThan(20);
  },
);

test.each(SEEDS)(
  "seed %i: a false proof among those not skipped reverts the batch",
  { timeout: 600_000 },
  async (seed) => {
    for (const real of [undefined, forger]) {
      const outcomes = await compareFalsified(await batchWorld(real), randomFrom(seed), 25);
      expect(outcomes.reverted).toBeGreaterThan(5);
      expect(outcomes.applied).toBeGreaterThan(0);
    }
  },
);
