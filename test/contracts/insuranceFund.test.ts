import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import hre from "hardhat";
import { beforeEach, describe, expect, test } from "vitest";
import { expectRefusal } from "../support/ledgerFixture.ts";

const DAY = 86_400n;

let ethers: HardhatEthers;
let admin: HardhatEthersSigner;
let donor: HardhatEthersSigner;
let alice: HardhatEthersSigner;
let bob: HardhatEthersSigner;
let usdc: Contract;
let ledger: Contract;
let fund: Contract;
/** Address of the fund. */
let address: string;

beforeEach(async () => {
  ({ ethers } = await hre.network.connect());
  [admin, donor, alice, bob] = await ethers.getSigners();
  usdc = await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6]);
  ({ ledger, fund } = await deployFund(usdc));
  address = await fund.getAddress();
});

/** A fund and a stand-in for its ledger, with this cash token. */
async function deployFund(cash: Contract, floor = 0n): Promise<{ ledger: Contract; fund: Contract }> {
  const verifier = await ethers.deployContract("IdealVerifier");
  const token = await cash.getAddress();
  const served = await ethers.deployContract("LedgerStandIn", [await verifier.getAddress(), token]);
  const deployed = await ethers.deployContract("InsuranceFund", [admin.address, token, floor]);
  await deployed.getFunction("bind")(await served.getAddress());
  return { ledger: served, fund: deployed };
}

function as(signer: HardhatEthersSigner, contract = fund): Contract {
  return contract.connect(signer) as Contract;
}

async function now(): Promise<bigint> {
  return BigInt((await ethers.provider.getBlock("latest"))!.timestamp);
}

async function nextBlockAt(time: bigint): Promise<void> {
  await ethers.provider.send("evm_setNextBlockTimestamp", [Number(time)]);
}

/** Pays into the fund. */
async function deposit(amount: bigint): Promise<void> {
  await usdc.mint(donor.address, amount);
  await as(donor, usdc).approve(address, amount);
  await as(donor).deposit(amount);
}

/** Gives the ledger cash holdings. */
async function hold(amount: bigint): Promise<void> {
  await usdc.mint(await ledger.getAddress(), amount);
}

function pay(deficit: bigint, reward: bigint, epoch: bigint): Promise<unknown> {
  return ledger.payTakeOver(address, deficit, reward, epoch);
}

/** Makes the fund impaired, with these holdings of the ledger and this uncovered deficit, and lets the lock pass. */
async function impair(holdings: bigint, deficit: bigint): Promise<void> {
  await hold(holdings);
  await pay(deficit, 0n, 1n);
  await nextBlockAt((await fund.lockedUntil()) as bigint);
  await ethers.provider.send("evm_mine", []);
}

function withdraw(recipient: HardhatEthersSigner, amount: bigint): Promise<unknown> {
  return ledger.withdraw(address, recipient.address, amount);
}

async function uncovered(): Promise<bigint> {
  return fund.uncovered();
}

async function holdings(): Promise<bigint> {
  return ledger.cashHoldings();
}

describe("a deposit", () => {
  test("by anybody stays in the fund", async () => {
    await deposit(1_000n);
    expect(await fund.balance()).toBe(1_000n);
    expect(await usdc.balanceOf(address)).toBe(1_000n);
    const [event] = await fund.queryFilter("Deposited");
    expect([...(event as never as { args: unknown[] }).args]).toEqual([donor.address, 1_000n, 0n, 0n]);
  });

  test("is counted, tokens sent without it are not", async () => {
    await usdc.mint(address, 5_000n);
    expect(await fund.balance()).toBe(0n);
    await expectRefusal(pay(0n, 1n, 1n), fund, "RewardUnfunded", [1n, 0n]);
  });

  test("of a token that takes a fee on transfers is refused", async () => {
    const taxed = await ethers.deployContract("FeeOnTransferToken");
    const own = await deployFund(taxed);
    await taxed.getFunction("mint")(donor.address, 1_000n);
    await as(donor, taxed).approve(await own.fund.getAddress(), 1_000n);
    await expectRefusal(as(donor, own.fund).deposit(1_000n), own.fund, "ReceivedDiffers");
  });

  test("cannot be interrupted: the token calls back in vain", async () => {
    const token = await ethers.deployContract("ReentrantToken");
    const own = await deployFund(token);
    const target = await own.fund.getAddress();
    await token.getFunction("mint")(donor.address, 1_000n);
    await as(donor, token).approve(target, 1_000n);
    for (const call of ["collectRecovery", "recordImpairment"]) {
      await token.getFunction("arm")(target, own.fund.interface.encodeFunctionData(call));
      await expectRefusal(as(donor, own.fund).deposit(1_000n), own.fund, "ReentrancyGuardReentrantCall");
    }
    const payment = own.ledger.interface.encodeFunctionData("payTakeOver", [target, 10n, 0n, 1n]);
    await token.getFunction("arm")(await own.ledger.getAddress(), payment);
    await expectRefusal(as(donor, own.fund).deposit(1_000n), own.fund, "ReentrancyGuardReentrantCall");
  });
});

