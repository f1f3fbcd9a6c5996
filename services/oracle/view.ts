import { SolvusError } from "../../protocol/errors.ts";
import { MICRO, roundNearest } from "../../protocol/fixedPoint.ts";
import {
  checkInputs,
  type ExpiryInputs,
  type MarketInputs,
  type OptionQuote,
  type UnderlyingInputs,
} from "../../protocol/marketInputs.ts";
import { carriedScan, fundingPayment } from "../../protocol/nextEpoch.ts";
import { PRICE_BOUND } from "../../protocol/priceAggregation.ts";
import { type PriceList, pricesOf } from "../../protocol/pricedInputs.ts";
import { withListings } from "./listings.ts";
import { withSettlements } from "./settlement.ts";
import type { Seen, SeenExpiry, SeenPrice, SeenUnderlying } from "./source.ts";

/*
 * A reporter's view of the next epoch: the listings of the epoch before, in which expiries that have come are settled, and what its source
 * shows now. Everything but the numbers that are observed follows from the epoch before, so all reporters have it the same.
 */

/** The epoch that reporters observe. */
export interface EpochBase {
  /** Inputs of the epoch before; of a market to be opened, its listings and first numbers. */
  inputs: MarketInputs;
  /** Whether there is no epoch before. */
  isFirst: boolean;
  /** What is to be listed anew from its time on. */
  market?: MarketInputs;
}

/** A view, and the prices that go into the reporter's vector. */
export interface ReporterView {
  /** With the numbers of the epoch before where the source has none now. */
  inputs: MarketInputs;
  /** 0 where the source has none now. */
  list: PriceList;
  /** Unix seconds for each price; 0 where there is none. */
  tradedAt: bigint[];
}

/** Millionths of a price; undefined for one that the oracle could not hold. */
function microPrice(price: number | undefined): number | undefined {
  if (price === undefined || !Number.isFinite(price) || price <= 0 || price * MICRO >= Number(PRICE_BOUND))
    return undefined;
  return Math.max(1, roundNearest(price * MICRO));
}

/** Millionths of a volatility; undefined for one that inputs could not hold. */
function microVolatility(volatility: number | undefined): number | undefined {
  if (volatility === undefined || !(volatility >= 0 && volatility <= 100)) return undefined;
  return roundNearest(volatility * MICRO);
}

/** Largest rate for eight hours that a reporter passes on: more is a fault of the source. */
const MOST_FUNDING = 0.05;

function quoteOf(option: OptionQuote, forward: number, seen: SeenExpiry | undefined, time: number) {
  const quote = seen?.options.find(
    ({ strike, call }) => call === option.call && roundNearest(strike * MICRO) === option.strike,
  );
  const volatility = microVolatility(quote?.volatility);
  // A quote of the future would be refused; one that is missing keeps its volatility and its age.
  if (quote === undefined || volatility === undefined) return { ...option, forward };
  return { ...option, forward, volatility, time: Math.min(quote.time, time) };
}

function expiryView(group: ExpiryInputs, seen: SeenExpiry | undefined, time: number): ExpiryInputs {
  const forward = microPrice(seen?.forward?.price);
  return {
    ...group,
    options: group.options.map((option) => quoteOf(option, forward ?? option.forward, seen, time)),
  };
}

function underlyingView(
  underlying: UnderlyingInputs,
  base: EpochBase,
  seen: SeenUnderlying,
  time: number,
): UnderlyingInputs {
  const before = base.isFirst
    ? undefined
    : base.inputs.underlyings.find(({ name }) => name === underlying.name);
  const carried = before === undefined ? underlying.scan : carriedScan(underlying.scan, before, base.inputs);
  const scan =
    carried.model === "stable"
      ? carried
      : {
          ...carried,
          realizedVolatility: microVolatility(seen.realizedVolatility) ?? carried.realizedVolatility,
        };
  const { perpetual } = underlying;
  const rate = seen.perpetual?.fundingRate ?? 0;
  const bounded = Number.isFinite(rate) ? Math.min(Math.max(rate, -MOST_FUNDING), MOST_FUNDING) : 0;
  const elapsed = before?.perpetual === undefined ? 0 : time - base.inputs.time;
  return {
    ...underlying,
    index: microPrice(seen.index?.price) ?? underlying.index,
    scan,
    ...(perpetual && {
      perpetual: {
        ...perpetual,
        mark: microPrice(seen.perpetual?.mark) ?? perpetual.mark,
        fundingIndex:
          perpetual.fundingIndex + fundingPayment(perpetual.mark, perpetual.lotExponent, bounded, elapsed),
      },
    }),
    expiries: underlying.expiries.map((group) =>
      expiryView(
        group,
        seen.expiries?.find(({ expiry }) => expiry === group.expiry),
        time,
      ),
    ),
  };
}

/** What the source shows for each price of the vector, in the order of the keys: index, then forwards by expiry. */
function seenPrices(underlyings: readonly UnderlyingInputs[], seen: Seen): (SeenPrice | undefined)[] {
  return underlyings.flatMap(({ name, expiries }) => {
    const shown = seen[name];
    const byExpiry = expiries.map(({ expiry }) => expiry).sort((first, second) => first - second);
    return [
      shown?.index,
      ...byExpiry.map((expiry) => shown?.expiries?.find((group) => group.expiry === expiry)?.forward),
    ];
  });
}

/**
 * The view of the epoch after `base` at a time in milliseconds, with what a source shows then. Throws `oracle.time` for a time that is not
 * later, and `inputs.*` for numbers out of bounds.
 */
export function viewOf(base: EpochBase, seen: Seen, time: number): ReporterView {
  const { inputs: before, isFirst, market } = base;
  if (!isFirst && time <= before.time)
    throw new SolvusError("oracle.time", `time is ${time}, expected later than ${before.time}`);
  const listed = isFirst ? before : withListings(withSettlements(before, time), market, time);
  const underlyings = listed.underlyings.map((underlying) =>
    underlyingView(underlying, base, seen[underlying.name] ?? {}, time),
  );
  const inputs = checkInputs({
    ...listed,
    epoch: isFirst ? 1 : before.epoch + 1,
    time,
    previousTime: isFirst ? 0 : before.time,
    underlyings,
  });
  const { keys, prices: whole } = pricesOf(inputs);
  const shown = seenPrices(inputs.underlyings, seen);
  const isShown = (place: number): boolean => microPrice(shown[place]?.price) !== undefined;
  return {
    inputs,
    list: { keys, prices: whole.map((price, place) => (isShown(place) ? price : 0n)) },
    tradedAt: keys.map((_, place) =>
      isShown(place) ? BigInt(Math.max(0, Math.floor((shown[place] as SeenPrice).tradedAt))) : 0n,
    ),
  };
}
