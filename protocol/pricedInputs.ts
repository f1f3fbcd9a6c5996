import { AbiCoder, keccak256 } from "ethers";
import { ensure, SolvusError } from "./errors.ts";
import type { ExpiryInputs, MarketInputs } from "./marketInputs.ts";

/*
 * The prices among market inputs that the oracle aggregates on chain: the index of each underlying and the forward of each of its expiries.
 * A price has a key: place of the underlying times 2^54, plus 0 for the index or the expiry in milliseconds for a forward.
 */

/** Prices in micro-dollars for one unit, by ascending key. */
export interface PriceList {
  keys: bigint[];
  prices: bigint[];
}

const PLACE_WEIGHT = 1n << 54n;

const indexKey = (place: number): bigint => BigInt(place) * PLACE_WEIGHT;
const forwardKey = (place: number, expiry: number): bigint => indexKey(place) + BigInt(expiry);

/** Keccak-256 of a price list's ABI encoding: what the reporters sign for it. */
export function pricesHash({ keys, prices }: PriceList): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["uint64[]", "uint64[]"], [keys, prices]));
}

/** An expiry's forward: of the forwards that its quotes were observed at the middle one, the lower of two. */
function forwardOf(group: ExpiryInputs): number {
  const forwards = group.options.map(({ forward }) => forward).sort((first, second) => first - second);
  return forwards[Math.floor((forwards.length - 1) / 2)] as number;
}

/** The prices that inputs hold: what a reporter who sees the market so puts into its vector. */
export function pricesOf(inputs: MarketInputs): PriceList {
  const entries = inputs.underlyings.flatMap((underlying, place): [key: bigint, price: bigint][] => [
    [indexKey(place), BigInt(underlying.index)],
    ...underlying.expiries.map((group): [bigint, bigint] => [
      forwardKey(place, group.expiry),
      BigInt(forwardOf(group)),
    ]),
  ]);
  entries.sort(([first], [second]) => (first < second ? -1 : 1));
  return { keys: entries.map(([key]) => key), prices: entries.map(([, price]) => price) };
}

/**
 * The inputs with aggregated prices in the place of their own: each underlying's index, and one forward for all options of an expiry.
 * Refuses (`inputs.prices`) a list that lacks one of them or has others.
 */
export function withPrices(inputs: MarketInputs, list: PriceList): MarketInputs {
  const byKey = new Map(list.keys.map((key, place) => [key, list.prices[place] as bigint]));
  const take = (key: bigint, what: string): number => {
    const price = byKey.get(key);
    if (price === undefined)
      throw new SolvusError("inputs.prices", `prices have none for key ${key}, expected ${what}`);
    byKey.delete(key);
    return Number(price);
  };
  const underlyings = inputs.underlyings.map((underlying, place) => ({
    ...underlying,
    index: take(indexKey(place), `the index of ${underlying.name}`),
    expiries: underlying.expiries.map((group) => {
      const forward = take(forwardKey(place, group.expiry), `a forward of ${underlying.name}`);
      return { ...group, options: group.options.map((option) => ({ ...option, forward })) };
    }),
  }));
  const [unknown] = byKey.keys();
  ensure(
    unknown === undefined,
    "inputs.prices",
    `prices have key ${unknown}, expected an underlying or expiry of the inputs`,
  );
  return { ...inputs, underlyings };
}
