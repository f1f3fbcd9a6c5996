import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import hre from "hardhat";
import { beforeEach, describe, expect, test } from "vitest";
import { clearContext, disclosurePoint } from "../../contracts/auction.ts";
import {
  type CircuitName,
  circuitIndex,
  type InsolvencySignals,
  insolvencyInputs,
  type SolvencySignals,
  solvencyInputs,
  TIER,
} from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { anyProof, expectRefusal, randomElement } from "../support/ledgerFixture.ts";

const MINUTE = 60n;
const LEAF = 41n;
const NEW_LEAF = 96n;
const ONE = 65536n;

type Tier = keyof typeof TIER;

let ethers: HardhatEthers;
let stranger: HardhatEthersSigner;
let chainId: bigint;
let verifier: Contract;
/** The ledger and the oracle, as the auction sees them. */
let ledger: Contract;
let auction: Contract;
/** The auction's address. */
let address: string;
let stateRoot: bigint;
let nullifier: bigint;
/** The latest snapshot. */
let snapshotRoot: bigint;

beforeEach(async () => {
  ({ ethers } = await hre.network.connect());
  stranger = (await ethers.getSigners())[1];
  ({ chainId } = await ethers.provider.getNetwork());
  verifier = await ethers.deployContract("IdealVerifier");
  const usdc = await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6]);
  ledger = await ethers.deployContract("LedgerStandIn", [
    await verifier.getAddress(),
    await usdc.getAddress(),
  ]);
  auction = await ethers.deployContract("LiquidationAuction");
  address = await auction.getAddress();
  await auction.bind(await ledger.getAddress());
  stateRoot = randomElement();
  nullifier = randomElement();
  await ledger.addRoot(stateRoot);
  await postSnapshot();
});

async function now(): Promise<bigint> {
  return BigInt((await ethers.provider.getBlock("latest"))!.timestamp);
}

async function nextBlockAt(time: bigint): Promise<void> {
  await ethers.provider.send("evm_setNextBlockTimestamp", [Number(time)]);
}

async function mineAt(time: bigint): Promise<void> {
  await nextBlockAt(time);
  await ethers.provider.send("evm_mine", []);
}

/** Posts the next epoch's snapshot. */
async function postSnapshot(): Promise<void> {
  snapshotRoot = randomElement();
  await ledger.postSnapshot(snapshotRoot, await now());
}

/** The next snapshot, observed and posted at this time. */
async function postSnapshotAt(time: bigint): Promise<void> {
  await mineAt(time - 1n);
  snapshotRoot = randomElement();
  await nextBlockAt(time);
  await ledger.postSnapshot(snapshotRoot, time);
}

async function prove(circuit: CircuitName, inputs: readonly bigint[]): Promise<bigint[]> {
  const proof = anyProof();
  await verifier.prove(circuitIndex(circuit), proof, [...inputs]);
  return proof;
}

function insolvencySignals(overrides: Partial<InsolvencySignals> = {}): InsolvencySignals {
  const signals = { stateRoot, snapshotRoot, nullifier, leafIndex: LEAF };
  return { ...signals, disclosurePoint: 0n, disclosureValue: 0n, ...overrides };
}

/** Arguments of `flag`, with a proof of E < MM. */
async function insolvent(
  overrides: Partial<InsolvencySignals> = {},
  tier: Tier = "small",
): Promise<[bigint, bigint[], InsolvencySignals]> {
  const signals = insolvencySignals(overrides);
  return [TIER[tier], await prove(`insolvency.${tier}`, insolvencyInputs(signals)), signals];
}

async function flag(overrides: Partial<InsolvencySignals> = {}): Promise<void> {
  await auction.flag(...(await insolvent(overrides)));
}

/** Arguments of `clear`, with a proof of E >= MM. */
async function solvent(
  overrides: Partial<SolvencySignals> = {},
  tier: Tier = "small",
): Promise<[bigint, bigint[], SolvencySignals]> {
  const signals: SolvencySignals = {
    stateRoot,
    snapshotRoot,
    nullifier,
    leafIndex: LEAF,
    ratio: ONE,
    excess: 0n,
    entity: randomElement(),
    context: clearContext(chainId, address),
    ...overrides,
  };
  return [TIER[tier], await prove(`solvency.${tier}`, solvencyInputs(signals)), signals];
}

