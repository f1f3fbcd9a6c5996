import { beforeEach, describe, expect, test } from "vitest";
import { clearContext } from "../../contracts/auction.ts";
import { solvencyInputs, TIER } from "../../contracts/statements.ts";
import {
  expectRefusal,
  FIRST_RATE,
  type LedgerFixture,
  ledgerFixture,
  randomElement,
} from "../support/ledgerFixture.ts";

const DAY = 86_400n;
const FUND = 1_000_000_000n;
const LEAF = 5n;

let fixture: LedgerFixture;
let nullifier: bigint;

beforeEach(async () => {
  fixture = await ledgerFixture({ fundDeposit: FUND });
  nullifier = randomElement();
});

/** Puts cash into the ledger. */
async function hold(amount: bigint): Promise<void> {
  const { alice } = fixture;
  const deposit = await fixture.transition({ deposit: amount }, { payer: alice.address });
  await fixture.as(alice).submit(deposit);
}

async function withdraw(amount: bigint): Promise<void> {
  const { ledger, carol } = fixture;
  await ledger.submit(await fixture.transition({ withdrawal: amount }, { recipient: carol.address }));
}

function carolsCash(): Promise<bigint> {
  return fixture.usdc.balanceOf(fixture.carol.address);
}

/** Flags a note, and takes it over at the next epoch with an uncovered deficit. */
async function bankrupt(deficit: bigint): Promise<void> {
  await fixture.ledger.takeOver(await fixture.flaggedTakeOver({ deficit }));
}

describe("a note below its margin", () => {
  test("is flagged, taken over in slices on one clock, and cured", async () => {
    const { auction, ledger, fund } = fixture;
    await fixture.flag(LEAF, nullifier);
    const start = await fixture.now();
    const early = await fixture.takeOver({ targetLeafIndex: LEAF, targetNullifier: nullifier });
    await expectRefusal(ledger.takeOver(early), auction, "EpochNotAfterFlag", [1n, 1n]);

    await fixture.advance(300);
    await fixture.postSnapshot();
    const rate = 8000n;
    const slice = { targetLeafIndex: LEAF, targetNullifier: nullifier, rate };
    const first = await fixture.takeOver({ ...slice, deficit: 7_000_000n, reward: 3_000_000n });
    const greedy = await fixture.takeOver({ ...slice, rate: 20_000n });
    await expectRefusal(ledger.takeOver(greedy), auction, "RateAboveCurve");
    const firstReceipt = await (await ledger.takeOver(first)).wait();
    const { leafIndex } = ledger.interface.parseLog(firstReceipt.logs.at(-1))!.args;
    expect(await fund.balance()).toBe(FUND - 10_000_000n);
    expect(await ledger.cashHoldings()).toBe(10_000_000n);
    expect(await auction.isFlagged(nullifier)).toBe(false);
    await expectRefusal(ledger.takeOver(greedy), ledger, "NullifierSpent", [nullifier]);

    // The successor: same clock, same first epoch, so the next slice may follow in this very epoch, at the rate that the clock permits.
    const successor = randomElement();
    expect([...(await auction.flagOf(leafIndex))]).toEqual([start, await fixture.now(), 1n, 0n]);
    await fixture.flag(leafIndex, successor);
    expect((await auction.flagOf(leafIndex)).clockStart).toBe(start);
    const next = { targetLeafIndex: leafIndex, targetNullifier: successor, rate };
    const second = await fixture.takeOver({ ...next, cured: 1n });
    const secondReceipt = await (await ledger.takeOver(second)).wait();
    const { leafIndex: curedLeaf } = ledger.interface.parseLog(secondReceipt.logs.at(-1))!.args;
    for (const leaf of [LEAF, leafIndex, curedLeaf]) {
      expect((await auction.flagOf(leaf)).clockStart).toBe(0n);
    }
    const third = await fixture.takeOver({ targetLeafIndex: curedLeaf, rate: 0n });
    await expectRefusal(ledger.takeOver(third), auction, "NotFlagged", [curedLeaf]);
  });

  test("that was healthy again and cleared is not taken over", async () => {
    const { auction, ledger, chainId, addresses } = fixture;
    await fixture.flag(LEAF, nullifier);
    await fixture.postSnapshot();
    const { context, ...signals } = {
      stateRoot: await ledger.stateRoot(),
      snapshotRoot: (await fixture.oracle.latest()).root as bigint,
      nullifier,
      leafIndex: LEAF,
      ratio: 65536n,
      excess: 0n,
      entity: randomElement(),
      context: clearContext(chainId, addresses.auction),
    };
    const proof = await fixture.prove("solvency.small", solvencyInputs({ ...signals, context }));
    await auction.clear(TIER.small, proof, signals);
    const takeOver = await fixture.takeOver({ targetLeafIndex: LEAF, targetNullifier: nullifier });
    await expectRefusal(ledger.takeOver(takeOver), auction, "NotFlagged", [LEAF]);
  });

  test("cannot be flagged once its owner has spent it within the rules", async () => {
    const { auction, ledger } = fixture;
    await ledger.submit(await fixture.transition({ nullifier }));
    await expectRefusal(fixture.flag(LEAF, nullifier), auction, "NullifierSpent", [nullifier]);
  });

  test("gives its owner no choice of price while it is flagged: the epoch before is refused", async () => {
    const { ledger } = fixture;
    const [flagged, other] = [await fixture.transition({ nullifier }), await fixture.transition()];
    await fixture.flag(LEAF, nullifier);
    await fixture.postSnapshot();
    await expectRefusal(ledger.submit(flagged), ledger, "PreviousSnapshotRefused", [1n, 2n]);
    await ledger.submit(other);
  });
});

