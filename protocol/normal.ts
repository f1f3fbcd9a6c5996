import erfc from "@stdlib/math-base-special-erfc";
import exp from "@stdlib/math-base-special-exp";
import ln from "@stdlib/math-base-special-ln";

/*
 * Elementary functions of the pricing model. Everybody recomputes a snapshot to the last micro-dollar, and a JavaScript engine is free
 * to choose how it approximates `Math.exp` and `Math.log`; these are plain IEEE-754 arithmetic, the same on every engine.
 */

export { exp, ln };

const SQRT_HALF = Math.SQRT1_2;
const INVERSE_SQRT_TWO_PI = 0.3989422804014327;

/**
 * Probability that a standard normal variable is below x. Through erfc, so the lower tail keeps full relative accuracy down to
 * x = −37, beyond which it underflows to 0.
 */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * SQRT_HALF);
}

/** Density of the standard normal distribution. */
export function normalDensity(x: number): number {
  return INVERSE_SQRT_TWO_PI * exp(-0.5 * x * x);
}

/** `base^exponent` for a positive base. */
export function power(base: number, exponent: number): number {
  return exp(exponent * ln(base));
}
