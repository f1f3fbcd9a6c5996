import { describe, expect, test } from "vitest";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import {
  type ExpiryInputs,
  type MarketInputs,
  type UnderlyingInputs,
  usedIds,
} from "../../protocol/marketInputs.ts";
import { settlementValue } from "../../protocol/nextEpoch.ts";
import { pricesOf } from "../../protocol/pricedInputs.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import type { Seen } from "../../services/oracle/source.ts";
import { type EpochBase, viewOf } from "../../services/oracle/view.ts";
import { ruleOf } from "../support/rule.ts";

const TIME = Date.UTC(2021, 0, 10, 7, 0) / 1000;
const MINUTE = 60_000;
const EXPIRY = Date.UTC(2021, 0, 10, 8);
const LATER = Date.UTC(2021, 0, 29, 8);

/** What a source shows at a time, with these forwards of the first expiry. */
function seenAt(time: number, forward = 40_000): Seen {
  const options = (expiry: number) => ({
    expiry,
    forward: { price: forward, tradedAt: time },
    options: [true, false].map((call) => ({ strike: 39_000, call, volatility: 0.8, time: time * 1000 })),
  });
  return {
    BTC: {
      index: { price: 40_000, tradedAt: time },
      realizedVolatility: 0.9,
      perpetual: { mark: 40_010, fundingRate: 0.0008 },
      expiries: [options(EXPIRY), options(LATER)],
    },
    USDT: { index: { price: 1, tradedAt: time } },
  };
}

const first = firstInputs(seenAt(TIME), TIME);
const base: EpochBase = { inputs: first, isFirst: false };
const underlying = (inputs: MarketInputs, name = "BTC") =>
  inputs.underlyings.find((candidate) => candidate.name === name)!;

describe("the market to begin with", () => {
  test("lists spot, perpetual and options of what is shown, and makes a snapshot", () => {
    expect(first.epoch).toBe(1);
    const [bitcoin, tether] = first.underlyings;
    expect(bitcoin).toMatchObject({
      name: "BTC",
      spot: { id: 1 },
      perpetual: { id: 2, mark: 40_010_000_000 },
    });
    expect(bitcoin!.expiries.map(({ options }) => options.map(({ id }) => id))).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(tether).toMatchObject({ name: "USDT", scan: { model: "stable" }, spot: { id: 7 } });
    expect(tether!.perpetual).toBeUndefined();
    expect(buildSnapshot(first).instruments).toHaveLength(7);
  });

  test("is refused when nothing is shown", () => {
    expect(ruleOf(() => firstInputs({ BTC: {} }, TIME))).toBe("source.empty");
  });

  test("as reporters see it first has epoch 1 and nothing before", () => {
    const view = viewOf({ inputs: first, isFirst: true }, seenAt(TIME + 60, 41_000), (TIME + 60) * 1000);
    expect(view.inputs).toMatchObject({ epoch: 1, previousTime: 0, time: (TIME + 60) * 1000 });
    expect(underlying(view.inputs).perpetual!.fundingIndex).toBe(0);
    expect(underlying(view.inputs).scan).toMatchObject({ previousRange: 0 });
  });
});

describe("a reporter's view of the next epoch", () => {
  const later = TIME + 60;

  test("has what the source shows, and funding for the time since", () => {
    const view = viewOf(base, seenAt(later, 40_500), later * 1000);
    const bitcoin = underlying(view.inputs);
    expect(view.inputs).toMatchObject({ epoch: 2, previousTime: first.time });
    expect(bitcoin.index).toBe(40_000_000_000);
    // 0.08% of $400.10 a lot for a minute of eight hours.
    expect(bitcoin.perpetual!.fundingIndex).toBe(Math.round((40_010_000_000 * 0.01 * 0.0008) / 480));
    expect(bitcoin.scan).toMatchObject({ realizedVolatility: 900_000 });
    expect((bitcoin.scan as { previousRange: number }).previousRange).toBeGreaterThan(0);
    expect(view.list.prices).toEqual([40_000_000_000n, 40_500_000_000n, 40_500_000_000n, 1_000_000n]);
    expect(view.list.keys).toEqual(pricesOf(view.inputs).keys);
    expect(view.tradedAt).toEqual([later, later, later, later].map(BigInt));
    expect(encodeInputs(view.inputs).length).toBeGreaterThan(0);
  });

  test("keeps what was before where the source shows nothing, and says so in its prices", () => {
    const view = viewOf(base, { USDT: seenAt(later).USDT! }, later * 1000);
    const bitcoin = underlying(view.inputs);
    expect(view.list.prices).toEqual([0n, 0n, 0n, 1_000_000n]);
    expect(view.tradedAt).toEqual([0n, 0n, 0n, BigInt(later)]);
    expect(bitcoin.index).toBe(underlying(first).index);
    expect(bitcoin.perpetual).toEqual(underlying(first).perpetual);
    expect(bitcoin.expiries[1]!.options).toEqual(underlying(first).expiries[1]!.options);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e9])("takes a price of %s for none", (price) => {
    const seen = seenAt(later);
    seen.BTC!.index = { price, tradedAt: later };
    const { list, tradedAt } = viewOf(base, seen, later * 1000);
    expect([list.prices[0], tradedAt[0]]).toEqual([0n, 0n]);
  });

  test("takes a volatility that is none for that of before, and bounds a rate of funding", () => {
    const seen = seenAt(later);
    seen.BTC!.realizedVolatility = Number.NaN;
    seen.BTC!.perpetual = { mark: 40_000, fundingRate: 7 };
    const bitcoin = underlying(viewOf(base, seen, later * 1000).inputs);
    expect(bitcoin.scan).toMatchObject({ realizedVolatility: 900_000 });
    expect(bitcoin.perpetual!.fundingIndex).toBe(Math.round((40_010_000_000 * 0.01 * 0.05) / 480));
  });

  test("is refused at a time that is not later", () => {
    expect(ruleOf(() => viewOf(base, seenAt(TIME), TIME * 1000))).toBe("oracle.time");
  });
});

