import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  black76Greeks,
  black76Price,
  impliedVolatility,
  intrinsicValue,
  priceByDeviation,
} from "../../protocol/black76.ts";
import { normalCdf, normalDensity } from "../../protocol/normal.ts";
import { refusal } from "./support.ts";

describe("normal distribution", () => {
  test.each([
    // Reference values to 16 digits.
    [0, 0.5],
    [1, 0.841344746068543],
    [-1, 0.158655253931457],
    [-5, 2.866515718791939e-7],
    [-10, 7.619853024160527e-24],
    [-20, 2.753624118606234e-89],
    [-37, 5.725571222524e-300],
    [8, 0.9999999999999993],
  ])("cdf at %d", (x, expected) => {
    expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(5e-13);
  });

  test("both tails are those of the same function", () => {
    fc.assert(
      fc.property(fc.double({ min: -37, max: 37, noNaN: true }), (x) => {
        expect(Math.abs(normalCdf(x) + normalCdf(-x) - 1)).toBeLessThan(3e-16);
      }),
    );
    expect(normalCdf(-60)).toBe(0);
    expect(normalCdf(60)).toBe(1);
  });

  test("the density is the derivative of the distribution", () => {
    for (const x of [-3, -1, 0, 0.5, 2]) {
      const slope = (normalCdf(x + 1e-5) - normalCdf(x - 1e-5)) / 2e-5;
      expect(slope).toBeCloseTo(normalDensity(x), 9);
    }
  });
});

/** Terms of options from deep in to deep out of the money, hours to two years. */
const terms = fc.record({
  forward: fc.double({ min: 1, max: 100_000, noNaN: true }),
  moneyness: fc.double({ min: 0.1, max: 10, noNaN: true }),
  volatility: fc.double({ min: 0.05, max: 3, noNaN: true }),
  years: fc.double({ min: 1e-4, max: 2, noNaN: true }),
  call: fc.boolean(),
});

describe("Black-76", () => {
  test("a reference price", () => {
    // At the money, F(2Φ(σ√T/2) − 1).
    expect(black76Price(100, 100, 0.2, 1, true)).toBeCloseTo(7.965567455405804, 12);
  });

  test("put-call parity", () => {
    fc.assert(
      fc.property(terms, ({ forward, moneyness, volatility, years }) => {
        const strike = forward * moneyness;
        const difference =
          black76Price(forward, strike, volatility, years, true) -
          black76Price(forward, strike, volatility, years, false);
        expect(Math.abs(difference - (forward - strike))).toBeLessThanOrEqual(1e-12 * (forward + strike));
      }),
    );
  });

  test("between intrinsic value and its upper bound, rising with volatility", () => {
    fc.assert(
      fc.property(terms, ({ forward, moneyness, volatility, years, call }) => {
        const strike = forward * moneyness;
        const price = black76Price(forward, strike, volatility, years, call);
        expect(price).toBeGreaterThanOrEqual(intrinsicValue(forward, strike, call));
        expect(price).toBeLessThanOrEqual((call ? forward : strike) * (1 + 1e-15));
        const more = black76Price(forward, strike, volatility * 1.1, years, call);
        expect(more).toBeGreaterThanOrEqual(price - 1e-12 * forward);
      }),
    );
  });

  test("greeks against finite differences", () => {
    fc.assert(
      fc.property(terms, ({ forward, moneyness, volatility, years, call }) => {
        const strike = forward * moneyness;
        const price = (f: number, v: number, y: number) => black76Price(f, strike, v, y, call);
        const greeks = black76Greeks(forward, strike, volatility, years, call);
        const deviation = volatility * Math.sqrt(years);
        // Steps small against the option's own scales.
        const step = forward * Math.min(deviation, 1) * 1e-3;
        const up = price(forward + step, volatility, years);
        const down = price(forward - step, volatility, years);
        expect(Math.abs((up - down) / (2 * step) - greeks.delta)).toBeLessThan(1e-5);
        const middle = price(forward, volatility, years);
        const gamma = (up - 2 * middle + down) / (step * step);
        expect(Math.abs(gamma - greeks.gamma) * forward * deviation).toBeLessThan(1e-4);
        const volStep = volatility * 1e-4;
        const vega =
          (price(forward, volatility + volStep, years) - price(forward, volatility - volStep, years)) /
          (2 * volStep) /
          100;
        expect(Math.abs(vega - greeks.vega)).toBeLessThan(1e-6 * forward);
        const timeStep = years * 1e-4;
        const theta =
          (price(forward, volatility, years - timeStep) - price(forward, volatility, years + timeStep)) /
          (2 * timeStep) /
          365;
        expect(Math.abs(theta - greeks.theta)).toBeLessThan(1e-6 * forward * (1 + deviation / years / 365));
      }),
    );
  });

  test("without time or volatility an option is its intrinsic value", () => {
    for (const [volatility, years] of [
      [0, 1],
      [0.5, 0],
      [0.5, -1],
    ] as const) {
      expect(black76Price(110, 100, volatility, years, true)).toBe(10);
      expect(black76Greeks(110, 100, volatility, years, true)).toEqual({
        delta: 1,
        gamma: 0,
        vega: 0,
        theta: 0,
      });
      expect(black76Greeks(110, 100, volatility, years, false).delta).toBe(0);
      expect(black76Greeks(90, 100, volatility, years, false).delta).toBe(-1);
      expect(black76Greeks(100, 100, volatility, years, true).delta).toBe(0.5);
    }
    expect(priceByDeviation(100, 100, 1e-12, true)).toBeGreaterThanOrEqual(0);
  });
});

