import { Misuse, reading } from "../../protocol/errors.ts";
import { parseDecimal } from "../../protocol/fixedPoint.ts";

/** A Q16 ratio from the text of a percentage above 0 and up to 100, rounded down; misuse (`cli.percent`) otherwise. */
export function percentQ16(text: string, option: string): bigint {
  const places = 9;
  const scaled = reading(() => parseDecimal(text.replace(/%$/, ""), places, option));
  const ratio = (scaled * 65_536n) / (100n * 10n ** BigInt(places));
  if (ratio < 1n || ratio > 65_536n)
    throw new Misuse(
      "cli.percent",
      `${option} is ${JSON.stringify(text)}, expected a percentage above 0 and up to 100`,
    );
  return ratio;
}
