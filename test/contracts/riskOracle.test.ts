import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { type Contract, keccak256, toUtf8Bytes } from "ethers";
import hre from "hardhat";
import { beforeEach, describe, expect, test } from "vitest";
import { type SnapshotHeader, signHeader } from "../../contracts/signing.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { expectRefusal, randomElement } from "../support/ledgerFixture.ts";

const INPUTS = toUtf8Bytes("indexes and volatilities");

let ethers: Awaited<ReturnType<typeof hre.network.connect>>["ethers"];
let signers: HardhatEthersSigner[];
let reporters: HardhatEthersSigner[];
let outsider: HardhatEthersSigner;
let oracle: Contract;
let address: string;
let chainId: bigint;

beforeEach(async () => {
  ({ ethers } = await hre.network.connect());
  signers = await ethers.getSigners();
  reporters = signers.slice(1, 8);
  outsider = signers[9];
  oracle = await ethers.deployContract("RiskOracle", [
    signers[0].address,
    reporters.map((reporter) => reporter.address),
  ]);
  address = await oracle.getAddress();
  chainId = (await ethers.provider.getNetwork()).chainId;
});

async function now(): Promise<bigint> {
  return BigInt((await ethers.provider.getBlock("latest"))!.timestamp);
}

async function header(overrides: Partial<SnapshotHeader> = {}): Promise<SnapshotHeader> {
  const epoch: bigint = (await oracle.latest()).info.epoch + 1n;
  return {
    epoch,
    time: (await now()) + 1n,
    snapshotRoot: randomElement(),
    inputsHash: keccak256(INPUTS),
    steady: true,
    ...overrides,
  };
}

const sign = (by: readonly HardhatEthersSigner[], what: SnapshotHeader): Promise<string[]> =>
  signHeader(by, chainId, address, what);

/** Posts a header signed by five of the seven reporters. */
async function post(what: SnapshotHeader): Promise<unknown> {
  return oracle.post(what, INPUTS, await sign(reporters.slice(0, 5), what));
}

describe("a snapshot", () => {
  test("is posted with the signatures of 2f + 1 of 3f + 1 reporters, by anybody, and kept for ever", async () => {
    expect(await oracle.quorum()).toBe(5n);
    const first = await header();
    const signatures = await sign(reporters.slice(2), first);
    const receipt = await (
      await (oracle.connect(outsider) as Contract).post(first, INPUTS, signatures)
    ).wait();
    const event = oracle.interface.parseLog(receipt.logs[0])!;
    expect(event.args.toArray()).toEqual([
      first.epoch,
      first.time,
      first.snapshotRoot,
      first.steady,
      first.inputsHash,
      `0x${Buffer.from(INPUTS).toString("hex")}`,
    ]);
    const second = await header({ steady: false });
    await post(second);
    const postedAt = await now();
    expect((await oracle.latest()).toArray(true)).toEqual([
      second.snapshotRoot,
      [2n, second.time, postedAt, false],
    ]);
    expect((await oracle.previous()).root).toBe(first.snapshotRoot);
    expect((await oracle.previous()).info.epoch).toBe(1n);
    expect(await oracle.epochOf(first.snapshotRoot)).toBe(1n);
    expect(await oracle.epochOf(randomElement())).toBe(0n);
    expect((await oracle.snapshotAt(1n)).info.time).toBe(first.time);
    expect((await oracle.snapshotAt(3n)).root).toBe(0n);
  });

  test("has no predecessor when it is the first", async () => {
    expect((await oracle.latest()).toArray(true)).toEqual([0n, [0n, 0n, 0n, false]]);
    await post(await header());
    expect((await oracle.previous()).toArray(true)).toEqual([0n, [0n, 0n, 0n, false]]);
  });

  test("refuses an epoch that is not the next one", async () => {
    for (const epoch of [0n, 2n]) {
      await expectRefusal(post(await header({ epoch })), oracle, "EpochOutOfOrder", [1n, epoch]);
    }
    const first = await header();
    await post(first);
    await expectRefusal(post(first), oracle, "EpochOutOfOrder", [2n, 1n]);
  });

  test("refuses price time travel: a time that does not increase", async () => {
    const first = await header();
    await post(first);
    for (const time of [first.time, first.time - 1n]) {
      await expectRefusal(post(await header({ time })), oracle, "TimeNotIncreasing", [first.time, time]);
    }
  });

  test("refuses a time more than five seconds ahead and a header more than 180 seconds old", async () => {
    const start = (await now()) + 1000n;
    const nextBlockAt = (time: bigint): Promise<unknown> =>
      ethers.provider.send("evm_setNextBlockTimestamp", [Number(time)]);
    const late = await header({ time: start - 181n });
    await nextBlockAt(start);
    await expectRefusal(post(late), oracle, "HeaderTooOld", [late.time, start]);
    await post(await header({ time: start - 180n }));
    const early = await header({ time: start + 1006n });
    await nextBlockAt(start + 1000n);
    await expectRefusal(post(early), oracle, "HeaderInFuture", [early.time, start + 1000n]);
    await post(await header({ time: start + 1005n }));
  });

  test("refuses a root that is 0, >= r or used before", async () => {
    for (const snapshotRoot of [0n, FIELD_ORDER]) {
      await expectRefusal(post(await header({ snapshotRoot })), oracle, "InvalidSnapshotRoot", [
        snapshotRoot,
      ]);
    }
    const first = await header();
    await post(first);
    const again = await header({ snapshotRoot: first.snapshotRoot });
    await expectRefusal(post(again), oracle, "SnapshotRootReused", [first.snapshotRoot, 1n]);
  });

  test("refuses inputs other than those signed", async () => {
    const what = await header();
    const other = toUtf8Bytes("other inputs");
    await expectRefusal(
      oracle.post(what, other, await sign(reporters.slice(0, 5), what)),
      oracle,
      "InputsMismatch",
      [what.inputsHash, keccak256(other)],
    );
  });
});

