import { Signature, TypedDataEncoder, toUtf8Bytes } from "ethers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Posting } from "../../contracts/posting.ts";
import {
  OBSERVATION_TYPES,
  oracleDomain,
  reporterOf,
  type SnapshotHeader,
  signHeader,
  signObservations,
} from "../../contracts/signing.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { freshQuorum } from "../../protocol/priceAggregation.ts";
import { expectRefusal, randomElement } from "../support/ledgerFixture.ts";
import { INPUTS, type OracleFixture, oracleFixture, type PostingOptions } from "../support/oracleFixture.ts";

let fixture: OracleFixture;

beforeEach(async () => {
  fixture = await oracleFixture();
});

const refused = async (posting: Posting | Promise<Posting>, name: string, values?: unknown[]) =>
  expectRefusal(fixture.oracle.post(...(await posting)), fixture.oracle, name, values);
const refusedPost = (options: PostingOptions, name: string, values?: unknown[]) =>
  refused(fixture.posting(options), name, values);

/** A message of ethers for a call whose signatures recover to arbitrary addresses. */
async function refusedSignatures(posting: Posting): Promise<void> {
  await expect(fixture.oracle.post(...posting)).rejects.toThrow(/NotAReporter|SignersNotAscending/);
}

describe("a snapshot", () => {
  test("is posted by anybody with observations and signatures of 2f + 1 of 3f + 1 reporters, and kept for ever", async () => {
    const { oracle, reporters, others } = fixture;
    expect(await oracle.quorum()).toBe(5n);
    expect(await oracle.freshQuorum()).toBe(5n);
    const first = await fixture.posting({ observers: reporters.slice(2) });
    const [header] = first;
    const receipt = await (await (oracle.connect(others[0]) as typeof oracle).post(...first)).wait();
    expect(oracle.interface.parseLog(receipt.logs[0])!.args.toArray(true)).toEqual([
      header.epoch,
      header.time,
      header.snapshotRoot,
      header.steady,
      header.inputsHash,
      `0x${Buffer.from(INPUTS).toString("hex")}`,
      [0n],
      [50_000_000_000n],
    ]);
    const second = await fixture.posting({ header: { steady: false } });
    await fixture.send(second);
    expect((await oracle.latest()).toArray(true)).toEqual([
      second[0].snapshotRoot,
      [2n, second[0].time, await fixture.now(), false],
    ]);
    expect((await oracle.previous()).root).toBe(header.snapshotRoot);
    expect((await oracle.previous()).info.epoch).toBe(1n);
    expect(await oracle.epochOf(header.snapshotRoot)).toBe(1n);
    expect(await oracle.epochOf(randomElement())).toBe(0n);
    expect((await oracle.snapshotAt(1n)).info.time).toBe(header.time);
    expect((await oracle.snapshotAt(3n)).root).toBe(0n);
    expect((await oracle.latestPrices()).toArray(true)).toEqual([[0n], [50_000_000_000n]]);
  });

  test("has no predecessor when it is the first", async () => {
    const { oracle } = fixture;
    expect((await oracle.latest()).toArray(true)).toEqual([0n, [0n, 0n, 0n, false]]);
    await fixture.post();
    expect((await oracle.previous()).toArray(true)).toEqual([0n, [0n, 0n, 0n, false]]);
  });

  test("refuses an epoch that is not the next one", async () => {
    for (const epoch of [0n, 2n]) await refusedPost({ header: { epoch } }, "EpochOutOfOrder", [1n, epoch]);
    const first = await fixture.posting();
    await fixture.send(first);
    await refused(first, "EpochOutOfOrder", [2n, 1n]);
  });

  test("refuses price time travel: a time that does not increase", async () => {
    const first = await fixture.posting();
    await fixture.send(first);
    for (const time of [first[0].time, first[0].time - 1n]) {
      await refusedPost({ header: { time } }, "TimeNotIncreasing", [first[0].time, time]);
    }
  });

  test("refuses a time more than five seconds ahead and a stale header, more than 180 seconds old", async () => {
    const start = (await fixture.now()) + 1000n;
    const late = await fixture.posting({ header: { time: start - 181n } });
    await fixture.nextBlockAt(start);
    await refused(late, "HeaderTooOld", [start - 181n, start]);
    await fixture.post({ header: { time: start - 180n } });
    const early = await fixture.posting({ header: { time: start + 1006n } });
    await fixture.nextBlockAt(start + 1000n);
    await refused(early, "HeaderInFuture", [start + 1006n, start + 1000n]);
    await fixture.post({ header: { time: start + 1005n } });
  });

  test("refuses a root that is 0, >= r or used before", async () => {
    for (const snapshotRoot of [0n, FIELD_ORDER]) {
      await refusedPost({ header: { snapshotRoot } }, "InvalidSnapshotRoot", [snapshotRoot]);
    }
    const [{ snapshotRoot }] = await fixture.posting();
    await fixture.post({ header: { snapshotRoot } });
    await refusedPost({ header: { snapshotRoot } }, "SnapshotRootReused", [snapshotRoot, 1n]);
  });

  test("refuses inputs other than those signed", async () => {
    const [header, , ...rest] = await fixture.posting();
    await refused([header, toUtf8Bytes("other inputs"), ...rest], "InputsMismatch");
  });

  test("refuses prices other than those signed: observations that give another median", async () => {
    const { reporters, address, chainId } = fixture;
    const posting = await fixture.posting({ observers: reporters });
    const { epoch, time } = posting[0];
    const seen = reporters.map(() => ({
      prices: [50_000_000_001n],
      tradedAt: [time],
      restHash: posting[0].inputsHash,
    }));
    posting[3] = await signObservations(reporters, chainId, address, { epoch, time, keys: [0n] }, seen);
    await refused(posting, "PricesMismatch");
  });
});

