import { Misuse, reading } from "../protocol/errors.ts";
import { parseDecimal, USDC_DECIMALS } from "../protocol/fixedPoint.ts";

/** `NAME=NUMBER` options as a record by name; misuse (`cli.pair`) when one is anything else or named twice. */
export function numbersByName(pairs: readonly string[], option: string): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const pair of pairs) {
    const match = /^([A-Za-z0-9_]{1,16})=([+-]?\d+(?:\.\d+)?)(%?)$/.exec(pair);
    const name = match?.[1].toUpperCase();
    if (match === null || name === undefined || name in numbers)
      throw new Misuse(
        "cli.pair",
        `${option} is ${JSON.stringify(pair)}, expected NAME=NUMBER, each name once`,
      );
    numbers[name] = Number(match[2]) / (match[3] === "%" ? 100 : 1);
  }
  return numbers;
}

/** A whole number of at least `least` from an option's text; misuse (`cli.integer`) otherwise. */
export function wholeNumber(text: string, option: string, least = 0): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least))
    throw new Misuse(
      "cli.integer",
      `${option} is ${JSON.stringify(text)}, expected a whole number of at least ${least}`,
    );
  return value;
}

/** Micro-USDC from an option's text, a decimal number of dollars of at least 0. */
export function usdcAmount(text: string, option: string): bigint {
  const amount = reading(() => parseDecimal(text, USDC_DECIMALS, option));
  if (amount < 0n)
    throw new Misuse("cli.amount", `${option} is ${JSON.stringify(text)}, expected an amount of at least 0`);
  return amount;
}
