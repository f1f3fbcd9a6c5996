import { describe, expect, test } from "vitest";
import { CASH_BOUND, KIND, Q16 } from "../../protocol/constants.ts";
import type { Leg } from "../../protocol/leg.ts";
import {
  applyTakeOver,
  checkTakeOver,
  computeTakeOver,
  RESTORATION,
  sliceBounds,
  type TakeOver,
  type TakeOverRequest,
  WHOLE,
} from "../../protocol/liquidation.ts";
import { entityOf, type Note } from "../../protocol/note.ts";
import { buildRegistry } from "../../protocol/registryTree.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import {
  KEEPER_LEAF_INDEX,
  KEEPER_SECRETS,
  keeperNote,
  request,
  takeOverInputs,
} from "../support/liquidationCircuit.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  SECOND_PERPETUAL,
  SECRETS,
  SETTLED_OPTION,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { instance, LEAF_INDEX } from "../support/transitionCircuit.ts";

/*
 * Each rule of a take-over on its edge, in the model and in the circuit: what is just admitted by both, what is just refused, and where.
 */

const USD = 1_000_000n;
const RICH = 1_000_000n * USD;
const ZERO_LOSSES = Array<bigint>(16).fill(0n);

/** A market in which a lot of the perpetual is worth $100 and its margin is the given add-on, whatever its price does. */
const flatMarket = (addOn: bigint): Snapshot =>
  smallMarket(
    {},
    { perpetual: { fundingIndex: 0n, losses: ZERO_LOSSES, longAddOn: addOn, shortAddOn: addOn } },
  );

const lots = (size: bigint): Leg => ({ id: PERPETUAL, size, fundingIndex: 0n });

/** A note with one leg of the perpetual and the given equity, in a {@link flatMarket}. */
const noteAt = (equity: bigint, size: bigint): Note => noteWith(equity - size * 100n * USD, [lots(size)]);

function compute(
  target: Note,
  snapshot: Snapshot,
  asked: TakeOverRequest,
  keeper: Note = keeperNote(RICH),
): TakeOver {
  return computeTakeOver(
    { note: target, leafIndex: LEAF_INDEX },
    { note: keeper, leafIndex: KEEPER_LEAF_INDEX },
    snapshot,
    asked,
  );
}

/** The circuit's verdict: undefined, or the templates around the constraint that refuses and its line. */
async function refusal(takeOver: TakeOver, snapshot: Snapshot): Promise<string | undefined> {
  const circuit = await instance("liquidation.small");
  const { input } = takeOverInputs(takeOver, snapshot);
  return circuit.refused(input);
}

async function expectAdmitted(takeOver: TakeOver, snapshot: Snapshot): Promise<void> {
  expect(checkTakeOver(takeOver, snapshot)).toBe(takeOver);
  expect(await refusal(takeOver, snapshot)).toBeUndefined();
}

async function expectRefused(
  takeOver: TakeOver,
  snapshot: Snapshot,
  rule: string,
  template: string,
): Promise<void> {
  expect(() => checkTakeOver(takeOver, snapshot)).toThrow(expect.objectContaining({ rule }));
  expect(await refusal(takeOver, snapshot)).toContain(template);
}

