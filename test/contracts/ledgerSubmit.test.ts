import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type DepositAuthorization, NOBODY, proofContext, signDeposit } from "../../contracts/signing.ts";
import { type TransitionSignals, transitionInputs } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { expectRefusal, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture();
});

beforeEach(async () => {
  await fixture.postSnapshot();
});

/** Puts cash into the ledger, so that it can be paid out. */
async function fund(amount: bigint): Promise<void> {
  const { alice } = fixture;
  const deposit = await fixture.transition({ deposit: amount }, { payer: alice.address });
  await fixture.as(alice).submit(deposit);
}

describe("a transition", () => {
  test("deposits cash from its sender and queues the new note", async () => {
    const { alice, ledger, usdc, addresses } = fixture;
    const before = await usdc.balanceOf(addresses.ledger);
    const [tail] = await ledger.queue();
    const transition = await fixture.transition({ deposit: 2_500_000n }, { payer: alice.address });
    const receipt = await (await fixture.as(alice).submit(transition)).wait();
    expect(await usdc.balanceOf(addresses.ledger)).toBe(before + 2_500_000n);
    expect(await ledger.isSpent(transition.signals.nullifier)).toBe(true);
    expect((await ledger.queue()).tail).toBe(tail + 1n);
    const event = receipt.logs
      .map((log: { topics: string[]; data: string }) => ledger.interface.parseLog(log))
      .find((log: { name: string } | null) => log?.name === "Transitioned");
    const { nullifier, commitment, snapshotRoot, mode, asset, deposit, withdrawal, fee, tradeTag, escrow } =
      transition.signals;
    expect(event.args.toArray(true)).toEqual([
      nullifier,
      commitment,
      tail,
      snapshotRoot,
      mode,
      asset,
      deposit,
      withdrawal,
      fee,
      tradeTag,
      [...escrow],
    ]);
  });

  test("pays a withdrawal to its recipient", async () => {
    const { carol, usdc } = fixture;
    await fund(3_000_000n);
    const before = await usdc.balanceOf(carol.address);
    await fixture.ledger.submit(
      await fixture.transition({ withdrawal: 3_000_000n }, { recipient: carol.address }),
    );
    expect(await usdc.balanceOf(carol.address)).toBe(before + 3_000_000n);
  });

  test("pays the fee, at most five dollars, to the relayer of the terms", async () => {
    const { bob, usdc } = fixture;
    await fund(6_000_000n);
    const before = await usdc.balanceOf(bob.address);
    await fixture.as(bob).submit(await fixture.transition({ fee: 5_000_000n }, { relayer: bob.address }));
    expect(await usdc.balanceOf(bob.address)).toBe(before + 5_000_000n);
  });

  test("pays the fee to whoever submits when the terms name no relayer", async () => {
    const { carol, usdc } = fixture;
    await fund(1_000_000n);
    const before = await usdc.balanceOf(carol.address);
    await fixture.as(carol).submit(await fixture.transition({ fee: 1_000_000n }));
    expect(await usdc.balanceOf(carol.address)).toBe(before + 1_000_000n);
  });

  test("of the large tier is checked against the large tier's key", async () => {
    await fixture.ledger.submit(await fixture.transition({}, {}, "large"));
  });

  test("is accepted in the very second of its deadline and refused one later", async () => {
    const deadline = (await fixture.now()) + 100n;
    const inTime = await fixture.transition({}, { deadline });
    const late = await fixture.transition({}, { deadline });
    await fixture.nextBlockAt(deadline);
    await fixture.ledger.submit(inTime);
    await fixture.nextBlockAt(deadline + 1n);
    await expectRefusal(fixture.ledger.submit(late), fixture.ledger, "DeadlinePassed", [deadline]);
    await fixture.postSnapshot();
  });
});

