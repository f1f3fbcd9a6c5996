import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { replayPrices } from "../../protocol/priceReplay.ts";
import { openRow } from "../../protocol/transition.ts";
import {
  dealAtRandom,
  giftsBy,
  givers,
  insightOf,
  shippedCoin,
  smallestPump,
} from "../support/economics/collusion.ts";
import { sellAndLetExpire } from "../support/economics/expiryLoan.ts";
import { simulatedSnapshot } from "../support/economics/market.ts";
import { january, march } from "../support/economics/realMarkets.ts";

/* Counterparties in agreement; docs/economics.md names the bounds and why they are what they are. */

const CHAIN = join(import.meta.dirname, "../../data/deribit-btc-options-2020-05-21.csv");
const { records } = parseOptionsCsv(readFileSync(CHAIN, "utf8"));
const snapshot = simulatedSnapshot(inputsFromChain(records));
/** The perpetual and every fortieth option of the chain, for searches that try each. */
const fewer = { ...snapshot, instruments: snapshot.instruments.filter((_, place) => place % 40 === 1) };

describe("gifts within the price band", () => {
  const { spotAlone, atInitialMargin } = givers(snapshot, "BTC");

  test.each([
    ["spot alone", spotAlone],
    ["a perpetual at its initial margin", atInitialMargin],
  ])(
    "move what could be withdrawn, or what frees more margin than it gives, by any instrument: from %s",
    (_, giver) => {
      const gifts = giftsBy(fewer, giver);
      expect(gifts.length).toBeGreaterThan(5);
      for (const { id, given, excess, excessBefore, meetsInitial, made, netCash } of gifts) {
        expect(made, `instrument ${id}`).toBe(0n);
        expect(meetsInitial || excess >= excessBefore, `instrument ${id}`).toBe(true);
        expect(netCash, `instrument ${id}`).toBeGreaterThanOrEqual(0n);
        expect(given).toBeGreaterThanOrEqual(0n);
      }
      expect(gifts.some(({ given }) => given > 0n)).toBe(true);
    },
  );

  test("borrow nothing by an option that is worth nothing, whose add-on when sold is a hundredth of the forward", () => {
    const worthless = snapshot.instruments.filter(
      ({ id, kind }) => kind === 3n && openRow(snapshot, id).row.mark < 10n,
    );
    expect(worthless.length).toBeGreaterThan(2);
    for (const gift of giftsBy({ ...snapshot, instruments: worthless.slice(0, 3) }, atInitialMargin)) {
      // At the edge of the band, 20,000 lots would let 5% of their forwards go: a million dollars.
      expect(gift.given).toBeLessThan(1_000_000_000_000n);
      expect(gift.netCash).toBeGreaterThanOrEqual(0n);
      expect(gift.meetsInitial || gift.excess >= gift.excessBefore).toBe(true);
    }
  });

  test("in any number of random trades and withdrawals of one epoch leave no account below its margin or in debt, and make nothing", () => {
    const { leastExcess, leastNetCash, gained, trades, withdrawals } = dealAtRandom(snapshot, "BTC", 3, 300);
    expect(trades).toBeGreaterThan(20);
    expect(withdrawals).toBeGreaterThan(2);
    expect(leastExcess).toBeGreaterThanOrEqual(0n);
    expect(leastNetCash).toBeGreaterThanOrEqual(0n);
    expect(gained).toBe(0n);
  });
});