describe("a take-over's payment", () => {
  test("goes to the ledger: deficit and reward", async () => {
    await deposit(1_000n);
    await pay(300n, 100n, 1n);
    expect(await holdings()).toBe(400n);
    expect(await fund.balance()).toBe(600n);
    expect(await uncovered()).toBe(0n);
  });

  test("a reward of a tenth of the fund is admitted, one more is refused", async () => {
    await deposit(1_009n);
    expect(await fund.refusalOfPayment(0n, 100n, 1n)).toBe("0x");
    await expectRefusal(pay(0n, 101n, 1n), fund, "RewardAboveCap", [101n, 100n]);
    const refusal = await fund.refusalOfPayment(0n, 101n, 1n);
    expect([...fund.interface.parseError(refusal)!.args]).toEqual([101n, 100n]);
    await pay(0n, 100n, 1n);
  });

  test("draining the fund twice in one epoch is refused, also after a deposit; the next epoch has a cap of its own", async () => {
    await deposit(1_000n);
    await pay(0n, 60n, 7n);
    await pay(0n, 40n, 7n);
    await expectRefusal(pay(0n, 1n, 7n), fund, "RewardAboveCap", [1n, 0n]);
    await deposit(9_000n);
    await expectRefusal(pay(0n, 1n, 7n), fund, "RewardAboveCap", [1n, 0n]);
    await expectRefusal(pay(0n, 1n, 6n), fund, "RewardAboveCap", [1n, 0n]);
    await expectRefusal(pay(0n, 991n, 8n), fund, "RewardAboveCap", [991n, 990n]);
    await pay(0n, 990n, 8n);
  });

  test("the cap counts from the balance before the epoch's first payment, whichever that is", async () => {
    await deposit(1_000n);
    await pay(0n, 0n, 1n);
    await deposit(1_000n);
    await pay(500n, 0n, 1n);
    await expectRefusal(pay(0n, 201n, 1n), fund, "RewardAboveCap", [201n, 200n]);
    await pay(0n, 200n, 1n);
  });

  test("the deficit comes first: a reward that is not there after it is refused", async () => {
    await deposit(1_000n);
    await expectRefusal(pay(950n, 51n, 1n), fund, "RewardUnfunded", [51n, 50n]);
    await expectRefusal(pay(2_000n, 1n, 1n), fund, "RewardUnfunded", [1n, 0n]);
    await pay(950n, 50n, 1n);
    expect(await fund.balance()).toBe(0n);
  });

  test("of an empty fund: no reward, but a deficit is admitted and uncovered", async () => {
    await expectRefusal(pay(0n, 1n, 1n), fund, "RewardUnfunded", [1n, 0n]);
    await pay(70n, 0n, 1n);
    expect(await uncovered()).toBe(70n);
  });

  test("what the fund lacks of a deficit is uncovered, to the micro-USDC", async () => {
    await deposit(100n);
    await hold(1_000_000n);
    await pay(100n, 0n, 1n);
    expect(await uncovered()).toBe(0n);
    await deposit(100n);
    await pay(130n, 0n, 2n);
    expect([await fund.balance(), await uncovered()]).toEqual([0n, 30n]);
    expect(await holdings()).toBe(1_000_200n);
  });

  test("is made for the ledger only, and so is the settling of a withdrawal", async () => {
    await deposit(1_000n);
    const { address: sender } = alice;
    await expectRefusal(as(alice).payTakeOver(0n, 1n, 1n), fund, "NotTheLedger", [sender]);
    await expectRefusal(as(alice).settleWithdrawal(sender, 1n), fund, "NotTheLedger", [sender]);
  });
});

