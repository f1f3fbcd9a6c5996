import { RESTORATION } from "../../../protocol/liquidation.ts";
import { DEFAULT_IM_FACTOR, type UnderlyingModel, underlyingModel } from "../../../protocol/marketListing.ts";

/** The margin rules of one underlying as a deployment might set them, and the market in which they are tried. */
export interface ParameterSet {
  name: string;
  /** Whether these are the values that this version comes with. */
  shipped: boolean;
  coin: string;
  /** Dollars for one coin at the start. */
  price: number;
  /** Realized yearly volatility at the start, a fraction. */
  volatility: number;
  model: UnderlyingModel;
  /** Initial over maintenance margin. */
  imFactor: number;
  /** Q16. */
  restoration: bigint;
}

const CALM = 0.4;

const set = (name: string, shipped: boolean, changes: Partial<ParameterSet>): ParameterSet => ({
  name,
  shipped,
  coin: "BTC",
  price: 40_000,
  volatility: CALM,
  model: underlyingModel(changes.coin ?? "BTC"),
  imFactor: DEFAULT_IM_FACTOR,
  restoration: RESTORATION,
  ...changes,
});

const BTC = underlyingModel("BTC");

/** What this version comes with, by kind of coin and by mood of the market: margins are lowest when it was calm. */
export const SHIPPED: readonly ParameterSet[] = [
  set("BTC, calm (12%)", true, {}),
  set("BTC, wild (35%)", true, { volatility: 3 }),
  set("ETH, calm (15%)", true, { coin: "ETH", price: 1_300 }),
  set("another coin, calm (20%)", true, { coin: "ALT", price: 10 }),
];

/** Sets that are weaker or stronger than the first in one respect. */
export const OTHERS: readonly ParameterSet[] = [
  set("weaker: floor 6%", false, { model: { ...BTC, floor: 0.06 } }),
  set("weaker: initial margin = maintenance", false, { imFactor: 1 }),
  set("weaker: no restoration beyond the margin", false, { restoration: 0n }),
  set("weaker: no concentration charge", false, { model: { ...BTC, concentrationUnits: 1_000_000_000 } }),
  set("stronger: floor 20%", false, { model: { ...BTC, floor: 0.2 } }),
  set("stronger: initial margin 1.75", false, { imFactor: 1.75 }),
];
