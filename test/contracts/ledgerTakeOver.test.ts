import { beforeEach, describe, expect, test } from "vitest";
import { proofContext } from "../../contracts/signing.ts";
import { liquidationInputs, type TakeOver, type TakeOverSignals } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import {
  expectRefusal,
  FIRST_RATE,
  type LedgerFixture,
  ledgerFixture,
  randomElement,
} from "../support/ledgerFixture.ts";
import { fund, plain } from "../support/ledgerItems.ts";

const FUND = 1_000_000_000n;

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture({ fundDeposit: FUND });
});

describe("a take-over", () => {
  test("spends both notes, queues their successors, moves the flag and says what it did", async () => {
    const { ledger, auction, usdc, addresses, bob } = fixture;
    await fund(fixture, 1_000n);
    const { targetNullifier, targetLeafIndex } = { targetNullifier: randomElement(), targetLeafIndex: 11n };
    const item = await fixture.flaggedTakeOver(
      { targetNullifier, targetLeafIndex, deficit: 500n, reward: 70n, fee: 9n },
      { relayer: bob.address },
    );
    const [held, relayed] = [await usdc.balanceOf(addresses.ledger), await usdc.balanceOf(bob.address)];
    const [tail] = await ledger.queue();
    const receipt = await (await fixture.as(bob).takeOver(item)).wait();

    const { signals } = item;
    expect(await ledger.isSpent(signals.targetNullifier)).toBe(true);
    expect(await ledger.isSpent(signals.keeperNullifier)).toBe(true);
    expect((await ledger.queue()).tail).toBe(tail + 2n);
    expect(await usdc.balanceOf(addresses.ledger)).toBe(held + 500n + 70n - 9n);
    expect(await usdc.balanceOf(bob.address)).toBe(relayed + 9n);
    expect(await auction.permittedRate(targetLeafIndex)).toBe(0n);
    expect(await auction.permittedRate(tail)).toBeGreaterThan(0n);
    const events = receipt.logs.map((log: never) => ledger.interface.parseLog(log));
    const event = events.find((parsed: { name: string } | null) => parsed?.name === "TakenOver");
    expect(event.args.toArray(true)).toEqual([
      signals.targetNullifier,
      signals.keeperNullifier,
      targetLeafIndex,
      signals.targetCommitment,
      signals.keeperCommitment,
      tail,
      signals.snapshotRoot,
      signals.rate,
      500n,
      70n,
      0n,
      false,
      9n,
      [...signals.targetEscrow],
      [...signals.keeperEscrow],
    ]);
  });

  test("of the large tier is checked against the large tier's key", async () => {
    const target = { targetNullifier: randomElement(), targetLeafIndex: 3n };
    await fixture.flag(target.targetLeafIndex, target.targetNullifier);
    await fixture.postSnapshot();
    const item = await fixture.takeOver(target, {}, "large");
    await expectRefusal(fixture.ledger.takeOver({ ...item, tier: 0n }), fixture.ledger, "ProofRejected", [
      7n,
    ]);
    await fixture.ledger.takeOver(item);
  });

  test("may queue the keeper's note in the next node", async () => {
    const { ledger } = fixture;
    const before = await plain(fixture, 15);
    await fixture.submitBatch({ transitions: before });
    const { signals, ...item } = await fixture.flaggedTakeOver();
    await ledger.takeOver({ signals, ...item });
    const leaves = [...before.map((transition) => transition.signals.commitment), signals.targetCommitment];
    await ledger.insert(...(await fixture.insertion(0n, leaves)));
    await fixture.advance(30);
    await ledger.seal();
    await ledger.insert(...(await fixture.insertion(1n, [signals.keeperCommitment])));
  });

  test("that cures ends the flag", async () => {
    const { ledger, auction } = fixture;
    const [tail] = await ledger.queue();
    await ledger.takeOver(await fixture.flaggedTakeOver({ cured: 1n }));
    expect(await auction.permittedRate(tail)).toBe(0n);
  });

  test("is accepted in an emergency and below the fund's floor: risk goes down", async () => {
    await fixture.fund.setFloor(2n * FUND);
    await fixture.ledger.setEmergency(true);
    await fixture.ledger.takeOver(await fixture.flaggedTakeOver());
  });
});