describe("impairment", () => {
  test("begins above 0.1% of the ledger's cash: not at exactly that, one micro-USDC more is", async () => {
    await hold(1_000_000n);
    await pay(1_000n, 0n, 1n);
    expect([await fund.isImpaired(), await fund.lockedUntil()]).toEqual([false, 0n]);
    await withdraw(alice, 0n);
    await pay(1n, 0n, 1n);
    expect([await fund.isImpaired(), await fund.lockedUntil()]).toEqual([true, (await now()) + DAY]);
  });

  test("locks withdrawals for 24 hours to the second, and later deficits do not prolong the lock", async () => {
    await hold(1_000_000n);
    await pay(2_000n, 0n, 1n);
    const until = (await now()) + DAY;
    await nextBlockAt(until - 100n);
    await pay(50_000n, 0n, 2n);
    expect(await fund.lockedUntil()).toBe(until);
    await nextBlockAt(until - 1n);
    await expectRefusal(withdraw(alice, 1_000n), ledger, "WithdrawalsLocked");
    await nextBlockAt(until);
    await withdraw(alice, 1_000n);
  });

  test("by withdrawals that leave too little locks too, from when anybody records it", async () => {
    await hold(1_000_000n);
    await pay(500n, 0n, 1n);
    await as(alice).recordImpairment();
    expect(await fund.impairedSince()).toBe(0n);
    await withdraw(alice, 500_001n);
    expect(await fund.isImpaired()).toBe(true);
    await expectRefusal(withdraw(alice, 1n), ledger, "WithdrawalsLocked");
    await nextBlockAt((await now()) + 2n * DAY);
    await as(bob).recordImpairment();
    const until = (await now()) + DAY;
    expect(await fund.lockedUntil()).toBe(until);
    await as(bob).recordImpairment();
    expect(await fund.lockedUntil()).toBe(until);
  });

  test("is not ended by a passing deposit into the ledger, which would let its maker withdraw in full", async () => {
    await impair(1_000_000n, 2_000n);
    await hold(1_000_000_000n);
    expect(await fund.isImpaired()).toBe(true);
    await withdraw(alice, 1_001_002_000n);
    expect(await usdc.balanceOf(alice.address)).toBeLessThan(1_001_002_000n);
  });

  test("ends when nothing is uncovered, and the next one locks anew", async () => {
    await impair(1_000_000n, 2_000n);
    await deposit(1_999n);
    expect(await fund.isImpaired()).toBe(true);
    await deposit(1n);
    expect([await fund.isImpaired(), await fund.lockedUntil()]).toEqual([false, 0n]);
    await withdraw(alice, 1_000n);
    expect(await usdc.balanceOf(alice.address)).toBe(1_000n);
    await pay(2_000n, 0n, 2n);
    expect(await fund.lockedUntil()).toBe((await now()) + DAY);
  });
});

