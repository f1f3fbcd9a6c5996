import { afterAll, beforeAll, expect, test } from "vitest";
import { outcomeOfBatch, outcomeOfNothing, outcomeOfSingles } from "../support/batchOracle.ts";
import { createForger, type Forger } from "../support/forgedProofs.ts";
import { type Batch, batchArguments, ledgerFixture } from "../support/ledgerFixture.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { busyWorld, randomBatch, type World } from "../support/randomBatch.ts";

/*
 * A batch applies exactly what its items, submitted singly in the same order, would apply: the same events with the same places, the same
 * balances, debts, flags and queue, and each refused item for the same reason.
 */

let forger: Forger;

beforeAll(async () => {
  forger = await createForger();
});

afterAll(async () => {
  await forger.close();
});

const FUND = 10_000_000_000n;

async function world(real: boolean): Promise<World> {
  return busyWorld(
    await ledgerFixture({ fundDeposit: FUND }, real ? forger : undefined, { sameTimes: true }),
  );
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
async function compare(there: World, random: Random, batches: number, spoiled: number) {
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

test("applies what its items would apply singly, when none is spoiled", async () => {
  const { applied, reasons } = await compare(await world(false), randomFrom(1), 6, 0);
  // A sound proof on the snapshot before may come too late.
  expect([...reasons].filter((name) => name !== "PreviousSnapshotRefused")).toEqual([]);
  expect(applied).toBeGreaterThan(20);
});

test("applies what its items would apply singly, whatever is spoiled in it", async () => {
  // With this seed every refusal below is met early.
  const { reasons, applied } = await compare(await world(false), randomFrom(15), 27, 50);
  expect(applied).toBeGreaterThan(50);
  for (const name of [
    "AccountTagUsed",
    "AmountTooLarge",
    "AssetNotListed",
    "DeadlinePassed",
    "DepositMismatch",
    "EpochNotLatest",
    "FeeAboveCap",
    "InsufficientHoldings",
    "InvalidLeaf",
    "NotFlagged",
    "NotTheRelayer",
    "NullifierSpent",
    "PartnerMissing",
    "PayerNotAuthorized",
    "RateAboveCurve",
    "RecipientMissing",
    "RegistryRootRefused",
    "RewardUnfunded",
    "SidesNotOpposite",
    "SignalNotInField",
    "SnapshotNotLatest",
    "SnapshotsDiffer",
    "UnknownSnapshot",
    "UnknownStateRoot",
    "WindDownClosed",
  ]) {
    expect(reasons, name).toContain(name);
  }
});

test("applies with real proofs what its items would apply singly", async () => {
  const { applied } = await compare(await world(true), randomFrom(3), 6, 40);
  expect(applied).toBeGreaterThan(12);
});

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

test.each([false, true])(
  "reverts as a whole when a proof among those not skipped is false (real proofs: %s)",
  async (real) => {
    const there = await world(real);
    const random = randomFrom(4);
    const outcomes = { reverted: 0, applied: 0 };
    for (let round = 0; round < (real ? 6 : 12); round++) {
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
    expect(outcomes.reverted).toBeGreaterThan(2);
    expect(outcomes.applied).toBeGreaterThan(0);
  },
);