describe("signatures over the header", () => {
  test("refuses one too few", async () => {
    const { reporters } = fixture;
    await refusedPost({ signers: reporters.slice(0, 4) }, "QuorumMissing", [4n, 5n]);
    await fixture.post({ signers: reporters.slice(0, 5) });
  });

  test("refuses one reporter signing twice", async () => {
    const posting = await fixture.posting({ signers: fixture.reporters.slice(0, 4) });
    posting[4] = [...posting[4], posting[4][3] as string];
    await refused(posting, "SignersNotAscending");
  });

  test("refuses signatures out of order", async () => {
    const posting = await fixture.posting({ signers: fixture.reporters });
    posting[4].reverse();
    await refused(posting, "SignersNotAscending");
  });

  test("refuses the signature of somebody who is not a reporter", async () => {
    const { reporters, others } = fixture;
    const signers = [...reporters.slice(0, 4), others[0]];
    await refusedPost({ signers }, "NotAReporter", [others[0].address]);
  });

  test("refuses signatures for every altered field of the header", async () => {
    const posting = await fixture.posting();
    const [header, ...rest] = posting;
    const alterations: Partial<SnapshotHeader>[] = [
      { time: header.time + 1n },
      { snapshotRoot: randomElement() },
      { steady: false },
      { pricesHash: `0x${"11".repeat(32)}` },
    ];
    for (const alteration of alterations) await refusedSignatures([{ ...header, ...alteration }, ...rest]);
    await fixture.send(posting);
  });

  test("refuses signatures for another oracle or chain", async () => {
    const { reporters, chainId, address, others } = fixture;
    const [header, inputs, keys, observations] = await fixture.posting();
    const other = await signHeader(reporters.slice(0, 5), chainId, others[0].address, header);
    const elsewhere = await signHeader(reporters.slice(0, 5), chainId + 1n, address, header);
    for (const signatures of [other, elsewhere]) {
      await refusedSignatures([header, inputs, keys, observations, signatures]);
    }
  });

  test("refuses a malformed signature, and the second form of a valid one", async () => {
    const posting = await fixture.posting();
    const good = posting[4][0] as string;
    posting[4][0] = "0x1234";
    await refused(posting, "ECDSAInvalidSignatureLength", [2n]);
    posting[4][0] = malleated(good);
    await refused(posting, "ECDSAInvalidSignatureS");
  });

  test("is more than two thirds of any number of reporters, fresh sources a majority and 2f + 1", async () => {
    const signatures = [1n, 2n, 3n, 3n, 4n, 5n, 5n, 6n, 7n, 7n];
    for (const [index, quorum] of signatures.entries()) {
      const { oracle } = await oracleFixture(Array.from({ length: index + 1 }, () => "USD"));
      expect(await oracle.quorum()).toBe(quorum);
      expect(await oracle.freshQuorum()).toBe(BigInt(freshQuorum(index + 1)));
    }
    expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 64].map(freshQuorum)).toEqual([1, 2, 2, 3, 3, 4, 5, 5, 5, 7, 43]);
  });
});

