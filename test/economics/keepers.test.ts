import { describe, expect, test } from "vitest";
import {
  falsePrices,
  farmFund,
  liquidateOneself,
  runOnLedger,
  waitingKeeper,
} from "../support/economics/keepers.ts";

/* Each test computes the best profit of a space of strategies; docs/economics.md names the bounds and why they are what they are. */

const USDC = 1_000_000n;

describe("self-liquidation", () => {
  test("makes nothing but what the fund pays, and the fund pays the debt, 5% of the margin, and 5% of what whole lots lay bare", () => {
    const { made, beyond, bound, tried } = liquidateOneself(1, 200);
    expect(tried).toBeGreaterThan(150);
    expect(made).toBe(0n);
    expect(beyond).toBeLessThanOrEqual(bound);
    // Hedges of a lot each are taken whole by any slice, so something is laid bare: the bound is needed.
    expect(beyond).toBeGreaterThan(0n);
    expect(bound).toBeLessThan(320n * USDC);
  });
});

describe("a keeper who alone can read an account", () => {
  test("earns by waiting at most the rate of the hour, of the margin, and never takes equity below 0", () => {
    const [now, minute, reveal, hour] = waitingKeeper([0n, 60n, 900n, 3_600n]);
    expect(now?.share).toBeLessThanOrEqual(0.05);
    expect(minute?.share).toBeLessThanOrEqual(0.067);
    expect(reveal?.share).toBeLessThanOrEqual(0.3);
    expect(hour?.share).toBeLessThanOrEqual(0.5);
    // The search is not idle: the bounds are nearly reached.
    expect(hour?.share).toBeGreaterThan(0.4);
    for (const { equityLeft } of [now, minute, reveal, hour].filter((found) => found !== undefined))
      expect(equityLeft).toBeGreaterThanOrEqual(0n);
  });
});

describe("false prices", () => {
  test("a false price of one epoch liquidates nobody, however false and whatever else is tried", () => {
    for (const deviation of [0.022, 0.1, 0.5]) {
      const { profit, patterns } = falsePrices(deviation, 101n, 1);
      expect(patterns).toBe(8);
      expect(profit).toBe(0n);
    }
  });

  test("two false epochs of what one liar can move take nothing from an account with its initial margin", () => {
    expect(falsePrices(0.022, 130n, 2).profit).toBe(0n);
    expect(falsePrices(0.022, 130n, 4).profit).toBe(0n);
  });

  test("two false epochs cost an account near its margin no more than the false move and the rate of eight minutes", () => {
    const [notional, margin] = [400_000n * USDC, 82_000n * USDC];
    for (const percent of [100n, 101n, 105n, 110n]) {
      const { profit, loss } = falsePrices(0.022, percent, 2);
      expect(profit).toBeLessThanOrEqual((notional * 22n) / 1_000n + (margin * 19n) / 100n);
      expect(profit).toBe(loss);
    }
    // A liar must move the price by more than the margin is above its least: the search finds that he can.
    expect(falsePrices(0.022, 101n, 2).profit).toBeGreaterThan(0n);
  });

  test("a flag on a healthy price does nothing: a flagged account that is healthy again loses nothing, whatever follows", () => {
    expect(falsePrices(0, 100n, 2).profit).toBe(0n);
    expect(falsePrices(0.022, 100n, 1).loss).toBe(0n);
  });
});

describe("the insurance fund", () => {
  test("gives a tenth of itself an epoch to whoever asks best, no more in any order", () => {
    const { inOneEpoch, left } = farmFund(1, 10);
    expect(inOneEpoch).toBeLessThanOrEqual(0.1 + 1e-12);
    expect(inOneEpoch).toBeGreaterThan(0.0999);
    expect(left).toBeGreaterThanOrEqual(0.9 ** 10 - 1e-9);
  });

  test("whoever leaves first gains at most what was uncovered when the lock was not yet due: a thousandth of the holdings", () => {
    const { best, holdings, tried } = runOnLedger();
    expect(tried).toBeGreaterThan(100);
    expect(best).toBeLessThanOrEqual(holdings / 1_000n);
    expect(best).toBeGreaterThan(0n);
  });
});
