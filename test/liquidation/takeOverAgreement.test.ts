import { expect, test } from "vitest";
import { sliceBounds, takeOverPayments, WHOLE } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { request } from "../support/liquidationCircuit.ts";
import { randomFrom } from "../support/random.ts";
import { expectTakeOverAgreement, randomTakeOver } from "../support/takeOverAgreement.ts";

test("model and circuit agree on random take-overs", { timeout: 300_000 }, async () => {
  const verdicts = await expectTakeOverAgreement(36, 1);
  expect(verdicts.get("accepted")).toBeGreaterThan(9);
  for (const rule of ["healthy", "tooMuch", "tooLittle", "ratio"]) {
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
