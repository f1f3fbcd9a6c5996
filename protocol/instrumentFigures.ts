import { KIND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { USDC_DECIMALS, usdFromMicro } from "./fixedPoint.ts";
import { type Instrument, kindName, lotSize } from "./instrument.ts";
import { optionGreeks, pricedOption } from "./optionPricing.ts";
import type { MarketSnapshot } from "./snapshot.ts";

/**
 * What people read of an instrument's row. Mark and sensitivities are for **one unit of the underlying** (one bitcoin, an option on one
 * bitcoin), as venues quote them; losses and add-ons are for **one lot** (`lot` units), as the row holds them.
 */
export interface InstrumentFigures {
  name: string;
  id: number;
  kind: string;
  underlying: string;
  /** Units of the underlying in a lot. */
  lot: number;
  /** Dollars, one unit. */
  markUsd: number;
  /** Dollars for one dollar of the forward, one unit. */
  delta: number;
  /** For one dollar of the forward, one unit. */
  gamma: number;
  /** Dollars for one point (0.01) of volatility, one unit. */
  vegaUsd: number;
  /** Dollars a day, one unit. */
  thetaUsd: number;
  /** Dollars lost by one long lot in each of the sixteen scenarios. */
  lossesUsd: number[];
  /** Dollars a lot. */
  longAddOnUsd: number;
  /** Dollars a lot. */
  shortAddOnUsd: number;
  /** Dollars that one long lot has paid in funding (an expired one has received its settlement value). */
  fundingIndexUsd: number;
}

const LINEAR_GREEKS = { delta: 1, gamma: 0, vega: 0, theta: 0 };
const SETTLED_GREEKS = { delta: 0, gamma: 0, vega: 0, theta: 0 };

/** Sensitivities of every live option, by id. */
function greeksById(snapshot: MarketSnapshot) {
  const byId = new Map<bigint, typeof LINEAR_GREEKS>();
  for (const underlying of snapshot.inputs.underlyings) {
    for (const group of underlying.expiries) {
      for (const quote of group.options) byId.set(BigInt(quote.id), optionGreeks(pricedOption(group, quote)));
    }
  }
  return byId;
}

/** Figures of every instrument of a snapshot, in the order of its tree. */
export function instrumentFigures(snapshot: MarketSnapshot): InstrumentFigures[] {
  const optionGreeksById = greeksById(snapshot);
  return snapshot.instruments.map((instrument: Instrument) => {
    const at = snapshot.tree.locate(instrument.id);
    ensure(at !== undefined, "snapshot.instrument", `instrument ${instrument.id} has no row, expected one`);
    const row = snapshot.tree.row(at.underlying, at.place);
    const lot = lotSize(instrument.lotExponent);
    const live = instrument.kind === KIND.option ? optionGreeksById.get(instrument.id) : LINEAR_GREEKS;
    const greeks = row.settled || live === undefined ? SETTLED_GREEKS : live;
    return {
      name: instrument.name,
      id: Number(instrument.id),
      kind: row.settled ? "settled" : kindName(instrument.kind),
      underlying: instrument.underlying,
      lot,
      // Decimal, so that no binary division blurs the last digit.
      markUsd: Number(`${row.mark}e${-USDC_DECIMALS - instrument.lotExponent}`),
      delta: greeks.delta,
      gamma: greeks.gamma,
      vegaUsd: greeks.vega,
      thetaUsd: greeks.theta,
      lossesUsd: row.losses.map(usdFromMicro),
      longAddOnUsd: usdFromMicro(row.longAddOn),
      shortAddOnUsd: usdFromMicro(row.shortAddOn),
      fundingIndexUsd: usdFromMicro(row.fundingIndex),
    };
  });
}
