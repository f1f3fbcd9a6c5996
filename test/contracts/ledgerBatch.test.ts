import { beforeEach, describe, expect, test } from "vitest";
import type { Transition } from "../../contracts/statements.ts";
import {
  batchArguments,
  expectRefusal,
  type LedgerFixture,
  ledgerFixture,
  type Opening,
  randomElement,
} from "../support/ledgerFixture.ts";
import { aliceDeposits, areSpent, fund, listed, plain } from "../support/ledgerItems.ts";

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture();
});

describe("a batch", () => {
  test("applies sixteen items of every kind, whose leaves follow one another", async () => {
    const { ledger, bob } = fixture;
    const target = { targetNullifier: randomElement(), targetLeafIndex: 7n };
    await fixture.flag(target.targetLeafIndex, target.targetNullifier);
    await fixture.postSnapshot();
    await fund(fixture, 10_000_000n);
    const [tail] = await ledger.queue();
    const openings: Opening[] = [];
    for (let count = 0; count < 3; count++) {
      const [proof, signals, terms] = await fixture.opening();
      openings.push({ proof, signals, terms });
    }
    const transitions = [
      ...(await fixture.trade({ fee: 10n }, { fee: 20n })),
      ...(await plain(fixture, 4)),
      await fixture.transition({}, {}, "large"),
      await fixture.transition({ withdrawal: 500n }, { recipient: bob.address }),
      ...(await fixture.trade()),
      await aliceDeposits(fixture, { deposit: 900n }),
      await fixture.transition({ mode: 2n }),
    ];
    const takeOvers = [await fixture.takeOver(target)];
    const receipt = await fixture.submitBatch({ openings, transitions, takeOvers });
    expect(fixture.skips(receipt)).toEqual([]);
    const places = receipt.logs.flatMap((log) => {
      const event = ledger.interface.parseLog(log);
      return event?.args.leafIndex === undefined ? [] : [event.args.leafIndex - tail];
    });
    expect(places).toEqual([0, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map(BigInt));
    expect((await ledger.queue()).tail).toBe(tail + 20n);
    const leaves = [
      ...openings.flatMap(({ signals }) => [signals.commitment, signals.accountTag]),
      ...transitions.map(({ signals }) => signals.commitment),
      takeOvers[0].signals.targetCommitment,
      takeOvers[0].signals.keeperCommitment,
    ];
    // The deposit before took the first place.
    const [log] = await ledger.queryFilter(ledger.filters.Transitioned());
    const first = ledger.interface.parseLog(log)!.args.commitment;
    await ledger.insert(...(await fixture.insertion(0n, [first, ...leaves].slice(0, 16))));
    await fixture.advance(30);
    await ledger.seal();
    await ledger.insert(...(await fixture.insertion(1n, [first, ...leaves].slice(16))));
  });

  test("pays all fees to the relayer in one transfer", async () => {
    const { ledger, usdc, bob } = fixture;
    await fund(fixture, 10_000_000n);
    const before = await usdc.balanceOf(bob.address);
    const transitions = [
      await fixture.transition({ fee: 100n }),
      await fixture.transition({ fee: 20n }, { relayer: bob.address }),
      ...(await fixture.trade({ fee: 3n }, { fee: 4n })),
    ];
    const receipt = await fixture.submitBatch({ transitions }, bob);
    expect(await usdc.balanceOf(bob.address)).toBe(before + 127n);
    const transfers = receipt.logs.filter((log) => log.address !== ledger.target);
    expect(transfers).toHaveLength(1);
  });

  test("of no items is refused, and so is one of seventeen", async () => {
    const { ledger } = fixture;
    await expectRefusal(ledger.submitBatch([], [], []), ledger, "BatchSize", [0n]);
    const transitions = await plain(fixture, 17);
    await expectRefusal(ledger.submitBatch([], transitions, []), ledger, "BatchSize", [17n]);
    await ledger.submitBatch([], transitions.slice(0, 16), []);
  });

  test("of which every item is skipped succeeds, and asks the verifier nothing", async () => {
    const transitions = await plain(fixture, 2);
    await fixture.submitBatch({ transitions });
    const falsified = transitions.map((transition) => ({ ...transition, proof: Array(8).fill(1n) }));
    const receipt = await fixture.submitBatch({ transitions: falsified });
    expect(fixture.skips(receipt).map(({ reason }) => reason)).toEqual(["NullifierSpent", "NullifierSpent"]);
    expect(receipt.logs).toHaveLength(2);
  });

  test("with one false proof is reverted, and nothing changed", async () => {
    const { ledger } = fixture;
    const transitions = await plain(fixture, 16);
    const [tail] = await ledger.queue();
    for (const place of [0, 7, 15]) {
      const { commitment } = transitions[place].signals;
      const altered = transitions.with(place, {
        ...transitions[place],
        signals: { ...transitions[place].signals, commitment: commitment + 1n },
      });
      await expectRefusal(ledger.submitBatch([], altered, []), ledger, "BatchProofRejected", []);
    }
    expect((await ledger.queue()).tail).toBe(tail);
    expect(await areSpent(fixture, transitions)).toEqual(Array(16).fill(false));
  });

  test("skips a false proof that is spent or expired: it enters no product", async () => {
    const [spent, other] = await plain(fixture, 2);
    await fixture.ledger.submit(spent);
    const deadline = await fixture.now();
    const expired = await fixture.transition({}, { deadline });
    const falsified = [spent, expired].map((transition) => ({ ...transition, proof: Array(8).fill(2n) }));
    const receipt = await fixture.submitBatch({ transitions: [...falsified, other] });
    expect(fixture.skips(receipt).map(({ reason }) => reason)).toEqual(["NullifierSpent", "DeadlinePassed"]);
    expect(await areSpent(fixture, [other])).toEqual([true]);
  });
});

describe("one user's fault does not sink sixteen", () => {
  test("one user's second submission", async () => {
    const transitions = await plain(fixture, 16);
    await fixture.ledger.submit(transitions[3]);
    const receipt = await fixture.submitBatch({ transitions });
    const { nullifier } = transitions[3].signals;
    expect(fixture.skips(receipt)).toEqual([
      { kind: 1n, index: 3n, reason: "NullifierSpent", parameters: [nullifier] },
    ]);
    expect(await areSpent(fixture, transitions)).toEqual(Array(16).fill(true));
  });

  test("a note spent twice within the batch: the first counts", async () => {
    const [first] = await plain(fixture, 1);
    const second = await fixture.transition({ nullifier: first.signals.nullifier });
    const receipt = await fixture.submitBatch({ transitions: [first, second] });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "NullifierSpent" }]);
    expect((await fixture.ledger.queue()).tail).toBe(1n);
  });

  test("one account number opened twice within the batch", async () => {
    const accountTag = randomElement();
    const openings = await Promise.all(
      [1, 2].map(async () => {
        const [proof, signals, terms] = await fixture.opening({ accountTag });
        return { proof, signals, terms };
      }),
    );
    const receipt = await fixture.submitBatch({ openings });
    expect(fixture.skips(receipt)).toMatchObject([{ kind: 0n, index: 1n, reason: "AccountTagUsed" }]);
  });

  test("an insertion in between", async () => {
    const leaves = (await plain(fixture, 16)).map((transition) => transition);
    await fixture.submitBatch({ transitions: leaves });
    const transitions = await plain(fixture, 3);
    const commitments = leaves.map(({ signals }) => signals.commitment);
    await fixture.ledger.insert(...(await fixture.insertion(0n, commitments)));
    expect(fixture.skips(await fixture.submitBatch({ transitions }))).toEqual([]);
  });

  test("a deposit that its payer cannot or does not want to pay", async () => {
    const { alice, bob, carol, usdc, addresses } = fixture;
    const held = await usdc.balanceOf(addresses.ledger);
    await fixture.as(carol, usdc).approve(addresses.ledger, 1_000n);
    const transitions = [
      await aliceDeposits(fixture, { deposit: 100n }),
      await fixture.transition({ deposit: 100n }, { payer: carol.address }),
      await fixture.transition({ deposit: 100n }, { payer: alice.address }),
      await aliceDeposits(fixture, { deposit: 2n ** 60n - 1n }),
      await fixture.transition({ deposit: 11n }, { payer: bob.address }),
    ];
    const receipt = await fixture.submitBatch({ transitions }, carol);
    expect(fixture.skips(receipt)).toMatchObject([
      { index: 1n, reason: "ERC20InsufficientBalance", parameters: [carol.address, 0n, 100n] },
      { index: 2n, reason: "PayerNotAuthorized", parameters: [alice.address] },
      { index: 3n, reason: "ERC20InsufficientBalance" },
      { index: 4n, reason: "PayerNotAuthorized", parameters: [bob.address] },
    ]);
    expect(await areSpent(fixture, transitions)).toEqual([true, false, false, false, false]);
    expect(await usdc.balanceOf(addresses.ledger)).toBe(held + 100n);
  });

  test("a token that keeps a fee or answers false: what it moved is moved back", async () => {
    const { alice, addresses } = fixture;
    const greedy = await listed(fixture, 1n, "FeeOnTransferToken");
    await listed(fixture, 2n, "SilentToken");
    const before = await greedy.getFunction("balanceOf")(alice.address);
    const transitions = [
      await aliceDeposits(fixture, { asset: 1n, deposit: 1000n }),
      await aliceDeposits(fixture, { asset: 2n, deposit: 1000n }),
      ...(await plain(fixture, 1)),
    ];
    const receipt = await fixture.submitBatch({ transitions });
    expect(fixture.skips(receipt)).toMatchObject([
      { reason: "DepositMismatch", parameters: [1n, 1000n, 990n] },
      { reason: "SafeERC20FailedOperation" },
    ]);
    expect(await greedy.getFunction("balanceOf")(alice.address)).toBe(before);
    expect(await greedy.getFunction("balanceOf")(addresses.ledger)).toBe(0n);
  });

  test("a wallet that burns all gas when it is asked for its signature", async () => {
    const { ethers } = fixture;
    const wallet = await (await ethers.deployContract("BurningWallet")).getAddress();
    const transitions = [await aliceDeposits(fixture, { deposit: 5n }, wallet), ...(await plain(fixture, 2))];
    const receipt = await fixture.submitBatch({ transitions });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 0n, reason: "PayerNotAuthorized" }]);
    expect(receipt.gasUsed).toBeLessThan(1_000_000n);
  });

  test("too little gas for a deposit reverts the whole: nobody is skipped for a relayer's thrift", async () => {
    const { ledger, alice } = fixture;
    const transitions = [await fixture.transition({ deposit: 5n }, { payer: alice.address })];
    const items = batchArguments({ transitions });
    const starved = fixture.as(alice).submitBatch(...items, { gasLimit: 520_000n });
    await expectRefusal(starved, ledger, "TooLittleGas");
    const estimate = await fixture.as(alice).submitBatch.estimateGas(...items);
    const receipt = await (await fixture.as(alice).submitBatch(...items, { gasLimit: estimate })).wait();
    expect(fixture.skips(receipt)).toEqual([]);
  });

  test("nobody takes deposits but the ledger itself", async () => {
    const { ledger, alice } = fixture;
    const deposit = {
      asset: 0n,
      amount: 5n,
      payer: alice.address,
      digest: `0x${"00".repeat(32)}`,
      signature: "0x",
    };
    await expectRefusal(ledger.takeDeposits([deposit]), ledger, "OnlyTheLedger", []);
  });
});