function opening(): bigint[] {
  return Array.from({ length: 24 }, randomElement);
}

/** Arguments of `reveal` of these words, with a proof that the note's words are `note`. */
async function disclosure(
  words: readonly bigint[],
  note = words,
  overrides: Partial<InsolvencySignals> = {},
): Promise<[bigint, bigint[], InsolvencySignals, bigint[]]> {
  const point = disclosurePoint(chainId, address, insolvencySignals(overrides), words);
  const disclosed = { disclosurePoint: point, disclosureValue: wordsDigest(note, point) };
  return [...(await insolvent({ ...overrides, ...disclosed })), [...words]];
}

/** Proves the flag again every nine minutes until it is good at this time. */
async function keepFlaggedUntil(time: bigint): Promise<void> {
  for (;;) {
    const { lastProven } = await auction.flagOf(LEAF);
    if (time <= lastProven + 9n * MINUTE) return;
    await postSnapshotAt(lastProven + 9n * MINUTE - 3n);
    await flag();
  }
}

/** Flags the note and keeps the flag until this many seconds after its clock's start, just before which a new snapshot is there. */
async function flaggedFor(seconds: bigint): Promise<bigint> {
  await flag();
  const start = await now();
  await keepFlaggedUntil(start + seconds);
  await postSnapshotAt(start + seconds - 3n);
  return start;
}

/** Error name and arguments of the refusal of a take-over in a block at this time; undefined if it is admitted. */
async function takeOverRefusal(request: {
  leafIndex?: bigint;
  nullifier?: bigint;
  epoch: bigint;
  rate: bigint;
  at?: bigint;
}): Promise<[string, bigint[]] | undefined> {
  if (request.at !== undefined) await mineAt(request.at);
  const data: string = await auction.refusalOfTakeOver(
    request.leafIndex ?? LEAF,
    request.nullifier ?? nullifier,
    request.epoch,
    request.rate,
    { blockTag: await ethers.provider.getBlockNumber() },
  );
  if (data === "0x") return undefined;
  const error = auction.interface.parseError(data)!;
  return [error.name, [...error.args]];
}

/** Whether the note has an unlapsed flag in the latest block. */
async function isFlagged(): Promise<boolean> {
  return auction.isFlagged(nullifier, { blockTag: await ethers.provider.getBlockNumber() });
}

