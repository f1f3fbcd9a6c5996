import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { beforeEach, describe, expect, test } from "vitest";
import type { Transition, TransitionSignals } from "../../contracts/statements.ts";
import { expectRefusal, type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";
import { fund, listed } from "../support/ledgerItems.ts";

const DAY = 86_400n;
const WEEK = 7n * DAY;
const HELD = 9_000_000_000n;
const UNCOVERED = 1_000_000_000n;

let fixture: LedgerFixture;

/** A fund without money: a deficit is uncovered as a whole. */
beforeEach(async () => {
  fixture = await ledgerFixture();
  await fund(fixture, HELD);
  const { alice } = fixture;
  await listed(fixture, 1n, "TestToken", ["Ether", "ETH", 18]);
  await fixture
    .as(alice)
    .submit(await fixture.transition({ asset: 1n, deposit: 1_000n }, { payer: alice.address }));
});

/** A take-over that leaves this deficit uncovered. */
async function bankrupt(deficit: bigint): Promise<void> {
  await fixture.ledger.takeOver(await fixture.flaggedTakeOver({ deficit }));
}

/** Lets the lock pass; a snapshot that is fresh then follows. */
async function unlock(): Promise<void> {
  await fixture.advance(DAY);
  await fixture.postSnapshot();
}

const withdrawal = (
  amount: bigint,
  recipient: HardhatEthersSigner,
  signals: Partial<TransitionSignals> = {},
): Promise<Transition> =>
  fixture.transition({ withdrawal: amount, ...signals }, { recipient: recipient.address });

describe("the lock", () => {
  test("says what a take-over left uncovered", async () => {
    const { ledger } = fixture;
    const item = await fixture.flaggedTakeOver({ deficit: UNCOVERED });
    const receipt = await (await ledger.takeOver(item)).wait();
    const events = receipt.logs.map((log: never) => ledger.interface.parseLog(log));
    const event = events.find((parsed: { name: string } | null) => parsed?.name === "TakenOver");
    expect(event.args.uncovered).toBe(UNCOVERED);
    expect(await ledger.cashHoldings()).toBe(HELD);
  });

  test("refuses withdrawals of any asset in every mode for a day, in a batch too, and nothing else", async () => {
    const { ledger, alice, carol } = fixture;
    await bankrupt(UNCOVERED);
    const until = await fixture.fund.lockedUntil();
    const items: Transition[] = [];
    for (const asset of [0n, 1n]) {
      for (const mode of [0n, 1n, 2n]) items.push(await withdrawal(1n, carol, { asset, mode }));
    }
    for (const item of items) {
      await expectRefusal(ledger.submit(item), ledger, "WithdrawalsLocked", [until]);
    }
    const others = [
      await fixture.transition(),
      await fixture.transition({ deposit: 10n }, { payer: alice.address }),
    ];
    const receipt = await fixture.submitBatch({ transitions: [...others, ...items] }, alice);
    expect(fixture.skips(receipt).map(({ index, reason }) => [index, reason])).toEqual(
      items.map((_, index) => [BigInt(index + others.length), "WithdrawalsLocked"]),
    );
  });

  test("ends to the second after a day", async () => {
    const { ledger, carol } = fixture;
    await bankrupt(UNCOVERED);
    const until = await fixture.fund.lockedUntil();
    const exit = await withdrawal(10n, carol, { mode: 2n });
    await fixture.nextBlockAt(until - 1n);
    await expectRefusal(ledger.submit(exit), ledger, "WithdrawalsLocked", [until]);
    await fixture.nextBlockAt(until);
    await ledger.submit(exit);
  });

  test("is long over when a wind-down opens, which then pays its share", async () => {
    const { ledger, carol } = fixture;
    await bankrupt(UNCOVERED);
    const windDown = await withdrawal(10n, carol, { mode: 3n });
    await fixture.advance(WEEK);
    await ledger.submit(windDown);
    expect(await fixture.usdc.balanceOf(carol.address)).toBe(9n);
  });

  test("does not begin for a deficit of a thousandth of the holdings, and withdrawals are paid in full", async () => {
    const { carol, usdc } = fixture;
    await bankrupt(HELD / 1000n);
    await fixture.ledger.submit(await withdrawal(1_000n, carol));
    expect(await usdc.balanceOf(carol.address)).toBe(1_000n);
  });

  test("begins within a batch too, as soon as a withdrawal leaves too little: nobody leaves behind it in full", async () => {
    const { ledger, alice, carol, usdc } = fixture;
    await bankrupt(HELD / 1000n);
    const fee = 1_000_000n;
    const [first, second] = [await withdrawal(HELD / 2n, carol), await withdrawal(HELD / 4n, carol)];
    const receipt = await fixture.submitBatch({
      transitions: [first, second, await fixture.transition({ fee })],
    });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "WithdrawalsLocked" }]);
    expect(await usdc.balanceOf(carol.address)).toBe(HELD / 2n);
    expect(await fixture.fund.impairedSince()).toBe(await fixture.now());
    const share = (fee * (HELD / 2n)) / (HELD / 2n + HELD / 1000n);
    expect(await ledger.cashHoldings()).toBe(HELD / 2n - share);
    const exit = await withdrawal(1n, alice, { mode: 2n });
    await expectRefusal(ledger.submit(exit), ledger, "WithdrawalsLocked");
  });

  test("is told from the holdings without fees that a batch has promised", async () => {
    const { bob, carol } = fixture;
    await bankrupt(HELD / 1000n);
    const fee = 1n;
    const transitions = [await fixture.transition({ fee }), await withdrawal(1n, carol)];
    const receipt = await fixture.submitBatch({ transitions }, bob);
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "WithdrawalsLocked" }]);
  });
});