describe("trades in a batch", () => {
  /** Submits these and returns what was skipped: index and reason. */
  async function skippedOf(transitions: Transition[]): Promise<[bigint, string][]> {
    const receipt = await fixture.submitBatch({ transitions });
    return fixture.skips(receipt).map(({ index, reason }) => [index, reason]);
  }

  test("a side without its partner directly after it is skipped", async () => {
    const [first, second] = await fixture.trade();
    const [between] = await plain(fixture, 1);
    expect(await skippedOf([first, between, second])).toEqual([
      [0n, "PartnerMissing"],
      [2n, "PartnerMissing"],
    ]);
    expect(await areSpent(fixture, [first, between, second])).toEqual([false, true, false]);
    expect(await skippedOf([second, first])).toEqual([]);
  });

  test("a side is paired once", async () => {
    const [first, second] = await fixture.trade();
    const again = await fixture.transition({ tradeTag: first.signals.tradeTag, side: 0n });
    expect(await skippedOf([first, second, again])).toEqual([[2n, "PartnerMissing"]]);
    expect(await areSpent(fixture, [again])).toEqual([false]);
  });

  test("a side is never paired with its own side", async () => {
    const tradeTag = randomElement();
    const first = await fixture.transition({ tradeTag, side: 1n });
    const twin = await fixture.transition({ tradeTag, side: 1n });
    expect(await skippedOf([first, twin])).toEqual([
      [0n, "SidesNotOpposite"],
      [1n, "PartnerMissing"],
    ]);
    expect(await skippedOf([first, first])).toEqual([
      [0n, "SidesNotOpposite"],
      [1n, "PartnerMissing"],
    ]);
    expect(await areSpent(fixture, [first, twin])).toEqual([false, false]);
  });

  test("two sides on two snapshots are no pair", async () => {
    const older = await fixture.postSnapshot();
    await fixture.postSnapshot();
    const [first, second] = await fixture.trade({}, { snapshotRoot: older });
    expect(await skippedOf([first, second])).toEqual([
      [0n, "SnapshotsDiffer"],
      [1n, "PartnerMissing"],
    ]);
  });

  test.each([0, 1])("both are skipped when side %s is spent", async (which) => {
    const pair = await fixture.trade();
    const { nullifier } = pair[which].signals;
    await fixture.ledger.submit(await fixture.transition({ nullifier }));
    expect(await skippedOf([...pair])).toEqual([
      [0n, "NullifierSpent"],
      [1n, "NullifierSpent"],
    ]);
    expect(await areSpent(fixture, [pair[1 - which]])).toEqual([false]);
  });

  test("both are skipped, and the first's deposit given back, when the second's deposit fails", async () => {
    const { alice, carol, usdc, addresses } = fixture;
    const tradeTag = randomElement();
    const first = await aliceDeposits(fixture, { tradeTag, side: 0n, deposit: 700n });
    const second = await fixture.transition({ tradeTag, side: 1n, deposit: 5n }, { payer: carol.address });
    const [held, hers] = [await usdc.balanceOf(addresses.ledger), await usdc.balanceOf(alice.address)];
    const receipt = await fixture.submitBatch({ transitions: [first, second] }, carol);
    expect(fixture.skips(receipt).map(({ reason }) => reason)).toEqual(
      Array(2).fill("ERC20InsufficientAllowance"),
    );
    expect(await usdc.balanceOf(addresses.ledger)).toBe(held);
    expect(await usdc.balanceOf(alice.address)).toBe(hers);
    expect(await areSpent(fixture, [first, second])).toEqual([false, false]);
  });

  test("one note on both sides is refused", async () => {
    const nullifier = randomElement();
    expect(await skippedOf(await fixture.trade({ nullifier }, { nullifier }))).toEqual([
      [0n, "NullifierSpent"],
      [1n, "NullifierSpent"],
    ]);
  });
});

