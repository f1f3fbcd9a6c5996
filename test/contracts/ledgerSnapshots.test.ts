import { beforeEach, describe, expect, test } from "vitest";
import { expectRefusal, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";

const WEEK = 7n * 86_400n;

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture();
});

/** Time of observation of the latest snapshot. */
async function observedAt(): Promise<bigint> {
  return (await fixture.oracle.latest()).info.time;
}

describe("the latest snapshot", () => {
  test("is good for 180 seconds to the second, then stale", async () => {
    const [inTime, late] = [await fixture.transition(), await fixture.transition()];
    const staleSince = (await observedAt()) + 180n;
    await fixture.nextBlockAt(staleSince);
    await fixture.ledger.submit(inTime);
    await fixture.nextBlockAt(staleSince + 1n);
    await expectRefusal(fixture.ledger.submit(late), fixture.ledger, "SnapshotStale", [staleSince]);
  });

  test("takes a deposit however old it is, but none together with a trade", async () => {
    const { alice, ledger } = fixture;
    const deposit = await fixture.transition({ deposit: 10n }, { payer: alice.address });
    const tradeTag = randomElement();
    const first = await fixture.transition({ deposit: 10n, tradeTag }, { payer: alice.address });
    const second = await fixture.transition({ tradeTag, side: 1n });
    await fixture.advance(100_000);
    await expectRefusal(fixture.as(alice).submitTrade(first, second), ledger, "SnapshotStale");
    await fixture.as(alice).submit(deposit);
  });

  test("takes a deposit on a stale one only if it covers its fee: a fee to oneself is a withdrawal in disguise", async () => {
    const { alice, ledger } = fixture;
    const terms = { payer: alice.address };
    const covered = await fixture.transition({ deposit: 10n, fee: 10n }, terms);
    const drained = await fixture.transition({ deposit: 10n, fee: 11n }, terms);
    const inLots = await fixture.transition({ asset: 7n, deposit: 10n, fee: 1n }, terms);
    await fixture.advance(100_000);
    await expectRefusal(fixture.as(alice).submit(drained), ledger, "SnapshotStale");
    await expectRefusal(fixture.as(alice).submit(inLots), ledger, "SnapshotStale");
    await fixture.as(alice).submit(covered);
  });

  test("refuses a withdrawal on a stale one", async () => {
    const { alice, ledger } = fixture;
    const withdrawal = await fixture.transition({ withdrawal: 1n }, { recipient: alice.address });
    await fixture.advance(181);
    await expectRefusal(ledger.submit(withdrawal), ledger, "SnapshotStale");
  });

  test("refuses a root that the oracle never posted", async () => {
    const snapshotRoot = randomElement();
    for (const mode of [0n, 1n, 2n, 3n]) {
      const transition = await fixture.transition({ snapshotRoot, mode });
      await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "UnknownSnapshot", [
        snapshotRoot,
      ]);
    }
  });
});

describe("the snapshot before", () => {
  /** Posts the next snapshot 60 seconds later; returns the time of its posting. */
  async function nextEpoch(steady: boolean): Promise<bigint> {
    const at = (await fixture.now()) + 60n;
    const header = await fixture.nextHeader({ time: at, steady });
    await fixture.nextBlockAt(at);
    await fixture.postSnapshot(header);
    return at;
  }

  test("is good for 15 seconds to the second after a steady one", async () => {
    const { alice, ledger } = fixture;
    const [inTime, late] = [await fixture.transition(), await fixture.transition()];
    const deposit = await fixture.transition({ deposit: 10n }, { payer: alice.address });
    const postedAt = await nextEpoch(true);
    await fixture.nextBlockAt(postedAt + 14n);
    await fixture.as(alice).submit(deposit);
    await fixture.nextBlockAt(postedAt + 15n);
    await ledger.submit(inTime);
    await fixture.nextBlockAt(postedAt + 16n);
    await expectRefusal(ledger.submit(late), ledger, "PreviousSnapshotRefused", [1n, 2n]);
  });

  test("refuses it after a jump: a free option", async () => {
    const transition = await fixture.transition();
    await nextEpoch(false);
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "PreviousSnapshotRefused", [
      1n,
      2n,
    ]);
  });

  test("refuses it for a withdrawal", async () => {
    const { alice, ledger } = fixture;
    const transition = await fixture.transition({ withdrawal: 1n }, { recipient: alice.address });
    await nextEpoch(true);
    await expectRefusal(ledger.submit(transition), ledger, "PreviousSnapshotRefused", [1n, 2n]);
  });

  test("refuses it for a flagged note, singly and in a batch: who is to be liquidated has no choice of price", async () => {
    const { ledger } = fixture;
    const [flagged, other] = [await fixture.transition(), await fixture.transition()];
    await fixture.flag(4n, flagged.signals.nullifier);
    await nextEpoch(true);
    await expectRefusal(ledger.submit(flagged), ledger, "PreviousSnapshotRefused", [1n, 2n]);
    const receipt = await fixture.submitBatch({ transitions: [other, flagged] });
    expect(fixture.skips(receipt)).toEqual([
      { kind: 1n, index: 1n, reason: "PreviousSnapshotRefused", parameters: [1n, 2n] },
    ]);
    const { nullifier } = flagged.signals;
    await ledger.submit(await fixture.transition({ nullifier }));
  });

  test("is told from the latest by each item of a batch", async () => {
    const { alice } = fixture;
    const older = await fixture.transition();
    const withdrawal = await fixture.transition({ withdrawal: 1n }, { recipient: alice.address });
    await nextEpoch(true);
    const newer = [await fixture.transition(), await fixture.transition()];
    await fixture.advance(16);
    const receipt = await fixture.submitBatch({ transitions: [newer[0], older, newer[1], withdrawal] });
    expect(fixture.skips(receipt).map(({ index, reason }) => [index, reason])).toEqual([
      [1n, "PreviousSnapshotRefused"],
      [3n, "PreviousSnapshotRefused"],
    ]);
  });

  test("refuses a deposit on it once the grace is over: it would refresh an insolvent note", async () => {
    const { alice, ledger } = fixture;
    const deposit = await fixture.transition({ deposit: 1n }, { payer: alice.address });
    const postedAt = await nextEpoch(true);
    await fixture.nextBlockAt(postedAt + 16n);
    await expectRefusal(fixture.as(alice).submit(deposit), ledger, "PreviousSnapshotRefused", [1n, 2n]);
  });

  test("refuses it when it is stale itself", async () => {
    const transition = await fixture.transition();
    const staleSince = (await observedAt()) + 180n;
    await fixture.advance(400);
    await fixture.postSnapshot();
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "SnapshotStale", [staleSince]);
  });

  test("refuses the one before the one before", async () => {
    const transition = await fixture.transition();
    await fixture.postSnapshot();
    await fixture.postSnapshot();
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "SnapshotNotLatest", [1n, 3n]);
  });
});