describe("who may be liquidated", () => {
  // 1,000 lots with $10 of margin each: MM = $10,000.
  const snapshot = flatMarket(10n * USD);

  test("an account a micro-dollar below its maintenance margin is taken over; at it, it is healthy and refused", async () => {
    const below = noteAt(10_000n * USD - 1n, 1_000n);
    const { least } = sliceBounds(10_000n * USD - 1n, 10_000n * USD, request(0n));
    await expectAdmitted(compute(below, snapshot, request(least)), snapshot);
    await expectRefused(
      compute(noteAt(10_000n * USD, 1_000n), snapshot, request(least)),
      snapshot,
      "liquidation.healthy",
      "Liquidation > Range",
    );
  });

  test("a deficit of 2^60 - 1 is made good; one of 2^60 has no proof, and the model says so", async () => {
    const lost = (deficit: bigint): TakeOver => compute(noteAt(-deficit, -1_000n), snapshot, request(WHOLE));
    await expectAdmitted(lost(CASH_BOUND - 1n), snapshot);
    await expectRefused(lost(CASH_BOUND), snapshot, "liquidation.deficit", "TakeOverPayments > Range");
  });

  test("liquidating oneself with another account of one's entity is refused", async () => {
    const own = { ...keeperNote(RICH), entity: entityOf(SECRETS.entitySecret) };
    await expectRefused(
      compute(noteAt(5_000n * USD, 1_000n), snapshot, request(30_000n), own),
      snapshot,
      "liquidation.oneself",
      "oneself.out === 0",
    );
  });

  test("a keeper who is no member, or whose listing has expired, is refused", async () => {
    const circuit = await instance("liquidation.small");
    const keeper = entityOf(KEEPER_SECRETS.entitySecret);
    const takeOver = compute(noteAt(5_000n * USD, 1_000n), snapshot, request(30_000n));
    const listed = (entity: bigint, expiryEpoch: bigint) => buildRegistry([{ entity, expiryEpoch }]);
    const good = takeOverInputs(takeOver, snapshot, listed(keeper, snapshot.epoch));
    expect(await circuit.refusedBy(good.input)).toBeUndefined();

    expect(() => takeOverInputs(takeOver, snapshot, listed(keeper, snapshot.epoch - 1n))).toThrow(/expired/);
    expect(() => takeOverInputs(takeOver, snapshot, listed(keeper + 1n, 1n << 31n))).toThrow(/listed/);
    const other = listed(keeper + 1n, snapshot.epoch);
    expect(await circuit.refusedBy({ ...good.input, registryRoot: other.root })).toBe(
      "Liquidation > RequireMember",
    );
    const expired = listed(keeper, snapshot.epoch - 1n);
    const path = expired.path(keeper);
    expect(
      await circuit.refusedAt({
        ...good.input,
        registryRoot: expired.root,
        expiryEpoch: path.expiryEpoch,
        registryLevels: path.levels,
      }),
    ).toBe("enforced * (1 - membership.current) === 0;");
  });

  test("a keeper whose note holds a leg is refused", async () => {
    const holding = { ...keeperNote(RICH), legs: noteWith(0n, [lots(1n)]).legs };
    const takeOver = compute(noteAt(5_000n * USD, 1_000n), snapshot, request(30_000n), holding);
    await expectRefused(takeOver, snapshot, "liquidation.keeperLegs", "StateMembership");
  });
});

describe("how much may be taken", () => {
  const snapshot = flatMarket(10n * USD);
  const maintenance = 10_000n * USD;

  test("at most what restores 1 + b: over-liquidation by one unit of the slice is refused", async () => {
    for (const equity of [9_999n * USD, 5_000n * USD]) {
      const { most } = sliceBounds(equity, maintenance, request(0n, 3276n));
      expect(most).toBeLessThan(WHOLE);
      await expectAdmitted(compute(noteAt(equity, 1_000n), snapshot, request(most, 3276n)), snapshot);
      await expectRefused(
        compute(noteAt(equity, 1_000n), snapshot, request(most + 1n, 3276n)),
        snapshot,
        "liquidation.tooMuch",
        "SliceBounds > Range",
      );
    }
  });

  test("the most that may be taken restores the account to 1 + b, to within a lot", () => {
    const equity = 9_000n * USD;
    const { most } = sliceBounds(equity, maintenance, request(0n, 3276n));
    const { equityAfter, marginAfter } = compute(noteAt(equity, 1_000n), snapshot, request(most, 3276n));
    const goal = ((Q16 + RESTORATION) * marginAfter.maintenance) / Q16;
    expect(equityAfter).toBeLessThanOrEqual(goal + 11n * USD);
    expect(equityAfter).toBeGreaterThan(goal - 11n * USD);
  });

  test("dust slices: at least a quarter of what may be taken, a unit less is refused", async () => {
    for (const equity of [9_999n * USD, 2_000n * USD, 0n, -3_000n * USD]) {
      const { least } = sliceBounds(equity, maintenance, request(0n));
      await expectAdmitted(compute(noteAt(equity, 1_000n), snapshot, request(least)), snapshot);
      await expectRefused(
        compute(noteAt(equity, 1_000n), snapshot, request(least - 1n)),
        snapshot,
        "liquidation.tooLittle",
        "SliceBounds",
      );
    }
  });

  test("an account with less than 2,000 USDC of margin is taken whole, from there on in slices", async () => {
    const below = flatMarket(2_000n * USD - 1n);
    const at = flatMarket(2_000n * USD);
    const note = noteAt(1_000n * USD, 1n);
    await expectAdmitted(compute(note, below, request(WHOLE)), below);
    await expectRefused(
      compute(note, below, request(WHOLE - 1n)),
      below,
      "liquidation.tooLittle",
      "SliceBounds",
    );
    const { most } = sliceBounds(1_000n * USD, 2_000n * USD, request(0n));
    await expectAdmitted(compute(note, at, request(most)), at);
    await expectRefused(compute(note, at, request(WHOLE)), at, "liquidation.tooMuch", "SliceBounds");
  });

  test("a slice of 0, or of more than the whole, is refused", async () => {
    const note = noteAt(-3_000n * USD, 1_000n);
    await expectRefused(compute(note, snapshot, request(0n)), snapshot, "liquidation.slice", "Range");
    await expectRefused(compute(note, snapshot, request(WHOLE + 1n)), snapshot, "liquidation.slice", "Range");
    await expectAdmitted(compute(note, snapshot, request(WHOLE)), snapshot);
  });

  test("equity over margin of a solvent target never falls", async () => {
    // A quarter takes 2,500 of 10,000 lots, and 3 of the 10 that hedge them: what remains loses more than before.
    const hedge = smallMarket(
      {},
      {
        perpetual: { fundingIndex: 0n },
        option: { losses: Array.from({ length: 16 }, (_, s) => -1_125n * USD * BigInt(s - 8)) },
      },
    );
    const equity = 10_000n * USD;
    const note = noteWith(equity - 10_000n * 100n * USD + 10n * 30n * USD, [
      lots(10_000n),
      { id: OPTION, size: -10n, fundingIndex: 0n },
    ]);
    const takeOver = compute(note, hedge, request(16_384n, 0n));
    expect(takeOver.marginAfter.maintenance).toBeGreaterThan(takeOver.margin.maintenance);
    await expectRefused(takeOver, hedge, "liquidation.ratio", "Liquidation > Range");
  });
});

