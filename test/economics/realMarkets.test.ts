import { describe, expect, test } from "vitest";
import { shippedCoin } from "../support/economics/collusion.ts";
import {
  type Crash,
  discrepancy,
  liveThrough,
  type MarketPath,
  THIN,
  USUAL,
} from "../support/economics/crash.ts";
import {
  between,
  hourlyPath,
  january,
  LIES,
  march,
  minutePath,
  sevenReporters,
  withLiar,
  worstLie,
} from "../support/economics/realMarkets.ts";
import { crowdAt } from "../support/economics/shocks.ts";

/* Crowds at their least margin in recorded markets, by the shipped parameters. */

/** A crowd long or short of a coin's perpetual, on a path. */
const crashOn = (
  coin: string,
  price: number,
  path: MarketPath,
  side: bigint,
  surroundings = USUAL,
): Crash => {
  const set = shippedCoin(coin, price, 0.6);
  return {
    set,
    start: "initial",
    path,
    surroundings,
    portfolios: (snapshot) => crowdAt(snapshot, set, side),
  };
};

describe("January 2021, each hour's move in one epoch", () => {
  const history = january();
  const hourOf = (day: number, hour: number): number =>
    history.rows.findIndex(({ time }) => time >= Date.UTC(2021, 0, day, hour));
  /** Before the fall of the 11th, in it, and before the rise of the 29th. */
  const starts = [hourOf(11, 0), hourOf(29, 5)];

  test.each(["BTC", "ETH"])("leaves no bad debt, long or short: %s", (coin) => {
    const column = history.names.indexOf(coin);
    let takeOvers = 0;
    for (const from of starts) {
      for (const side of [1n, -1n]) {
        const price = history.rows[from]?.prices[column] as number;
        const found = liveThrough(crashOn(coin, price, hourlyPath(history, coin, from, 12), side));
        expect(found.badDebt, `hour ${from}, side ${side}`).toBe(0n);
        expect(discrepancy(found)).toBe(0n);
        takeOvers += found.takeOvers;
      }
    }
    expect(takeOvers).toBeGreaterThan(10);
  });
});

describe("the weekend on which USDC lost its peg", () => {
  const file = march();
  const worst = between(file, 1_880, 1_960);

  test("leaves no bad debt, long or short, with a thin book", () => {
    const { path, first } = minutePath(between(file, 1_800, 1_980));
    for (const side of [1n, -1n])
      expect(liveThrough(crashOn("BTC", first, path, side, THIN)).badDebt).toBe(0n);
  });

  test("one of seven reporters moves the price by at most 2.2% in its worst hours, by any lie that is tried", () => {
    const { deviation, unpriced } = worstLie(sevenReporters(worst));
    expect(deviation).toBeGreaterThan(0);
    expect(deviation).toBeLessThan(0.022);
    expect(unpriced).toBe(0);
  });

  test("one of four sources is a second fault beside USDC, and then moves it by more than a margin", () => {
    // Why a deployment must have three dollar sources: this is what the contract's check of thin currencies refuses.
    expect(worstLie(worst).deviation).toBeGreaterThan(0.125);
  });

  test("the lies of one of seven liquidate nobody who has the initial margin and the move against him is less than its excess", () => {
    const seven = sevenReporters(worst);
    const honest = minutePath(seven);
    for (const side of [1n, -1n]) {
      const quiet = liveThrough(crashOn("BTC", honest.first, honest.path, side));
      expect(quiet.flags).toBe(0);
      for (const { name, lie } of LIES.filter((_, place) => place % 8 === 1)) {
        const { path, first } = minutePath(withLiar(seven, 3, lie));
        const found = liveThrough(crashOn("BTC", first, path, side));
        expect(found.takeOvers, name).toBe(0);
        expect(found.badDebt, name).toBe(0n);
      }
    }
  });
});
