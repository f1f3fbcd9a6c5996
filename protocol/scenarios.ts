import { SCENARIOS } from "./constants.ts";
import { power } from "./normal.ts";

/** One of the sixteen hypothetical market moves of a risk array. */
export interface Scenario {
  /** Price move in scan ranges. */
  move: number;
  /** Direction of the volatility shock. */
  volatility: "up" | "down" | "unchanged";
  /** Part of the loss that counts. */
  weight: number;
}

const EXTREME_MOVE = 3;
const EXTREME_WEIGHT = 0.33;

/**
 * The scenarios in SPAN's order: no move, a third, two thirds and the whole of the scan range, each first up then down and each with
 * volatility up then down; last the two extremes.
 */
export const SCENARIO_LIST: readonly Scenario[] = [
  ...[0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1, -1].flatMap((move): Scenario[] => [
    { move, volatility: "up", weight: 1 },
    { move, volatility: "down", weight: 1 },
  ]),
  { move: EXTREME_MOVE, volatility: "unchanged", weight: EXTREME_WEIGHT },
  { move: -EXTREME_MOVE, volatility: "unchanged", weight: EXTREME_WEIGHT },
];

if (SCENARIO_LIST.length !== SCENARIOS) throw new Error("the scenario list does not fill a risk array");

/** How far a price may fall in a scenario. */
const LOWEST_FACTOR = 0.2;

/** Scan range of an underlying, as fractions of the price for rises and falls. */
export interface ScanRange {
  up: number;
  down: number;
}

/** What a scenario multiplies the price by: never less than 0.2. */
export function priceFactor(scenario: Scenario, range: ScanRange): number {
  const size = scenario.move < 0 ? range.down : range.up;
  return Math.max(LOWEST_FACTOR, 1 + scenario.move * size);
}

const SHOCK = 0.5;
const SHOCK_DAYS = 30;
const SHORT_POWER = 0.3;
const LONG_POWER = 0.13;
const LEAST_STRESSED = 0.5;

/**
 * The volatility of a scenario, as fractions a year, for an option with `days` to expiry. Up: more by 50%·(30/max(days, 1))^p of itself,
 * p = 0.3 under thirty days and 0.13 from there on, and at least 50% a year; down: less by half as much. The strike keeps its shocked
 * volatility when the price moves (sticky strike).
 */
export function shockedVolatility(
  volatility: number,
  days: number,
  direction: Scenario["volatility"],
): number {
  if (direction === "unchanged") return volatility;
  const exponent = days < SHOCK_DAYS ? SHORT_POWER : LONG_POWER;
  const shock = SHOCK * power(SHOCK_DAYS / Math.max(days, 1), exponent);
  return direction === "up"
    ? Math.max(LEAST_STRESSED, volatility * (1 + shock))
    : volatility * (1 - shock / 2);
}
