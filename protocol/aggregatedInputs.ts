import { ensure, SolvusError } from "./errors.ts";
import { checkInputs, type ExpiryInputs, type MarketInputs, type UnderlyingInputs } from "./marketInputs.ts";
import { type PriceList, withPrices } from "./pricedInputs.ts";

/*
 * Market inputs that reporters agree on, from what each of them saw: indexes and forwards are the prices that the oracle aggregates on chain;
 * every other observed number is the median of the reporters'. Listings, parameters and settled rows are not observed: all must have
 * the same.
 */

/** What one reporter saw, beside prices: the numbers that differ from reporter to reporter, in a fixed order. */
function observed(inputs: MarketInputs): number[] {
  return inputs.underlyings.flatMap(({ scan, perpetual, expiries }) => [
    ...(scan.model === "volatile" ? [scan.realizedVolatility] : []),
    ...(perpetual === undefined ? [] : [perpetual.mark, perpetual.fundingIndex]),
    ...expiries.flatMap(({ settlement, options }) => [
      ...(settlement === undefined ? [] : [settlement.mean]),
      ...options.flatMap(({ volatility, time }) => [volatility, time]),
    ]),
  ]);
}

/** The inputs with these numbers in the place of the observed ones, in the order of {@link observed}. */
function withObserved(inputs: MarketInputs, numbers: readonly number[]): MarketInputs {
  let place = 0;
  const next = (): number => numbers[place++] as number;
  const expiryOf = (group: ExpiryInputs): ExpiryInputs => ({
    ...group,
    ...(group.settlement === undefined ? {} : { settlement: { ...group.settlement, mean: next() } }),
    options: group.options.map((option) => ({ ...option, volatility: next(), time: next() })),
  });
  const underlyings = inputs.underlyings.map(
    ({ scan, perpetual, expiries, ...underlying }): UnderlyingInputs => ({
      ...underlying,
      scan: scan.model === "volatile" ? { ...scan, realizedVolatility: next() } : scan,
      ...(perpetual === undefined ? {} : { perpetual: { ...perpetual, mark: next(), fundingIndex: next() } }),
      expiries: expiries.map(expiryOf),
    }),
  );
  return { ...inputs, underlyings };
}

/** All that is not observed: what the reporters must have in common. */
function listing(inputs: MarketInputs, prices: PriceList): string {
  const ones = { keys: prices.keys, prices: prices.keys.map(() => 1n) };
  const count = observed(inputs).length;
  return JSON.stringify(
    withObserved(
      withPrices(inputs, ones),
      Array.from({ length: count }, () => 0),
    ),
  );
}

/** The middle of some numbers, the lower of two: with f liars among 2f + 1 it lies between two honest ones. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((first, second) => first - second);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}

/**
 * The inputs of an epoch from each reporter's own and the aggregated prices. A pure function: reporters with the same views arrive at the
 * same bytes, whatever their order.
 *
 * Refuses no views (`inputs.views`), views that list different things (`inputs.listing`), prices of other underlyings or expiries
 * (`inputs.prices`), and inputs out of bounds (`inputs.*`).
 */
export function aggregateInputs(views: readonly MarketInputs[], prices: PriceList): MarketInputs {
  const [first] = views;
  if (first === undefined)
    throw new SolvusError("inputs.views", "views is empty, expected the inputs of at least one reporter");
  const expected = listing(first, prices);
  views.forEach((view, place) => {
    ensure(
      listing(view, prices) === expected,
      "inputs.listing",
      `inputs of reporter ${place} list or parametrize something else, expected the listings of reporter 0`,
    );
  });
  const columns = views.map(observed);
  const numbers = observed(first).map((_, place) => median(columns.map((column) => column[place] as number)));
  return checkInputs(withPrices(withObserved(first, numbers), prices));
}