/** The other signature with the same signer: n − s in the place of s. */
function malleated(signature: string): string {
  const { r, s, v } = Signature.from(signature);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const mirrored = (order - BigInt(s)).toString(16).padStart(64, "0");
  return `${r}${mirrored}${v === 27 ? "1c" : "1b"}`;
}

describe("observations", () => {
  test("refuses one too few", async () => {
    const { reporters } = fixture;
    const observers = reporters.slice(0, 4);
    await refusedPost({ observers, signers: reporters }, "QuorumMissing", [4n, 5n]);
  });

  test("refuses one reporter observing twice, with the same vector or another", async () => {
    const { reporters } = fixture;
    const observers = [...reporters.slice(0, 4), reporters[3]];
    for (const price of [50_000_000_000n, 51_000_000_000n]) {
      const seen = [{}, {}, {}, {}, { prices: [price] }];
      await refusedPost({ observers, seen, signers: reporters }, "SignersNotAscending");
    }
  });

  test("refuses those of somebody who is not a reporter", async () => {
    const { reporters, others } = fixture;
    const observers = [...reporters.slice(0, 4), others[0]];
    await refusedPost({ observers, signers: reporters }, "NotAReporter", [others[0].address]);
  });

  test("refuses vectors of another epoch, time, list of prices, oracle or chain", async () => {
    const { reporters, chainId, address, others } = fixture;
    const posting = await fixture.posting();
    const { epoch, time, inputsHash } = posting[0];
    const observers = reporters.slice(0, 5);
    const seen = observers.map(() => ({ prices: [50_000_000_000n], tradedAt: [time], restHash: inputsHash }));
    const signed = (chain: bigint, oracle: string, of: object) =>
      signObservations(observers, chain, oracle, { epoch, time, keys: [0n], ...of }, seen);
    for (const observations of [
      await signed(chainId, address, { epoch: epoch + 1n }),
      await signed(chainId, address, { time: time - 1n }),
      await signed(chainId, address, { keys: [1n << 54n] }),
      await signed(chainId, others[0].address, {}),
      await signed(chainId + 1n, address, {}),
    ]) {
      await refusedSignatures([posting[0], posting[1], posting[2], observations, posting[4]]);
    }
    await fixture.send(posting);
  });

  test("are signed as the contract's types and digests say", async () => {
    const { oracle, ethers, chainId, address } = fixture;
    const [{ epoch, time }, , keys, [observation]] = await fixture.posting({ keys: [0n, 5n] });
    const encoder = TypedDataEncoder.from(OBSERVATION_TYPES);
    expect(await oracle.OBSERVATION_TYPEHASH()).toBe(ethers.id(encoder.encodeType("Observation")));
    expect(await oracle.observationDigest(epoch, time, [...keys], observation)).toBe(
      TypedDataEncoder.hash(oracleDomain(chainId, address), OBSERVATION_TYPES, {
        epoch,
        time,
        keys,
        ...observation,
      }),
    );
  });

  test("refuses a price, a time or a key of more than 64 bits", async () => {
    const { oracle, ethers } = fixture;
    const posting = await fixture.posting();
    const data = oracle.interface.encodeFunctionData("post", posting);
    const { time } = posting[0];
    for (const word of [50_000_000_000n, time]) {
      const plain = word.toString(16).padStart(64, "0");
      const places = [...data.matchAll(new RegExp(plain, "g"))].map(({ index }) => index);
      expect(places.length).toBeGreaterThan(4);
      for (const place of places) {
        const dirty = `${data.slice(0, place + 47)}1${data.slice(place + 48)}`;
        const call = ethers.provider.call({ to: fixture.address, data: dirty });
        await expect(call).rejects.toThrow();
      }
    }
    await fixture.send(posting);
  });

  test("refuses a replay of the vectors of the epoch before", async () => {
    const first = await fixture.posting();
    await fixture.send(first);
    const second = await fixture.posting();
    second[3] = first[3];
    await refusedSignatures(second);
  });

  test("refuses an altered price, time or hash of the other inputs", async () => {
    const posting = await fixture.posting();
    const [observation, ...others] = posting[3];
    for (const change of [
      { prices: [50_000_000_001n] },
      { tradedAt: [posting[0].time - 1n] },
      { restHash: `0x${"22".repeat(32)}` },
    ]) {
      const altered: Posting = [...posting];
      altered[3] = [{ ...observation!, ...change }, ...others];
      await refusedSignatures(altered);
    }
  });

  test("refuses the second form of a valid signature", async () => {
    const posting = await fixture.posting();
    posting[3][0]!.signature = malleated(posting[3][0]!.signature);
    await refused(posting, "ECDSAInvalidSignatureS");
  });

  test("refuses vectors that lack a price or a time", async () => {
    const { reporters, chainId, address } = fixture;
    const posting = await fixture.posting({ keys: [0n, 5n] });
    const { epoch, time, inputsHash: restHash } = posting[0];
    for (const [prices, tradedAt] of [
      [[1n], [time, time]],
      [[1n, 1n], [time]],
      [
        [1n, 1n, 1n],
        [time, time, time],
      ],
    ]) {
      const seen = Array.from({ length: 5 }, () => ({ prices, tradedAt, restHash }));
      const observed = { epoch, time, keys: [0n, 5n] };
      posting[3] = await signObservations(reporters.slice(0, 5), chainId, address, observed, seen);
      await refused(posting, "ObservationLength", [0n]);
    }
  });

  test("refuses no prices, too many, and keys that do not ascend", async () => {
    await refusedPost({ keys: [] }, "InvalidKeys", [0n]);
    await refusedPost({ keys: [0n, 0n] }, "InvalidKeys", [1n]);
    await refusedPost({ keys: [0n, 7n, 6n] }, "InvalidKeys", [2n]);
    const many = Array.from({ length: 257 }, (_, key) => BigInt(key));
    await refusedPost({ keys: many }, "InvalidKeys", [257n]);
  });
});