describe("flagging", () => {
  test("marks leaf and nullifier, and starts the clock", async () => {
    expect(await isFlagged()).toBe(false);
    await flag();
    const start = await now();
    expect([...(await auction.flagOf(LEAF))]).toEqual([start, start, 1n, nullifier]);
    expect(await isFlagged()).toBe(true);
    expect(await auction.isFlagged(nullifier + 1n)).toBe(false);
    expect(await auction.isFlagged(0n)).toBe(false);
  });

  test("takes either tier, each with its own proof", async () => {
    await auction.flag(...(await insolvent({}, "large")));
    const [, proof, signals] = await insolvent({ leafIndex: LEAF + 1n, nullifier: nullifier + 1n });
    await expectRefusal(auction.flag(TIER.large, proof, signals), auction, "ProofRejected", [
      circuitIndex("insolvency.large"),
    ]);
  });

  test("a healthy account cannot be flagged: there is no proof of it, and a false one is refused", async () => {
    const rejected = [circuitIndex("insolvency.small")];
    const call = auction.flag(TIER.small, anyProof(), insolvencySignals());
    await expectRefusal(call, auction, "ProofRejected", rejected);
    const [tier, proof, signals] = await solvent();
    await expectRefusal(auction.flag(tier, proof, signals), auction, "ProofRejected", rejected);
  });

  test("refuses a proof of another leaf, note, snapshot or root: the wrong leaf cannot be flagged", async () => {
    const [tier, proof, signals] = await insolvent();
    const otherRoot = randomElement();
    await ledger.addRoot(otherRoot);
    for (const altered of [
      { leafIndex: LEAF + 1n },
      { nullifier: nullifier + 1n },
      { stateRoot: otherRoot },
    ]) {
      await expectRefusal(auction.flag(tier, proof, { ...signals, ...altered }), auction, "ProofRejected");
    }
    await postSnapshot();
    await expectRefusal(auction.flag(tier, proof, { ...signals, snapshotRoot }), auction, "ProofRejected");
  });

  test("refuses a proof that discloses: a flag is proven with point and value 0", async () => {
    const call = await insolvent({ disclosurePoint: 5n, disclosureValue: 7n });
    await expectRefusal(auction.flag(...call), auction, "ProofRejected");
  });

  test("refuses a second representation of a signal: a nullifier + r", async () => {
    await ledger.spend(nullifier);
    const call = await insolvent({ nullifier: nullifier + FIELD_ORDER });
    await expectRefusal(auction.flag(...call), auction, "SignalNotInField", [2n, nullifier + FIELD_ORDER]);
  });

  test("refuses a stale price: the latest snapshot is good for 180 seconds to the second", async () => {
    const staleSince = (await ledger.locate(snapshotRoot)).newest.time + 180n;
    const [first, second] = [await insolvent(), await insolvent({ leafIndex: LEAF + 1n })];
    await nextBlockAt(staleSince);
    await auction.flag(...first);
    await nextBlockAt(staleSince + 1n);
    await expectRefusal(auction.flag(...second), auction, "SnapshotStale", [staleSince]);
  });

  test("refuses an older snapshot and one that the oracle never posted", async () => {
    const call = await insolvent();
    const older = snapshotRoot;
    await postSnapshot();
    await expectRefusal(auction.flag(...call), auction, "SnapshotNotLatest", [older, 2n]);
    const unknown = randomElement();
    const invented = await insolvent({ snapshotRoot: unknown });
    await expectRefusal(auction.flag(...invented), auction, "SnapshotNotLatest", [unknown, 2n]);
  });

  test("refuses before the first snapshot, even a snapshot root of 0", async () => {
    const token = await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6]);
    const silent = await ethers.deployContract("LedgerStandIn", [
      await verifier.getAddress(),
      await token.getAddress(),
    ]);
    const early = await ethers.deployContract("LiquidationAuction");
    await early.getFunction("bind")(await silent.getAddress());
    const call = early.getFunction("flag")(...(await insolvent({ snapshotRoot: 0n })));
    await expectRefusal(call, early, "SnapshotNotLatest", [0n, 0n]);
  });

  test("refuses a state root that the ledger never had", async () => {
    const unknown = randomElement();
    const call = await insolvent({ stateRoot: unknown });
    await expectRefusal(auction.flag(...call), auction, "UnknownStateRoot", [unknown]);
  });

  test("refuses a spent note", async () => {
    await ledger.spend(nullifier);
    await expectRefusal(auction.flag(...(await insolvent())), auction, "NullifierSpent", [nullifier]);
  });

  test("refuses another note at a flagged place", async () => {
    await flag();
    const twin = randomElement();
    const call = await insolvent({ nullifier: twin });
    await expectRefusal(auction.flag(...call), auction, "FlagOfAnotherNote", [LEAF, nullifier, twin]);
  });
});