describe("modes", () => {
  test("an exit takes any snapshot that was ever posted", async () => {
    const { alice } = fixture;
    await fixture.as(alice).submit(await fixture.transition({ deposit: 10n }, { payer: alice.address }));
    const first = (await fixture.oracle.latest()).root;
    for (let epoch = 0; epoch < 3; epoch++) await fixture.postSnapshot();
    await fixture.advance(1_000_000);
    const exit = await fixture.transition(
      { mode: 2n, snapshotRoot: first, withdrawal: 10n },
      { recipient: alice.address },
    );
    await fixture.ledger.submit(exit);
  });

  test("a wind-down waits a week to the second after the latest snapshot", async () => {
    const opensAt = (await observedAt()) + WEEK;
    const [early, inTime] = [await fixture.transition({ mode: 3n }), await fixture.transition({ mode: 3n })];
    await fixture.nextBlockAt(opensAt - 1n);
    await expectRefusal(fixture.ledger.submit(early), fixture.ledger, "WindDownClosed", [opensAt]);
    await fixture.nextBlockAt(opensAt);
    await fixture.ledger.submit(inTime);
  });

  test("refuses a wind-down on an older snapshot, even after a week and within the grace", async () => {
    const older = await fixture.transition({ mode: 3n });
    await fixture.advance(WEEK);
    await fixture.postSnapshot();
    await expectRefusal(fixture.ledger.submit(older), fixture.ledger, "SnapshotNotLatest", [1n, 2n]);
  });

  test("an emergency refuses the normal mode, and no other", async () => {
    const { alice, ledger } = fixture;
    await ledger.setEmergency(true);
    const normal = await fixture.transition();
    await expectRefusal(ledger.submit(normal), ledger, "ReduceOnly", []);
    const [first, second] = await fixture.trade();
    await expectRefusal(ledger.submitTrade(first, second), ledger, "ReduceOnly", []);
    await fixture
      .as(alice)
      .submit(await fixture.transition({ mode: 1n, deposit: 10n }, { payer: alice.address }));
    const [reducing, taking] = await fixture.trade({ mode: 1n }, { mode: 1n });
    await ledger.submitTrade(reducing, taking);
    await ledger.submit(await fixture.transition({ mode: 2n }));
    await ledger.setEmergency(false);
    await ledger.submit(normal);
  });

  test("a fund below its floor refuses the normal mode, and no other", async () => {
    const { alice, ledger, fund } = fixture;
    await fund.setFloor(1n);
    const normal = await fixture.transition();
    await expectRefusal(ledger.submit(normal), ledger, "ReduceOnly", []);
    const others = [
      await fixture.transition({ mode: 1n, deposit: 10n }, { payer: alice.address }),
      ...(await fixture.trade({ mode: 1n }, { mode: 1n })),
      await fixture.transition({ mode: 2n }),
    ];
    const receipt = await fixture.submitBatch({ transitions: [normal, ...others] }, alice);
    expect(fixture.skips(receipt)).toMatchObject([{ index: 0n, reason: "ReduceOnly" }]);
    await fund.setFloor(0n);
    await ledger.submit(normal);
  });

  test("refuses an emergency declared by anybody but a guardian", async () => {
    const { carol, ledger } = fixture;
    await expectRefusal(fixture.as(carol).setEmergency(true), ledger, "AccessControlUnauthorizedAccount", [
      carol.address,
      await ledger.GUARDIAN_ROLE(),
    ]);
    expect(await ledger.emergency()).toBe(false);
  });
});
