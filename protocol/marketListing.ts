import { ensure } from "./errors.ts";
import { MICRO, q16Ceil, roundNearest } from "./fixedPoint.ts";
import { lotExponentFor, nextInstrumentId, optionName } from "./instrument.ts";
import {
  checkInputs,
  type ExpiryInputs,
  type MarketInputs,
  type OptionQuote,
  type UnderlyingInputs,
  usedIds,
} from "./marketInputs.ts";
import { carriedScan } from "./nextEpoch.ts";
import type { OptionRecord } from "./optionsCsv.ts";

/*
 * Market inputs from an option chain: every underlying of the chain with its spot (as collateral), its perpetual and its options, and
 * further underlyings that are given by price alone, such as another stablecoin.
 */

/** Margin parameters of an underlying. */
export interface UnderlyingModel {
  model: "volatile" | "stable";
  /** Volatile: bounds of the scan range. Stable: the moves down (floor) and up (cap). Fractions of the price. */
  floor: number;
  cap: number;
  /** Units beyond which a leg pays the concentration add-on. */
  concentrationUnits: number;
}

const STABLE: UnderlyingModel = { model: "stable", floor: 0.125, cap: 0.025, concentrationUnits: 10_000_000 };
/** For underlyings without a line of their own: wider than ether's. */
const OTHER: UnderlyingModel = { model: "volatile", floor: 0.2, cap: 0.6, concentrationUnits: 100_000 };

const MODELS: Record<string, UnderlyingModel> = {
  BTC: { model: "volatile", floor: 0.12, cap: 0.35, concentrationUnits: 1_000 },
  ETH: { model: "volatile", floor: 0.15, cap: 0.45, concentrationUnits: 15_000 },
  USDT: STABLE,
  DAI: STABLE,
  PYUSD: STABLE,
};

/** The model of an underlying by its name. */
export function underlyingModel(name: string): UnderlyingModel {
  return MODELS[name] ?? OTHER;
}

/** Dollars below which a unit is worth too little to be listed: prices are whole micro-dollars, here a thousandth of the price each. */
const LEAST_LISTED_PRICE = 0.001;

/**
 * Refuses (`listing.coarse`) a new underlying whose unit is worth so little that its price in micro-dollars says too little of it. At 1.5
 * micro-dollars collateral would count a third too much, which a collusive loser leaves to the fund.
 */
export function checkListable(name: string, price: number): void {
  ensure(
    price >= LEAST_LISTED_PRICE,
    "listing.coarse",
    `price of ${name} is ${price} dollars, expected at least ${LEAST_LISTED_PRICE} for a new listing: prices are whole micro-dollars`,
  );
}

/** Defaults of the margin rules. */
export const DEFAULT_IM_FACTOR = 1.3;
export const DEFAULT_PRICE_BAND = 5;

export interface ListingOptions {
  epoch?: number;
  /** Dollar prices of further underlyings, or of ones of the chain to replace the file's index. Default: USDT at 1. */
  prices?: Readonly<Record<string, number>>;
  /** Realized yearly volatilities (fractions) by underlying; 0 where absent. */
  realizedVolatilities?: Readonly<Record<string, number>>;
  /** Micro-USDC. */
  debtLimit?: number;
  /** Inputs of an earlier epoch: its listings keep their ids and lots, new ones get ids after its highest. */
  previous?: MarketInputs;
}

function millionths(value: number): number {
  return roundNearest(value * MICRO);
}

function scanOf(name: string, realized: number): UnderlyingInputs["scan"] {
  const { model, floor, cap } = underlyingModel(name);
  return model === "stable"
    ? { model, down: millionths(floor), up: millionths(cap) }
    : {
        model,
        floor: millionths(floor),
        cap: millionths(cap),
        realizedVolatility: millionths(realized),
        previousRange: 0,
      };
}

/** Records of one underlying by expiry, options by strike, call before put: the order in which ids are given. */
function groupByExpiry(records: readonly OptionRecord[]): [expiry: number, records: OptionRecord[]][] {
  const groups = new Map<number, OptionRecord[]>();
  const ordered = [...records].sort(
    (first, second) =>
      first.expiry - second.expiry ||
      first.strike - second.strike ||
      Number(second.call) - Number(first.call),
  );
  for (const record of ordered) groups.set(record.expiry, [...(groups.get(record.expiry) ?? []), record]);
  return [...groups];
}

function quoteOf(record: OptionRecord, id: number): OptionQuote {
  const strike = millionths(record.strike);
  const { name } = record;
  return {
    id,
    strike,
    call: record.call,
    volatility: millionths(record.volatility),
    forward: millionths(record.forward),
    time: record.time,
    ...(name === optionName(record.underlying, record.expiry, strike, record.call) ? {} : { name }),
  };
}

