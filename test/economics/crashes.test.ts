import { describe, expect, test } from "vitest";
import { discrepancy, liveThrough, type Outcome } from "../support/economics/crash.ts";
import { OTHERS, type ParameterSet, SHIPPED } from "../support/economics/parameterSets.ts";
import { crashOf, SHOCKS, type Shock, smallest } from "../support/economics/shocks.ts";
import { everybodyLeaves, TERRIBLE, terribly } from "../support/economics/terrible.ts";

/*
 * Crowds at their least margin in shocks of every kind. What the smallest ones are, `npm run bench -- --table economics` finds out; here are
 * sizes on either side of what docs/economics.md says.
 */

const named = (name: string): Shock => SHOCKS.find((shock) => shock.name === name) as Shock;
const parameters = (name: string): ParameterSet =>
  [...SHIPPED, ...OTHERS].find((set) => set.name === name) as ParameterSet;
const outcome = (shock: string, set: string, size: number): Outcome =>
  liveThrough(crashOf(named(shock), parameters(set), size));

/** Harmless and harmful sizes of a shock. */
const BRACKETS: readonly [shock: string, set: string, harmless: number, harmful: number][] = [
  ["gap", "BTC, calm (12%)", 0.15, 0.165],
  ["tether gap", "BTC, calm (12%)", 0.16, 0.175],
  ["basis gap", "another coin, calm (20%)", 0.023, 0.026],
];

describe("bad debt", () => {
  test.each(BRACKETS)("%s, %s: none at %f, some at %f", (shock, set, harmless, harmful) => {
    expect(outcome(shock, set, harmless).badDebt).toBe(0n);
    const harmed = outcome(shock, set, harmful);
    expect(harmed.badDebt).toBeGreaterThan(0n);
    expect(discrepancy(harmed)).toBe(0n);
  });

  test("comes of smaller shocks with weaker parameters, and of larger ones with stronger", () => {
    const broken = (set: string, size: number): boolean => outcome("gap", set, size).badDebt > 0n;
    expect(broken("weaker: floor 6%", 0.09)).toBe(true);
    expect(broken("weaker: initial margin = maintenance", 0.13)).toBe(true);
    expect(broken("BTC, calm (12%)", 0.15)).toBe(false);
    expect(broken("stronger: initial margin 1.75", 0.19)).toBe(false);
    expect(broken("stronger: floor 20%", 0.24)).toBe(false);
  });
});

describe("with the parameters that are shipped", () => {
  test.each(
    TERRIBLE.filter(({ shock }) => shock !== "basis gap").map(({ shock, size }, place) => ({
      shock,
      size,
      set: SHIPPED[place % SHIPPED.length] as ParameterSet,
    })),
  )(
    "$shock of $size, $set.name: the fund pays, or withdrawals lock before anybody leaves",
    ({ shock, size, set }) => {
      for (const fund of [0.02, 10]) {
        const found = terribly(shock, size, set, fund);
        const { uncovered, holdings, locked } = found;
        expect(discrepancy(found)).toBe(0n);
        expect(uncovered === 0n || 1_000n * uncovered <= holdings || locked).toBe(true);
        expect(found.badDebt).toBeGreaterThan(0n);
        if (fund === 10) expect(uncovered).toBe(0n);
        if (!locked) continue;
        const { waits, paid, share } = everybodyLeaves(found);
        expect(waits).toBe(86_400n);
        for (const one of paid) expect(one - share).toBeLessThanOrEqual(1n);
        for (const one of paid) expect(one).toBeGreaterThanOrEqual(share);
      }
    },
  );
});

describe("the search for the smallest shock", () => {
  test("finds the threshold of a rule that it knows, and says when there is none", () => {
    const range = { low: 0, high: 2, steps: 9, precision: 1e-6 };
    expect(smallest(range, (value) => value >= 0.7)).toBeCloseTo(0.7, 5);
    expect(smallest(range, () => false)).toBeUndefined();
    expect(smallest(range, (value) => value > 1.9999)).toBeCloseTo(1.9999, 4);
  });
});