describe("the fund behind the ledger", () => {
  test("is not drained twice in an epoch: the second take-over's reward is above the cap", async () => {
    const { fund, ledger } = fixture;
    const [one, two] = [randomElement(), randomElement()];
    await fixture.flag(LEAF, one);
    await fixture.flag(LEAF + 1n, two);
    await fixture.postSnapshot();
    const reward = FUND / 10n;
    await ledger.takeOver(await fixture.takeOver({ targetLeafIndex: LEAF, targetNullifier: one, reward }));
    const again = { targetLeafIndex: LEAF + 1n, targetNullifier: two, rate: FIRST_RATE };
    const second = await fixture.takeOver({ ...again, reward: 1n });
    await expectRefusal(ledger.takeOver(second), fund, "RewardAboveCap", [1n, 0n]);
    await ledger.takeOver(await fixture.takeOver(again));
  });

  test("that is short locks withdrawals in every mode, then all are paid alike, and recapitalisation pays the rest", async () => {
    const { carol, fund, ledger, usdc, alice, addresses } = fixture;
    await hold(9_000_000_000n - FUND);
    // The fund's money covers a part: holdings are 9,000, uncovered are 1,000.
    await bankrupt(FUND + 1_000_000_000n);
    const lockedUntil = (await fixture.now()) + DAY;
    expect(await ledger.cashHoldings()).toBe(9_000_000_000n);
    for (const mode of [0n, 1n, 2n, 3n]) {
      const early = await fixture.transition({ withdrawal: 1n, mode }, { recipient: carol.address });
      await expectRefusal(ledger.submit(early), ledger, "WithdrawalsLocked", [lockedUntil]);
    }

    await fixture.advance(DAY);
    await fixture.postSnapshot();
    await withdraw(500_000_000n);
    expect(await carolsCash()).toBe(450_000_000n);
    await withdraw(1_000_000_000n);
    expect(await carolsCash()).toBe(1_350_000_000n);
    expect(await fund.claimOf(carol.address)).toBe(150_000_000n);
    expect(await fund.uncovered()).toBe(850_000_000n);

    await fixture.as(alice, usdc).approve(addresses.fund, 10n ** 12n);
    await fixture.as(alice, fund).deposit(500_000_000n);
    expect(await fund.uncovered()).toBe(425_000_000n);
    expect(await fund.collectableBy(carol.address)).toBe(75_000_000n);
    await fixture.as(alice, fund).deposit(500_000_000n);
    await fixture.as(carol, fund).collectRecovery();
    expect(await carolsCash()).toBe(1_500_000_000n);
    expect(await fund.isImpaired()).toBe(false);
    await withdraw(8_500_000_000n);
    expect(await carolsCash()).toBe(10_000_000_000n);
    expect(await ledger.cashHoldings()).toBe(0n);
  });

  test("admits no new risk below its floor, but every step out of it", async () => {
    const { fund, ledger, alice } = fixture;
    await fund.setFloor(FUND + 1n);
    const risky = await fixture.transition();
    await expectRefusal(ledger.submit(risky), ledger, "ReduceOnly");
    await ledger.submit(await fixture.transition({ mode: 1n }));
    await ledger.submit(await fixture.transition({ mode: 2n }));
    await fixture.as(alice, fixture.usdc).approve(fixture.addresses.fund, 1n);
    await fixture.as(alice, fund).deposit(1n);
    await ledger.submit(risky);
  });
});

test("auction and fund serve the ledger that names them, on the same terms", async () => {
  const { auction, fund, ledger, addresses } = fixture;
  for (const served of [auction, fund]) expect(await served.ledger()).toBe(addresses.ledger);
  expect([await ledger.auction(), await ledger.fund()]).toEqual([addresses.auction, addresses.fund]);
  expect([await auction.oracle(), await auction.verifier()]).toEqual([addresses.oracle, addresses.verifier]);
  expect(await auction.STALE_AFTER()).toBe(await ledger.STALE_AFTER());
});
