import { ID_BOUND, KIND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { formatDecimal, MICRO } from "./fixedPoint.ts";

/**
 * A public listing. Amounts of an instrument are whole lots; one lot is `10^lotExponent` units of the underlying, chosen at listing so
 * that it is worth about $100 to $1,000, and never changed.
 */
export interface Instrument {
  /** 1 to 2^32 − 1, never reused. */
  id: bigint;
  /** `BTC-SPOT`, `BTC-PERPETUAL`, `BTC-22MAY20-6000-C`. */
  name: string;
  /** One of `KIND`. */
  kind: bigint;
  underlying: string;
  lotExponent: number;
  /** Options: time of expiry in milliseconds since 1970. */
  expiry?: number;
  /** Options: strike in micro-dollars for one unit of the underlying. */
  strike?: number;
  /** Options: true for a call, false for a put. */
  call?: boolean;
}

export const MIN_LOT_EXPONENT = -8;
export const MAX_LOT_EXPONENT = 8;

/** The power of ten of units of an underlying that is worth at least $100 and less than $1,000 at `price` dollars. */
export function lotExponentFor(price: number): number {
  for (let exponent = MIN_LOT_EXPONENT; exponent <= MAX_LOT_EXPONENT; exponent++) {
    const notional = price * lotSize(exponent);
    if (notional >= 100 && notional < 1000) return exponent;
  }
  ensure(
    false,
    "instrument.lot",
    `price is ${price}, expected one at which a lot from 1e${MIN_LOT_EXPONENT} to 1e${MAX_LOT_EXPONENT} units is worth $100 to $1,000`,
  );
}

/** Units of the underlying in a lot: the double nearest to `10^lotExponent`. */
export function lotSize(lotExponent: number): number {
  return Number(`1e${lotExponent}`);
}

/** Smallest units of a token with `decimals` decimal places in one lot; a lot must be a whole number of them. */
export function tokenUnitsPerLot(lotExponent: number, decimals: number): bigint {
  ensure(
    Number.isInteger(decimals) && decimals + lotExponent >= 0,
    "instrument.tokenUnits",
    `decimals is ${decimals}, expected an integer of at least ${-lotExponent} for a lot of 1e${lotExponent}`,
  );
  return 10n ** BigInt(decimals + lotExponent);
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/** Date of an expiry as venues write it, in UTC: `5JUN20`. */
export function expiryCode(expiry: number): string {
  const date = new Date(expiry);
  const year = String(date.getUTCFullYear() % 100).padStart(2, "0");
  return `${date.getUTCDate()}${MONTHS[date.getUTCMonth()]}${year}`;
}

export function spotName(underlying: string): string {
  return `${underlying}-SPOT`;
}

export function perpetualName(underlying: string): string {
  return `${underlying}-PERPETUAL`;
}

/** Name of an option from its terms; `strike` in micro-dollars. */
export function optionName(underlying: string, expiry: number, strike: number, call: boolean): string {
  const price = formatDecimal(BigInt(strike), Math.log10(MICRO));
  return `${underlying}-${expiryCode(expiry)}-${price}-${call ? "C" : "P"}`;
}

/** The instrument with a name (in any case) or, as decimal digits, an id; refuses (`instrument.unknown`) one that is not listed. */
export function findInstrument(instruments: readonly Instrument[], nameOrId: string): Instrument {
  const wanted = nameOrId.toUpperCase();
  const found = instruments.find(
    (instrument) => instrument.name === wanted || String(instrument.id) === wanted,
  );
  ensure(
    found !== undefined,
    "instrument.unknown",
    `instrument is ${JSON.stringify(nameOrId)}, expected the name or id of one of the ${instruments.length} listed instruments`,
  );
  return found;
}

/** The id after the highest ever given; refuses (`instrument.ids`) when all 2^32 are used. */
export function nextInstrumentId(usedIds: Iterable<number>): number {
  let highest = 0;
  for (const id of usedIds) highest = Math.max(highest, id);
  ensure(
    highest + 1 < Number(ID_BOUND),
    "instrument.ids",
    `highest id is ${highest}, expected one below 2^32 − 1`,
  );
  return highest + 1;
}

/** The word for an instrument's kind. */
export function kindName(kind: bigint): string {
  const entry = Object.entries(KIND).find(([, value]) => value === kind);
  return entry?.[0] ?? "unknown";
}
