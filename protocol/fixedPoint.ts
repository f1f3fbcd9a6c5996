import { Q16 } from "./constants.ts";
import { ensure } from "./errors.ts";

/*
 * Conversions between people's decimal numbers and the protocol's integers. Money is micro-USDC, ratios are Q16, market inputs are
 * millionths. Text and integers convert exactly; floating-point numbers are rounded to nearest, ties away from zero, so that the
 * rounding of −x is minus the rounding of x.
 */

/** Micro-USDC in a USDC, and millionths in one. */
export const MICRO = 1_000_000;
/** Decimal places of USDC amounts. */
export const USDC_DECIMALS = 6;

/** The integer nearest to `value`, ties away from zero. Refuses (`number.range`) values that are not finite or beyond 2^53. */
export function roundNearest(value: number): number {
  const rounded = value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5);
  ensure(
    Number.isSafeInteger(rounded),
    "number.range",
    `value is ${value}, expected a finite number below 2^53 in absolute value`,
  );
  return rounded === 0 ? 0 : rounded;
}

/** Dollars as micro-USDC, to nearest. */
export function microFromUsd(usd: number): bigint {
  return BigInt(roundNearest(usd * MICRO));
}

/** Micro-USDC as dollars, for display and comparison; exact up to 2^53 micro-USDC. */
export function usdFromMicro(micro: bigint): number {
  return Number(micro) / MICRO;
}

/** A ratio as Q16, rounded up: margins are multiplied by it. */
export function q16Ceil(ratio: number): bigint {
  return BigInt(Math.ceil(ratio * Number(Q16)));
}

/** A Q16 ratio as a number. */
export function ratioFromQ16(ratio: bigint): number {
  return Number(ratio) / Number(Q16);
}

/**
 * Exact integer of `text · 10^decimals` for a decimal number such as `-12.5`. Refuses (`number.format`) anything else, including more
 * decimal places than fit and exponents; `field` names the value in the message.
 */
export function parseDecimal(text: string, decimals: number, field: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text.trim());
  const [, sign = "", whole = "", fraction = ""] = match ?? [];
  ensure(
    match !== null && fraction.length <= decimals,
    "number.format",
    `${field} is ${JSON.stringify(text)}, expected a decimal number with at most ${decimals} decimal places`,
  );
  const magnitude = BigInt(whole + fraction.padEnd(decimals, "0"));
  return sign === "-" ? -magnitude : magnitude;
}

/** The decimal text of `value / 10^decimals`, without trailing zeros beyond `minimumPlaces`. */
export function formatDecimal(value: bigint, decimals: number, minimumPlaces = 0): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  let fraction = digits.slice(digits.length - decimals);
  while (fraction.length > minimumPlaces && fraction.endsWith("0")) fraction = fraction.slice(0, -1);
  return `${value < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Micro-USDC from a decimal amount of dollars, exactly. */
export function parseUsdc(text: string, field: string): bigint {
  return parseDecimal(text, USDC_DECIMALS, field);
}

/** Micro-USDC as a decimal amount of dollars, at least two places. */
export function formatUsdc(micro: bigint): string {
  return formatDecimal(micro, USDC_DECIMALS, 2);
}
