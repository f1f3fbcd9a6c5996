import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Transition } from "../../contracts/statements.ts";
import {
  batchArguments,
  expectRefusal,
  type LedgerFixture,
  ledgerFixture,
  randomElement,
} from "../support/ledgerFixture.ts";
import { areSpent, fund, listed, plain } from "../support/ledgerItems.ts";

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture();
});

describe("payouts", () => {
  let token: Contract;

  beforeEach(async () => {
    token = await listed(fixture, 3n, "BlockingToken");
    const deposit = await fixture.transition({ asset: 3n, deposit: 900n }, { payer: fixture.alice.address });
    await fixture.as(fixture.alice).submit(deposit);
  });

  const withdrawal = (amount: bigint, recipient: HardhatEthersSigner): Promise<Transition> =>
    fixture.transition({ asset: 3n, withdrawal: amount }, { recipient: recipient.address });

  test("a payout that its token refuses is owed, and pulled once by its recipient", async () => {
    const { ledger, bob, carol } = fixture;
    await token.getFunction("setBlocked")(carol.address, true);
    const transitions = [await withdrawal(100n, carol), await withdrawal(30n, bob)];
    await fixture.submitBatch({ transitions });
    await ledger.submit(await withdrawal(4n, carol));
    expect(await token.getFunction("balanceOf")(bob.address)).toBe(30n);
    expect(await ledger.balanceOwed(3n, carol.address)).toBe(104n);
    expect(await ledger.totalOwed(3n)).toBe(104n);
    await expectRefusal(fixture.as(carol).collect(3n), token, "Blocked", [carol.address]);

    await token.getFunction("setBlocked")(carol.address, false);
    await expectRefusal(fixture.as(bob).collect(3n), ledger, "NothingOwed", [3n, bob.address]);
    await fixture.as(carol).collect(3n);
    expect(await token.getFunction("balanceOf")(carol.address)).toBe(104n);
    expect(await ledger.totalOwed(3n)).toBe(0n);
    await expectRefusal(fixture.as(carol).collect(3n), ledger, "NothingOwed", [3n, carol.address]);
  });

  test("a relayer whom the cash token refuses is owed his fees", async () => {
    fixture = await ledgerFixture({}, undefined, { cashToken: "BlockingToken" });
    const { ethers, ledger, usdc, bob, addresses } = fixture;
    const cash = await ethers.getContractAt("BlockingToken", addresses.usdc);
    await fund(fixture, 1_000n);
    await cash.setBlocked(bob.address, true);
    const before = await usdc.balanceOf(bob.address);
    const transitions = [await fixture.transition({ fee: 70n }), ...(await fixture.trade({ fee: 5n }))];
    expect(fixture.skips(await fixture.submitBatch({ transitions }, bob))).toEqual([]);
    await fixture.as(bob).submit(await fixture.transition({ fee: 25n }));
    expect(await ledger.balanceOwed(0n, bob.address)).toBe(100n);
    expect(await ledger.cashHoldings()).toBe(900n);
    await cash.setBlocked(bob.address, false);
    await fixture.as(bob).collect(0n);
    expect(await usdc.balanceOf(bob.address)).toBe(before + 100n);
    expect(await ledger.cashHoldings()).toBe(900n);
  });

  test("what is owed is not there to be paid to others", async () => {
    const { ledger, bob, carol } = fixture;
    await token.getFunction("setBlocked")(carol.address, true);
    await ledger.submit(await withdrawal(700n, carol));
    const much = await withdrawal(201n, bob);
    await expectRefusal(ledger.submit(much), ledger, "InsufficientHoldings", [3n, 200n, 201n]);
    const receipt = await fixture.submitBatch({
      transitions: [await withdrawal(150n, bob), await withdrawal(51n, bob), await withdrawal(50n, bob)],
    });
    expect(fixture.skips(receipt)).toEqual([
      { kind: 1n, index: 1n, reason: "InsufficientHoldings", parameters: [3n, 50n, 51n] },
    ]);
    expect(await token.getFunction("balanceOf")(ledger.target)).toBe(700n);
  });

  test("too little gas for a payout, or for the fees, reverts the whole: nobody is owed for a relayer's thrift", async () => {
    const { ledger, bob, carol } = fixture;
    await fund(fixture, 100n);
    const calls = [() => withdrawal(1n, carol), () => fixture.transition({ fee: 1n })];
    for (const make of calls) {
      const { gasUsed } = (await (await fixture.as(bob).submit(await make())).wait())!;
      // Enough for all that is done, and not for what a token may take.
      const starved = fixture.as(bob).submit(await make(), { gasLimit: gasUsed + 100_000n });
      await expectRefusal(starved, ledger, "TooLittleGas");
      const item = await make();
      const estimate = await fixture.as(bob).submit.estimateGas(item);
      await fixture.as(bob).submit(item, { gasLimit: estimate });
    }
    expect(await token.getFunction("balanceOf")(carol.address)).toBe(2n);
    expect(await Promise.all([ledger.totalOwed(0n), ledger.totalOwed(3n)])).toEqual([0n, 0n]);
  });

  test("a withdrawal in a trade may be paid from its partner's deposit, and no more than that", async () => {
    const { ledger, bob } = fixture;
    const terms = { payer: fixture.alice.address };
    const sides = async (taken: bigint): Promise<[Transition, Transition]> => {
      const tradeTag = randomElement();
      return [
        await fixture.transition({ asset: 3n, tradeTag, side: 0n, deposit: 50n }, terms),
        await fixture.transition(
          { asset: 3n, tradeTag, side: 1n, withdrawal: taken },
          { recipient: bob.address },
        ),
      ];
    };
    const refused = fixture.as(fixture.alice).submitTrade(...(await sides(951n)));
    await expectRefusal(refused, ledger, "InsufficientHoldings", [3n, 950n, 951n]);
    await fixture.as(fixture.alice).submitTrade(...(await sides(950n)));
    expect(await token.getFunction("balanceOf")(bob.address)).toBe(950n);
  });
});