describe("the set of reporters", () => {
  const DELAY = 172_800n;

  async function rotateTo(set: readonly (typeof fixture.admin)[]): Promise<void> {
    await fixture.oracle.announceReporters(fixture.named(set));
    await fixture.nextBlockAt((await fixture.now()) + DELAY);
    await fixture.oracle.rotateReporters();
  }

  test("changes two days after the announcement; signatures of the old set no longer count", async () => {
    const { oracle, reporters, others } = fixture;
    const next = [...reporters.slice(1), others[0]];
    await oracle.announceReporters(fixture.named(next));
    const effectiveAt = (await fixture.now()) + DELAY;
    expect((await oracle.announcedReporters()).effectiveAt).toBe(effectiveAt);
    await fixture.post();
    await fixture.nextBlockAt(effectiveAt - 1n);
    await expectRefusal(oracle.rotateReporters(), oracle, "AnnouncementNotDue", [effectiveAt]);
    // A posting at the time itself is by the new set, without a call of its own.
    const header = { time: effectiveAt };
    const old = await fixture.posting({ header });
    await fixture.nextBlockAt(effectiveAt);
    await refused(old, "NotAReporter", [reporters[0].address]);
    const fresh = await fixture.posting({ header, observers: next.slice(2) });
    await fixture.send(fresh);
    expect(await oracle.isReporter(reporters[0].address)).toBe(false);
    expect(await oracle.isReporter(others[0].address)).toBe(true);
    expect((await oracle.announcedReporters()).toArray(true)).toEqual([[], 0n]);
  });

  test("keeps a reporter's currency, and takes a new one with the set", async () => {
    const { oracle, reporters } = fixture;
    const [, , , tether] = reporters;
    expect(await oracle.currencyOf(tether.address)).toBe(fixture.named([tether])[0]!.currency);
    const set = fixture
      .named(reporters)
      .map((reporter) => ({ ...reporter, currency: `0x${"55".repeat(32)}` }));
    await oracle.announceReporters(set);
    await fixture.nextBlockAt((await fixture.now()) + DELAY);
    await oracle.rotateReporters();
    expect((await oracle.reporters()).toArray(true)).toEqual(
      set.map(({ account, currency }) => [account, currency]),
    );
  });

  test("stays when an announcement is called off", async () => {
    const { oracle, reporters, others } = fixture;
    await expectRefusal(oracle.cancelAnnouncement(), oracle, "NothingAnnounced", []);
    await expectRefusal(oracle.rotateReporters(), oracle, "NothingAnnounced", []);
    await oracle.announceReporters(fixture.named(others.slice(0, 7)));
    await oracle.cancelAnnouncement();
    const due = (await fixture.now()) + DELAY;
    await fixture.nextBlockAt(due);
    await expectRefusal(oracle.rotateReporters(), oracle, "NothingAnnounced", []);
    await fixture.post({ header: { time: due } });
    expect(await oracle.isReporter(reporters[0].address)).toBe(true);
  });

  test("a later announcement replaces the one before and starts the delay anew", async () => {
    const { oracle, others } = fixture;
    await oracle.announceReporters(fixture.named(others.slice(0, 7)));
    const first = (await fixture.now()) + DELAY;
    await fixture.nextBlockAt(first - 10n);
    await oracle.announceReporters(fixture.named(others.slice(1, 9)));
    await fixture.nextBlockAt(first);
    await expectRefusal(oracle.rotateReporters(), oracle, "AnnouncementNotDue", [first - 10n + DELAY]);
  });

  test("refuses a reporter removed mid-epoch, between signing and posting", async () => {
    const { oracle, reporters } = fixture;
    const [removed, ...rest] = reporters;
    const posting = await fixture.posting({ observers: rest, signers: reporters });
    const observed = await fixture.posting({ observers: reporters, signers: rest });
    await oracle.removeReporter(removed.address);
    await refused(posting, "NotAReporter", [removed.address]);
    await refused(observed, "NotAReporter", [removed.address]);
    expect(await oracle.isReporter(removed.address)).toBe(false);
    expect((await oracle.reporters()).map(([account]: string[]) => account)).toEqual(
      rest.map(({ address }) => address),
    );
    await fixture.post({ observers: rest });
  });

  test("loses one reporter at once and no second one for two days; a removal calls an announcement off", async () => {
    const { oracle, reporters, others } = fixture;
    await oracle.announceReporters(fixture.named([...reporters, others[0]]));
    await oracle.removeReporter(reporters[0].address);
    expect((await oracle.announcedReporters()).effectiveAt).toBe(0n);
    const allowedAt = (await fixture.now()) + DELAY;
    await fixture.nextBlockAt(allowedAt - 1n);
    await expectRefusal(oracle.removeReporter(reporters[1].address), oracle, "RemovalTooSoon", [allowedAt]);
    await expectRefusal(oracle.removeReporter(reporters[0].address), oracle, "NotAReporter", [
      reporters[0].address,
    ]);
    await fixture.nextBlockAt(allowedAt + 5n);
    await oracle.removeReporter(reporters[1].address);
  });

  test("refuses everything of anybody but the reporters' administrator", async () => {
    const { oracle, reporters, others } = fixture;
    const stranger = oracle.connect(others[0]) as typeof oracle;
    for (const call of [
      () => stranger.announceReporters(fixture.named(others.slice(0, 7))),
      () => stranger.cancelAnnouncement(),
      () => stranger.removeReporter(reporters[0].address),
    ]) {
      await expectRefusal(call(), oracle, "AccessControlUnauthorizedAccount", [
        others[0].address,
        await oracle.REPORTER_ADMIN_ROLE(),
      ]);
    }
  });

  test("refuses an empty set, too many, a reporter twice, address 0 and no currency", async () => {
    const { oracle, reporters, others, ethers } = fixture;
    const currency = fixture.named([others[0]])[0]!.currency;
    const zero = `0x${"0".repeat(40)}`;
    const many = Array.from({ length: 65 }, (_, index) => ({
      account: ethers.zeroPadValue(ethers.toBeHex(index + 1), 20),
      currency,
    }));
    await expectRefusal(oracle.announceReporters([]), oracle, "InvalidReporterCount", [0n]);
    await expectRefusal(oracle.announceReporters(many), oracle, "InvalidReporterCount", [65n]);
    for (const [set, culprit] of [
      [fixture.named([others[0], reporters[1], others[0]]), others[0].address],
      [[{ account: zero, currency }], zero],
      [[{ account: others[0].address, currency: `0x${"0".repeat(64)}` }], others[0].address],
    ] as const) {
      await expectRefusal(oracle.announceReporters(set), oracle, "InvalidReporter", [culprit]);
    }
  });

  test("refuses fewer than seven reporters on a public chain, by removal too", async () => {
    const { default: hre } = await import("hardhat");
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1 } });
    const [admin, ...others] = await connection.ethers.getSigners();
    const deploy = (count: number) =>
      connection.ethers.deployContract("RiskOracle", [admin.address, fixture.named(others.slice(0, count))]);
    await expectRefusal(deploy(6), fixture.oracle, "InvalidReporterCount", [6n]);
    const seven = await deploy(7);
    await expectRefusal(seven.removeReporter(others[0].address), seven, "InvalidReporterCount", [6n]);
    const eight = await deploy(8);
    await eight.removeReporter(others[0].address);
  });

  test("refuses currencies so thin that f reporters could choose the median across them, on a public chain", async () => {
    const { default: hre } = await import("hardhat");
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1 } });
    const [admin, ...others] = await connection.ethers.getSigners();
    const deploy = (...currencies: string[]) =>
      connection.ethers.deployContract("RiskOracle", [
        admin.address,
        currencies.map((currency, place) => reporterOf(others[place].address, currency)),
      ]);
    const set = (dollars: number, tether: number, usdc: number, dai = 0): string[] => [
      ...Array.from({ length: dollars }, () => "USD"),
      ...Array.from({ length: tether }, () => "USDT"),
      ...Array.from({ length: usdc }, () => "USDC"),
      ...Array.from({ length: dai }, () => "DAI"),
    ];
    // One in each of two currencies would do for two faulty ones of seven.
    for (const thin of [set(5, 1, 1), set(1, 5, 1), set(4, 1, 1, 1)]) {
      await expectRefusal(deploy(...thin), fixture.oracle, "CurrenciesTooThin", [2n, 2n]);
    }
    await expectRefusal(deploy(...set(6, 1, 0)), fixture.oracle, "CurrenciesTooThin", [1n, 2n]);
    for (const wide of [set(7, 0, 0), set(6, 2, 2), set(3, 2, 2), set(4, 2, 1), set(2, 2, 2, 2)])
      await deploy(...wide);
    const eight = await deploy(...set(5, 2, 1));
    await expectRefusal(eight.removeReporter(others[6].address), eight, "CurrenciesTooThin", [2n, 2n]);
    await eight.removeReporter(others[0].address);
  });

  test("one reporter suffices on a local chain", async () => {
    await rotateTo(fixture.reporters.slice(0, 1));
    await fixture.post({ observers: fixture.reporters.slice(0, 1) });
  });
});