describe("what it costs whom", () => {
  const snapshot = flatMarket(10n * USD);
  const slice = 40_000n;

  test.each([
    ["E = 1", 1n],
    ["E = 0", 0n],
    ["E = -1", -1n],
    ["E far below 0", -25_000n * USD],
    ["E between the reward's floor and the payment", 300n * USD],
    ["E near MM", 9_000n * USD],
  ])("one formula, and conservation is an equality: %s", async (_, equity) => {
    const asked = request(equity > 5_000n * USD ? 12_000n : slice, 6553n, { fee: 123n });
    const takeOver = compute(noteAt(equity, 1_000n), snapshot, asked);
    await expectAdmitted(takeOver, snapshot);
    const { target, keeper, deficit, reward, payment } = takeOver;
    const worth = (note: Note): bigint =>
      note.cash + note.legs.reduce((sum, { size }) => sum + size * 100n * USD, 0n);
    expect(worth(target.after) + worth(keeper.after) + 123n).toBe(
      worth(target.before) + worth(keeper.before) + deficit + reward,
    );
    const held = (note: Note): bigint => note.legs.reduce((sum, { size }) => sum + size, 0n);
    expect(held(target.after) + held(keeper.after)).toBe(1_000n);
    expect(payment === 0n).toBe(equity <= 1n);
    expect(deficit === 0n).toBe(equity >= -1n);
  });

  test("payments are floored, so that rounding alone never makes the ratio fall: exact slices of a whale", async () => {
    // 2^20 lots: every slice is exact, and the margin falls by exactly the slice.
    const size = 1n << 20n;
    for (const equity of [1n, 7n, 1_000_003n]) {
      const takeOver = compute(noteAt(equity, size), snapshot, request(40_001n), keeperNote(100n * RICH));
      expect(takeOver.payment).toBe((40_001n * equity) >> 16n);
      await expectAdmitted(takeOver, snapshot);
    }
    expect(compute(noteAt(-1n, 1_000n), snapshot, request(slice)).deficit).toBe(0n);
  });

  test("the fund's reward counts with at most 5% whatever the rate, and with the rate below", () => {
    const at = (rate: bigint): bigint => compute(noteAt(0n, 1_000n), snapshot, request(WHOLE, rate)).reward;
    expect(at(3276n)).toBe((3276n * 10_000n * USD) >> 16n);
    expect(at(32_768n)).toBe(at(3276n));
    expect(at(1n)).toBe((10_000n * USD) >> 16n);
    expect(at(0n)).toBe(0n);
  });

  test("arranging E near 0 earns the target's friend no more than 5% of the margin", () => {
    for (const equity of [-2n * USD, -1n, 0n, 1n, 2n * USD, 499n * USD, 501n * USD]) {
      const { payment, reward, deficit } = compute(noteAt(equity, 1_000n), snapshot, request(WHOLE, 3276n));
      const gained = payment + reward + deficit - (equity > 0n ? equity : 0n) + (equity < 0n ? equity : 0n);
      expect(gained).toBeLessThanOrEqual((3276n * 10_000n * USD) >> 16n);
    }
  });

  test("an account without legs and with cash below 0 is written off by the fund", async () => {
    const takeOver = compute(noteWith(-77n * USD), snapshot, request(WHOLE));
    await expectAdmitted(takeOver, snapshot);
    expect(takeOver).toMatchObject({ deficit: 77n * USD, reward: 0n, payment: 0n, cured: true });
    expect(takeOver.target.after.cash).toBe(0n);
    expect(takeOver.keeper.after.cash).toBe(RICH);
  });

  test("a settled leg is paid out to the target before anything is taken", async () => {
    const market = flatMarket(10n * USD);
    const note = noteWith(-1_000n * 100n * USD, [
      lots(1_000n),
      { id: SETTLED_OPTION, size: 100n, fundingIndex: 0n },
    ]);
    const takeOver = compute(note, market, request(40_000n));
    expect(takeOver.equity).toBe(100n * 40n * USD);
    expect(takeOver.target.after.legs[1]?.size).toBe(0n);
    expect(takeOver.keeper.after.legs[1]?.size).toBe(0n);
    await expectAdmitted(takeOver, market);
  });

  test("one-lot legs of either sign are taken as whole lots, spot too", async () => {
    const market = smallMarket({}, { perpetual: { fundingIndex: 0n } });
    const note = noteWith(-195n * USD, [
      { id: SPOT, size: 1n, fundingIndex: 0n },
      lots(-1n),
      { id: OPTION, size: 1n, fundingIndex: 0n },
    ]);
    const takeOver = compute(note, market, request(WHOLE));
    expect(takeOver.keeper.after.legs.slice(0, 3).map(({ size }) => size)).toEqual([1n, -1n, 1n]);
    await expectAdmitted(takeOver, market);
  });
});

