import { expect } from "vitest";
import type { BatchVerifierFixture } from "../support/batchVerifierFixture.ts";
import { type Item, randomItems, SPOILS } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";

/* A batch of proofs accepts exactly when every single verification accepts. */

/** The verdict of the single verifications. */
export async function everySingle(fixture: BatchVerifierFixture, items: readonly Item[]): Promise<boolean> {
  for (const item of items) if (!(await fixture.single(item))) return false;
  return true;
}

/** Compares over random batches, good and then spoiled in one way at a random place. */
export async function compareSpoiled(
  fixture: BatchVerifierFixture,
  name: string,
  random: Random,
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const items = randomItems(fixture.forger, random);
    const place = Number(random.between(0n, BigInt(items.length - 1)));
    const spoiled = SPOILS[name](items, place, random);
    expect(await fixture.batch(items)).toBe(true);
    expect(await fixture.batch(spoiled), `round ${round}`).toBe(await everySingle(fixture, spoiled));
  }
}

/** Compares over random batches with zero to three spoils of any kind; returns how often each verdict was given. */
export async function compareRandom(fixture: BatchVerifierFixture, random: Random, rounds: number) {
  const verdicts = { true: 0, false: 0 };
  for (let round = 0; round < rounds; round++) {
    let items = randomItems(fixture.forger, random);
    const spoils: string[] = [];
    for (let left = random.between(0n, 3n); left > 0n; left--) {
      const name = random.pick(Object.keys(SPOILS));
      items = SPOILS[name](items, Number(random.between(0n, BigInt(items.length - 1))), random);
      spoils.push(name);
    }
    const verdict = await everySingle(fixture, items);
    verdicts[`${verdict}`]++;
    expect(await fixture.batch(items), `round ${round}: ${spoils.join(", ")}`).toBe(verdict);
  }
  return verdicts;
}
