import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { followEscrow } from "../../protocol/accountHistory.ts";
import { readLedger, type SnapshotSource, snapshotsOf } from "../../protocol/chain.ts";
import type { SolvusError } from "../../protocol/errors.ts";
import { EMPTY_LEG } from "../../protocol/leg.ts";
import {
  checkTakeOver,
  computeTakeOver,
  RESTORATION,
  sliceBounds,
  WHOLE,
} from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { commitmentOf } from "../../protocol/note.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { circuitSide } from "../support/drive/circuits.ts";
import { type ContractSide, contractSide } from "../support/drive/contracts.ts";
import { type Aftermath, driveUntil, liveThroughAftermath, settleIn } from "../support/drive/drive.ts";
import { firstInputs } from "../support/drive/market.ts";
import { crowd, type Person } from "../support/drive/people.ts";
import { summary } from "../support/drive/summary.ts";
import { newWorld, type World } from "../support/drive/world.ts";
import { randomFrom } from "../support/random.ts";
import { instance } from "../support/transitionCircuit.ts";

/*
 * The fall of 11 January 2021, hour by hour: accounts with random portfolios, owners who react or do not, watchers, keepers, the auction's
 * clock, the insurance fund. Reference model, contracts and circuits are driven together and give one verdict on every step, and each
 * step conserves every asset.
 */

const USDC = 1_000_000n;
const SEED = 8;
const START = Date.UTC(2021, 0, 10, 16);
const END = Date.UTC(2021, 0, 12, 4);
const FUND = 12_000n * USDC;
const FLOOR = 5_000n * USDC;
const COMMITTEE = 271_828_182n;

let contracts: ContractSide;
let world: World;
/** At the lowest hour, for the edges. */
let lowest: { snapshot: World["snapshot"]; people: Person[] };
let aftermath: Aftermath;

beforeAll(async () => {
  const random = randomFrom(SEED);
  const inputs = firstInputs(START);
  const committeeKey = committeeKeyOf(COMMITTEE);
  contracts = await contractSide(inputs, { committeeKey, floor: FLOOR });
  const circuits = circuitSide({ seed: SEED, oneIn: 4, insolvencies: 6, takeOvers: 10, refusals: 5 });
  const people = crowd(random, { trader: 32, maker: 5, keeper: 7 }, contracts.chain);
  world = newWorld(random, people, inputs, { committeeKey, floor: FLOOR, contracts, circuits });
  await settleIn(world, FUND);
  await driveUntil(world, Date.UTC(2021, 0, 11, 16));
  lowest = { snapshot: world.snapshot, people: people.map((person) => ({ ...person })) };
  await driveUntil(world, END);
  process.stdout.write(`\n${summary(world, FUND)}\n`);
  aftermath = await liveThroughAftermath(world);
}, 300_000);

afterAll(() => contracts?.close());

describe("the fall of January 2021", () => {
  test("sees flags, renewals, clearings, reveals, take-overs in part and whole, write-offs and a fund that falls short", () => {
    const { tally } = world;
    for (const count of [tally.flags, tally.renewals, tally.cleared, tally.reveals, tally.trades])
      expect(count).toBeGreaterThan(0);
    expect(tally.takeOvers).toBeGreaterThan(20);
    expect(tally.cured).toBeGreaterThan(0);
    expect(tally.cured).toBeLessThan(tally.takeOvers);
    expect(tally.whole).toBeGreaterThan(0);
    expect(tally.writeOffs).toBeGreaterThan(tally.writeOffsWithoutLegs);
    expect(tally.writeOffsWithoutLegs).toBeGreaterThan(0);
    expect(tally.uncovered).toBeGreaterThan(0n);
    expect(tally.rewards).toBeGreaterThan(0n);
  });

  test("meets the refusals of rules and contracts, model and contract agreeing on each", () => {
    const { refused } = world.tally;
    for (const name of [
      "EpochNotAfterFlag",
      "RateAboveCurve",
      "RevealTooEarly",
      "WithdrawalsLocked",
      "liquidation.tooMuch",
      "liquidation.tooLittle",
    ]) {
      expect(refused.get(name), name).toBeGreaterThan(0);
    }
  });

  test("has a sample of its proofs judged by the circuits, with the model's verdict on each", () => {
    expect(world.tally.circuitStatements).toBeGreaterThan(15);
    expect(world.tally.circuitRefusals).toBeGreaterThan(2);
  });

  test("locks withdrawals for a day, then pays them in part, and in full after a recapitalisation", () => {
    expect(aftermath.paid).toBeLessThan(aftermath.asked);
    expect(aftermath.paid).toBeGreaterThan((aftermath.asked * 9n) / 10n);
  });

  test("passes an audit from chain data alone", async () => {
    const { accepted, checks } = await auditLedger(contracts.chain);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(accepted).toBe(true);
    expect(checks.map(({ name }) => name)).toContain("holdings of asset 1");
  }, 60_000);

  test("can be followed from the chain alone: queue, tree, and every account by the risk committee", async () => {
    const { chain } = contracts;
    const { history } = await readLedger(chain);
    expect(history.tree.root).toBe(world.history.tree.root);
    expect(history.tail).toBe(world.history.tail);
    expect([...history.spendings.keys()]).toEqual([...world.history.spendings.keys()]);
    const source = snapshotsOf(chain);
    const kept = new Map<bigint, ReturnType<SnapshotSource>>();
    const snapshots: SnapshotSource = (root) => {
      const snapshot = kept.get(root) ?? source(root);
      kept.set(root, snapshot);
      return snapshot;
    };
    const accounts = await followEscrow(history, COMMITTEE, snapshots);
    expect(accounts.map(({ note }) => note)).toEqual(world.people.map(({ note }) => note));
    expect(accounts.map(({ leafIndex }) => leafIndex)).toEqual(
      world.people.map(({ leafIndex }) => leafIndex),
    );
  }, 60_000);
});

