import { ensure } from "../../protocol/errors.ts";
import { MICRO, q16Ceil, roundNearest } from "../../protocol/fixedPoint.ts";
import { lotExponentFor } from "../../protocol/instrument.ts";
import type { ExpiryInputs, MarketInputs, UnderlyingInputs } from "../../protocol/marketInputs.ts";
import { checkInputs } from "../../protocol/marketInputs.ts";
import {
  checkListable,
  DEFAULT_IM_FACTOR,
  DEFAULT_PRICE_BAND,
  underlyingModel,
} from "../../protocol/marketListing.ts";
import { pricesOf, withPrices } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import type { PriceSource, Seen, SeenUnderlying } from "./source.ts";

/*
 * A market to begin with: of every underlying that a source shows, spot as collateral, a perpetual unless it is a stablecoin, and the
 * options that are quoted.
 */

const millionths = (value: number): number => roundNearest(value * MICRO);

function expiriesOf({ expiries = [] }: SeenUnderlying, lotExponent: number, newId: () => number) {
  return [...expiries]
    .filter(({ forward, options }) => forward !== undefined && options.length > 0)
    .sort((first, second) => first.expiry - second.expiry)
    .map(
      ({ expiry, forward, options }): ExpiryInputs => ({
        expiry,
        lotExponent,
        options: [...options]
          .sort((first, second) => first.strike - second.strike || Number(second.call) - Number(first.call))
          .map(({ strike, call, volatility, time }) => ({
            id: newId(),
            strike: millionths(strike),
            call,
            volatility: millionths(volatility),
            forward: millionths(forward?.price ?? 0),
            time,
          })),
      }),
    );
}

function underlyingOf(
  name: string,
  seen: SeenUnderlying,
  price: number,
  newId: () => number,
): UnderlyingInputs {
  const { model, floor, cap, concentrationUnits } = underlyingModel(name);
  checkListable(name, price);
  const lotExponent = lotExponentFor(price);
  const spot = { id: newId(), lotExponent };
  return {
    name,
    index: millionths(price),
    scan:
      model === "stable"
        ? { model, down: millionths(floor), up: millionths(cap) }
        : {
            model,
            floor: millionths(floor),
            cap: millionths(cap),
            realizedVolatility: millionths(seen.realizedVolatility ?? 0),
            previousRange: 0,
          },
    concentrationUnits,
    spot,
    ...(model === "stable"
      ? {}
      : {
          perpetual: {
            id: newId(),
            lotExponent,
            mark: millionths(seen.perpetual?.mark ?? price),
            fundingIndex: 0,
          },
        }),
    expiries: expiriesOf(seen, lotExponent, newId),
    settled: [],
  };
}

/**
 * Inputs of the first epoch, at a time in Unix seconds, of all that is shown with a price. Ids are given by rising name of the underlying: spot, perpetual,
 * options by expiry, strike, call before put. Refuses (`source.empty`) a source that shows no price, and (`listing.coarse`) one
 * so low that whole micro-dollars do not tell it.
 */
export function firstInputs(seen: Seen, time: number): MarketInputs {
  let id = 0;
  const newId = (): number => {
    id += 1;
    return id;
  };
  const underlyings = Object.entries(seen)
    .sort(([first], [second]) => (first < second ? -1 : 1))
    .flatMap(([name, shown]) =>
      shown.index === undefined ? [] : [underlyingOf(name, shown, shown.index.price, newId)],
    );
  ensure(
    underlyings.length > 0,
    "source.empty",
    `the source shows no price at ${new Date(time * 1000).toISOString()}, expected at least one`,
  );
  const inputs = checkInputs({
    epoch: 1,
    time: time * 1000,
    previousTime: 0,
    baseImFactor: Number(q16Ceil(DEFAULT_IM_FACTOR)),
    priceBand: Number(q16Ceil(DEFAULT_PRICE_BAND)),
    debtLimit: 0,
    underlyings,
    archives: [],
  });
  return withPrices(inputs, pricesOf(inputs));
}

/**
 * The snapshot of epoch 1 of what a source shows at a time, Unix seconds: what `publishSnapshot` posts right after deployment, when all
 * reporters have the same source.
 */
export async function firstSnapshotOf(source: PriceSource, time: number): Promise<MarketSnapshot> {
  return buildSnapshot(firstInputs(await source.observe(time), time));
}