describe("a flag", () => {
  test("lapses ten minutes after its last proof, to the second", async () => {
    await flag();
    const start = await now();
    await mineAt(start + 10n * MINUTE);
    expect(await isFlagged()).toBe(true);
    expect(await takeOverRefusal({ epoch: 2n, rate: 0n })).toBeUndefined();
    await mineAt(start + 10n * MINUTE + 1n);
    expect(await isFlagged()).toBe(false);
    expect(await takeOverRefusal({ epoch: 2n, rate: 0n })).toEqual(["NotFlagged", [LEAF]]);
    expect(await auction.permittedRate(LEAF, { blockTag: await ethers.provider.getBlockNumber() })).toBe(0n);
  });

  test("proven again by anybody before it lapses keeps clock and first epoch: nobody resets the clock", async () => {
    await flag();
    const start = await now();
    await postSnapshotAt(start + 10n * MINUTE - 5n);
    const again = await insolvent();
    await nextBlockAt(start + 10n * MINUTE);
    await (auction.connect(stranger) as Contract).flag(...again);
    const renewed = start + 10n * MINUTE;
    expect([...(await auction.flagOf(LEAF))]).toEqual([start, renewed, 1n, nullifier]);
    await mineAt(renewed + 10n * MINUTE);
    expect(await isFlagged()).toBe(true);
    await mineAt(renewed + 10n * MINUTE + 1n);
    expect(await isFlagged()).toBe(false);
  });

  test("that lapsed starts anew, clock and first epoch", async () => {
    await flag();
    const start = await now();
    await postSnapshotAt(start + 10n * MINUTE - 5n);
    const again = await insolvent();
    await nextBlockAt(start + 10n * MINUTE + 1n);
    await auction.flag(...again);
    const restarted = start + 10n * MINUTE + 1n;
    expect([...(await auction.flagOf(LEAF))]).toEqual([restarted, restarted, 2n, nullifier]);
    expect(await takeOverRefusal({ epoch: 2n, rate: 0n })).toEqual(["EpochNotAfterFlag", [2n, 2n]]);
  });
});

describe("clearing", () => {
  beforeEach(async () => {
    await flag();
    await postSnapshot();
  });

  test("ends the flag of a note that meets its margin, with either tier", async () => {
    await auction.clear(...(await solvent()));
    expect(await isFlagged()).toBe(false);
    expect(await takeOverRefusal({ epoch: 3n, rate: 0n })).toEqual(["NotFlagged", [LEAF]]);
    await flag();
    await auction.clear(...(await solvent({}, "large")));
    expect([...(await auction.flagOf(LEAF))]).toEqual([0n, 0n, 0n, 0n]);
  });

  test("lets the next flag start anew", async () => {
    await auction.clear(...(await solvent()));
    await flag();
    expect((await auction.flagOf(LEAF)).clockStart).toBe(await now());
    expect((await auction.flagOf(LEAF)).firstEpoch).toBe(2n);
  });

  test("a twin note cannot clear: neither its own leaf nor its own nullifier will do", async () => {
    const twin = randomElement();
    const elsewhere = await solvent({ nullifier: twin, leafIndex: LEAF + 1n });
    await expectRefusal(auction.clear(...elsewhere), auction, "NotFlagged", [LEAF + 1n]);
    const [tier, proof, signals] = elsewhere;
    const moved = auction.clear(tier, proof, { ...signals, leafIndex: LEAF });
    await expectRefusal(moved, auction, "FlagOfAnotherNote", [LEAF, nullifier, twin]);
    const renamed = auction.clear(tier, proof, { ...signals, leafIndex: LEAF, nullifier });
    await expectRefusal(renamed, auction, "ProofRejected", [circuitIndex("solvency.small")]);
    expect(await isFlagged()).toBe(true);
  });

  test("refuses a ratio below 1 by one", async () => {
    const call = await solvent({ ratio: ONE - 1n });
    await expectRefusal(auction.clear(...call), auction, "RatioTooLow", [ONE - 1n]);
  });

  test("refuses a proof for another auction, another chain or an auditor", async () => {
    const elsewhere = await ledger.getAddress();
    for (const context of [
      clearContext(chainId, elsewhere),
      clearContext(chainId + 1n, address),
      randomElement(),
    ]) {
      const call = await solvent({ context });
      await expectRefusal(auction.clear(...call), auction, "ProofRejected", [circuitIndex("solvency.small")]);
    }
    expect(await auction.clearContext()).toBe(clearContext(chainId, address));
  });

  test("refuses the good price of an older snapshot, a stale one, an unknown root and a spent note", async () => {
    const older = await solvent();
    await postSnapshot();
    await expectRefusal(auction.clear(...older), auction, "SnapshotNotLatest");
    const unknown = await solvent({ stateRoot: randomElement() });
    await expectRefusal(auction.clear(...unknown), auction, "UnknownStateRoot");
    const late = await solvent();
    await mineAt((await now()) + 200n);
    await expectRefusal(auction.clear(...late), auction, "SnapshotStale");
    await postSnapshot();
    await ledger.spend(nullifier);
    await expectRefusal(auction.clear(...(await solvent())), auction, "NullifierSpent");
  });

  test("refuses where there is no flag, or one that lapsed", async () => {
    const start = (await auction.flagOf(LEAF)).clockStart;
    const none = await solvent({ leafIndex: LEAF + 1n });
    await expectRefusal(auction.clear(...none), auction, "NotFlagged", [LEAF + 1n]);
    await postSnapshotAt(start + 10n * MINUTE - 5n);
    const late = await solvent();
    await nextBlockAt(start + 10n * MINUTE + 1n);
    await expectRefusal(auction.clear(...late), auction, "NotFlagged", [LEAF]);
  });

  test("refuses a false proof, and a signal that is not a field element", async () => {
    const [tier, , signals] = await solvent();
    await expectRefusal(auction.clear(tier, anyProof(), signals), auction, "ProofRejected");
    const call = await solvent({ entity: FIELD_ORDER });
    await expectRefusal(auction.clear(...call), auction, "SignalNotInField", [6n, FIELD_ORDER]);
  });
});

