import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectRefusal, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";

/*
 * Where the ledger asks the registry. Its code is replaced by one that refuses every call, so that whatever goes through has not asked.
 */

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture({ openRegistry: false });
});
beforeEach(async () => {
  await fixture.postSnapshot();
});

/** Runs with a registry whose every call fails. */
async function withoutRegistry(
  { ethers: { provider }, addresses: { registry } }: LedgerFixture,
  work: () => Promise<void>,
): Promise<void> {
  const code = await provider.getCode(registry);
  await provider.send("hardhat_setCode", [registry, "0xfe"]);
  try {
    await work();
  } finally {
    await provider.send("hardhat_setCode", [registry, code]);
  }
}

/** Puts cash into the ledger, through the registry's present root. */
async function fund(amount: bigint): Promise<void> {
  const root = randomElement();
  await fixture.registry.postRoot(await fixture.registry.currentRoot(), root, true);
  const deposit = await fixture.transition(
    { registryRoot: root, deposit: amount },
    { payer: fixture.alice.address },
  );
  await fixture.as(fixture.alice).submit(deposit);
}

describe("the registry is never asked", () => {
  test("for a withdrawal, whatever registry root it names", async () => {
    await fund(10n);
    await withoutRegistry(fixture, async () => {
      for (const registryRoot of [0n, randomElement()]) {
        const terms = { recipient: fixture.bob.address };
        await fixture.ledger.submit(
          await fixture.transition({ registryRoot, withdrawal: 2n, fee: 1n }, terms),
        );
      }
    });
  });

  test("for an exit, a wind-down, a settlement", async () => {
    await fund(10n);
    // A wind-down is final; the other tests have a ledger without one.
    const { provider } = fixture.ethers;
    const before = await provider.send("evm_snapshot", []);
    await withoutRegistry(fixture, async () => {
      const terms = { recipient: fixture.bob.address };
      await fixture.ledger.submit(await fixture.transition({ mode: 2n, withdrawal: 2n }, terms));
      await fixture.ledger.submit(await fixture.transition({ fee: 1n }));
      await fixture.ledger.submit(await fixture.transition({ mode: 1n }));
      const windDown = await fixture.transition({ mode: 3n, withdrawal: 2n }, terms);
      await fixture.advance(7 * 86_400);
      await fixture.ledger.submit(windDown);
    });
    await provider.send("evm_revert", [before]);
  });

  test("for sealing and inserting", async () => {
    const fresh = await ledgerFixture({ openRegistry: false });
    const { ledger } = fresh;
    await withoutRegistry(fresh, async () => {
      const commitment = randomElement();
      await ledger.submit(await fresh.transition({ commitment }));
      await fresh.advance(30);
      await ledger.seal();
      await ledger.insert(...(await fresh.insertion(0n, [commitment])));
      expect((await ledger.queue()).inserted).toBe(1n);
    });
  });
});

test("flagging and clearing never ask the registry: a removed entity's note is liquidated like any other", async () => {
  const { ledger, registry } = fixture;
  await withoutRegistry(fixture, () => fixture.flag(77n, randomElement()));
  // The keeper is asked for, not the target's owner.
  const root = randomElement();
  await registry.postRoot(await registry.currentRoot(), root, true);
  await ledger.takeOver(await fixture.flaggedTakeOver({ registryRoot: root }));
});

describe("the registry is asked", () => {
  test("for a take-over, of the keeper: roots 0, unknown and void are refused", async () => {
    const { ledger, registry } = fixture;
    const voided = await registry.currentRoot();
    const root = randomElement();
    await registry.postRoot(voided, root, true);
    for (const registryRoot of [0n, randomElement(), voided]) {
      const takeOver = await fixture.flaggedTakeOver({ registryRoot });
      await expectRefusal(ledger.takeOver(takeOver), ledger, "RegistryRootRefused", [registryRoot]);
    }
  });

  test("in a batch as alone: what names a void root is left out, a withdrawal is not", async () => {
    const { registry, alice, bob } = fixture;
    await fund(10n);
    const root = await registry.currentRoot();
    const takeOvers = [await fixture.flaggedTakeOver({ registryRoot: root })];
    const [proof, signals, terms] = await fixture.opening({ registryRoot: root });
    const openings = [{ proof, signals, terms }];
    const transitions = [
      await fixture.transition({ registryRoot: root, deposit: 1n }, { payer: alice.address }),
      await fixture.transition({ registryRoot: root, withdrawal: 1n }, { recipient: bob.address }),
    ];
    await registry.postRoot(root, randomElement(), true);
    const receipt = await fixture.submitBatch({ openings, transitions, takeOvers }, alice);
    expect(fixture.skips(receipt).map(({ kind, index, reason }) => [kind, index, reason])).toEqual([
      [0n, 0n, "RegistryRootRefused"],
      [1n, 0n, "RegistryRootRefused"],
      [2n, 0n, "RegistryRootRefused"],
    ]);
  });

  test("for an opening, a deposit and both sides of a trade: a closed one refuses root 0 and unknown roots", async () => {
    const { ledger, alice } = fixture;
    for (const registryRoot of [0n, randomElement()]) {
      const refused = ["RegistryRootRefused", [registryRoot]] as const;
      await expectRefusal(ledger.open(...(await fixture.opening({ registryRoot }))), ledger, ...refused);
      const deposit = await fixture.transition({ registryRoot, deposit: 1n }, { payer: alice.address });
      await expectRefusal(fixture.as(alice).submit(deposit), ledger, ...refused);
      const root = randomElement();
      await fixture.registry.postRoot(await fixture.registry.currentRoot(), root, true);
      for (const [first, second] of [
        [registryRoot, root],
        [root, registryRoot],
      ] as const) {
        const sides = await fixture.trade({ registryRoot: first }, { registryRoot: second });
        await expectRefusal(ledger.submitTrade(...sides), ledger, ...refused);
      }
    }
  });

  test("a removal voids what was proven before it, an addition does not; a withdrawal survives both", async () => {
    const { ledger, registry, alice, bob } = fixture;
    await fund(10n);
    const before = await registry.currentRoot();
    const proven = async () => ({
      deposit: await fixture.transition({ registryRoot: before, deposit: 1n }, { payer: alice.address }),
      opening: await fixture.opening({ registryRoot: before }),
      trade: await fixture.trade({ registryRoot: before }, { registryRoot: before }),
      withdrawal: await fixture.transition(
        { registryRoot: before, withdrawal: 1n },
        { recipient: bob.address },
      ),
    });
    const afterAddition = await proven();
    const afterRemoval = await proven();
    await registry.postRoot(before, randomElement(), false);
    await fixture.as(alice).submit(afterAddition.deposit);
    await ledger.open(...afterAddition.opening);
    await ledger.submitTrade(...afterAddition.trade);
    await ledger.submit(afterAddition.withdrawal);
    await registry.postRoot(await registry.currentRoot(), randomElement(), true);
    const refused = ["RegistryRootRefused", [before]] as const;
    await expectRefusal(fixture.as(alice).submit(afterRemoval.deposit), ledger, ...refused);
    await expectRefusal(ledger.open(...afterRemoval.opening), ledger, ...refused);
    await expectRefusal(ledger.submitTrade(...afterRemoval.trade), ledger, ...refused);
    await ledger.submit(afterRemoval.withdrawal);
    expect(await ledger.isSpent(afterRemoval.withdrawal.signals.nullifier)).toBe(true);
  });
});