describe("settlement", () => {
  /** Epochs a minute apart, from one hour before the expiry to `until`; forwards go up by a dollar an epoch. */
  function run(until: number, step = MINUTE): MarketInputs[] {
    const epochs = [first];
    for (let time = first.time + step; time <= until; time += step) {
      const forward = 40_000 + epochs.length;
      const inputs = epochs.at(-1) as MarketInputs;
      epochs.push(viewOf({ inputs, isFirst: false }, seenAt(time / 1000, forward), time).inputs);
    }
    return epochs;
  }

  test("counts the forwards of thirty epochs, and pays by their mean", () => {
    const epochs = run(EXPIRY);
    const before = epochs.at(-2) as MarketInputs;
    const { settlement } = underlying(before).expiries[0]!;
    // Epochs 30 to 58 of the hour are in the mean, 59 is the thirtieth.
    expect(settlement).toEqual({ observed: 29, mean: 40_044_000_000 });
    const after = underlying(epochs.at(-1) as MarketInputs);
    expect(after.expiries.map(({ expiry }) => expiry)).toEqual([LATER]);
    const mean = 40_044_500_000;
    expect(after.settled).toEqual([
      { id: 3, kind: 3, fundingIndex: -settlementValue(39_000_000_000, true, -2, mean) },
      { id: 4, kind: 3, fundingIndex: 0 },
    ]);
    expect(underlying(epochs[29] as MarketInputs).expiries[0]!.settlement).toBeUndefined();
    expect(underlying(epochs[31] as MarketInputs).expiries[0]!.settlement).toEqual({
      observed: 1,
      mean: 40_030_000_000,
    });
  });

  test("is by the last forward when no epoch was in the window", () => {
    const [, settled] = run(EXPIRY + MINUTE, 61 * MINUTE) as [MarketInputs, MarketInputs];
    expect(underlying(settled).settled[0]!.fundingIndex).toBe(
      -settlementValue(39_000_000_000, true, -2, 40_000_000_000),
    );
  });

  test("does not depend on what a reporter sees", () => {
    const inputs = run(EXPIRY - MINUTE).at(-1) as MarketInputs;
    const settle = (seen: Seen) =>
      underlying(viewOf({ inputs, isFirst: false }, seen, EXPIRY).inputs).settled;
    expect(settle({})).toEqual(settle(seenAt(EXPIRY / 1000, 99_000)));
  });

  test("goes on with more epochs in the window than thirty", () => {
    const epochs = run(EXPIRY, MINUTE / 2);
    const { settlement } = underlying(epochs.at(-2) as MarketInputs).expiries[0]!;
    expect(settlement!.observed).toBe(29);
    expect(underlying(epochs.at(-1) as MarketInputs).settled).toHaveLength(2);
  });
});

describe("new listings", () => {
  const time = first.time + MINUTE;
  const bitcoin = underlying(first);
  const [near, far] = bitcoin.expiries as [ExpiryInputs, ExpiryInputs];
  const option = far.options[0]!;
  const ether: UnderlyingInputs = {
    ...bitcoin,
    name: "ETH",
    index: 1_200_000_000,
    spot: { id: 20, lotExponent: -1 },
    perpetual: { id: 21, lotExponent: -1, mark: 1_200_000_000, fundingIndex: 0 },
    expiries: [],
  };
  const LATEST = LATER + 7 * 86_400_000;
  const market: MarketInputs = {
    ...first,
    time,
    underlyings: [
      ether,
      {
        ...bitcoin,
        expiries: [
          near,
          {
            ...far,
            options: [
              { ...option, strike: 1 },
              { ...option, id: 22, strike: 50_000_000_000 },
            ],
          },
          { ...far, expiry: LATEST, options: [{ ...option, id: 23 }] },
          { ...far, expiry: time, options: [{ ...option, id: 24 }] },
        ],
      },
    ],
  };
  const listed = (at: number, before = first) =>
    viewOf({ inputs: before, isFirst: false, market }, seenAt(at / 1000), at).inputs;

  test("are there from the market's time on, beside all that was listed", () => {
    expect(usedIds(listed(time - 1_000))).toEqual(usedIds(first));
    const inputs = listed(time);
    expect(inputs.underlyings.map(({ name }) => name)).toEqual(["BTC", "USDT", "ETH"]);
    expect(usedIds(inputs).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 20, 21, 22, 23]);
    expect(underlying(inputs).expiries.map(({ expiry }) => expiry)).toEqual([EXPIRY, LATER, LATEST]);
    expect(underlying(inputs).expiries[1]!.options[0]).toMatchObject({
      id: option.id,
      strike: option.strike,
    });
    expect(underlying(inputs, "ETH").scan).toMatchObject({ previousRange: 0 });
    expect(buildSnapshot(inputs).instruments).toHaveLength(11);
  });

  test("are listed once: the next epochs keep them as they are", () => {
    const once = listed(time);
    const twice = listed(time + MINUTE, once);
    expect(usedIds(twice)).toEqual(usedIds(once));
  });

  test("do not bring settled options back", () => {
    const settled = listed(EXPIRY, listed(time));
    expect(underlying(settled).settled.map(({ id }) => id)).toEqual([3, 4]);
    expect(underlying(settled).expiries.map(({ expiry }) => expiry)).toEqual([LATER, LATEST]);
  });
});