describe("a withdrawal from an impaired ledger", () => {
  test("pays holdings / (holdings + deficit) of what is asked; the rest is a claim outside the deficit", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 10_000n);
    expect(await usdc.balanceOf(alice.address)).toBe(9_000n);
    expect(await fund.claimOf(alice.address)).toBe(1_000n);
    expect([await holdings(), await uncovered(), await fund.totalClaims()]).toEqual([
      891_000n,
      99_000n,
      1_000n,
    ]);
  });

  test("leaves everybody else's ratio as it is, whoever is first", async () => {
    await impair(900_000n, 100_000n);
    for (const amount of [400_000n, 10n, 250_000n, 349_990n]) {
      const before = await usdc.balanceOf(bob.address);
      await withdraw(bob, amount);
      expect((await usdc.balanceOf(bob.address)) - before).toBe((amount * 9n) / 10n);
      expect(await holdings()).toBe((await uncovered()) * 9n);
    }
    expect([await holdings(), await uncovered()]).toEqual([0n, 0n]);
    expect(await fund.isImpaired()).toBe(false);
  });

  test("is floored, and the fraction favours those who stay", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 1n);
    expect(await usdc.balanceOf(alice.address)).toBe(0n);
    expect(await fund.claimOf(alice.address)).toBe(1n);
    expect([await holdings(), await uncovered()]).toEqual([900_000n, 99_999n]);
  });

  test("of more than holdings and deficit together is settled without counting below 0", async () => {
    await impair(900n, 100n);
    await ledger.settleWithdrawal(address, alice.address, 2_000n);
    expect([await uncovered(), await fund.claimOf(alice.address)]).toEqual([0n, 200n]);
  });

  test("is paid in full while the fund is not impaired", async () => {
    await hold(1_000_000n);
    await pay(1_000n, 0n, 1n);
    expect(await ledger.settleWithdrawal.staticCall(address, alice.address, 777n)).toBe(777n);
    await ledger.settleWithdrawal(address, alice.address, 777n);
    expect(await fund.claimOf(alice.address)).toBe(0n);
  });

  test("starts the lock if nobody has: a fee paid by an impaired ledger is shared too", async () => {
    await hold(4_000n);
    await pay(2n, 0n, 1n);
    await withdraw(alice, 3_500n);
    await ledger.settleWithdrawal(address, bob.address, 100n);
    expect(await fund.lockedUntil()).toBe((await now()) + DAY);
    expect(await fund.claimOf(bob.address)).toBe(1n);
  });
});

describe("recapitalisation", () => {
  test("is shared between deficit and claims in proportion, and the surplus stays in the fund", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 100_000n);
    expect([await uncovered(), await fund.totalClaims()]).toEqual([90_000n, 10_000n]);
    await deposit(50_000n);
    expect([await uncovered(), await fund.totalClaims()]).toEqual([45_000n, 5_000n]);
    expect([await holdings(), await fund.collectable(), await fund.balance()]).toEqual([
      855_000n,
      5_000n,
      0n,
    ]);
    await deposit(51_000n);
    expect([await uncovered(), await fund.totalClaims(), await fund.balance()]).toEqual([0n, 0n, 1_000n]);
    expect(await usdc.balanceOf(address)).toBe(11_000n);
  });

  test("gives each claim its part, and nothing twice", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 300_000n);
    await withdraw(bob, 100_000n);
    const [aliceBefore, bobBefore] = [await usdc.balanceOf(alice.address), await usdc.balanceOf(bob.address)];
    await deposit(50_000n);
    expect(await fund.claimOf(alice.address)).toBe(15_000n);
    expect(await fund.collectableBy(bob.address)).toBe(5_000n);
    await as(alice).collectRecovery();
    await as(alice).collectRecovery();
    await as(donor).collectRecovery();
    await as(bob).collectRecovery();
    expect((await usdc.balanceOf(alice.address)) - aliceBefore).toBe(15_000n);
    expect((await usdc.balanceOf(bob.address)) - bobBefore).toBe(5_000n);
    expect(await usdc.balanceOf(donor.address)).toBe(0n);
    expect([await fund.collectable(), await usdc.balanceOf(address)]).toEqual([0n, 0n]);
  });

  test("gives a later claim nothing of an earlier recovery", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 100_000n);
    await deposit(50_000n);
    // Holdings 855,000, deficit 45,000: bob's claim of 5,000 stands beside alice's remaining 5,000.
    await withdraw(bob, 100_000n);
    expect(await fund.collectableBy(bob.address)).toBe(0n);
    expect(await fund.claimOf(bob.address)).toBe(5_000n);
    await deposit(25_000n);
    expect(await fund.collectableBy(alice.address)).toBe(7_500n);
    expect(await fund.collectableBy(bob.address)).toBe(2_500n);
  });

  test("in full ends the claims; who comes years later still collects, and shares in no new recovery", async () => {
    await impair(900_000n, 100_000n);
    await withdraw(alice, 100_000n);
    await deposit(100_000n);
    expect(await fund.claimOf(alice.address)).toBe(0n);
    await pay(85_000n, 0n, 2n);
    await nextBlockAt(await fund.lockedUntil());
    await withdraw(bob, 91_000n);
    const bobsClaim = await fund.claimOf(bob.address);
    expect(bobsClaim).toBeGreaterThan(0n);
    await deposit(1_000n);
    expect(await fund.collectableBy(alice.address)).toBe(10_000n);
    const bobsPart = (await fund.collectable()) - 10_000n;
    expect(bobsPart - (await fund.collectableBy(bob.address))).toBeOneOf([0n, 1n]);
    await as(alice).collectRecovery();
    expect(await fund.claimOf(alice.address)).toBe(0n);
    expect(await fund.claimOf(bob.address)).toBe(await fund.totalClaims());
  });

  test("that would leave a speck of the claims is refused once specks were left before; all or less is taken", async () => {
    const huge = 2n ** 60n;
    const claimAll = async (recipient: HardhatEthersSigner): Promise<void> => {
      await pay(1n, 0n, 1n);
      await ledger.settleWithdrawal(address, recipient.address, huge);
    };
    await claimAll(alice);
    await deposit(huge - 1n);
    expect(await fund.totalClaims()).toBe(1n);
    // The first deposit made the ledger whole; without cash it is impaired again by a single micro-USDC.
    await claimAll(bob);
    await usdc.mint(donor.address, huge);
    await as(donor, usdc).approve(address, huge);
    const claims = await fund.totalClaims();
    await expectRefusal(as(donor).deposit(claims - 1n), fund, "RecoveryTooNearlyComplete", [
      claims,
      claims - 1n,
    ]);
    await deposit(claims / 2n);
    await deposit(claims - claims / 2n);
    expect(await fund.totalClaims()).toBe(0n);
    const expected = huge - 2n;
    for (const account of [alice, bob]) {
      expect(await fund.collectableBy(account.address)).toBeGreaterThanOrEqual(expected);
      expect(await fund.collectableBy(account.address)).toBeLessThanOrEqual(huge);
    }
  });
});