describe("front-running and replay", () => {
  test("refuses a front-runner who puts his own recipient, relayer, payer or deadline into the terms", async () => {
    const { carol, ledger } = fixture;
    const transition = await fixture.transition({ withdrawal: 1n }, { recipient: fixture.bob.address });
    const changes = [
      { recipient: carol.address },
      { relayer: carol.address },
      { payer: carol.address },
      { deadline: transition.terms.deadline + 1n },
    ];
    for (const change of changes) {
      const altered = { ...transition, terms: { ...transition.terms, ...change } };
      await expectRefusal(fixture.as(carol).submit(altered), ledger, "ProofRejected", [1n]);
    }
  });

  test("refuses any other sender than the relayer of the terms", async () => {
    const { bob, carol, ledger } = fixture;
    const transition = await fixture.transition({}, { relayer: bob.address });
    await expectRefusal(fixture.as(carol).submit(transition), ledger, "NotTheRelayer", [
      bob.address,
      carol.address,
    ]);
  });

  test("refuses every altered public signal", async () => {
    const { alice, ledger } = fixture;
    const transition = await fixture.transition({ deposit: 5n, fee: 1n }, { payer: alice.address });
    const alterations: Partial<TransitionSignals>[] = [
      { nullifier: randomElement() },
      { commitment: randomElement() },
      { mode: 1n },
      { deposit: 6n },
      { withdrawal: 0n, deposit: 0n },
      { fee: 2n },
      { side: 1n },
      { escrow: [transition.signals.escrow[1], transition.signals.escrow[0]] },
    ];
    for (const alteration of alterations) {
      const altered = { ...transition, signals: { ...transition.signals, ...alteration } };
      await expectRefusal(fixture.as(alice).submit(altered), ledger, "ProofRejected");
    }
  });

  test("refuses the replay of a spent note", async () => {
    const transition = await fixture.transition();
    await fixture.ledger.submit(transition);
    const { nullifier } = transition.signals;
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "NullifierSpent", [nullifier]);
    const other = await fixture.transition({ nullifier });
    await expectRefusal(fixture.ledger.submit(other), fixture.ledger, "NullifierSpent", [nullifier]);
  });

  test("refuses a second spending through the nullifier's other representation, nullifier + r", async () => {
    const transition = await fixture.transition();
    await fixture.ledger.submit(transition);
    const nullifier = transition.signals.nullifier + FIELD_ORDER;
    const again = await fixture.transition({ nullifier });
    await expectRefusal(fixture.ledger.submit(again), fixture.ledger, "SignalNotInField", [3n, nullifier]);
  });

  test("refuses a proof made for another ledger on the same chain", async () => {
    const transition = await fixture.transition();
    const twin = await fixture.twinLedger();
    await expectRefusal(twin.getFunction("submit")(transition), twin, "ProofRejected", [1n]);
    await fixture.ledger.submit(transition);
  });

  test("refuses a proof made for a ledger at the same address on another chain", async () => {
    const there = await ledgerFixture({}, undefined, { chain: 1337 });
    expect(there.addresses.ledger).toBe(fixture.addresses.ledger);
    const transition = await there.transition();
    const context = proofContext(fixture.chainId, there.addresses.ledger, transition.terms);
    const proof = await there.prove("transition.small", transitionInputs(transition.signals, context));
    const replayed = { ...transition, proof };
    await expectRefusal(there.ledger.submit(replayed), there.ledger, "ProofRejected", [1n]);
    await there.ledger.submit(transition);
  });

  test("refuses a proof of one tier at the other's entry", async () => {
    const transition = await fixture.transition();
    await expectRefusal(fixture.ledger.submit({ ...transition, tier: 1n }), fixture.ledger, "ProofRejected", [
      2n,
    ]);
  });
});