describe("implied volatility", () => {
  test("gives back the volatility wherever the price has time value", () => {
    fc.assert(
      fc.property(terms, ({ forward, moneyness, volatility, years, call }) => {
        const strike = forward * moneyness;
        const price = black76Price(forward, strike, volatility, years, call);
        fc.pre(price - intrinsicValue(forward, strike, call) > 1e-7 * forward);
        fc.pre(price < (call ? forward : strike) * (1 - 1e-7));
        const implied = impliedVolatility(price, forward, strike, years, call);
        expect(Math.abs(implied / volatility - 1)).toBeLessThan(1e-6);
      }),
    );
  });

  test("reproduces tiny prices, far from the money", () => {
    const price = black76Price(9000, 40_000, 0.6, 0.1, true);
    expect(price).toBeLessThan(1e-10);
    const implied = impliedVolatility(price, 9000, 40_000, 0.1, true);
    expect(Math.abs(black76Price(9000, 40_000, implied, 0.1, true) - price)).toBeLessThan(1e-12);
  });

  test("edges: intrinsic value has none, the upper bound and beyond are refused", () => {
    expect(impliedVolatility(10, 110, 100, 1, true)).toBe(0);
    expect(impliedVolatility(0, 90, 100, 1, true)).toBe(0);
    expect(refusal(() => impliedVolatility(9.99, 110, 100, 1, true))).toBe("impliedVolatility.price");
    expect(refusal(() => impliedVolatility(110, 110, 100, 1, true))).toBe("impliedVolatility.price");
    expect(refusal(() => impliedVolatility(100, 110, 100, 1, false))).toBe("impliedVolatility.price");
    expect(refusal(() => impliedVolatility(Number.NaN, 110, 100, 1, false))).toBe("impliedVolatility.price");
    expect(refusal(() => impliedVolatility(12, 110, 100, 0, true))).toBe("impliedVolatility.years");
    expect(refusal(() => impliedVolatility(12, 0, 100, 1, true))).toBe("impliedVolatility.forward");
    expect(impliedVolatility(109.9, 110, 100, 1, true)).toBeGreaterThan(4);
  });
});
