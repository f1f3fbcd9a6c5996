import { describe, expect, test } from "vitest";
import {
  dustTrades,
  fundingTouches,
  impairedWithdrawals,
  slicedTakeOvers,
} from "../support/economics/dust.ts";

/*
 * Rounding is the only thing that could make money out of nothing. Each test searches for the largest sum that anybody gains by it, in exact
 * model arithmetic; all amounts are micro-USDC.
 */

const SEED = 1;

describe("rounding cannot be farmed", () => {
  test("by trades of single lots at the edges of the price band: two accounts own together what they paid in", () => {
    const { best, most, tried } = dustTrades(SEED, 20);
    expect(tried).toBeGreaterThan(80);
    expect(best).toBe(0n);
    // Many small gifts are not more than one large one.
    expect(most.split).toBeLessThanOrEqual(most.whole);
  });

  test("by touching a position whenever funding moves by a micro-dollar: the sum is that of one touch", () => {
    const { best, tried } = fundingTouches(SEED, 12);
    expect(tried).toBeGreaterThan(60);
    expect(best).toBe(0n);
  });

  test("by taking an account over in many slices: both together gain what the fund pays, and it pays no deficit twice", () => {
    const { best, deficitBeyondDebt, tried } = slicedTakeOvers(SEED, 60);
    expect(tried).toBeGreaterThan(60);
    expect(best).toBe(0n);
    expect(deficitBeyondDebt).toBeLessThanOrEqual(0n);
  });

  test("by withdrawing from an impaired ledger in pieces: no more is paid than at once", () => {
    const { best, tried } = impairedWithdrawals(SEED, 400);
    expect(tried).toBe(400);
    expect(best).toBeLessThanOrEqual(0n);
  });
});