/**
 * Inputs of an epoch from the records of an option chain. The epoch's time is that of the latest record, an underlying's index the one of its
 * latest record, the perpetual's mark the index.
 *
 * Ids are given in a fixed order (underlyings of the chain by name, then those of `prices` by name; spot, perpetual, options by expiry,
 * strike, call before put), so the order of the file does not matter. With `previous`, known instruments keep id, lot and funding
 * index; options of it that the chain lacks are refused (`listing.missing`): whoever holds one needs its row, so quote it, or settle it
 * when it has expired.
 */
export function inputsFromChain(
  records: readonly OptionRecord[],
  options: ListingOptions = {},
): MarketInputs {
  const { previous, realizedVolatilities = {} } = options;
  const prices = options.prices ?? { USDT: 1 };
  ensure(records.length > 0, "listing.empty", "records is empty, expected at least one option");
  const time = records.reduce((latest, record) => Math.max(latest, record.time), 0);
  const chainNames = [...new Set(records.map((record) => record.underlying))].sort();
  const otherNames = Object.keys(prices)
    .filter((name) => !chainNames.includes(name))
    .sort();
  const carried = (previous?.underlyings ?? []).map((underlying) => underlying.name);
  const names = [...carried, ...[...chainNames, ...otherNames].filter((name) => !carried.includes(name))];
  let id = nextInstrumentId(previous ? usedIds(previous) : []) - 1;
  const newId = () => {
    id += 1;
    return id;
  };
  const underlyings = names.map((name): UnderlyingInputs => {
    const before = previous?.underlyings.find((underlying) => underlying.name === name);
    const own = records.filter((record) => record.underlying === name);
    const latest = own.reduce<OptionRecord | undefined>(
      (found, record) =>
        found === undefined ||
        record.time > found.time ||
        (record.time === found.time && record.name > found.name)
          ? record
          : found,
      undefined,
    );
    const price = prices[name] ?? latest?.index ?? (before ? before.index / MICRO : 0);
    ensure(
      price >= 1e-6 && price <= 1e8,
      "listing.price",
      `price of ${name} is ${price}, expected dollars from 0.000001 to 100000000`,
    );
    if (before === undefined) checkListable(name, price);
    const lotExponent = lotExponentFor(price);
    const stable = underlyingModel(name).model === "stable";
    const spot = before?.spot ?? { id: newId(), lotExponent };
    const perpetual = stable
      ? undefined
      : {
          id: before?.perpetual?.id ?? newId(),
          lotExponent: before?.perpetual?.lotExponent ?? lotExponent,
          mark: millionths(price),
          fundingIndex: before?.perpetual?.fundingIndex ?? 0,
        };
    const expiries = groupByExpiry(own).map(([expiry, group]): ExpiryInputs => {
      const known = before?.expiries.find((candidate) => candidate.expiry === expiry);
      return {
        expiry,
        lotExponent: known?.lotExponent ?? lotExponent,
        options: group.map((record) => {
          const strike = millionths(record.strike);
          const listed = known?.options.find(
            (option) => option.strike === strike && option.call === record.call,
          );
          return quoteOf(record, listed?.id ?? newId());
        }),
      };
    });
    const quoted = new Set(expiries.flatMap((group) => group.options.map((option) => option.id)));
    const lost = before?.expiries.flatMap((group) => group.options).find((option) => !quoted.has(option.id));
    ensure(
      lost === undefined,
      "listing.missing",
      `option ${lost?.id} of ${name} is not in the chain, expected every listed option: quote it or settle its expiry`,
    );
    const scan = scanOf(name, realizedVolatilities[name] ?? 0);
    return {
      name,
      index: millionths(price),
      scan,
      concentrationUnits: underlyingModel(name).concentrationUnits,
      spot,
      ...(perpetual === undefined ? {} : { perpetual }),
      expiries,
      settled: before?.settled ?? [],
    };
  });
  return checkInputs({
    epoch: options.epoch ?? (previous ? previous.epoch + 1 : 1),
    time,
    previousTime: previous?.time ?? 0,
    baseImFactor: Number(q16Ceil(DEFAULT_IM_FACTOR)),
    priceBand: Number(q16Ceil(DEFAULT_PRICE_BAND)),
    debtLimit: options.debtLimit ?? 0,
    underlyings: underlyings.map((underlying) => withPreviousRange(underlying, previous)),
    archives: previous?.archives ?? [],
  });
}

/** The range that the arrays of the epoch before used goes into the inputs of the next. */
function withPreviousRange(
  underlying: UnderlyingInputs,
  previous: MarketInputs | undefined,
): UnderlyingInputs {
  const before = previous?.underlyings.find((candidate) => candidate.name === underlying.name);
  if (previous === undefined || before === undefined) return underlying;
  return { ...underlying, scan: carriedScan(underlying.scan, before, previous) };
}
