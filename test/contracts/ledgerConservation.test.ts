import { expect, test } from "vitest";
import { batchArguments, ledgerFixture } from "../support/ledgerFixture.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { busyWorld, randomBatch, type World } from "../support/randomBatch.ts";

const DAY = 86_400n;

/** What the accounts may claim of cash and of the spot asset, by the events that say what was put in and taken out. */
type Claims = [cash: bigint, spot: bigint];

/** Follows the ledger's events of a transaction. */
function follow(
  { fixture }: World,
  claims: Claims,
  logs: readonly { topics: readonly string[]; data: string }[],
) {
  for (const log of logs) {
    const event = fixture.ledger.interface.parseLog(log);
    if (event?.name === "Transitioned") {
      const { asset, deposit, withdrawal, fee }: Record<string, bigint> = event.args.toObject();
      claims[asset === 0n ? 0 : 1] += deposit - withdrawal;
      claims[0] -= fee;
    }
    if (event?.name === "TakenOver") {
      const { deficit, reward, fee }: Record<string, bigint> = event.args.toObject();
      claims[0] += deficit + reward - fee;
    }
  }
}

/** Tokens held are what accounts claim and what is owed to those whose payout failed, less what the fund has not covered; exactly. */
async function expectConservation({ fixture, spot }: World, claims: Claims, supply: bigint): Promise<void> {
  const { ledger, fund, usdc, ethers, addresses } = fixture;
  const held = await usdc.balanceOf(addresses.ledger);
  const owed = await ledger.totalOwed(0n);
  expect(held + (await fund.uncovered())).toBe(claims[0] + owed);
  expect(await ledger.cashHoldings()).toBe(held - owed);
  const { token, unit } = await ledger.assetOf(spot);
  const inLots = await ethers.getContractAt("TestToken", token);
  expect(await inLots.balanceOf(addresses.ledger)).toBe((claims[1] + (await ledger.totalOwed(spot))) * unit);
  expect(await usdc.totalSupply()).toBe(supply);
  expect(await usdc.balanceOf(addresses.fund)).toBeGreaterThanOrEqual(await fund.balance());
}

/** Something beside batches that moves money, or stops it. */
async function disturb({ fixture }: World, random: Random, claims: Claims, world: World): Promise<void> {
  const { ledger, fund, alice, carol, bob, ethers, addresses } = fixture;
  const cash = await ethers.getContractAt("BlockingToken", addresses.usdc);
  const action = random.between(0n, 5n);
  if (action === 0n) await cash.setBlocked(carol.address, random.chance(1, 2));
  if (action === 1n) await cash.setBlocked(bob.address, random.chance(1, 2));
  if (action === 2n) {
    await fixture.as(alice, fund).deposit(random.between(1n, 2_000_000_000n));
  }
  if (action === 3n) {
    // A bankruptcy that the fund may not be able to cover; the lock that may follow is waited for.
    const deficit = random.between(1n, 3_000_000_000n);
    const item = await fixture.flaggedTakeOver({ deficit });
    const receipt = await (await ledger.takeOver(item)).wait();
    follow(world, claims, receipt.logs);
    if (random.chance(1, 2)) await fixture.advance(DAY);
    await fixture.postSnapshot();
  }
  for (const account of [carol, bob]) {
    const owed = await ledger.balanceOwed(0n, account.address);
    if (action === 4n && owed !== 0n)
      await fixture
        .as(account)
        .collect(0n)
        .catch(() => undefined);
  }
}

test.each([11, 12])("every token is accounted for after random sequences (seed %s)", async (seed) => {
  const random = randomFrom(seed);
  const fixture = await ledgerFixture({}, undefined, { cashToken: "BlockingToken" });
  const { ledger, usdc, alice, bob, addresses } = fixture;
  await fixture.as(alice, usdc).approve(addresses.fund, 10n ** 15n);
  const world = await busyWorld(fixture);
  const claims: Claims = [10n ** 9n, 10n ** 9n];
  const supply = await usdc.totalSupply();
  await expectConservation(world, claims, supply);
  let owed = 0n;
  let impaired = 0;
  for (let round = 0; round < 25; round++) {
    await disturb(world, random, claims, world);
    await expectConservation(world, claims, supply);
    const batch = await randomBatch(world, random, 25);
    const receipt = await (await fixture.as(bob).submitBatch(...batchArguments(batch))).wait();
    follow(world, claims, receipt.logs);
    await expectConservation(world, claims, supply);
    owed += await ledger.totalOwed(0n);
    if (await fixture.fund.isImpaired()) impaired++;
  }
  // The sequence did go where it is hard.
  expect(owed).toBeGreaterThan(0n);
  expect(impaired).toBeGreaterThan(0);
});