describe("a token that calls back", () => {
  let token: Contract;

  beforeEach(async () => {
    token = await listed(fixture, 4n, "ReentrantToken");
  });

  test("finds every way in closed in the middle of a batch; its deposit is skipped and the rest applied", async () => {
    const { ledger, addresses, alice } = fixture;
    await fund(fixture, 100n);
    const inner = await plain(fixture, 1);
    const calls = [
      ledger.interface.encodeFunctionData("submitBatch", batchArguments({ transitions: inner })),
      ledger.interface.encodeFunctionData("takeOver", [await fixture.takeOver()]),
      ledger.interface.encodeFunctionData("collect", [0n]),
      ledger.interface.encodeFunctionData("seal", []),
    ];
    for (const call of calls) {
      await token.getFunction("arm")(addresses.ledger, call);
      const transitions = [
        await fixture.transition({ asset: 4n, deposit: 10n }, { payer: alice.address }),
        ...(await plain(fixture, 1)),
      ];
      await fixture.advance(31);
      const receipt = await fixture.submitBatch({ transitions }, alice);
      expect(fixture.skips(receipt)).toMatchObject([{ index: 0n, reason: "ReentrancyGuardReentrantCall" }]);
      expect(await areSpent(fixture, transitions)).toEqual([false, true]);
    }
    expect(await areSpent(fixture, inner)).toEqual([false]);
  });

  test("cannot take deposits in the ledger's name", async () => {
    const { ledger, addresses, alice, bob } = fixture;
    const theft = {
      asset: 0n,
      amount: 5n,
      payer: bob.address,
      digest: `0x${"00".repeat(32)}`,
      signature: "0x",
    };
    await token.getFunction("arm")(
      addresses.ledger,
      ledger.interface.encodeFunctionData("takeDeposits", [[theft]]),
    );
    const deposit = await fixture.transition({ asset: 4n, deposit: 10n }, { payer: alice.address });
    await expectRefusal(fixture.as(alice).submit(deposit), ledger, "OnlyTheLedger", []);
  });

  test("is owed to the recipient when it calls back in a payout", async () => {
    const { ledger, addresses, alice, bob } = fixture;
    await fixture
      .as(alice)
      .submit(await fixture.transition({ asset: 4n, deposit: 10n }, { payer: alice.address }));
    await token.getFunction("arm")(addresses.ledger, ledger.interface.encodeFunctionData("collect", [4n]));
    const transitions = [
      await fixture.transition({ asset: 4n, withdrawal: 10n }, { recipient: bob.address }),
    ];
    await fixture.submitBatch({ transitions });
    expect(await ledger.balanceOwed(4n, bob.address)).toBe(10n);
    expect(await token.getFunction("balanceOf")(addresses.ledger)).toBe(10n);
  });
});