describe("public signals", () => {
  test("refuses a public input >= r", async () => {
    const { alice, ledger } = fixture;
    const cases: [Partial<TransitionSignals>, bigint][] = [
      [{ registryRoot: FIELD_ORDER }, 2n],
      [{ nullifier: FIELD_ORDER }, 3n],
      [{ commitment: FIELD_ORDER }, 4n],
      [{ asset: FIELD_ORDER }, 6n],
      [{ deposit: FIELD_ORDER + 1n }, 7n],
      [{ withdrawal: 2n ** 256n - 1n }, 8n],
      [{ side: FIELD_ORDER }, 11n],
      [{ escrow: [FIELD_ORDER, 0n] }, 12n],
      [{ escrow: [0n, FIELD_ORDER] }, 13n],
    ];
    for (const [signals, index] of cases) {
      const transition = await fixture.transition(signals, {
        payer: alice.address,
        recipient: alice.address,
      });
      const value = [Object.values(signals)[0]].flat().find((element) => element >= FIELD_ORDER);
      await expectRefusal(fixture.as(alice).submit(transition), ledger, "SignalNotInField", [index, value]);
    }
  });

  test("refuses a trade tag >= r", async () => {
    const { ledger } = fixture;
    const sides = await fixture.trade({ tradeTag: FIELD_ORDER + 9n }, { tradeTag: FIELD_ORDER + 9n });
    const parameters = [10n, FIELD_ORDER + 9n];
    await expectRefusal(ledger.submitTrade(...sides), ledger, "SignalNotInField", parameters);
  });

  test("refuses the commitment 0, which marks an empty place", async () => {
    const transition = await fixture.transition({ commitment: 0n });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "InvalidLeaf", [0n]);
  });

  test("refuses a root outside the tree's history", async () => {
    const stateRoot = randomElement();
    const transition = await fixture.transition({ stateRoot });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "UnknownStateRoot", [stateRoot]);
  });

  test("refuses a deposit or a trade on a registry root that the registry does not accept", async () => {
    const { alice, ledger } = fixture;
    const registryRoot = randomElement();
    const deposit = await fixture.transition({ registryRoot, deposit: 1n }, { payer: alice.address });
    await expectRefusal(fixture.as(alice).submit(deposit), ledger, "RegistryRootRefused", [registryRoot]);
    const tradeTag = randomElement();
    const first = await fixture.transition({ registryRoot, tradeTag });
    const second = await fixture.transition({ tradeTag, side: 1n });
    await expectRefusal(ledger.submitTrade(first, second), ledger, "RegistryRootRefused", [registryRoot]);
  });

  test("takes a withdrawal whatever became of the registry root: nobody is held back by the registry", async () => {
    const { alice } = fixture;
    await fund(100n);
    const registryRoot = randomElement();
    const withdrawal = await fixture.transition(
      { registryRoot, withdrawal: 1n },
      { recipient: alice.address },
    );
    await fixture.ledger.submit(withdrawal);
  });

  test("refuses registry root 0 for a deposit where the registry is not open", async () => {
    const closed = await ledgerFixture({ openRegistry: false });
    const terms = { payer: closed.alice.address };
    const transition = await closed.transition({ registryRoot: 0n, deposit: 1n }, terms);
    const refused = closed.as(closed.alice).submit(transition);
    await expectRefusal(refused, closed.ledger, "RegistryRootRefused", [0n]);
    const root = randomElement();
    await closed.registry.postRoot(0n, root, false);
    await closed.as(closed.alice).submit(await closed.transition({ registryRoot: root, deposit: 1n }, terms));
  });

  test("refuses an unknown mode", async () => {
    const transition = await fixture.transition({ mode: 4n });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "UnknownMode", [4n]);
  });

  test("refuses one side of a trade submitted alone", async () => {
    const [first] = await fixture.trade();
    const { tradeTag } = first.signals;
    await expectRefusal(fixture.ledger.submit(first), fixture.ledger, "PartnerMissing", [tradeTag]);
  });
});