describe("an option that is sold and left to expire", () => {
  // 100 BTC, nine hours before the expiry.
  test.each([10n, 100n, 900n])(
    "borrows nothing of its premium, however far in the money: %d lots",
    (lots) => {
      const sold = sellAndLetExpire(snapshot, "BTC", { collateral: 1_000n, lots, strike: "lowest" });
      expect(snapshot.debtLimit).toBe(0n);
      expect(sold.premium).toBeGreaterThan(lots * 100_000_000n);
      expect(sold.freeBefore).toBe(0n);
      // The forward hardly moves to the settlement: what was received is what is paid.
      expect(sold.freeAfter).toBe(sold.premium > sold.settlement ? sold.premium - sold.settlement : 0n);
      expect(sold.freeAfter * 100n).toBeLessThan(sold.premium);
    },
  );

  test("leaves its seller the whole premium when it expires worthless, and none of it before", () => {
    const sold = sellAndLetExpire(snapshot, "BTC", {
      collateral: 1_000n,
      lots: 100n,
      strike: "out of the money",
    });
    expect(sold.premium).toBeGreaterThan(0n);
    expect(sold).toMatchObject({ freeBefore: 0n, freeAfter: sold.premium, settlement: 0n });
  });
});

describe("both sides of everything, opened when the next price is known", () => {
  const history = january();

  test.each(["BTC", "ETH"])("bring nothing in any hour of January 2021, taken as one epoch: %s", (coin) => {
    const column = history.names.indexOf(coin);
    const prices = history.rows.map(({ prices: row }) => row[column] as number);
    const moves = prices.slice(1).map((price, hour) => ({ hour, factor: price / (prices[hour] as number) }));
    // The hours with the largest moves either way; smaller moves bring less.
    const largest = [...moves].sort((one, two) => one.factor - two.factor);
    const tried = [...largest.slice(0, 8), ...largest.slice(-8)];
    for (const { hour, factor } of tried) {
      const set = shippedCoin(coin, prices[hour] as number, 0.6);
      const { profit } = insightOf(set, { coin: factor, volatility: factor ** -2 }, 1, "initial");
      expect(profit, `hour ${hour}`).toBe(0n);
    }
  });

  test("bring nothing when an epoch is withheld as long as a snapshot is good, on the minutes of March 2023", () => {
    const prices = replayPrices(march()).epochs.map(({ price }) => price as number);
    // A snapshot is good for three minutes; posting may be delayed by half a minute more.
    const moves = prices.slice(4).map((price, row) => price / (prices[row] as number));
    const set = shippedCoin("BTC", 20_000, 0.6);
    for (const factor of [Math.min(...moves), Math.max(...moves)]) {
      const { profit, leastEquity } = insightOf(set, { coin: factor }, 4, "maintenance");
      expect(profit).toBe(0n);
      expect(leastEquity).toBeGreaterThan(0.5);
    }
  });

  test("bring the gap beyond the margin and nothing else: from 16.25% on with initial, from 12.5% with maintenance margin", () => {
    const set = shippedCoin("BTC", 40_000, 0.4);
    const bound = { initial: 0.1625, maintenance: 0.125 };
    for (const start of ["initial", "maintenance"] as const) {
      for (const sign of [1, -1]) {
        const at = (gap: number) => insightOf(set, { coin: 1 + sign * gap }, 1, start);
        expect(at(bound[start] - 0.001).profit, `${start} ${sign}`).toBe(0n);
        expect(at(bound[start] + 0.001).profit, `${start} ${sign}`).toBeGreaterThan(0n);
        // Of a notional of 100 lots of $400.
        expect(at(bound[start] + 0.05).profit).toBeLessThanOrEqual(2_000_000_000n);
      }
    }
  });
});

describe("driving a coin's own market up, against one's own short side", () => {
  test("pays only with a position of more than twenty-five times what moves the market by 1%", () => {
    const depth = 1_000_000;
    for (const [coin, price, times] of [
      ["BTC", 40_000, 25],
      ["ETH", 1_300, 32],
      ["ALT", 10, 45],
    ] as const) {
      const position = smallestPump(shippedCoin(coin, price, 0.4), depth);
      expect(position / depth, coin).toBeGreaterThan(times);
      // Beyond it pays: nothing hidden caps the open interest of a coin.
      expect(position / depth, coin).toBeLessThan(2 * times);
    }
  });
});
