import { marginOf } from "../../../protocol/margin.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { openRow } from "../../../protocol/transition.ts";
import { initialMarginOf, type Lots, largest, type Portfolio, positionsOf } from "./accounts.ts";
import {
  type Crash,
  liveThrough,
  type MarketPath,
  type Outcome,
  type Start,
  type Surroundings,
  THIN,
  USUAL,
} from "./crash.ts";
import { type Levels, listingsOf } from "./market.ts";
import type { ParameterSet } from "./parameterSets.ts";

/*
 * Shocks of growing size, and the smallest one that does harm. A shock of size x is a fraction: a fall of the coin, a loss of tether's peg, a
 * step of the basis, a rise of implied volatility.
 */

/** A shock that can be made larger. */
export interface Shock {
  name: string;
  start: Start;
  /** Largest size that is tried, a fraction. */
  most: number;
  surroundings: Surroundings;
  path(size: number): MarketPath;
  portfolios(snapshot: MarketSnapshot, set: ParameterSet): Portfolio[];
  /** Minutes after the first epoch at which the options expire; by default weeks. */
  expiryMinutes?: number;
}

/** Accounts of a crowd. */
const CROWD = 8;
/** Lots of each account's position, where its size does not matter. */
const LOTS = 400n;
/** Lots of hedged positions: margins large enough that accounts are taken over in slices. */
const HEDGED_LOTS = 4_000n;

/** Straight from 1 at the start to the levels of the end after some minutes, an epoch a minute. */
function slide(minutes: number, end: Levels): MarketPath {
  const part = (minute: number, to: number | undefined): number =>
    1 + ((to ?? 1) - 1) * Math.min(1, minute / minutes);
  return {
    minutes: Array.from({ length: minutes }, (_, minute) => minute + 1),
    at: (minute) =>
      Object.fromEntries(Object.entries(end).map(([key, to]) => [key, part(minute, to)])) as Levels,
  };
}

/** All at once, after `silent` minutes without an epoch. */
const gap = (end: Levels, silent = 1): MarketPath => ({ minutes: [silent], at: () => end });

const crowdOf = (portfolio: Portfolio): Portfolio[] => Array.from({ length: CROWD }, () => portfolio);

const holding = (positions: Lots[], collateral: Lots[] = []): Portfolio => ({ collateral, positions });

/** A crowd long (side 1) or short (side −1) of the coin's perpetual. */
export function crowdAt(snapshot: MarketSnapshot, { coin }: ParameterSet, side: bigint): Portfolio[] {
  const { perpetual } = listingsOf(snapshot.inputs, coin);
  return crowdOf(holding([{ id: perpetual, size: side * LOTS }]));
}

const longPerpetuals: Shock["portfolios"] = (snapshot, set) => crowdAt(snapshot, set, 1n);

/** As many lots of the perpetual as collateral alone supports. */
function leveraged(snapshot: MarketSnapshot, perpetual: bigint, collateral: Lots): Portfolio {
  const { value } = marginOf(positionsOf(snapshot, [collateral]));
  const size = largest(
    1n << 30n,
    (lots) => initialMarginOf(snapshot, holding([{ id: perpetual, size: lots }], [collateral])) <= value,
  );
  return holding([{ id: perpetual, size }], [collateral]);
}

/** Tether, and a debt of what it is worth but for the margin: what losses leave of a position on such collateral. */
function debtOnTether(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { perpetual, tether } = listingsOf(snapshot.inputs, coin);
  const lots = (LOTS * openRow(snapshot, perpetual).row.mark) / openRow(snapshot, tether).row.mark;
  return crowdOf(holding([], [{ id: tether, size: lots }]));
}

/** Tether for collateral, the coin's perpetual on top. */
function onTether(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { perpetual, tether } = listingsOf(snapshot.inputs, coin);
  const lots = (LOTS * openRow(snapshot, perpetual).row.mark) / openRow(snapshot, tether).row.mark;
  return crowdOf(leveraged(snapshot, perpetual, { id: tether, size: lots }));
}

/** The coin for collateral, its own perpetual on top. */
function onItself(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { perpetual, spot } = listingsOf(snapshot.inputs, coin);
  return crowdOf(leveraged(snapshot, perpetual, { id: spot, size: LOTS }));
}