describe("money", () => {
  test("refuses a fee above the cap: an unguarded withdrawal to oneself", async () => {
    const transition = await fixture.transition({ fee: 5_000_001n });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "FeeAboveCap", [
      5_000_001n,
      5_000_000n,
    ]);
  });

  test("refuses to credit oneself from somebody else's allowance", async () => {
    const { alice, carol, ledger } = fixture;
    const transition = await fixture.transition({ deposit: 100n }, { payer: alice.address });
    await expectRefusal(fixture.as(carol).submit(transition), ledger, "PayerNotAuthorized", [alice.address]);
  });

  test("refuses a deposit without a payer", async () => {
    const transition = await fixture.transition({ deposit: 100n });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "PayerNotAuthorized", [NOBODY]);
  });

  test("accepts a relayed deposit that its payer signed", async () => {
    const { alice, carol, usdc, addresses, chainId } = fixture;
    const transition = await fixture.transition({ deposit: 100n }, { payer: alice.address });
    const { nullifier, commitment, asset, deposit } = transition.signals;
    const { deadline } = transition.terms;
    const before = await usdc.balanceOf(alice.address);
    const payerSignature = await signDeposit(alice, chainId, addresses.ledger, {
      nullifier,
      commitment,
      asset,
      amount: deposit,
      deadline,
    });
    await fixture.as(carol).submit({ ...transition, payerSignature });
    expect(await usdc.balanceOf(alice.address)).toBe(before - 100n);
  });

  test("refuses a payer's signature for another note, amount, asset, deadline, ledger or chain, or of another signer", async () => {
    const { alice, bob, carol, ledger, addresses, chainId } = fixture;
    const transition = await fixture.transition({ deposit: 100n }, { payer: alice.address });
    const { nullifier, commitment, asset } = transition.signals;
    const signed: DepositAuthorization = {
      nullifier,
      commitment,
      asset,
      amount: 100n,
      deadline: transition.terms.deadline,
    };
    const signatures = await Promise.all([
      signDeposit(alice, chainId, addresses.ledger, { ...signed, nullifier: nullifier + 1n }),
      signDeposit(alice, chainId, addresses.ledger, { ...signed, commitment: commitment + 1n }),
      signDeposit(alice, chainId, addresses.ledger, { ...signed, asset: 1n }),
      signDeposit(alice, chainId, addresses.ledger, { ...signed, amount: 99n }),
      signDeposit(alice, chainId, addresses.ledger, { ...signed, deadline: signed.deadline + 1n }),
      signDeposit(alice, chainId, addresses.oracle, signed),
      signDeposit(alice, chainId + 1n, addresses.ledger, signed),
      signDeposit(bob, chainId, addresses.ledger, signed),
    ]);
    for (const payerSignature of [...signatures, "0x", "0x1234"]) {
      await expectRefusal(
        fixture.as(carol).submit({ ...transition, payerSignature }),
        ledger,
        "PayerNotAuthorized",
        [alice.address],
      );
    }
  });

  test("accepts a contract wallet as payer by ERC-1271, and refuses it when somebody else signed", async () => {
    const { ethers, alice, bob, carol, ledger, usdc, addresses, chainId } = fixture;
    const wallet = await ethers.deployContract("ContractWallet", [alice.address]);
    const payer = await wallet.getAddress();
    await usdc.mint(payer, 500n);
    await wallet.getFunction("approve")(addresses.usdc, addresses.ledger, 500n);
    const transition = await fixture.transition({ deposit: 500n }, { payer });
    const { nullifier, commitment, asset } = transition.signals;
    const authorization = {
      nullifier,
      commitment,
      asset,
      amount: 500n,
      deadline: transition.terms.deadline,
    };
    const forged = await signDeposit(bob, chainId, addresses.ledger, authorization);
    await expectRefusal(
      fixture.as(carol).submit({ ...transition, payerSignature: forged }),
      ledger,
      "PayerNotAuthorized",
      [payer],
    );
    const payerSignature = await signDeposit(alice, chainId, addresses.ledger, authorization);
    await fixture.as(carol).submit({ ...transition, payerSignature });
    expect(await usdc.balanceOf(payer)).toBe(0n);
  });

  test("refuses a withdrawal without a recipient", async () => {
    const transition = await fixture.transition({ withdrawal: 1n });
    await expectRefusal(fixture.ledger.submit(transition), fixture.ledger, "RecipientMissing", []);
  });

  test("refuses to pay out more than the ledger holds", async () => {
    const { alice, ledger, usdc, addresses } = fixture;
    const held = await usdc.balanceOf(addresses.ledger);
    const transition = await fixture.transition({ withdrawal: held + 1n }, { recipient: alice.address });
    await expectRefusal(ledger.submit(transition), ledger, "InsufficientHoldings", [0n, held, held + 1n]);
  });

  test("refuses an amount of 2^60 or more", async () => {
    const { alice, ledger } = fixture;
    const transition = await fixture.transition({ deposit: 2n ** 60n }, { payer: alice.address });
    await expectRefusal(fixture.as(alice).submit(transition), ledger, "AmountTooLarge", [2n ** 60n]);
  });
});
