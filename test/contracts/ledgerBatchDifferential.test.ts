import { afterAll, beforeAll, expect, test } from "vitest";
import { createForger, type Forger } from "../support/forgedProofs.ts";
import { randomFrom } from "../support/random.ts";
import { batchWorld, compareBatches, compareFalsified } from "./batchAgreement.ts";

/* A batch against its items submitted singly, see batchAgreement.ts. */

let forger: Forger;

beforeAll(async () => {
  forger = await createForger();
});

afterAll(async () => {
  await forger.close();
});

test("applies what its items would apply singly, when none is spoiled", async () => {
  const { applied, reasons } = await compareBatches(await batchWorld(), randomFrom(1), 3, 0);
  // A sound proof on the snapshot before may come too late.
  expect([...reasons].filter((name) => name !== "PreviousSnapshotRefused")).toEqual([]);
  expect(applied).toBeGreaterThan(10);
});

test("applies what its items would apply singly, whatever is spoiled in it", async () => {
  // With this seed every refusal below is met early.
  const { reasons, applied } = await compareBatches(await batchWorld(), randomFrom(15), 27, 50);
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
  const { applied } = await compareBatches(await batchWorld(forger), randomFrom(3), 3, 40);
  expect(applied).toBeGreaterThan(5);
});

test.each([false, true])(
  "reverts as a whole when a proof among those not skipped is false (real proofs: %s)",
  async (real) => {
    const there = await batchWorld(real ? forger : undefined);
    const outcomes = await compareFalsified(there, randomFrom(4), real ? 4 : 8);
    expect(outcomes.reverted).toBeGreaterThan(1);
    expect(outcomes.applied).toBeGreaterThan(0);
  },
);
