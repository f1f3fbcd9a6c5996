import { beforeAll, beforeEach, expect, test } from "vitest";
import { submitTrade } from "../../services/account/transact.ts";
import { expectRefusal, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture();
});

beforeEach(async () => {
  await fixture.postSnapshot();
});

test("two sides of one trade are accepted together, in either order", async () => {
  const { ledger } = fixture;
  const [first, second] = await fixture.trade();
  await ledger.submitTrade(first, second);
  for (const { signals } of [first, second]) expect(await ledger.isSpent(signals.nullifier)).toBe(true);
  const [third, fourth] = await fixture.trade();
  await ledger.submitTrade(fourth, third);
});

test("refuses a pair in which one side is invalid, and leaves the other unspent", async () => {
  const { ledger } = fixture;
  const [first, second] = await fixture.trade();
  const invalid = { ...second, signals: { ...second.signals, commitment: randomElement() } };
  await expectRefusal(ledger.submitTrade(first, invalid), ledger, "BatchProofRejected", []);
  expect(await ledger.isSpent(first.signals.nullifier)).toBe(false);
});

test("refuses a pair in which one side has no trade", async () => {
  const { ledger } = fixture;
  const [first] = await fixture.trade();
  const plain = await fixture.transition();
  await expectRefusal(ledger.submitTrade(first, plain), ledger, "NotATrade", []);
  await expectRefusal(ledger.submitTrade(plain, first), ledger, "NotATrade", []);
  await expectRefusal(ledger.submitTrade(plain, plain), ledger, "NotATrade", []);
});

test("refuses to pair sides of different trades", async () => {
  const { ledger } = fixture;
  const [first] = await fixture.trade();
  const [, second] = await fixture.trade();
  const tags = [first.signals.tradeTag, second.signals.tradeTag];
  await expectRefusal(ledger.submitTrade(first, second), ledger, "TradeTagsDiffer", tags);
});

test("refuses a side paired with its own side, and a side that is neither 0 nor 1", async () => {
  const { ledger } = fixture;
  const [first, second] = await fixture.trade({}, { side: 0n });
  await expectRefusal(ledger.submitTrade(first, second), ledger, "SidesNotOpposite", [0n, 0n]);
  const [third, fourth] = await fixture.trade({ side: 1n }, { side: 2n });
  await expectRefusal(ledger.submitTrade(third, fourth), ledger, "SidesNotOpposite", [1n, 2n]);
});

test("refuses two sides on two snapshots: long at t, short at t − 1 would mint funding", async () => {
  const { ledger, oracle } = fixture;
  const [older] = await oracle.latest();
  const newer = await fixture.postSnapshot();
  const [first, second] = await fixture.trade({ snapshotRoot: older });
  await expectRefusal(ledger.submitTrade(first, second), ledger, "SnapshotsDiffer", [older, newer]);
});

test("refuses a trade of a note with itself", async () => {
  const { ledger } = fixture;
  const nullifier = randomElement();
  const [first, second] = await fixture.trade({ nullifier }, { nullifier });
  await expectRefusal(ledger.submitTrade(first, second), ledger, "NullifierSpent", [nullifier]);
});

test("refuses a side that was traded already", async () => {
  const { ledger } = fixture;
  const [first, second] = await fixture.trade();
  await ledger.submitTrade(first, second);
  const { tradeTag, nullifier } = first.signals;
  const [, again] = await fixture.trade({}, { tradeTag });
  await expectRefusal(ledger.submitTrade(first, again), ledger, "NullifierSpent", [nullifier]);
});

test("refuses a pair whose sides name different relayers", async () => {
  const { ledger, alice, bob } = fixture;
  const tradeTag = randomElement();
  const first = await fixture.transition({ tradeTag, side: 0n }, { relayer: alice.address });
  const second = await fixture.transition({ tradeTag, side: 1n }, { relayer: bob.address });
  await expectRefusal(fixture.as(alice).submitTrade(first, second), ledger, "NotTheRelayer", [
    bob.address,
    alice.address,
  ]);
});

test("moves the money of both sides", async () => {
  const { alice, bob, carol, usdc, addresses } = fixture;
  const tradeTag = randomElement();
  const first = await fixture.transition(
    { tradeTag, side: 0n, deposit: 7_000_000n, fee: 1_000_000n },
    { payer: alice.address },
  );
  const second = await fixture.transition(
    { tradeTag, side: 1n, withdrawal: 2_000_000n, fee: 500_000n },
    { recipient: carol.address },
  );
  const held = await usdc.balanceOf(addresses.ledger);
  const [atAlice, atBob, atCarol] = await Promise.all(
    [alice, bob, carol].map(({ address }) => usdc.balanceOf(address)),
  );
  await fixture.as(alice).submitTrade(first, second);
  expect(await usdc.balanceOf(addresses.ledger)).toBe(held + 3_500_000n);
  expect(await usdc.balanceOf(alice.address)).toBe(atAlice - 5_500_000n);
  expect(await usdc.balanceOf(bob.address)).toBe(atBob);
  expect(await usdc.balanceOf(carol.address)).toBe(atCarol + 2_000_000n);
});

test("a counterparty's half that deposits the sender's money is not sent: the ledger would take it", async () => {
  const { alice, bob, ledger, usdc } = fixture;
  const tradeTag = randomElement();
  const own = await fixture.transition({ tradeTag, side: 0n });
  const theft = await fixture.transition(
    { tradeTag, side: 1n, deposit: 7_000_000n },
    { payer: alice.address },
  );
  const before = await usdc.balanceOf(alice.address);
  const deployed = { ledger } as never;
  await expect(submitTrade(deployed, alice as never, own, theft)).rejects.toMatchObject({
    rule: "trade.payer",
  });
  await expect(submitTrade(deployed, alice as never, theft, own)).rejects.toMatchObject({
    rule: "trade.payer",
  });
  expect(await usdc.balanceOf(alice.address)).toBe(before);
  // Who sends for others pays nothing that he has not signed.
  await expectRefusal(fixture.as(bob).submitTrade(own, theft), ledger, "PayerNotAuthorized", [alice.address]);
  await fixture.as(alice).submitTrade(own, theft);
  expect(await usdc.balanceOf(alice.address)).toBe(before - 7_000_000n);
});