describe("edges on the market of the lowest hour", () => {
  /** An account of the drive that still has positions, with cash for this equity; its rows and sizes stay. */
  function withEquity(person: Person, equity: bigint): Person {
    const { note } = person;
    const cash = note.cash + equity - standingOf(note, lowest.snapshot).equity;
    return { ...person, note: { ...note, cash } };
  }

  const marginOf = ({ note }: Person): bigint => standingOf(note, lowest.snapshot).margin.maintenance;

  /** Model and circuit give one verdict: the rule that refuses, undefined when both admit it. */
  async function verdict(
    target: Person,
    changes: { slice: bigint; rate: bigint },
  ): Promise<string | undefined> {
    const { snapshot } = lowest;
    const keeper = lowest.people.find(({ role }) => role === "keeper") as Person;
    const funded = {
      ...keeper,
      note: { ...keeper.note, cash: 1n << 55n, legs: target.note.legs.map(() => EMPTY_LEG) },
    };
    const request = { ...changes, restoration: RESTORATION, fee: 5n };
    const computed = computeTakeOver(target, funded, snapshot, request);
    let rule: string | undefined;
    try {
      checkTakeOver(computed, snapshot);
    } catch (error) {
      rule = (error as SolvusError).rule;
    }
    const tree = new StateTree();
    const notes = [target.note, funded.note].map(commitmentOf);
    tree.insertNode(0, [...notes, ...Array<bigint>(14).fill(0n)]);
    const placed = computeTakeOver(
      { ...target, leafIndex: 0n },
      { ...funded, leafIndex: 1n },
      snapshot,
      request,
    );
    const { circuit, input } = prepareTakeOver(placed, snapshot, {
      spendSecret: funded.secrets.spendSecret,
      state: { root: tree.root, targetPath: tree.path(0n), keeperPath: tree.path(1n) },
      context: 1n,
    });
    const refusedBy = await (await instance(circuit)).refusedBy(input);
    expect(refusedBy === undefined, `${refusedBy} and ${rule}`).toBe(rule === undefined);
    return rule;
  }

  const rate = WHOLE / 8n;

  /** The first account whose margin is at least 2,000 USDC. */
  const large = (): Person =>
    lowest.people.find((person) => person.role === "trader" && marginOf(person) > 4_000n * USDC) as Person;

  test("equity a micro-dollar around 0 and around the margin", async () => {
    const person = large();
    const margin = marginOf(person);
    for (const equity of [-margin, -1n, 0n, 1n, margin - 1n]) {
      const target = withEquity(person, equity);
      const { most } = sliceBounds(equity, margin, { rate, restoration: RESTORATION });
      expect(await verdict(target, { slice: most, rate }), `equity ${equity}`).toBeUndefined();
    }
    expect(await verdict(withEquity(person, margin), { slice: WHOLE / 2n, rate })).toBe(
      "liquidation.healthy",
    );
  });

  test("slices at their bounds, and a unit beyond", async () => {
    const person = large();
    const margin = marginOf(person);
    const equity = margin / 2n;
    const target = withEquity(person, equity);
    const { least, most } = sliceBounds(equity, margin, { rate, restoration: RESTORATION });
    expect(await verdict(target, { slice: least, rate })).toBeUndefined();
    expect(await verdict(target, { slice: least - 1n, rate })).toBe("liquidation.tooLittle");
    expect(await verdict(target, { slice: most, rate })).toBeUndefined();
    expect(await verdict(target, { slice: most + 1n, rate })).toBe("liquidation.tooMuch");
    // Without equity all of it may be taken.
    expect(await verdict(withEquity(person, -margin), { slice: WHOLE, rate })).toBeUndefined();
  });

  test("accounts of one lot are taken whole", async () => {
    const person = large();
    const legs = person.note.legs.map((leg, place) =>
      place === person.note.legs.findIndex(({ size }) => size !== 0n)
        ? { ...leg, size: leg.size < 0n ? -1n : 1n }
        : EMPTY_LEG,
    );
    const one = { ...person, note: { ...person.note, legs } };
    const margin = marginOf(one);
    expect(margin).toBeGreaterThan(0n);
    for (const equity of [margin - 1n, 0n, -3n]) {
      expect(
        await verdict(withEquity(one, equity), { slice: WHOLE, rate }),
        `equity ${equity}`,
      ).toBeUndefined();
      expect(await verdict(withEquity(one, equity), { slice: WHOLE - 1n, rate })).toBe(
        "liquidation.tooLittle",
      );
    }
  });
});
