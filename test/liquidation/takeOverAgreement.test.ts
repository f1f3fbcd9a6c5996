import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import {
  checkTakeOver,
  computeTakeOver,
  sliceBounds,
  type TakeOver,
  takeOverPayments,
  WHOLE,
} from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "../support/liquidationCircuit.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { randomMarket, randomNote } from "../support/syntheticMarket.ts";
import { instance, LEAF_INDEX } from "../support/transitionCircuit.ts";

const USD = 1_000_000n;

/** A take-over of a random account, which is insolvent more often than not, by a slice near one of its bounds or anywhere. */
function randomTakeOver(random: Random): {
  takeOver: TakeOver;
  snapshot: Parameters<typeof checkTakeOver>[1];
} {
  const { snapshot, rows } = randomMarket(random, 3);
  let note: Note = randomNote(random, rows, 5);
  const { equity, margin } = standingOf(note, snapshot);
  // Most often move the cash so that the equity lies between -MM and a little above MM.
  if (random.chance(9, 10)) {
    const goal = random.between(-margin.maintenance, margin.maintenance + margin.maintenance / 20n + 1n);
    note = { ...note, cash: note.cash + goal - equity };
  }
  const rate = random.pick([0n, 3276n, random.between(0n, 32_768n)]);
  const standing = standingOf(note, snapshot);
  const insolvent = standing.equity < standing.margin.maintenance;
  const bounds = insolvent
    ? sliceBounds(standing.equity, standing.margin.maintenance, request(0n, rate))
    : { least: 1n, most: WHOLE };
  const slice = random.pick([
    bounds.least,
    bounds.most,
    bounds.most,
    bounds.most + 1n,
    bounds.least - 1n,
    random.between(bounds.least, bounds.most),
    random.between(1n, WHOLE),
  ]);
  const takeOver = computeTakeOver(
    { note, leafIndex: LEAF_INDEX },
    {
      note: keeperNote(random.pick([5_000_000n, random.between(0n, 2_000_000n)]) * USD),
      leafIndex: KEEPER_LEAF_INDEX,
    },
    snapshot,
    request(slice, rate, { fee: random.between(0n, 5_000_000n) }),
  );
  return { takeOver, snapshot };
}

function verdictOf({ takeOver, snapshot }: ReturnType<typeof randomTakeOver>): string {
  try {
    checkTakeOver(takeOver, snapshot);
    return "accepted";
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
}

test("model and circuit agree on random take-overs", { timeout: 300_000 }, async () => {
  const circuit = await instance("liquidation.small");
  const verdicts = new Map<string, number>();
  for (let seed = 1; seed <= 90; seed++) {
    const random = randomTakeOver(randomFrom(seed));
    const model = verdictOf(random);
    const refused = await circuit.refusedBy(takeOverInputs(random.takeOver, random.snapshot).input);
    expect(
      refused === undefined,
      `seed ${seed}: model says ${model}, circuit says ${refused ?? "accepted"}`,
    ).toBe(model === "accepted");
    verdicts.set(model, (verdicts.get(model) ?? 0) + 1);
  }
  expect(verdicts.get("accepted")).toBeGreaterThan(15);
  for (const rule of ["healthy", "tooMuch", "tooLittle"]) {
    expect(verdicts.get(`liquidation.${rule}`), rule).toBeGreaterThan(0);
  }
});

test("a take-over conserves value and every position, over random accounts", () => {
  for (let seed = 1_000; seed < 1_200; seed++) {
    const { takeOver, snapshot } = randomTakeOver(randomFrom(seed));
    const { target, keeper, deficit, reward, request: asked } = takeOver;
    const equityOf = (note: Note): bigint => standingOf(note, snapshot).equity;
    expect(equityOf(target.after) + equityOf(keeper.after) + asked.fee).toBe(
      equityOf(target.before) + equityOf(keeper.before) + deficit + reward,
    );
    for (const leg of takeOver.legs) {
      const held = (note: Note): bigint => note.legs.find(({ id }) => id === leg.id)?.size ?? 0n;
      if (leg.id !== 0n) expect(held(target.after) + held(keeper.after)).toBe(leg.live);
    }
  }
});

test("the formula: at every equity there is a slice, and a take-over never costs the target more than it has", () => {
  const random = randomFrom(77);
  for (let round = 0; round < 3_000; round++) {
    const maintenance = random.between(1n, 1_000_000_000_000n);
    const equity = random.between(-2n * maintenance, maintenance - 1n);
    const terms = request(0n, random.between(0n, 32_768n));
    const { least, most } = sliceBounds(equity, maintenance, terms);
    expect(least).toBeGreaterThan(0n);
    expect(most).toBeGreaterThanOrEqual(least);
    expect(most).toBeLessThanOrEqual(WHOLE);
    const slice = random.between(least, most);
    const { payment, deficit, reward } = takeOverPayments(equity, maintenance, { ...terms, slice });
    if (equity >= 0n) expect([payment <= equity, deficit]).toEqual([true, 0n]);
    else expect([payment, deficit <= -equity]).toEqual([0n, true]);
    expect(reward).toBeLessThanOrEqual((3276n * maintenance) >> 16n);
  }
});
