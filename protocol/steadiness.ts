import type { MarketInputs, UnderlyingInputs } from "./marketInputs.ts";

/** How far a value may move, of itself, before the epoch before stops being accepted: one in a hundred. */
const TOLERANCE_DIVISOR = 100;

/** Prices and volatilities of an underlying by what they belong to. */
function observations(underlying: UnderlyingInputs): Map<string, number> {
  const values = new Map<string, number>([["index", underlying.index]]);
  if (underlying.perpetual) values.set("perpetual", underlying.perpetual.mark);
  if (underlying.scan.model === "volatile") values.set("realized", underlying.scan.realizedVolatility);
  for (const group of underlying.expiries) {
    for (const option of group.options) {
      values.set(`forward ${option.id}`, option.forward);
      values.set(`volatility ${option.id}`, option.volatility);
    }
  }
  return values;
}

/**
 * True when no index, mark, forward or volatility moved by more than 1% of itself between two epochs, and nothing that was observed before
 * is gone (an expiry that settled, a delisting). Only then may transitions on the earlier snapshot be accepted for a moment after the
 * later one. A value that appears is a new listing, in which nobody has a position.
 */
export function isSteady(before: MarketInputs, after: MarketInputs): boolean {
  return before.underlyings.every((underlying) => {
    const next = after.underlyings.find(({ name }) => name === underlying.name);
    if (next === undefined) return false;
    const values = observations(next);
    return [...observations(underlying)].every(([key, value]) => {
      const now = values.get(key);
      return now !== undefined && Math.abs(now - value) * TOLERANCE_DIVISOR <= value;
    });
  });
}
