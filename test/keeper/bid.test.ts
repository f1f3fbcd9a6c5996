import { describe, expect, test } from "vitest";
import { Q16 } from "../../protocol/constants.ts";
import { RESTORATION, WHOLE } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { type BidTerms, chooseBid, profitBound } from "../../services/keeper/bid.ts";
import { gasCost } from "../../services/keeper/coinPrice.ts";
import { keeperNote } from "../support/liquidationCircuit.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { noteWith, PERPETUAL, smallMarket } from "../support/syntheticMarket.ts";
import { GENEROUS, USD } from "./limits.ts";

/** A lot of the perpetual is worth $100 and has $10 of margin, whatever its price does. */
const snapshot = smallMarket(
  {},
  {
    perpetual: {
      fundingIndex: 0n,
      losses: Array<bigint>(16).fill(0n),
      longAddOn: 10n * USD,
      shortAddOn: 10n * USD,
    },
  },
);
const LOTS = 10_000n;
const MARGIN = 10n * LOTS * USD;
const RICH = 1_000_000n * USD;
const TEN_PERCENT = Q16 / 10n;

const TERMS: BidTerms = {
  permitted: TEN_PERCENT,
  restoration: RESTORATION,
  fund: { balance: RICH, rewardLeft: RICH },
  fee: 0n,
  gasCost: 0n,
  limits: GENEROUS,
  inventory: 0n,
};

const accountOf = (equity: bigint): Note =>
  noteWith(equity - LOTS * 100n * USD, [{ id: PERPETUAL, size: LOTS, fundingIndex: 0n }]);

function bid(equity: bigint, changes: Partial<BidTerms> = {}, keeperCash = RICH) {
  const terms = { ...TERMS, ...changes };
  const target = { note: accountOf(equity), leafIndex: 5n };
  const standing = { equity, maintenance: MARGIN };
  const keeper = { note: keeperNote(keeperCash), leafIndex: 6n };
  return { ...chooseBid(target, standing, keeper, snapshot, terms), bound: profitBound(standing, terms) };
}

const limits = (changes: Partial<typeof GENEROUS>) => ({ limits: { ...GENEROUS, ...changes } });
const rule = (name: string) => expect.objectContaining({ rule: name });

describe("a bid", () => {
  test("asks for what the auction permits, or the keeper's own highest rate, for as much as it can have", () => {
    const { plan, profit, bound } = bid(60_000n * USD);
    expect(plan.request.rate).toBe(TEN_PERCENT);
    expect(profit).toBe(plan.payment + plan.reward);
    expect(profit).toBeLessThanOrEqual(bound);
    const modest = bid(60_000n * USD, limits({ maxRate: 2_000n }));
    expect(modest.plan.request.rate).toBe(2_000n);
    expect(modest.profit).toBeLessThan(profit);
  });

  test("counts fee and gas, to the micro-dollar", () => {
    const { profit } = bid(60_000n * USD, { fee: 3n * USD, gasCost: 2n * USD });
    expect(bid(60_000n * USD).profit - profit).toBe(5n * USD);
    const atLeast = (minimumProfit: bigint) =>
      bid(60_000n * USD, { fee: 3n * USD, gasCost: 2n * USD, ...limits({ minimumProfit }) });
    expect(atLeast(profit).profit).toBe(profit);
    expect(() => atLeast(profit + 1n)).toThrow(rule("keeper.profit"));
  });

  test("takes no larger slice than it may, and none where the rules ask for a larger one", () => {
    const { plan } = bid(60_000n * USD, limits({ maxSlice: WHOLE / 4n }));
    expect(plan.request.slice).toBe(WHOLE / 4n);
    expect(() => bid(60_000n * USD, limits({ maxSlice: 100n }))).toThrow(rule("keeper.slice"));
  });

  test("carries no more margin than it may, with what its other accounts carry", () => {
    const within = bid(60_000n * USD, {
      inventory: 5_000n * USD,
      ...limits({ maxMarginInventory: 30_000n * USD }),
    });
    expect(within.plan.keeperMargin.maintenance).toBeLessThanOrEqual(25_000n * USD);
    expect(within.plan.keeperMargin.maintenance).toBeGreaterThan(24_990n * USD);
    expect(() =>
      bid(60_000n * USD, { inventory: 29_000n * USD, ...limits({ maxMarginInventory: 30_000n * USD }) }),
    ).toThrow(rule("keeper.inventory"));
  });

  test("asks for less where the fund cannot pay the reward of the highest rate", () => {
    // Equity of $1,000: at 5% of $100,000 the fund would owe up to $4,000 of reward.
    const { plan } = bid(1_000n * USD, { fund: { balance: RICH, rewardLeft: 1_500n * USD } });
    expect(plan.request.rate).toBeLessThan(TEN_PERCENT);
    expect(plan.reward).toBeGreaterThan(1_400n * USD);
    expect(plan.reward).toBeLessThanOrEqual(1_500n * USD);
  });

  test("earns nothing on a deficit that empties the fund, and is then left", () => {
    const poor = { fund: { balance: 10n * USD, rewardLeft: 1n * USD }, gasCost: 2n * USD };
    expect(() => bid(-5_000n * USD, poor)).toThrow(rule("keeper.profit"));
    expect(bid(-5_000n * USD, { ...poor, ...limits({ minimumProfit: -2n * USD }) }).plan).toMatchObject({
      payment: 0n,
      reward: 0n,
    });
  });

  test("writes an account without positions off at the price of the gas, if it is to", () => {
    const target = { note: noteWith(-500n * USD), leafIndex: 5n };
    const standing = { equity: -500n * USD, maintenance: 0n };
    const keeper = { note: keeperNote(0n), leafIndex: 6n };
    const terms = { ...TERMS, gasCost: 2n * USD };
    const { plan, profit } = chooseBid(target, standing, keeper, snapshot, terms);
    expect(plan).toMatchObject({ deficit: 500n * USD, reward: 0n, payment: 0n, cured: true });
    expect(profit).toBe(-2n * USD);
    const unwilling = { ...terms, ...limits({ writeOffs: false }) };
    expect(() => chooseBid(target, standing, keeper, snapshot, unwilling)).toThrow(rule("keeper.profit"));
  });
});

test("gas is priced by an underlying of the snapshot, or at a given price, rounded up", () => {
  const market = shortSnapshot();
  const gwei = 10n ** 9n;
  expect(gasCost(1_000_000n, 10n * gwei, 2_000n * USD, market)).toBe(20n * USD);
  expect(gasCost(1n, 1n, 2_000n * USD, market)).toBe(1n);
  const bitcoin = market.inputs.underlyings.find(({ name }) => name === "BTC")!;
  expect(gasCost(10n ** 9n, gwei, { underlying: "BTC" }, market)).toBe(BigInt(bitcoin.index));
  expect(() => gasCost(1n, 1n, { underlying: "XYZ" }, market)).toThrow(rule("keeper.coin"));
  expect(gasCost(0n, 1n, { underlying: "XYZ" }, market)).toBe(0n);
});
