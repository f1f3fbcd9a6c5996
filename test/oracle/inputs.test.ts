import { readFileSync } from "node:fs";
import { keccak256 } from "ethers";
import { describe, expect, test } from "vitest";
import { OPTION_CHAIN } from "../../cli/demo/market.ts";
import { aggregateInputs } from "../../protocol/aggregatedInputs.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { nextInputs } from "../../protocol/nextEpoch.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { type PostedSnapshot, rebuildSnapshot } from "../../protocol/postedSnapshot.ts";
import { type PriceList, pricesHash, pricesOf, withPrices } from "../../protocol/pricedInputs.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";

const quoted = inputsFromChain(parseOptionsCsv(readFileSync(OPTION_CHAIN, "utf8")).records);
const inputs = withPrices(quoted, pricesOf(quoted));
const list = pricesOf(inputs);
const rule = (name: string) => expect.objectContaining({ rule: name });

/** What a reporter sees when everything is moved by factors. */
function seen(prices: number, volatilities: number, fundingRate = 0): MarketInputs {
  const names = ["BTC", "USDT"];
  const all = (factor: number) => Object.fromEntries(names.map((name) => [name, factor]));
  return nextInputs(inputs, {
    time: inputs.time + 60_000,
    prices: all(prices),
    volatilities: all(volatilities),
    fundingRates: all(fundingRate),
  });
}

describe("prices of inputs", () => {
  test("are an index for each underlying and a forward for each expiry, by ascending key", () => {
    const place = 1n << 54n;
    const expiries = inputs.underlyings[0]?.expiries.map(({ expiry }) => BigInt(expiry)) ?? [];
    expect(list.keys).toEqual([0n, ...expiries, place]);
    expect(list.keys).toHaveLength(6);
    expect(list.prices[0]).toBe(BigInt(inputs.underlyings[0]?.index ?? 0));
    expect(list.prices[5]).toBe(1_000_000n);
  });

  test("come back out of the inputs that they were put into", () => {
    const other = { keys: list.keys, prices: list.prices.map((price) => price + 7n) };
    const priced = withPrices(inputs, other);
    expect(pricesOf(priced)).toEqual(other);
    expect(withPrices(priced, list)).toEqual(inputs);
    expect(pricesHash(other)).not.toBe(pricesHash(list));
  });

  test("are refused when one is lacking or too many", () => {
    const lacking = { keys: list.keys.slice(1), prices: list.prices.slice(1) };
    expect(() => withPrices(inputs, lacking)).toThrow(rule("inputs.prices"));
    const more = { keys: [...list.keys, 1n << 60n], prices: [...list.prices, 1n] };
    expect(() => withPrices(inputs, more)).toThrow(rule("inputs.prices"));
  });
});

describe("inputs from several reporters", () => {
  const views = [1, 1.001, 0.999, 1.0005, 0.9995].map((factor) => seen(factor, factor, factor - 1));
  const liars = [seen(3, 4, 1), seen(0.1, 0.2, -1)];
  const prices = pricesOf(views[0] as MarketInputs);

  test("have the oracle's prices and the medians of the rest, in whatever order they come", () => {
    const all = [...views, ...liars];
    const result = aggregateInputs(all, prices);
    expect(pricesOf(result)).toEqual(prices);
    const [own, middle] = [result, views[0] as MarketInputs].map(({ underlyings }) => underlyings[0]);
    expect(own?.perpetual).toEqual(middle?.perpetual);
    expect(own?.expiries).toEqual(middle?.expiries);
    // Of realized volatilities, which grow with any move, the fourth of seven.
    const realized = all.map(({ underlyings: [btc] }) =>
      btc?.scan.model === "volatile" ? btc.scan.realizedVolatility : 0,
    );
    expect(own?.scan).toMatchObject({ realizedVolatility: realized.sort((a, b) => a - b)[3] });
    expect(encodeInputs(aggregateInputs(all.toReversed(), prices))).toEqual(encodeInputs(result));
  });

  test("two liars of seven move nothing beyond what honest reporters saw", () => {
    for (const pair of [liars, [seen(5, 5, 1), seen(6, 6, 1)], [seen(0.1, 0.1, -1), seen(0.2, 0.2, -1)]]) {
      const result = aggregateInputs([...views, ...pair], prices);
      const marks = views.map(({ underlyings }) => underlyings[0]?.perpetual?.mark ?? 0);
      const mark = result.underlyings[0]?.perpetual?.mark;
      expect(mark).toBeGreaterThanOrEqual(Math.min(...marks));
      expect(mark).toBeLessThanOrEqual(Math.max(...marks));
      const volatilities = (view: MarketInputs) =>
        view.underlyings[0]?.expiries.flatMap(({ options }) => options.map((option) => option.volatility)) ??
        [];
      volatilities(result).forEach((volatility, place) => {
        const honest = views.map((view) => volatilities(view)[place] ?? 0);
        expect(volatility).toBeGreaterThanOrEqual(Math.min(...honest));
        expect(volatility).toBeLessThanOrEqual(Math.max(...honest));
      });
    }
  });

  test("are refused with another listing, parameter, epoch or settlement among them, and without any", () => {
    const [view] = views as [MarketInputs];
    const without = { ...view, underlyings: view.underlyings.slice(1) };
    expect(() => aggregateInputs([view, without], prices)).toThrow(rule("inputs.prices"));
    for (const other of [
      { ...view, priceBand: view.priceBand + 1 },
      { ...view, epoch: view.epoch + 1 },
      { ...view, underlyings: view.underlyings.map((one) => ({ ...one, concentrationUnits: 5 })) },
      { ...view, archives: [[{ id: 9_000, kind: 3 as const, fundingIndex: 0 }]] },
    ]) {
      expect(() => aggregateInputs([view, other], prices)).toThrow(rule("inputs.listing"));
    }
    expect(() => aggregateInputs([], prices)).toThrow(rule("inputs.views"));
  });
});

describe("a posted snapshot", () => {
  const bytes = encodeInputs(inputs);
  const snapshot = buildSnapshot(inputs);
  const posted: PostedSnapshot = {
    epoch: snapshot.epoch,
    time: BigInt(Math.floor(inputs.time / 1000)),
    root: snapshot.root,
    steady: true,
    inputsHash: keccak256(bytes),
    inputs: bytes,
    ...list,
    block: 1,
  };
  const changed = (change: (prices: PriceList) => PriceList): PostedSnapshot => ({
    ...posted,
    ...change(list),
  });

  test("is recomputed by anybody from the event's prices and bytes", () => {
    expect(rebuildSnapshot(posted).root).toBe(snapshot.root);
  });

  test("is refused when its inputs have another price than the oracle aggregated, in any place", () => {
    list.keys.forEach((_, place) => {
      const other = changed(({ keys, prices }) => ({
        keys,
        prices: prices.with(place, (prices[place] as bigint) + 1n),
      }));
      expect(() => rebuildSnapshot(other)).toThrow(rule("snapshot.prices"));
    });
  });

  test("is refused when a price is missing, or an option has a forward of its own", () => {
    const fewer = changed(({ keys, prices }) => ({ keys: keys.slice(0, -1), prices: prices.slice(0, -1) }));
    expect(() => rebuildSnapshot(fewer)).toThrow(rule("inputs.prices"));
    const own = encodeInputs(quoted);
    const root = buildSnapshot(quoted).root;
    const other = { ...posted, inputs: own, inputsHash: keccak256(own), root };
    expect(() => rebuildSnapshot(other)).toThrow(rule("snapshot.prices"));
  });
});
