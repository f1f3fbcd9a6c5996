import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { dealAtRandom, giftsBy, givers, insightOf, shippedCoin } from "../support/economics/collusion.ts";
import { discrepancy, liveThrough, USUAL } from "../support/economics/crash.ts";
import {
  dustTrades,
  fundingTouches,
  impairedWithdrawals,
  slicedTakeOvers,
} from "../support/economics/dust.ts";
import { falsePrices, liquidateOneself } from "../support/economics/keepers.ts";
import { simulatedSnapshot } from "../support/economics/market.ts";
import { SHIPPED } from "../support/economics/parameterSets.ts";
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
import { tableText, tryEverything } from "../support/economics/table.ts";
import { everybodyLeaves, TERRIBLE, terribly } from "../support/economics/terrible.ts";

/* The searches of this directory at length: every hour, every lie, every instrument, more seeds. */

const DATA = join(import.meta.dirname, "../../data");
const MINUTES = 60_000;
const SEEDS = [11, 12, 13, 14, 15, 16];

describe("at length", () => {
  test("the table of docs/economics.md is what the simulation gives", { timeout: 30 * MINUTES }, () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/economics.md"), "utf8");
    expect(document).toContain(tableText(tryEverything()).join("\n"));
  });

  test.each(SHIPPED)(
    "$name: the fund pays or withdrawals lock, in every terrible shock",
    { timeout: 5 * MINUTES },
    (set) => {
      for (const { shock, size } of TERRIBLE) {
        for (const fund of [0, 0.02, 0.5, 10]) {
          const found = terribly(shock, size, set, fund);
          const { uncovered, holdings, locked } = found;
          expect(discrepancy(found)).toBe(0n);
          expect(uncovered === 0n || 1_000n * uncovered <= holdings || locked, `${shock} ${fund}`).toBe(true);
          if (!locked) continue;
          const { paid, share } = everybodyLeaves(found);
          for (const one of paid) expect(one - share).toBeLessThanOrEqual(1n);
        }
      }
    },
  );

  test.each(["BTC", "ETH"])(
    "every day of January 2021 from every sixth hour, long and short: %s",
    { timeout: 10 * MINUTES },
    (coin) => {
      const history = january();
      const column = history.names.indexOf(coin);
      for (let from = 0; from + 24 < history.rows.length; from += 6) {
        const price = history.rows[from]?.prices[column] as number;
        const set = shippedCoin(coin, price, 0.6);
        for (const side of [1n, -1n]) {
          const path = hourlyPath(history, coin, from, 24);
          const found = liveThrough({
            set,
            start: "initial",
            path,
            surroundings: USUAL,
            portfolios: (snapshot) => crowdAt(snapshot, set, side),
          });
          expect(found.badDebt, `hour ${from}, side ${side}`).toBe(0n);
          expect(discrepancy(found)).toBe(0n);
        }
      }
    },
  );

  test.each(["BTC", "ETH"])(
    "every hour of January 2021 known beforehand brings nothing: %s",
    { timeout: 5 * MINUTES },
    (coin) => {
      const history = january();
      const column = history.names.indexOf(coin);
      history.rows.slice(1).forEach(({ prices }, hour) => {
        const before = history.rows[hour]?.prices[column] as number;
        const factor = (prices[column] as number) / before;
        const set = shippedCoin(coin, before, 0.6);
        const { profit } = insightOf(set, { coin: factor, volatility: factor ** -2 }, 1, "initial");
        expect(profit, `hour ${hour}`).toBe(0n);
      });
    },
  );

  test("every lie of one of seven reporters in every minute of the weekend moves the price by less than 2.5%", {
    timeout: 5 * MINUTES,
  }, () => {
    const { deviation, unpriced } = worstLie(sevenReporters(march()));
    expect(deviation).toBeLessThan(0.025);
    expect(unpriced).toBe(0);
  });

  test("every lie of every one of seven liquidates nobody at the initial margin while USDC falls", {
    timeout: 10 * MINUTES,
  }, () => {
    const seven = sevenReporters(between(march(), 1_880, 1_960));
    const set = shippedCoin("BTC", 20_000, 0.6);
    for (const liar of seven.sources.keys()) {
      for (const { name, lie } of LIES) {
        const { path, first } = minutePath(withLiar(seven, liar, lie));
        for (const side of [1n, -1n]) {
          const found = liveThrough({
            set: { ...set, price: first },
            start: "initial",
            path,
            surroundings: USUAL,
            portfolios: (snapshot) => crowdAt(snapshot, set, side),
          });
          expect(found.takeOvers, `${liar} ${name}`).toBe(0);
        }
      }
    }
  });

  test.each(SEEDS)("rounding and self-liquidation with seed %i", { timeout: 5 * MINUTES }, (seed) => {
    const trades = dustTrades(seed, 400);
    expect(trades.best).toBe(0n);
    expect(trades.most.split).toBeLessThanOrEqual(trades.most.whole);
    expect(fundingTouches(seed, 200).best).toBe(0n);
    const sliced = slicedTakeOvers(seed, 600);
    expect(sliced.best).toBe(0n);
    expect(sliced.deficitBeyondDebt).toBeLessThanOrEqual(0n);
    expect(impairedWithdrawals(seed, 5_000).best).toBeLessThanOrEqual(0n);
    const { made, beyond, bound } = liquidateOneself(seed, 2_000);
    expect(made).toBe(0n);
    expect(beyond).toBeLessThanOrEqual(bound);
  });

  test("false prices in every pattern of up to five epochs, at every distance from the margin", {
    timeout: 5 * MINUTES,
  }, () => {
    const [notional, margin] = [400_000_000_000n, 82_000_000_000n];
    for (let epochs = 1; epochs <= 5; epochs++) {
      for (let percent = 100n; percent <= 130n; percent += 2n) {
        const { profit } = falsePrices(0.022, percent, epochs);
        if (epochs === 1) expect(profit).toBe(0n);
        expect(profit).toBeLessThanOrEqual((notional * 22n) / 1_000n + (margin * 19n) / 100n);
      }
    }
  });

  const { records } = parseOptionsCsv(readFileSync(join(DATA, "deribit-btc-options-2020-05-21.csv"), "utf8"));
  const snapshot = simulatedSnapshot(inputsFromChain(records));

  test("gifts by way of every instrument of the chain", { timeout: 10 * MINUTES }, () => {
    for (const giver of Object.values(givers(snapshot, "BTC"))) {
      for (const { id, excess, excessBefore, meetsInitial, made, netCash } of giftsBy(snapshot, giver)) {
        expect(made, `instrument ${id}`).toBe(0n);
        expect(meetsInitial || excess >= excessBefore, `instrument ${id}`).toBe(true);
        expect(netCash, `instrument ${id}`).toBeGreaterThanOrEqual(0n);
      }
    }
  });

  test.each(SEEDS)("random dealings with seed %i", { timeout: 5 * MINUTES }, (seed) => {
    const { leastExcess, leastNetCash, gained } = dealAtRandom(snapshot, "BTC", seed, 3_000);
    expect(leastExcess).toBeGreaterThanOrEqual(0n);
    expect(leastNetCash).toBeGreaterThanOrEqual(0n);
    expect(gained).toBe(0n);
  });
});
