import {
  concentrationAddOn,
  concentrationLots,
  linearAddOn,
  longOptionAddOn,
  shortOptionAddOn,
} from "./addOns.ts";
import { KIND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { MICRO, roundNearest } from "./fixedPoint.ts";
import { type Instrument, lotSize, optionName, perpetualName, spotName } from "./instrument.ts";
import type { MarketInputs, SettledInstrument, UnderlyingInputs } from "./marketInputs.ts";
import { optionIntrinsic, optionPrice, pricedOption } from "./optionPricing.ts";
import { type RangeState, volatileRange } from "./priceScan.ts";
import { NULL_ROW, type RiskRow } from "./riskRow.ts";
import { priceFactor, type ScanRange, type Scenario, shockedVolatility } from "./scenarios.ts";

/*
 * Risk rows from market inputs. A mark and a loss serve long and short legs alike, so they are rounded to nearest: any other rounding
 * would favour one side. A rounded loss is off by at most half a micro-dollar a lot and only ever enters margin, never cash; a lot of $100
 * or more of notional has a margin of dollars, so the requirement is off by less than one part in ten million. Marks are the same integer
 * for both sides, so what one gains the other loses exactly. Add-ons are charges on either side and are rounded up.
 */

/** A listing and its row. */
export interface ListedRow {
  instrument: Instrument;
  row: RiskRow;
}

/** Rows and ranges of one underlying, in the order in which they go into its subtree. */
export interface UnderlyingRows {
  name: string;
  rows: ListedRow[];
  range: ScanRange;
  /** Absent for stablecoins, whose range is fixed. */
  rangeState?: RangeState;
}

/** Dollars for one unit as micro-USDC for one lot, to nearest. */
function perLotNearest(usd: number, lot: number): bigint {
  return BigInt(roundNearest(usd * lot * MICRO));
}

/** Dollars for one unit as micro-USDC for one lot, rounded up. */
function perLotUp(usd: number, lot: number): bigint {
  return BigInt(Math.ceil(usd * lot * MICRO));
}

/** Spot and perpetuals: the price moves, volatility does not matter. */
function linearRow(
  instrument: Instrument,
  price: number,
  fundingIndex: bigint,
  underlying: UnderlyingInputs,
  range: ScanRange,
  scenarios: readonly Scenario[],
): RiskRow {
  const lot = lotSize(instrument.lotExponent);
  const addOn = perLotUp(linearAddOn(price), lot);
  return {
    id: instrument.id,
    kind: instrument.kind,
    settled: false,
    mark: perLotNearest(price, lot),
    fundingIndex,
    losses: scenarios.map((scenario) =>
      perLotNearest(price * (1 - priceFactor(scenario, range)) * scenario.weight, lot),
    ),
    longAddOn: addOn,
    shortAddOn: addOn,
    concentrationThreshold: concentrationLots(underlying.concentrationUnits, instrument.lotExponent),
    concentrationRate: perLotUp(concentrationAddOn(price, Math.max(range.up, range.down)), lot),
  };
}

function optionRows(
  underlying: UnderlyingInputs,
  range: ScanRange,
  scenarios: readonly Scenario[],
): ListedRow[] {
  const largest = Math.max(range.up, range.down);
  return underlying.expiries.flatMap((group) => {
    const lot = lotSize(group.lotExponent);
    const concentrationThreshold = concentrationLots(underlying.concentrationUnits, group.lotExponent);
    return group.options.map((quote): ListedRow => {
      const option = pricedOption(group, quote);
      const mark = optionPrice(option);
      const forward = quote.forward / MICRO;
      const volatilities = {
        up: shockedVolatility(option.volatility, option.days, "up"),
        down: shockedVolatility(option.volatility, option.days, "down"),
        unchanged: option.volatility,
      };
      const id = BigInt(quote.id);
      return {
        instrument: {
          id,
          name: quote.name ?? optionName(underlying.name, group.expiry, quote.strike, quote.call),
          kind: KIND.option,
          underlying: underlying.name,
          lotExponent: group.lotExponent,
          expiry: group.expiry,
          strike: quote.strike,
          call: quote.call,
        },
        row: {
          id,
          kind: KIND.option,
          settled: false,
          mark: perLotNearest(mark, lot),
          fundingIndex: 0n,
          losses: scenarios.map((scenario) => {
            const stressed = optionPrice(
              option,
              priceFactor(scenario, range),
              volatilities[scenario.volatility],
            );
            return perLotNearest((mark - stressed) * scenario.weight, lot);
          }),
          longAddOn: perLotUp(longOptionAddOn(mark, optionIntrinsic(option)), lot),
          shortAddOn: perLotUp(shortOptionAddOn(forward, largest, option.days), lot),
          concentrationThreshold,
          concentrationRate: perLotUp(concentrationAddOn(forward, largest), lot),
        },
      };
    });
  });
}

/** Rows of expired instruments: id, kind and the funding index that has paid them out. */
export function settledRows(settled: readonly SettledInstrument[], underlying: string): ListedRow[] {
  return settled.map(({ id, kind, fundingIndex }) => ({
    instrument: {
      id: BigInt(id),
      name: `${underlying}-SETTLED-${id}`,
      kind: BigInt(kind),
      underlying,
      lotExponent: 0,
    },
    row: {
      ...NULL_ROW,
      id: BigInt(id),
      kind: BigInt(kind),
      settled: true,
      fundingIndex: BigInt(fundingIndex),
    },
  }));
}

/** All rows of one underlying under the given scenarios: spot, perpetual, options by expiry, settled instruments. */
export function underlyingRows(
  underlying: UnderlyingInputs,
  inputs: MarketInputs,
  scenarios: readonly Scenario[],
): UnderlyingRows {
  const { name, scan } = underlying;
  const rangeState = scan.model === "volatile" ? volatileRange(underlying, scan, inputs) : undefined;
  ensure(
    rangeState === undefined || rangeState.applied > 0,
    "inputs.range",
    `scan range of ${name} is 0, expected a positive one: raise its floor`,
  );
  const range =
    scan.model === "stable"
      ? { up: scan.up / MICRO, down: scan.down / MICRO }
      : { up: (rangeState as RangeState).applied / MICRO, down: (rangeState as RangeState).applied / MICRO };
  const rows: ListedRow[] = [];
  const { spot, perpetual } = underlying;
  if (spot) {
    const instrument: Instrument = {
      id: BigInt(spot.id),
      name: spotName(name),
      kind: KIND.spot,
      underlying: name,
      lotExponent: spot.lotExponent,
    };
    rows.push({
      instrument,
      row: linearRow(instrument, underlying.index / MICRO, 0n, underlying, range, scenarios),
    });
  }
  if (perpetual) {
    const instrument: Instrument = {
      id: BigInt(perpetual.id),
      name: perpetualName(name),
      kind: KIND.perpetual,
      underlying: name,
      lotExponent: perpetual.lotExponent,
    };
    const fundingIndex = BigInt(perpetual.fundingIndex);
    rows.push({
      instrument,
      row: linearRow(instrument, perpetual.mark / MICRO, fundingIndex, underlying, range, scenarios),
    });
  }
  rows.push(...optionRows(underlying, range, scenarios), ...settledRows(underlying.settled, name));
  return { name, rows, range, ...(rangeState === undefined ? {} : { rangeState }) };
}
