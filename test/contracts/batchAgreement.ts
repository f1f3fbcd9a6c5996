import { expect } from "vitest";
import { outcomeOfBatch, outcomeOfNothing, outcomeOfSingles } from "../support/batchOracle.ts";
import type { Forger } from "../support/forgedProofs.ts";
import { type Batch, batchArguments, ledgerFixture } from "../support/ledgerFixture.ts";
import type { Random } from "../support/random.ts";
import { busyWorld, randomBatch, type World } from "../support/randomBatch.ts";

/*
 * A batch applies exactly what its items, submitted singly in the same order, would apply: the same events with the same places, the same
 * balances, debts, flags and queue, and each refused item for the same reason.
 */

const FUND = 10_000_000_000n;

/** A ledger in use, with real proofs when there is a forger of them. */
export async function batchWorld(forger?: Forger): Promise<World> {
  return busyWorld(await ledgerFixture({ fundDeposit: FUND }, forger, { sameTimes: true }));
}

/** Applies a batch for good, so that the next one finds another ledger. */
async function apply({ fixture, spent }: World, batch: Batch): Promise<void> {
  await (await fixture.as(fixture.bob).submitBatch(...batchArguments(batch))).wait();
  for (const { signals } of batch.transitions) {
    if (await fixture.ledger.isSpent(signals.nullifier)) spent.push(signals.nullifier);
  }
}

/** Names of the errors in an outcome's refusals. */
function namesOf({ fixture }: World, refusals: Record<string, string>): string[] {
  const { ledger, auction, fund, usdc } = fixture;
  return Object.values(refusals).map((data) => {
    const parsed = [ledger, auction, fund, usdc].map(({ interface: abi }) => abi.parseError(data));
    return parsed.find((error) => error !== null)?.name ?? data;
  });
}

/** Compares batch and singles over this many random batches; returns why items were refused, and how many were applied. */
export async function compareBatches(there: World, random: Random, batches: number, spoiled: number) {
  const reasons = new Set<string>();
  let applied = 0;
  for (let round = 0; round < batches; round++) {
    const batch = await randomBatch(there, random, spoiled);
    const together = await outcomeOfBatch(there.fixture, batch);
    const apart = await outcomeOfSingles(there.fixture, batch);
    expect(together).toEqual(apart);
    applied += apart.events.length;
    for (const name of namesOf(there, apart.refusals)) reasons.add(name);
    await apply(there, batch);
  }
  return { reasons, applied };
}

/** Gives some items the proof of other signals: of their own with another escrow word, or of another item. */
function falsify(batch: Batch, random: Random): Batch {
  const items = [...batch.transitions, ...batch.takeOvers, ...batch.openings];
  const falsified = structuredClone(batch);
  const all = [...falsified.transitions, ...falsified.takeOvers, ...falsified.openings];
  for (let count = random.pick([1, 1, 2]); count > 0; count--) {
    const item = random.pick(all);
    item.proof = random.pick([random.pick(items).proof.map((word) => word), item.proof.toReversed()]);
  }
  return falsified;
}

/** Compares over this many random batches with false proofs among them; returns how many reverted as a whole, and how many did not. */
export async function compareFalsified(there: World, random: Random, batches: number) {
  const outcomes = { reverted: 0, applied: 0 };
  for (let round = 0; round < batches; round++) {
    const batch = falsify(await randomBatch(there, random, 30), random);
    const together = await outcomeOfBatch(there.fixture, batch);
    const apart = await outcomeOfSingles(there.fixture, batch);
    const isFalse = namesOf(there, apart.refusals).some((name) => name.endsWith("ProofRejected"));
    if (isFalse) {
      const state = await outcomeOfNothing(there.fixture, batch);
      expect(together).toEqual({ error: "BatchProofRejected", state });
      outcomes.reverted++;
    } else {
      // Those with a false proof were skipped for other reasons, and their proofs entered nothing.
      expect(together).toEqual(apart);
      outcomes.applied++;
    }
  }
  return outcomes;
}