describe("refuses a take-over", () => {
  /** Expects the refusal alone, and the same as the reason of a skip in a batch. */
  async function expectRefused(item: TakeOver, name: string, parameters?: unknown[]): Promise<void> {
    const { ledger, auction, fund: insurance } = fixture;
    const contract = [ledger, auction, insurance].find(({ interface: abi }) => abi.getError(name) !== null)!;
    await expectRefusal(ledger.takeOver(item), contract, name, parameters);
    const receipt = await fixture.submitBatch({ takeOvers: [item] });
    expect(fixture.skips(receipt)).toMatchObject([
      { kind: 2n, index: 0n, reason: name, ...(parameters && { parameters }) },
    ]);
  }

  test("of a note that is not flagged: a healthy account", async () => {
    const item = await fixture.takeOver();
    await expectRefused(item, "NotFlagged", [item.signals.targetLeafIndex]);
  });

  test("at the epoch of the flag: one bad price liquidates nobody", async () => {
    const target = { targetNullifier: randomElement(), targetLeafIndex: 5n };
    await fixture.flag(target.targetLeafIndex, target.targetNullifier);
    await expectRefused(await fixture.takeOver(target), "EpochNotAfterFlag", [1n, 1n]);
  });

  test("at another place than the flagged note's", async () => {
    const item = await fixture.flaggedTakeOver({ targetLeafIndex: 5n });
    const twin = await fixture.takeOver({ targetLeafIndex: 5n });
    const { targetNullifier } = item.signals;
    await expectRefused(twin, "FlagOfAnotherNote", [5n, targetNullifier, twin.signals.targetNullifier]);
    await fixture.ledger.takeOver(item);
  });

  test("by a stale price", async () => {
    const item = await fixture.flaggedTakeOver();
    await fixture.advance(181);
    await expectRefused(item, "SnapshotStale");
  });

  test("on the snapshot before the latest, even within its grace, and on one that was never posted", async () => {
    const older = (await fixture.oracle.latest()).root as bigint;
    const target = await fixture.flaggedTakeOver();
    const { targetNullifier, targetLeafIndex } = target.signals;
    const item = await fixture.takeOver({ targetNullifier, targetLeafIndex, snapshotRoot: older });
    await expectRefused(item, "SnapshotNotLatest", [1n, 2n]);
    const snapshotRoot = randomElement();
    await expectRefused(await fixture.takeOver({ snapshotRoot }), "UnknownSnapshot", [snapshotRoot]);
  });

  test("above the auction's rate", async () => {
    const item = await fixture.flaggedTakeOver({ rate: FIRST_RATE + 5_000n });
    await expectRefused(item, "RateAboveCurve");
    // The curve reaches the asked rate within five minutes, on a snapshot of that time.
    await fixture.advance(300);
    const { targetNullifier, targetLeafIndex, rate } = item.signals;
    await fixture.postSnapshot();
    await fixture.ledger.takeOver(await fixture.takeOver({ targetNullifier, targetLeafIndex, rate }));
  });

  test("whose reward is above a tenth of the fund, alone or together with others of the epoch", async () => {
    const tenth = FUND / 10n;
    await expectRefused(await fixture.flaggedTakeOver({ reward: tenth + 1n }), "RewardAboveCap", [
      tenth + 1n,
      tenth,
    ]);
    const targets = [1n, 2n].map((targetLeafIndex) => ({
      targetLeafIndex,
      targetNullifier: randomElement(),
    }));
    for (const target of targets) await fixture.flag(target.targetLeafIndex, target.targetNullifier);
    await fixture.postSnapshot();
    const takeOvers = await Promise.all(
      targets.map((target) => fixture.takeOver({ ...target, reward: tenth / 2n + 1n })),
    );
    const receipt = await fixture.submitBatch({ takeOvers });
    expect(fixture.skips(receipt)).toEqual([
      { kind: 2n, index: 1n, reason: "RewardAboveCap", parameters: [tenth / 2n + 1n, tenth / 2n - 1n] },
    ]);
  });

  test("of a spent note, and by a spent note", async () => {
    const nullifier = randomElement();
    await fixture.ledger.submit(await fixture.transition({ nullifier }));
    await expectRefused(await fixture.takeOver({ targetNullifier: nullifier }), "NullifierSpent", [
      nullifier,
    ]);
    const item = await fixture.flaggedTakeOver({ keeperNullifier: nullifier });
    await expectRefused(item, "NullifierSpent", [nullifier]);
  });

  test("of a note by itself", async () => {
    const nullifier = randomElement();
    const item = await fixture.flaggedTakeOver({ targetNullifier: nullifier, keeperNullifier: nullifier });
    await expectRefused(item, "NullifierSpent", [nullifier]);
  });

  test("twice, singly or in one batch: draining a note or the fund", async () => {
    const { ledger, fund: insurance } = fixture;
    const item = await fixture.flaggedTakeOver({ deficit: 100n });
    const { targetNullifier, targetLeafIndex } = item.signals;
    const rival = await fixture.takeOver({ targetNullifier, targetLeafIndex, deficit: 100n });
    const receipt = await fixture.submitBatch({ takeOvers: [item, rival, item] });
    expect(fixture.skips(receipt).map(({ index, reason }) => [index, reason])).toEqual([
      [1n, "NullifierSpent"],
      [2n, "NullifierSpent"],
    ]);
    expect(await insurance.balance()).toBe(FUND - 100n);
    await expectRefusal(ledger.takeOver(item), ledger, "NullifierSpent", [targetNullifier]);
  });

  test("of a note that its owner spent earlier in the same batch", async () => {
    const item = await fixture.flaggedTakeOver();
    const transitions = [await fixture.transition({ nullifier: item.signals.targetNullifier })];
    const receipt = await fixture.submitBatch({ transitions, takeOvers: [item] });
    expect(fixture.skips(receipt)).toMatchObject([{ kind: 2n, reason: "NullifierSpent" }]);
  });

  test("with a fee above the cap, an unknown root, a refused member, a passed deadline, another relayer", async () => {
    const { admin, carol } = fixture;
    const target = { targetNullifier: randomElement(), targetLeafIndex: 5n };
    await fixture.flag(target.targetLeafIndex, target.targetNullifier);
    await fixture.postSnapshot();
    const item = (signals: Partial<TakeOverSignals>, terms = {}): Promise<TakeOver> =>
      fixture.takeOver({ ...target, ...signals }, terms);
    const root = randomElement();
    await expectRefused(await item({ fee: 5_000_001n }), "FeeAboveCap", [5_000_001n, 5_000_000n]);
    await expectRefused(await item({ stateRoot: root }), "UnknownStateRoot", [root]);
    await expectRefused(await item({ registryRoot: root }), "RegistryRootRefused", [root]);
    await expectRefused(await item({}, { deadline: 5n }), "DeadlinePassed", [5n]);
    await expectRefused(await item({}, { relayer: carol.address }), "NotTheRelayer", [
      carol.address,
      admin.address,
    ]);
    for (const leaf of [{ targetCommitment: 0n }, { keeperCommitment: 0n }]) {
      await expectRefused(await item(leaf), "InvalidLeaf", [0n]);
    }
    await fixture.ledger.takeOver(await item({}));
  });

  test("with a public input >= r", async () => {
    const cases: [Partial<TakeOverSignals>, bigint][] = [
      [{ targetNullifier: FIELD_ORDER }, 3n],
      [{ keeperNullifier: FIELD_ORDER }, 6n],
      [{ keeperCommitment: FIELD_ORDER }, 7n],
      [{ reward: FIELD_ORDER }, 11n],
      [{ targetEscrow: [0n, 0n, 0n, FIELD_ORDER] }, 17n],
      [{ keeperEscrow: [0n, 0n, 0n, 0n, 0n, FIELD_ORDER] }, 23n],
    ];
    for (const [signals, index] of cases) {
      const item = await fixture.takeOver(signals);
      await expectRefused(item, "SignalNotInField", [index, FIELD_ORDER]);
    }
  });

  test("with any public signal or term altered: escrow withheld, reward enlarged, a front-runner's relayer", async () => {
    const { ledger, carol } = fixture;
    const item = await fixture.flaggedTakeOver({ deficit: 40n, reward: 5n });
    const { signals, terms } = item;
    const altered = [
      ...(
        ["targetCommitment", "keeperNullifier", "keeperCommitment", "deficit", "reward", "fee"] as const
      ).map((name) => ({ ...item, signals: { ...signals, [name]: signals[name] + 1n } })),
      { ...item, signals: { ...signals, cured: 1n } },
      { ...item, signals: { ...signals, rate: signals.rate - 1n } },
      { ...item, signals: { ...signals, targetEscrow: signals.targetEscrow.toReversed() } },
      { ...item, signals: { ...signals, keeperEscrow: signals.keeperEscrow.toReversed() } },
      { ...item, terms: { ...terms, relayer: carol.address } },
      { ...item, terms: { ...terms, payer: carol.address } },
      { ...item, terms: { ...terms, deadline: terms.deadline + 1n } },
    ];
    for (const one of altered) {
      await expectRefusal(fixture.as(carol).takeOver(one), ledger, "ProofRejected", [7n]);
    }
    await fixture.as(carol).takeOver(item);
  });

  test("proven for another restoration than the auction's", async () => {
    const { ledger, auction, chainId, addresses } = fixture;
    const item = await fixture.flaggedTakeOver();
    const context = proofContext(chainId, addresses.ledger, item.terms);
    const inputs = liquidationInputs(item.signals, (await auction.restoration()) + 1n, context);
    const proof = await fixture.prove("liquidation.small", inputs);
    await expectRefusal(ledger.takeOver({ ...item, proof }), ledger, "ProofRejected", [7n]);
  });

  test("at a ledger that auction and fund are not bound to", async () => {
    const { ledger, auction } = fixture;
    const item = await fixture.flaggedTakeOver();
    const twin = await fixture.twinLedger();
    await expectRefusal(twin.takeOver(item), auction, "NotTheLedger", [twin.target]);
    await ledger.takeOver(item);
  });
});
