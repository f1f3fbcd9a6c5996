import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { deploySolvus } from "../../contracts/deploy.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import {
  COMMITTEE_KEY,
  expectRefusal,
  type LedgerFixture,
  ledgerFixture,
  randomElement,
} from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture();
});

beforeEach(async () => {
  await fixture.postSnapshot();
});

describe("an opening", () => {
  test("queues the commitment, then the account tag, and publishes the escrow", async () => {
    const { ledger } = fixture;
    const [tail] = await ledger.queue();
    const [proof, signals, terms] = await fixture.opening();
    const receipt = await (await ledger.open(proof, signals, terms)).wait();
    const events = receipt.logs.map((log: { topics: string[]; data: string }) =>
      ledger.interface.parseLog(log),
    );
    const summary = events.map((event: { name: string; args: { toArray(deep: boolean): unknown[] } }) => [
      event.name,
      ...event.args.toArray(true),
    ]);
    expect(summary).toEqual([["Opened", signals.commitment, signals.accountTag, tail, [...signals.escrow]]]);
    expect((await ledger.queue()).tail).toBe(tail + 2n);
    expect(await ledger.isTagUsed(signals.accountTag)).toBe(true);
  });

  test("refuses an account tag twice: each account number is opened once", async () => {
    const { ledger } = fixture;
    const [proof, signals, terms] = await fixture.opening();
    await ledger.open(proof, signals, terms);
    const { accountTag } = signals;
    await expectRefusal(ledger.open(proof, signals, terms), ledger, "AccountTagUsed", [accountTag]);
    const [otherProof, other, otherTerms] = await fixture.opening({ accountTag });
    await expectRefusal(ledger.open(otherProof, other, otherTerms), ledger, "AccountTagUsed", [accountTag]);
  });

  test("refuses a second account of one number through the tag's other representation, tag + r", async () => {
    const { ledger } = fixture;
    const [proof, signals, terms] = await fixture.opening();
    await ledger.open(proof, signals, terms);
    const accountTag = signals.accountTag + FIELD_ORDER;
    const again = await fixture.opening({ accountTag });
    await expectRefusal(ledger.open(...again), ledger, "SignalNotInField", [4n, accountTag]);
  });

  test("refuses a public input >= r", async () => {
    const escrow = Array.from({ length: 5 }, (_, word) => (word === 3 ? FIELD_ORDER : 1n));
    const byEscrow = await fixture.opening({ escrow });
    await expectRefusal(fixture.ledger.open(...byEscrow), fixture.ledger, "SignalNotInField", [
      8n,
      FIELD_ORDER,
    ]);
    const byCommitment = await fixture.opening({ commitment: FIELD_ORDER });
    await expectRefusal(fixture.ledger.open(...byCommitment), fixture.ledger, "SignalNotInField", [
      3n,
      FIELD_ORDER,
    ]);
  });

  test("refuses altered escrow words: the committee could not read the account", async () => {
    const [proof, signals, terms] = await fixture.opening();
    const altered = { ...signals, escrow: signals.escrow.map((word) => word + 1n) };
    await expectRefusal(fixture.ledger.open(proof, altered, terms), fixture.ledger, "ProofRejected", [0n]);
  });

  test("refuses a proof that escrows to another committee key", async () => {
    const { ledger } = fixture;
    // The negative of the fixture's key, a key of the subgroup too.
    const committeeKey = [FIELD_ORDER - COMMITTEE_KEY[0], COMMITTEE_KEY[1]];
    const twin = await fixture.twinLedger({ committeeKey });
    const opening = await fixture.opening();
    await expectRefusal(twin.getFunction("open")(...opening), twin, "ProofRejected", [0n]);
    await ledger.open(...opening);
  });

  test("refuses terms altered by a front-runner", async () => {
    const { ledger, carol } = fixture;
    const [proof, signals, terms] = await fixture.opening();
    for (const change of [{ relayer: carol.address }, { payer: carol.address }, { deadline: 2n ** 63n }]) {
      const altered = { ...terms, ...change };
      await expectRefusal(fixture.as(carol).open(proof, signals, altered), ledger, "ProofRejected", [0n]);
    }
  });

  test("refuses a passed deadline and another relayer", async () => {
    const { ledger, bob, admin } = fixture;
    const deadline = await fixture.now();
    const late = await fixture.opening({}, { deadline });
    await expectRefusal(ledger.open(...late), ledger, "DeadlinePassed", [deadline]);
    const relayed = await fixture.opening({}, { relayer: bob.address });
    await expectRefusal(ledger.open(...relayed), ledger, "NotTheRelayer", [bob.address, admin.address]);
  });

  test("refuses unknown state and registry roots", async () => {
    const { ledger } = fixture;
    const root = randomElement();
    await expectRefusal(
      ledger.open(...(await fixture.opening({ stateRoot: root }))),
      ledger,
      "UnknownStateRoot",
      [root],
    );
    await expectRefusal(
      ledger.open(...(await fixture.opening({ registryRoot: root }))),
      ledger,
      "RegistryRootRefused",
      [root],
    );
  });

  test("takes the epoch before for 15 seconds, no other: a membership expires by epoch", async () => {
    const { ledger, oracle } = fixture;
    const { epoch } = (await oracle.latest()).info;
    const [inTime, late] = [await fixture.opening(), await fixture.opening()];
    const postedAt = (await fixture.now()) + 60n;
    const header = await fixture.nextHeader({ time: postedAt });
    await fixture.nextBlockAt(postedAt);
    await fixture.postSnapshot(header);
    await fixture.nextBlockAt(postedAt + 15n);
    await ledger.open(...inTime);
    await fixture.nextBlockAt(postedAt + 16n);
    await expectRefusal(ledger.open(...late), ledger, "EpochNotLatest", [epoch, epoch + 1n]);
    for (const other of [0n, epoch - 1n, epoch + 2n, 2n ** 256n - 1n]) {
      const opening = await fixture.opening({ epoch: other });
      await expectRefusal(ledger.open(...opening), ledger, "EpochNotLatest", [other, epoch + 1n]);
    }
  });

  test("refuses any epoch before the first snapshot", async () => {
    const { ethers } = fixture;
    const { ledger } = await deploySolvus(ethers, { committeeKey: COMMITTEE_KEY, verifier: "ideal" });
    const [proof, signals, terms] = await fixture.opening();
    const opening = ledger.open(proof, { ...signals, epoch: 0n }, terms);
    await expectRefusal(opening, ledger, "EpochNotLatest", [0n, 0n]);
  });
});