describe("revealing", () => {
  test("publishes the note's words from fifteen minutes on, and renews the flag", async () => {
    const start = await flaggedFor(15n * MINUTE);
    const words = opening();
    const call = await disclosure(words);
    const opensAt = start + 15n * MINUTE;
    await nextBlockAt(opensAt - 1n);
    await expectRefusal(auction.reveal(...call), auction, "RevealTooEarly", [opensAt]);
    await nextBlockAt(opensAt);
    const receipt = await (await (auction.connect(stranger) as Contract).reveal(...call)).wait();
    const events = receipt.logs.map((log: never) => auction.interface.parseLog(log)!);
    const revealed = events.find(({ name }: { name: string }) => name === "Revealed");
    expect([...revealed.args]).toEqual([LEAF, nullifier, words]);
    expect([...(await auction.flagOf(LEAF))].slice(0, 3)).toEqual([start, opensAt, 1n]);
    expect(await auction.isRevealed(LEAF)).toBe(true);
  });

  test("computes point and value as the model does", async () => {
    const words = opening();
    const signals = insolvencySignals();
    expect(await auction.disclosurePoint(signals, words)).toBe(
      disclosurePoint(chainId, address, signals, words),
    );
  });

  test("refuses words that differ from the note's in one place, whichever it is", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    const note = opening();
    for (const place of note.keys()) {
      const words = note.with(place, (note[place] + 1n) % FIELD_ORDER);
      const call = await disclosure(words, note);
      await expectRefusal(auction.reveal(...call), auction, "ProofRejected");
    }
  });

  test("refuses words whose proof was made for other words: the point is hashed from what is published", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    const [tier, proof, signals, words] = await disclosure(opening());
    const swapped = words.with(0, words[1]).with(1, words[0]);
    await expectRefusal(auction.reveal(tier, proof, signals, swapped), auction, "ProofRejected");
    await auction.reveal(tier, proof, signals, words);
  });

  test("refuses a word + r, which agrees with the note's in the field", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    for (const place of [0, 23]) {
      const note = opening();
      const call = await disclosure(note.with(place, note[place] + FIELD_ORDER), note);
      await expectRefusal(auction.reveal(...call), auction, "WordNotInField", [
        BigInt(place),
        note[place] + FIELD_ORDER,
      ]);
    }
  });

  test("refuses a second time, also after the flag lapsed or was cleared", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    const words = opening();
    await auction.reveal(...(await disclosure(words)));
    await expectRefusal(auction.reveal(...(await disclosure(words))), auction, "AlreadyRevealed", [LEAF]);
    await auction.clear(...(await solvent()));
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    await expectRefusal(auction.reveal(...(await disclosure(words))), auction, "AlreadyRevealed", [LEAF]);
  });

  test("refuses where there is no flag, or one that lapsed, however long its clock ran", async () => {
    const words = opening();
    await expectRefusal(auction.reveal(...(await disclosure(words))), auction, "NotFlagged", [LEAF]);
    await flag();
    const start = await now();
    await postSnapshotAt(start + 20n * MINUTE);
    await expectRefusal(auction.reveal(...(await disclosure(words))), auction, "NotFlagged", [LEAF]);
  });

  test("refuses without E < MM at the latest snapshot: a healthy note's contents stay private", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    const words = opening();
    const call = await disclosure(words);
    await postSnapshot();
    await expectRefusal(auction.reveal(...call), auction, "SnapshotNotLatest");
    const [tier, , signals] = await disclosure(words);
    await expectRefusal(auction.reveal(tier, anyProof(), signals, words), auction, "ProofRejected");
    await ledger.spend(nullifier);
    await expectRefusal(auction.reveal(...(await disclosure(words))), auction, "NullifierSpent");
  });

  test("refuses another note at the flagged place", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    const words = opening();
    const call = await disclosure(words, words, { nullifier: nullifier + 1n });
    await expectRefusal(auction.reveal(...call), auction, "FlagOfAnotherNote");
  });
});

