import { Misuse, reading, SolvusError } from "../../protocol/errors.ts";
import { parseDecimal } from "../../protocol/fixedPoint.ts";
import { findInstrument, type Instrument } from "../../protocol/instrument.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";

/** Lots in a decimal number of units of the underlying; misuse (`cli.lots`) when it is not a whole number of lots. */
export function lotsOf(text: string, { name, lotExponent }: Instrument, option: string): bigint {
  const wrong = new Misuse(
    "cli.lots",
    `${option} is ${JSON.stringify(text)}, expected a whole number of lots of ${name}, one lot being 1e${lotExponent} units`,
  );
  const sign = text.startsWith("+") ? text.slice(1) : text;
  if (lotExponent <= 0) {
    try {
      return parseDecimal(sign, -lotExponent, option);
    } catch (error) {
      if (error instanceof SolvusError) throw wrong;
      throw error;
    }
  }
  const units = reading(() => parseDecimal(sign, 0, option));
  const lot = 10n ** BigInt(lotExponent);
  if (units % lot !== 0n) throw wrong;
  return units / lot;
}

/** A listed instrument by name or id; misuse when there is none. */
export function listed(snapshot: MarketSnapshot, nameOrId: string): Instrument {
  return reading(() => findInstrument(snapshot.instruments, nameOrId));
}

/** `NAME=UNITS` as a package leg. */
export function parseLeg(text: string, snapshot: MarketSnapshot): { id: bigint; size: bigint } {
  const match = /^([!-~]{1,40}?)=([+-]?[\d.]+)$/.exec(text);
  if (match === null)
    throw new Misuse(
      "cli.leg",
      `--leg is ${JSON.stringify(text)}, expected INSTRUMENT=UNITS such as BTC-PERPETUAL=-1.5`,
    );
  const instrument = listed(snapshot, match[1]);
  return { id: instrument.id, size: lotsOf(match[2], instrument, "--leg") };
}
