import { z } from "zod";
import { RATIO_BOUND } from "./constants.ts";
import { SolvusError } from "./errors.ts";
import { MAX_LOT_EXPONENT, MIN_LOT_EXPONENT } from "./instrument.ts";

/*
 * What the market looked like at an epoch: everything a snapshot is computed from, and nothing else. Plain integers in a JSON-able
 * object, so that inputs can be signed, published as bytes (`inputsCodec.ts`) and recomputed by anyone.
 *
 * Units: prices in micro-dollars for one unit of the underlying; volatilities in millionths a year (750000 is 75%); ranges and moves in
 * millionths of the price; times in milliseconds since 1970; funding indexes in micro-USDC per lot.
 */

const time = z.int().min(0).max(8_640_000_000_000_000);
const price = z.int().min(1);
const millionths = z.int().min(0).max(100_000_000);
const moveMillionths = z.int().min(0).max(1_000_000);
const id = z.int().min(1).max(0xffff_ffff);
const rowValue = z
  .int()
  .min(1 - 2 ** 40)
  .max(2 ** 40 - 1);
const lotExponent = z.int().min(MIN_LOT_EXPONENT).max(MAX_LOT_EXPONENT);
const ratio = z
  .int()
  .min(0)
  .max(Number(RATIO_BOUND) - 1);
/** Visible ASCII: names are compared and displayed, never interpreted. */
const name = z.string().regex(/^[!-~]{1,40}$/, "1 to 40 visible ASCII characters");

const optionQuote = z.strictObject({
  id,
  strike: price,
  call: z.boolean(),
  /** Implied volatility. */
  volatility: millionths,
  /** The expiry's forward at which the volatility was observed. */
  forward: price,
  /** When it was observed. */
  time,
  /** The venue's name for the option; absent when it is the one that follows from the terms. */
  name: name.optional(),
});

const settlement = z.strictObject({
  /** Observations made of the thirty that are averaged. */
  observed: z.int().min(1).max(29),
  /** Their mean. */
  mean: price,
});

const expiryInputs = z.strictObject({
  expiry: time,
  lotExponent,
  /** Progress of the settlement mean; absent before its window opens. */
  settlement: settlement.optional(),
  options: z.array(optionQuote).min(1),
});

const spotListing = z.strictObject({ id, lotExponent });

const perpetualListing = z.strictObject({
  id,
  lotExponent,
  mark: price,
  fundingIndex: rowValue,
});

/** An expired instrument. The index has jumped by minus the settlement value and stays. */
const settledInstrument = z.strictObject({
  id,
  kind: z.union([z.literal(2), z.literal(3)]),
  fundingIndex: rowValue,
});

const volatileScan = z.strictObject({
  model: z.literal("volatile"),
  floor: moveMillionths,
  cap: moveMillionths,
  /** EWMA(0.99) of hourly returns. */
  realizedVolatility: millionths,
  /** The range in the arrays of the snapshot before; 0 when there is none. */
  previousRange: moveMillionths,
});

const stableScan = z.strictObject({
  model: z.literal("stable"),
  down: moveMillionths,
  up: moveMillionths,
});

const underlyingInputs = z.strictObject({
  name: z.string().regex(/^[A-Z0-9_]{1,16}$/, "1 to 16 capital letters, digits and underscores"),
  index: price,
  scan: z.discriminatedUnion("model", [volatileScan, stableScan]),
  /** Units of the underlying beyond which a leg pays the concentration add-on. */
  concentrationUnits: z.int().min(1).max(1_000_000_000_000),
  spot: spotListing.optional(),
  perpetual: perpetualListing.optional(),
  expiries: z.array(expiryInputs),
  settled: z.array(settledInstrument),
});

const marketInputs = z.strictObject({
  epoch: z.int().min(0).max(0xffff_ffff),
  time,
  /** Time of the snapshot before; 0 when there is none. */
  previousTime: time,
  /** Initial over maintenance margin while ranges are in the arrays in full, Q16. */
  baseImFactor: ratio,
  /** Q16. */
  priceBand: ratio,
  /** Micro-USDC. */
  debtLimit: z.int().min(0),
  underlyings: z.array(underlyingInputs),
  /** Settled rows moved out of their underlying, each array a subtree of its own. */
  archives: z.array(z.array(settledInstrument)),
});

export type MarketInputs = z.infer<typeof marketInputs>;
export type UnderlyingInputs = z.infer<typeof underlyingInputs>;
export type ExpiryInputs = z.infer<typeof expiryInputs>;
export type OptionQuote = z.infer<typeof optionQuote>;
export type SettledInstrument = z.infer<typeof settledInstrument>;
export type VolatileScan = z.infer<typeof volatileScan>;

/** Rules across fields, as [path, value, expectation] of the first that is broken. */
function brokenRelation(inputs: MarketInputs): [string, unknown, string] | undefined {
  if (inputs.previousTime > inputs.time) {
    return ["previousTime", inputs.previousTime, `at most the time ${inputs.time}`];
  }
  const names = new Set<string>();
  for (const [place, underlying] of inputs.underlyings.entries()) {
    const at = `underlyings.${place}`;
    if (names.has(underlying.name)) return [`${at}.name`, underlying.name, "a name not listed before"];
    names.add(underlying.name);
    const { scan } = underlying;
    if (scan.model === "volatile" && (scan.floor > scan.cap || scan.cap === 0)) {
      return [`${at}.scan.cap`, scan.cap, `positive and at least the floor ${scan.floor}`];
    }
    for (const [group, expiry] of underlying.expiries.entries()) {
      if (expiry.expiry <= inputs.time) {
        return [
          `${at}.expiries.${group}.expiry`,
          expiry.expiry,
          `later than the time ${inputs.time}; settle it`,
        ];
      }
      const late = expiry.options.findIndex((option) => option.time > inputs.time);
      if (late >= 0) {
        const value = expiry.options[late]?.time;
        return [`${at}.expiries.${group}.options.${late}.time`, value, `at most the time ${inputs.time}`];
      }
    }
  }
  return undefined;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      value === null || value === undefined ? undefined : (value as Record<PropertyKey, unknown>)[key],
    root,
  );
}

/**
 * Checks that `value` is a set of market inputs. Refuses (`inputs.<path>`) with one line that names the field, its value and what was
 * expected.
 */
export function checkInputs(value: unknown): MarketInputs {
  const result = marketInputs.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    const path = issue?.path.map(String).join(".") || "value";
    const found = JSON.stringify(valueAt(value, issue?.path ?? []))?.slice(0, 60) ?? "absent";
    throw new SolvusError(
      `inputs.${path}`,
      `market inputs: ${path} is ${found}, expected: ${issue?.message}`,
    );
  }
  const broken = brokenRelation(result.data);
  if (broken !== undefined) {
    const [path, found, expected] = broken;
    throw new SolvusError(
      `inputs.${path}`,
      `market inputs: ${path} is ${JSON.stringify(found)}, expected ${expected}`,
    );
  }
  return result.data;
}

/** Every instrument id that inputs name, live and settled. */
export function usedIds(inputs: MarketInputs): number[] {
  const ids = inputs.archives.flat().map((instrument) => instrument.id);
  for (const underlying of inputs.underlyings) {
    if (underlying.spot) ids.push(underlying.spot.id);
    if (underlying.perpetual) ids.push(underlying.perpetual.id);
    for (const expiry of underlying.expiries) ids.push(...expiry.options.map((option) => option.id));
    ids.push(...underlying.settled.map((instrument) => instrument.id));
  }
  return ids;
}