describe("the committee key at deployment", () => {
  const deploy = (committeeKey: readonly [bigint, bigint]): Promise<unknown> =>
    deploySolvus(fixture.ethers, { committeeKey, verifier: "ideal" });

  test("refuses a point off the curve or with unreduced coordinates", async () => {
    const [x, y] = COMMITTEE_KEY;
    for (const point of [[x, y + 1n] as const, [0n, 0n] as const, [x + FIELD_ORDER, y] as const]) {
      await expectRefusal(deploy(point), fixture.ledger, "PointNotOnCurve", [...point]);
    }
  });

  test("refuses the identity and points of low order: everybody could read the escrow", async () => {
    for (const point of [[0n, 1n] as const, [0n, FIELD_ORDER - 1n] as const]) {
      await expectRefusal(deploy(point), fixture.ledger, "PointNotInPrimeSubgroup", [...point]);
    }
  });

  test("refuses a point of the full group with a component of low order", async () => {
    // circomlib's generator of the whole group, of order 8·l.
    const generator = [
      995203441582195749578291179787384436505546430278305826713579947235728471134n,
      5472060717959818805561601436314318772137091100104008585924551046643952123905n,
    ] as const;
    await expectRefusal(deploy(generator), fixture.ledger, "PointNotInPrimeSubgroup", [...generator]);
  });
});