describe("the quorum", () => {
  test("refuses one signature too few", async () => {
    const what = await header();
    const signatures = await sign(reporters.slice(0, 4), what);
    await expectRefusal(oracle.post(what, INPUTS, signatures), oracle, "QuorumMissing", [4n, 5n]);
  });

  test("refuses one reporter signing twice", async () => {
    const what = await header();
    const signatures = await sign(reporters.slice(0, 4), what);
    const twice = [...signatures, signatures[3]];
    await expectRefusal(oracle.post(what, INPUTS, twice), oracle, "SignersNotAscending");
  });

  test("refuses signatures out of order", async () => {
    const what = await header();
    const signatures = (await sign(reporters, what)).reverse();
    await expectRefusal(oracle.post(what, INPUTS, signatures), oracle, "SignersNotAscending");
  });

  test("refuses the signature of somebody who is not a reporter", async () => {
    const what = await header();
    const signatures = await sign([...reporters.slice(0, 4), outsider], what);
    await expectRefusal(oracle.post(what, INPUTS, signatures), oracle, "NotAReporter", [outsider.address]);
  });

  test("refuses signatures for every altered field of the header", async () => {
    const what = await header();
    const signatures = await sign(reporters.slice(0, 5), what);
    const alterations: Partial<SnapshotHeader>[] = [
      { time: what.time + 1n },
      { snapshotRoot: randomElement() },
      { steady: false },
    ];
    for (const alteration of alterations) {
      const altered = { ...what, ...alteration };
      // A signature over something else recovers to an arbitrary address.
      const refusal = await oracle.post(altered, INPUTS, signatures).then(
        () => "accepted",
        (error: Error) => error.message,
      );
      expect(refusal).toMatch(/NotAReporter|SignersNotAscending/);
    }
    await oracle.post(what, INPUTS, signatures);
  });

  test("refuses signatures for another oracle or chain", async () => {
    const what = await header();
    const other = await signHeader(reporters.slice(0, 5), chainId, outsider.address, what);
    const elsewhere = await signHeader(reporters.slice(0, 5), chainId + 1n, address, what);
    for (const signatures of [other, elsewhere]) {
      await expect(oracle.post(what, INPUTS, signatures)).rejects.toThrow(/NotAReporter|SignersNotAscending/);
    }
  });

  test("refuses a malformed signature", async () => {
    const what = await header();
    const signatures = await sign(reporters.slice(0, 5), what);
    signatures[0] = "0x1234";
    await expectRefusal(oracle.post(what, INPUTS, signatures), oracle, "ECDSAInvalidSignatureLength", [2n]);
  });

  test("is more than two thirds of any number of reporters", async () => {
    const expected = [1n, 2n, 3n, 3n, 4n, 5n, 5n, 6n];
    for (const [index, quorum] of expected.entries()) {
      await oracle.setReporters(signers.slice(0, index + 1).map((signer) => signer.address));
      expect(await oracle.quorum()).toBe(quorum);
    }
  });
});

describe("the set of reporters", () => {
  test("refuses a reporter removed between signing and posting", async () => {
    const what = await header();
    const signatures = await sign(reporters.slice(0, 5), what);
    const removed = reporters[0];
    await oracle.setReporters([...reporters.slice(1), outsider].map((reporter) => reporter.address));
    expect(await oracle.isReporter(removed.address)).toBe(false);
    await expectRefusal(oracle.post(what, INPUTS, signatures), oracle, "NotAReporter", [removed.address]);
    await oracle.post(what, INPUTS, await sign([...reporters.slice(3), outsider], what));
  });

  test("refuses a replacement by anybody but the reporters' administrator", async () => {
    await expectRefusal(
      (oracle.connect(outsider) as Contract).setReporters([outsider.address]),
      oracle,
      "AccessControlUnauthorizedAccount",
      [outsider.address, await oracle.REPORTER_ADMIN_ROLE()],
    );
  });

  test("refuses an empty set, too many, a reporter twice and address 0", async () => {
    const zero = `0x${"0".repeat(40)}`;
    const many = Array.from({ length: 65 }, (_, index) => ethers.zeroPadValue(ethers.toBeHex(index + 1), 20));
    await expectRefusal(oracle.setReporters([]), oracle, "InvalidReporterCount", [0n]);
    await expectRefusal(oracle.setReporters(many), oracle, "InvalidReporterCount", [65n]);
    await expectRefusal(
      oracle.setReporters([outsider.address, signers[1].address, outsider.address]),
      oracle,
      "InvalidReporter",
      [outsider.address],
    );
    await expectRefusal(oracle.setReporters([zero]), oracle, "InvalidReporter", [zero]);
  });

  test("refuses fewer than seven reporters on a public chain", async () => {
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1 } });
    const [admin, ...others] = await connection.ethers.getSigners();
    const deploy = (count: number): Promise<Contract> =>
      connection.ethers.deployContract("RiskOracle", [
        admin.address,
        others.slice(0, count).map((signer) => signer.address),
      ]);
    await expectRefusal(deploy(6), oracle, "InvalidReporterCount", [6n]);
    await deploy(7);
  });
});
