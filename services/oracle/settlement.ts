import { MICRO, roundNearest } from "../../protocol/fixedPoint.ts";
import type { ExpiryInputs, MarketInputs } from "../../protocol/marketInputs.ts";
import { settleExpiry } from "../../protocol/nextEpoch.ts";

/*
 * Settlement of expiries from epoch to epoch. The settlement price is the mean of the forwards of the thirty epochs before the expiry, as the oracle posted
 * them; so it follows from the chain alone, and every reporter has the same.
 */

/** Milliseconds before an expiry in which epochs count in its settlement: thirty of a minute. */
const WINDOW_MS = 30 * 60_000;
/** Most observations that inputs hold: the thirtieth is the last, and settles. */
const MOST_OBSERVED = 29;

/** The expiry's forward in posted inputs: all its options have the same. */
const forwardOf = ({ options }: ExpiryInputs): number => options[0]?.forward as number;

/** Mean after the epoch's own forward is counted, and how many it is of; of the epoch alone before the window. */
function counted(group: ExpiryInputs, time: number): { observed: number; mean: number } | undefined {
  if (time < group.expiry - WINDOW_MS) return undefined;
  const { observed, mean } = group.settlement ?? { observed: 0, mean: 0 };
  return {
    observed: observed + 1,
    mean: roundNearest((mean * observed + forwardOf(group)) / (observed + 1)),
  };
}

/**
 * The inputs of an epoch as the next one at `time` (milliseconds) begins with them: its forwards counted in the settlements that are under
 * way, and expiries that have come settled.
 */
export function withSettlements(before: MarketInputs, time: number): MarketInputs {
  let inputs: MarketInputs = before;
  for (const { name, expiries } of before.underlyings) {
    for (const group of expiries) {
      if (group.expiry > time) continue;
      // Without an epoch in the window: the last forward there was.
      const mean = counted(group, before.time)?.mean ?? forwardOf(group);
      inputs = settleExpiry(inputs, name, group.expiry, mean / MICRO);
    }
  }
  const withMean = (group: ExpiryInputs): ExpiryInputs => {
    const settlement = counted(group, before.time);
    if (settlement === undefined) return group;
    return {
      ...group,
      settlement: { ...settlement, observed: Math.min(settlement.observed, MOST_OBSERVED) },
    };
  };
  return {
    ...inputs,
    underlyings: inputs.underlyings.map((underlying) => ({
      ...underlying,
      expiries: underlying.expiries.map(withMean),
    })),
  };
}