/** One account: coins for collateral and their perpetual on top, a number of times the concentration threshold. */
function whale(times: number): Shock["portfolios"] {
  return (snapshot, { coin }) => {
    const { perpetual, spot } = listingsOf(snapshot.inputs, coin);
    const { concentrationThreshold } = openRow(snapshot, spot).row;
    const threshold = concentrationThreshold < 1n << 25n ? concentrationThreshold : 10_000n;
    const size = BigInt(Math.max(1, Math.round(times * Number(threshold))));
    return [leveraged(snapshot, perpetual, { id: spot, size })];
  };
}

/** Short perpetuals, long as many forwards made of options: a call bought and a put sold. No scenario loses anything. */
function againstForwards(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { perpetual, options } = listingsOf(snapshot.inputs, coin);
  const [call, put] = options.slice(2, 4) as [bigint, bigint];
  return crowdOf(
    holding([
      { id: perpetual, size: -LOTS },
      { id: call, size: LOTS },
      { id: put, size: -LOTS },
    ]),
  );
}

/** Short perpetuals, long as many calls far in the money, which expire and leave them bare. */
function hedgedByCalls(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { perpetual, options } = listingsOf(snapshot.inputs, coin);
  return crowdOf(
    holding([
      { id: perpetual, size: -HEDGED_LOTS },
      { id: options[0] as bigint, size: HEDGED_LOTS },
    ]),
  );
}

/** Sells the strangle around the price. */
function shortStrangle(snapshot: MarketSnapshot, { coin }: ParameterSet): Portfolio[] {
  const { options } = listingsOf(snapshot.inputs, coin);
  // Strikes rise, the call before the put: the put of the lowest, the call of the highest.
  return crowdOf(holding([options[1], options[4]].map((id) => ({ id: id as bigint, size: -LOTS }))));
}

/** Still until a minute, and then all at once; an epoch a minute. */
const stillUntil = (minute: number, end: Levels): MarketPath => ({
  minutes: Array.from({ length: minute }, (_, index) => index + 1),
  at: (now) => (now < minute ? {} : end),
});

const fall = (size: number): Levels => ({ coin: 1 - size });
const linear = { start: "initial", most: 0.94, surroundings: USUAL, portfolios: longPerpetuals } as const;

/** Every shock of the table, in its order. */
export const SHOCKS: readonly Shock[] = [
  { ...linear, name: "gap", path: (size) => gap(fall(size)) },
  { ...linear, name: "gap, accounts at MM", start: "maintenance", path: (size) => gap(fall(size)) },
  { ...linear, name: "gap, thin book", surroundings: THIN, path: (size) => gap(fall(size)) },
  { ...linear, name: "fall in 10 min", path: (size) => slide(10, fall(size)) },
  { ...linear, name: "fall in 10 min, thin book", surroundings: THIN, path: (size) => slide(10, fall(size)) },
  { ...linear, name: "fall in 1 h", path: (size) => slide(60, fall(size)) },
  { ...linear, name: "fall in 8 h", path: (size) => slide(480, fall(size)) },
  {
    ...linear,
    name: "fall in 8 h, nobody looks",
    surroundings: { ...USUAL, asleep: 480 },
    path: (size) => slide(480, fall(size)),
  },
  { ...linear, name: "own collateral, 1 h", portfolios: onItself, path: (size) => slide(60, fall(size)) },
  {
    ...linear,
    name: "own collateral gap, thin book",
    surroundings: THIN,
    portfolios: onItself,
    path: (size) => gap(fall(size)),
  },
  { ...linear, name: "tether gap", portfolios: debtOnTether, path: (size) => gap({ tether: 1 - size }) },
  {
    ...linear,
    name: "coin and tether gap",
    portfolios: onTether,
    path: (size) => gap({ ...fall(size), tether: 1 - size }),
  },
  { ...linear, name: "basis gap", portfolios: againstForwards, path: (size) => gap({ basis: 1 + size }) },
  {
    ...linear,
    name: "gap half way to a hedge's expiry",
    portfolios: hedgedByCalls,
    expiryMinutes: 60,
    path: (size) => stillUntil(45, { coin: 1 + size }),
  },
  {
    ...linear,
    name: "gap after a hedge's expiry",
    portfolios: hedgedByCalls,
    expiryMinutes: 60,
    path: (size) => stillUntil(61, { coin: 1 + size }),
  },
  {
    ...linear,
    name: "volatility gap",
    most: 8,
    portfolios: shortStrangle,
    path: (size) => gap({ volatility: 1 + size }),
  },
];