describe("the keeper afterwards", () => {
  const snapshot = flatMarket(10n * USD);
  const target = noteAt(-1n, 1_000n);

  test("meets the initial margin exactly, and is refused a micro-dollar below it", async () => {
    // All of 1,000 lots at $100: initial margin 1.3 × $10,000 (in Q16), paid for in cash, without reward.
    const asked = request(WHOLE, 0n);
    const required = (snapshot.imFactor * 10_000n * USD + Q16 - 1n) / Q16;
    await expectAdmitted(compute(target, snapshot, asked, keeperNote(required)), snapshot);
    await expectRefused(
      compute(target, snapshot, asked, keeperNote(required - 1n)),
      snapshot,
      "liquidation.keeperMargin",
      "Liquidation > Range",
    );
  });

  test("owes no net cash, however much its options are worth", async () => {
    const market = smallMarket();
    const note = noteWith(-30n * USD * 1_000n, [{ id: OPTION, size: 1_000n, fundingIndex: 0n }]);
    const cost = 30n * USD * 1_000n;
    await expectAdmitted(compute(note, market, request(WHOLE, 0n), keeperNote(cost)), market);
    await expectRefused(
      compute(note, market, request(WHOLE, 0n), keeperNote(cost - 1n)),
      market,
      "liquidation.keeperNetCash",
      "Liquidation > Range",
    );
  });

  test("holds against options that he owes what they would cost to buy back, and lends nothing of it", async () => {
    // Options held for $30,000 and others owed for as much: they cost a keeper nothing, and net cash counts those that are owed alone.
    const market = smallMarket({}, { second: { kind: KIND.option } });
    const note = noteWith(-1n, [
      { id: OPTION, size: 1_000n, fundingIndex: 0n },
      { id: SECOND_PERPETUAL, size: -600n, fundingIndex: 0n },
    ]);
    const owed = 30_000n * USD;
    await expectAdmitted(compute(note, market, request(WHOLE, 0n), keeperNote(owed)), market);
    await expectRefused(
      compute(note, market, request(WHOLE, 0n), keeperNote(owed - 1n)),
      market,
      "liquidation.keeperNetCash",
      "Liquidation > Range",
    );
  });

  test("applying refuses what checking refuses", () => {
    expect(() =>
      applyTakeOver(
        { note: noteAt(10_000n * USD, 1_000n), leafIndex: LEAF_INDEX },
        { note: keeperNote(RICH), leafIndex: KEEPER_LEAF_INDEX },
        snapshot,
        request(WHOLE),
      ),
    ).toThrow(/maintenance margin/);
  });
});