test.each([
  ["at once", 0n, 3276n],
  ["one second before 15 minutes", 899n, 19642n],
  ["at 15 minutes", 900n, 19660n],
  ["one second after 15 minutes", 901n, 19665n],
  ["one second before the hour", 3599n, 32763n],
  ["at the hour", 3600n, 32768n],
  ["after two hours", 7200n, 32768n],
])("the rate %s is floored in Q16, and one above it is refused", async (_when, seconds, permitted) => {
  await flag();
  const start = await now();
  await keepFlaggedUntil(start + seconds);
  if (seconds !== 0n) await mineAt(start + seconds);
  expect(await auction.permittedRate(LEAF, { blockTag: await ethers.provider.getBlockNumber() })).toBe(
    permitted,
  );
  expect(await takeOverRefusal({ epoch: 99n, rate: permitted })).toBeUndefined();
  const above = await takeOverRefusal({ epoch: 99n, rate: permitted + 1n });
  expect(above).toEqual(["RateAboveCurve", [permitted + 1n, permitted]]);
});

describe("a take-over", () => {
  test("is refused for a note without a flag", async () => {
    expect(await takeOverRefusal({ epoch: 2n, rate: 0n })).toEqual(["NotFlagged", [LEAF]]);
  });

  test("is refused in the flag's own epoch and before: a one-epoch spike liquidates nobody", async () => {
    await postSnapshot();
    await flag();
    for (const epoch of [1n, 2n]) {
      expect(await takeOverRefusal({ epoch, rate: 0n })).toEqual(["EpochNotAfterFlag", [2n, epoch]]);
    }
    expect(await takeOverRefusal({ epoch: 3n, rate: 0n })).toBeUndefined();
  });

  test("is refused for another note than the flagged one", async () => {
    await flag();
    const twin = randomElement();
    const refusal = await takeOverRefusal({ nullifier: twin, epoch: 2n, rate: 0n });
    expect(refusal).toEqual(["FlagOfAnotherNote", [LEAF, nullifier, twin]]);
    const elsewhere = await takeOverRefusal({ leafIndex: LEAF + 1n, epoch: 2n, rate: 0n });
    expect(elsewhere).toEqual(["NotFlagged", [LEAF + 1n]]);
  });

  test("leaves the successor clock and first epoch, and a flag until ten minutes later; its nullifier is unknown", async () => {
    const start = await flaggedFor(20n * MINUTE);
    await ledger.onTakeOver(address, LEAF, NEW_LEAF, false);
    const moved = await now();
    expect([...(await auction.flagOf(NEW_LEAF))]).toEqual([start, moved, 1n, 0n]);
    expect([...(await auction.flagOf(LEAF))]).toEqual([0n, 0n, 0n, 0n]);
    expect(await auction.isFlagged(nullifier)).toBe(false);
    expect(await auction.isFlagged(0n)).toBe(false);
    const successor = randomElement();
    const request = { leafIndex: NEW_LEAF, nullifier: successor, epoch: 2n };
    expect(await takeOverRefusal({ ...request, rate: 21000n })).toBeUndefined();
    await flag({ leafIndex: NEW_LEAF, nullifier: successor });
    expect(await auction.isFlagged(successor)).toBe(true);
    expect((await auction.flagOf(NEW_LEAF)).clockStart).toBe(start);
    expect(await takeOverRefusal({ ...request, rate: 21000n })).toBeUndefined();
    const other = await takeOverRefusal({ ...request, nullifier: randomElement(), rate: 0n });
    expect(other?.[0]).toBe("FlagOfAnotherNote");
  });

  test("a flag that was inherited lapses like any other, and its owner may clear it", async () => {
    await flag();
    await ledger.onTakeOver(address, LEAF, NEW_LEAF, false);
    const moved = await now();
    const request = { leafIndex: NEW_LEAF, epoch: 2n, rate: 0n };
    expect(await takeOverRefusal({ ...request, at: moved + 10n * MINUTE })).toBeUndefined();
    const lapsed = await takeOverRefusal({ ...request, at: moved + 10n * MINUTE + 1n });
    expect(lapsed).toEqual(["NotFlagged", [NEW_LEAF]]);
    await postSnapshot();
    await flag();
    await ledger.onTakeOver(address, LEAF, NEW_LEAF, false);
    await auction.clear(...(await solvent({ leafIndex: NEW_LEAF, nullifier: randomElement() })));
    expect(await takeOverRefusal(request)).toEqual(["NotFlagged", [NEW_LEAF]]);
  });

  test("that cures ends the flag, and nothing is inherited", async () => {
    await flag();
    await ledger.onTakeOver(address, LEAF, NEW_LEAF, true);
    for (const leafIndex of [LEAF, NEW_LEAF]) {
      expect(await takeOverRefusal({ leafIndex, epoch: 2n, rate: 0n })).toEqual(["NotFlagged", [leafIndex]]);
    }
  });

  test("may be revealed anew: the successor's words are other words", async () => {
    await flaggedFor(15n * MINUTE);
    await mineAt((await now()) + 3n);
    await auction.reveal(...(await disclosure(opening())));
    await ledger.onTakeOver(address, LEAF, NEW_LEAF, false);
    const note = { leafIndex: NEW_LEAF, nullifier: randomElement() };
    const words = opening();
    await auction.reveal(...(await disclosure(words, words, note)));
    expect(await auction.isRevealed(NEW_LEAF)).toBe(true);
  });

  test("is recorded for the ledger only", async () => {
    await flag();
    const [admin] = await ethers.getSigners();
    await expectRefusal(auction.onTakeOver(LEAF, NEW_LEAF, true), auction, "NotTheLedger", [admin.address]);
  });
});

describe("the auction", () => {
  test("restores a note at most 10% above its requirement", async () => {
    expect(await auction.restoration()).toBe((65536n * 10n) / 100n);
  });

  test("is bound once, by its deployer, to a contract", async () => {
    const [admin] = await ethers.getSigners();
    const fresh = await ethers.deployContract("LiquidationAuction");
    const bind = (sender: HardhatEthersSigner, to: string) => (fresh.connect(sender) as Contract).bind(to);
    const target = await ledger.getAddress();
    await expectRefusal(bind(stranger, target), fresh, "NotTheDeployer", [stranger.address]);
    await expectRefusal(bind(admin, stranger.address), fresh, "NotALedger", [stranger.address]);
    await bind(admin, target);
    await expectRefusal(bind(admin, target), fresh, "AlreadyBound", [target]);
  });
});