describe("front-running and replay of a batch", () => {
  test("an item that names another relayer is skipped", async () => {
    const { bob, carol } = fixture;
    const transitions = [
      await fixture.transition({}, { relayer: bob.address }),
      ...(await plain(fixture, 1)),
    ];
    const receipt = await fixture.submitBatch({ transitions }, carol);
    expect(fixture.skips(receipt)).toEqual([
      { kind: 1n, index: 0n, reason: "NotTheRelayer", parameters: [bob.address, carol.address] },
    ]);
    expect(fixture.skips(await fixture.submitBatch({ transitions }, bob))).toMatchObject([{ index: 1n }]);
  });

  test("refuses a front-runner who puts himself into the terms", async () => {
    const { ledger, bob, carol } = fixture;
    await fund(fixture, 1_000n);
    const [other] = await plain(fixture, 1);
    const withdrawal = await fixture.transition(
      { withdrawal: 9n, fee: 1n },
      { recipient: bob.address, relayer: bob.address },
    );
    const changes = [{ relayer: carol.address }, { relayer: carol.address, recipient: carol.address }];
    for (const change of changes) {
      const altered = { ...withdrawal, terms: { ...withdrawal.terms, ...change } };
      const stolen = fixture.as(carol).submitBatch([], [altered, other], []);
      await expectRefusal(stolen, ledger, "BatchProofRejected", []);
    }
  });

  test("refuses a batch made for another ledger on the same chain", async () => {
    const transitions = await plain(fixture, 3);
    const twin = await fixture.twinLedger();
    await expectRefusal(twin.submitBatch([], transitions, []), twin, "BatchProofRejected", []);
    await fixture.submitBatch({ transitions });
  });

  test("the replay of a batch skips every item", async () => {
    const transitions = [...(await fixture.trade()), ...(await plain(fixture, 2))];
    await fixture.submitBatch({ transitions });
    const receipt = await fixture.submitBatch({ transitions });
    expect(fixture.skips(receipt).map(({ reason }) => reason)).toEqual(Array(4).fill("NullifierSpent"));
    expect((await fixture.ledger.queue()).tail).toBe(4n);
  });
});