test("a bankruptcy within a batch is shared by the fees after it, and not by those before", async () => {
  const { bob, usdc, ledger } = fixture;
  const fee = 1_000_000n;
  const before = await usdc.balanceOf(bob.address);
  const takeOvers = [await fixture.flaggedTakeOver({ deficit: UNCOVERED, fee })];
  const transitions = [await fixture.transition({ fee })];
  await fixture.submitBatch({ transitions, takeOvers }, bob);
  const held = HELD - fee;
  const share = (fee * held) / (held + UNCOVERED);
  expect(await usdc.balanceOf(bob.address)).toBe(before + fee + share);
  expect(await fixture.fund.claimOf(bob.address)).toBe(fee - share);
  expect(await ledger.cashHoldings()).toBe(held - share);
});

test("fees of the batch are no longer held when the fund asks whether it is impaired", async () => {
  // A thousandth of the holdings with the fee, more than that without.
  const fee = 5_000_000n;
  const takeOvers = [await fixture.flaggedTakeOver({ deficit: HELD / 1000n })];
  await fixture.submitBatch({ transitions: [await fixture.transition({ fee })], takeOvers });
  expect(await fixture.fund.impairedSince()).toBe(await fixture.now());
});

describe("after the lock, while the fund is impaired", () => {
  beforeEach(async () => {
    await bankrupt(UNCOVERED);
    await unlock();
  });

  test("a withdrawal of cash pays its share and leaves a claim; spot is paid in full", async () => {
    const { ledger, carol, usdc, ethers } = fixture;
    await ledger.submit(await withdrawal(1_000_000n, carol));
    expect(await usdc.balanceOf(carol.address)).toBe(900_000n);
    expect(await fixture.fund.claimOf(carol.address)).toBe(100_000n);
    await ledger.submit(await withdrawal(100n, carol, { asset: 1n }));
    const spot = await ethers.getContractAt("TestToken", (await ledger.assetOf(1n)).token);
    expect(await spot.balanceOf(carol.address)).toBe(100n);
  });

  test("a fee pays its share too: it is no way around", async () => {
    const { bob, usdc } = fixture;
    const before = await usdc.balanceOf(bob.address);
    await fixture.as(bob).submit(await fixture.transition({ fee: 1_000_000n }));
    expect(await usdc.balanceOf(bob.address)).toBe(before + 900_000n);
    expect(await fixture.fund.claimOf(bob.address)).toBe(100_000n);
  });

  test("everybody in a batch is paid the same share, whatever was promised before him", async () => {
    const { alice, bob, carol, usdc, ledger } = fixture;
    const holders = [alice, carol];
    const before = await Promise.all(holders.map(({ address }) => usdc.balanceOf(address)));
    const relayed = await usdc.balanceOf(bob.address);
    const transitions = [
      await withdrawal(3_000_000_000n, alice, { fee: 5_000_000n }),
      await withdrawal(4_000_000_000n, carol, { fee: 5_000_000n }),
      ...(await fixture.trade({ fee: 1_000_000n }, { fee: 1_000_000n })),
    ];
    const receipt = await fixture.submitBatch({ transitions }, bob);
    expect(fixture.skips(receipt)).toEqual([]);
    const after = await Promise.all(holders.map(({ address }) => usdc.balanceOf(address)));
    expect(after.map((balance, index) => balance - before[index])).toEqual([2_700_000_000n, 3_600_000_000n]);
    expect(await usdc.balanceOf(bob.address)).toBe(relayed + 10_800_000n);
    expect(await ledger.cashHoldings()).toBe(HELD - 6_310_800_000n);
    expect(await fixture.fund.uncovered()).toBe(UNCOVERED - 701_200_000n);
  });

  test("refuses more than holdings and deficit together, the sum of all claims", async () => {
    const { ledger, carol } = fixture;
    const all = HELD + UNCOVERED;
    await expectRefusal(ledger.submit(await withdrawal(all + 1n, carol)), ledger, "InsufficientHoldings", [
      0n,
      all,
      all + 1n,
    ]);
    const transitions = [await withdrawal(all - 5n, carol), await withdrawal(6n, carol)];
    const receipt = await fixture.submitBatch({ transitions });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "InsufficientHoldings" }]);
  });

  test("everything can be withdrawn, and nothing is left", async () => {
    const { ledger, carol, usdc } = fixture;
    await ledger.submit(await withdrawal(HELD + UNCOVERED - 1_000n, carol));
    await ledger.submit(await withdrawal(1_000n, carol));
    expect(await usdc.balanceOf(carol.address)).toBe(HELD);
    expect(await ledger.cashHoldings()).toBe(0n);
    expect(await fixture.fund.uncovered()).toBe(0n);
    expect(await fixture.fund.isImpaired()).toBe(false);
  });
});
