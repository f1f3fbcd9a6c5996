import {
  type ExpiryInputs,
  type MarketInputs,
  type UnderlyingInputs,
  usedIds,
} from "../../protocol/marketInputs.ts";

/*
 * New listings. Operators of reporters put the same market file in place; from its time on, what is in it with an id that was never used is listed.
 */

type IsNew = (instrument: { id: number } | undefined) => boolean;

/** The expiries of an underlying with new options of the market's, those of expiries that have passed left out. */
function withExpiries(
  expiries: readonly ExpiryInputs[],
  listed: readonly ExpiryInputs[],
  isNew: IsNew,
  time: number,
): ExpiryInputs[] {
  const fresh = listed
    .map((group) => ({ ...group, options: group.options.filter(isNew) }))
    .filter(({ expiry, options }) => expiry > time && options.length > 0);
  const known = expiries.map((group) => {
    const added = fresh.find(({ expiry }) => expiry === group.expiry);
    return added === undefined ? group : { ...group, options: [...group.options, ...added.options] };
  });
  return [...known, ...fresh.filter(({ expiry }) => !expiries.some((group) => group.expiry === expiry))];
}

/** An underlying with what the market lists anew of it. */
function withInstruments(
  underlying: UnderlyingInputs,
  listed: UnderlyingInputs,
  isNew: IsNew,
  time: number,
): UnderlyingInputs {
  const spot = underlying.spot ?? (isNew(listed.spot) ? listed.spot : undefined);
  const perpetual = underlying.perpetual ?? (isNew(listed.perpetual) ? listed.perpetual : undefined);
  return {
    ...underlying,
    ...(spot && { spot }),
    ...(perpetual && { perpetual }),
    expiries: withExpiries(underlying.expiries, listed.expiries, isNew, time),
  };
}

/**
 * Inputs with the listings of a market file from its time on, milliseconds. What is listed already, was settled, or has an id that was used stays
 * as it is; new underlyings take the next places.
 */
export function withListings(
  inputs: MarketInputs,
  market: MarketInputs | undefined,
  time: number,
): MarketInputs {
  if (market === undefined || time < market.time) return inputs;
  const used = new Set(usedIds(inputs));
  const isNew: IsNew = (instrument) => instrument !== undefined && !used.has(instrument.id);
  const underlyings = inputs.underlyings.map((underlying) => {
    const listed = market.underlyings.find(({ name }) => name === underlying.name);
    return listed === undefined ? underlying : withInstruments(underlying, listed, isNew, time);
  });
  const others = market.underlyings
    .filter(({ name }) => !inputs.underlyings.some((underlying) => underlying.name === name))
    .map(({ spot, perpetual, ...listed }) =>
      withInstruments(
        { ...listed, expiries: [], settled: [] },
        { ...listed, ...(spot && { spot }), ...(perpetual && { perpetual }) },
        isNew,
        time,
      ),
    )
    .filter(({ spot, perpetual, expiries }) => spot || perpetual || expiries.length > 0);
  return { ...inputs, underlyings: [...underlyings, ...others] };
}