/** The crash that a shock of some size is. */
export function crashOf(shock: Shock, set: ParameterSet, size: number): Crash {
  return {
    set,
    start: shock.start,
    path: shock.path(size),
    surroundings: shock.surroundings,
    portfolios: (snapshot) => shock.portfolios(snapshot, set),
    ...(shock.expiryMinutes !== undefined && { expiryMinutes: shock.expiryMinutes }),
  };
}

/**
 * The smallest value from `low` to `high` for which `breaks`, to within `precision`; undefined when none of `steps` values at even distances
 * does. The first of these that does is where the bisection begins, so a value above it may be harmless again.
 */
export function smallest(
  { low, high, steps, precision }: { low: number; high: number; steps: number; precision: number },
  breaks: (value: number) => boolean,
): number | undefined {
  const at = (step: number): number => low + ((high - low) * step) / steps;
  const first = Array.from({ length: steps }, (_, step) => step + 1).find((step) => breaks(at(step)));
  if (first === undefined) return undefined;
  let [harmless, harmful] = [at(first - 1), at(first)];
  while (harmful - harmless > precision) {
    const middle = (harmless + harmful) / 2;
    if (breaks(middle)) harmful = middle;
    else harmless = middle;
  }
  return harmful;
}

/** What a shock does at the least. */
export interface Breaks {
  /** Smallest size with any bad debt, a fraction. */
  badDebt: number | undefined;
  /** Smallest size with which withdrawals lock. */
  lock: number | undefined;
}

const PRECISION = 0.0005;
const STEPS = 16;

/** Smallest sizes of a shock that make bad debt of a set of parameters, and that lock withdrawals. */
export function breaksOf(shock: Shock, set: ParameterSet): Breaks {
  const range = { high: shock.most, steps: STEPS, precision: PRECISION * Math.max(1, shock.most) };
  const known = new Map<number, Outcome>();
  const outcome = (size: number): Outcome => {
    const found = known.get(size) ?? liveThrough(crashOf(shock, set, size));
    known.set(size, found);
    return found;
  };
  const badDebt = smallest({ ...range, low: 0 }, (size) => outcome(size).badDebt > 0n);
  if (badDebt === undefined) return { badDebt, lock: undefined };
  return { badDebt, lock: smallest({ ...range, low: badDebt }, (size) => outcome(size).locked) };
}

/** The fall that concentration and depth are tried with. */
const TRIED_FALL = { size: 0.3, minutes: 60 };

const whaleIn = (times: number, depth: number): Shock => ({
  ...linear,
  name: "whale",
  surroundings: { ...USUAL, depth },
  portfolios: whale(times),
  path: (size) => slide(TRIED_FALL.minutes, fall(size)),
});

/**
 * The smallest whale, in times of the concentration threshold, that breaks a set when the coin falls by 30% within an hour and the market
 * takes a threshold's worth for 1% a minute.
 */
export function smallestWhale(set: ParameterSet): number | undefined {
  const most = 20;
  const breaks = (times: number): boolean =>
    // Its whole position is about six times its coins.
    liveThrough(crashOf(whaleIn(times, 1 / (6 * times)), set, TRIED_FALL.size)).badDebt > 0n;
  return smallest({ low: 0, high: most, steps: 12, precision: 0.02 }, breaks);
}

/** The largest depth, as a part of the crowd's position that the market takes in a minute for 1%, at which a fall of 30% within an hour makes bad debt. */
export function thinnestBook(set: ParameterSet): number | undefined {
  const most = 1;
  const shock = (depth: number): Shock => ({
    ...linear,
    name: "book",
    surroundings: { ...USUAL, depth },
    path: (size) => slide(TRIED_FALL.minutes, fall(size)),
  });
  const survives = (depth: number): boolean =>
    liveThrough(crashOf(shock(depth), set, TRIED_FALL.size)).badDebt === 0n;
  return smallest({ low: 0, high: most, steps: 25, precision: 0.0005 }, survives);
}