describe("the floor", () => {
  test("is undershot by one micro-USDC less, and set by the parameter role alone", async () => {
    await deposit(1_000n);
    expect(await fund.isBelowFloor()).toBe(false);
    await fund.setFloor(1_000n);
    expect(await fund.isBelowFloor()).toBe(false);
    await fund.setFloor(1_001n);
    expect(await fund.isBelowFloor()).toBe(true);
    const role = await fund.PARAMETER_ROLE();
    await expectRefusal(as(alice).setFloor(0n), fund, "AccessControlUnauthorizedAccount", [
      alice.address,
      role,
    ]);
  });

  test("is not undershot by a release, which goes to whom the parameter role says", async () => {
    await deposit(1_000n);
    await fund.setFloor(400n);
    await expectRefusal(fund.release(bob.address, 601n), fund, "ReleaseBelowFloor", [601n, 600n]);
    await fund.release(bob.address, 600n);
    expect(await usdc.balanceOf(bob.address)).toBe(600n);
    await fund.setFloor(500n);
    await expectRefusal(fund.release(bob.address, 1n), fund, "ReleaseBelowFloor", [1n, 0n]);
    const role = await fund.PARAMETER_ROLE();
    await expectRefusal(as(alice).release(alice.address, 1n), fund, "AccessControlUnauthorizedAccount", [
      alice.address,
      role,
    ]);
  });

  test("or not, nothing is released while a deficit is uncovered or a claim open", async () => {
    await impair(900_000n, 100_000n);
    await expectRefusal(fund.release(bob.address, 0n), fund, "FundInDebt", [100_000n, 0n]);
    await ledger.settleWithdrawal(address, alice.address, 1_000_000n);
    await expectRefusal(fund.release(bob.address, 0n), fund, "FundInDebt", [0n, 100_000n]);
  });
});

test("the fund is bound once, by its deployer, to a ledger with its cash token", async () => {
  const target = await ledger.getAddress();
  await expectRefusal(fund.bind(target), fund, "AlreadyBound", [target]);
  const [mine, theirs] = [await usdc.getAddress(), await (await deployToken()).getAddress()];
  const other = await ethers.deployContract("InsuranceFund", [admin.address, theirs, 0n]);
  await expectRefusal(as(alice, other).bind(target), other, "NotTheDeployer", [alice.address]);
  await expectRefusal(as(admin, other).bind(target), other, "CashDiffers", [theirs, mine]);
});

async function deployToken(): Promise<Contract> {
  return ethers.deployContract("TestToken", ["Another", "OTH", 6]);
}
