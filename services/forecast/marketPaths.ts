import { ensure } from "../../protocol/errors.ts";
import { MICRO } from "../../protocol/fixedPoint.ts";
import type { UnderlyingInputs, VolatileScan } from "../../protocol/marketInputs.ts";
import { exp } from "../../protocol/normal.ts";
import {
  atTheMoneyVolatility,
  HOUR_MS,
  limitedRange,
  targetRange,
  updatedVolatility,
} from "../../protocol/priceScan.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { drawsFrom } from "./draws.ts";
import type { FilteredReturns } from "./filter.ts";

/** One underlying on every path. Entry `path·steps + step` is the state after that step. */
export interface UnderlyingPaths {
  name: string;
  /** Change of the price since the snapshot, as a fraction. */
  moves: Float64Array;
  /** The scan range that the arrays would then use, over the one that they use now. */
  ranges: Float64Array;
  /** Least and largest move of all paths, 0 among them. */
  moveSpan: Span;
  /** Least and largest range, 1 among them. */
  rangeSpan: Span;
}

export interface Span {
  low: number;
  high: number;
}

function spanOf(values: Float64Array, always: number): Span {
  const result = { low: always, high: always };
  for (const value of values) {
    if (value < result.low) result.low = value;
    if (value > result.high) result.high = value;
  }
  return result;
}

/** Market paths from a snapshot on. */
export interface MarketPaths {
  paths: number;
  steps: number;
  /** By place in the snapshot; undefined where the history has no prices. */
  underlyings: (UnderlyingPaths | undefined)[];
}

/** Scan range along one path: what the rules would make of the path's returns. */
function rangeWalk(
  underlying: UnderlyingInputs,
  scan: VolatileScan,
  applied: number,
  time: number,
  stepMs: number,
): (logReturns: readonly number[]) => number[] {
  const atTheMoney = atTheMoneyVolatility(underlying, time);
  const hours = stepMs / HOUR_MS;
  return (logReturns) => {
    let realized = scan.realizedVolatility / MICRO;
    let range = applied;
    return logReturns.map((logReturn) => {
      realized = updatedVolatility(realized, logReturn, hours);
      const now = { ...scan, realizedVolatility: realized * MICRO, previousRange: range };
      range = limitedRange(targetRange(now, atTheMoney), now, stepMs);
      return range / applied;
    });
  };
}

/**
 * Draws paths of all underlyings together: at each step the standardized returns of one past step, of all underlyings, multiplied with
 * volatilities that start at the present ones and follow the path through the same filter. There is no drift. Scan ranges follow by the
 * rules; implied volatilities stay. The same seed gives the same paths.
 */
export function drawPaths(
  filtered: FilteredReturns,
  snapshot: MarketSnapshot,
  { steps, paths, seed }: { steps: number; paths: number; seed: number },
): MarketPaths {
  for (const [field, value] of Object.entries({ steps, paths }))
    ensure(
      Number.isSafeInteger(value) && value > 0 && value <= 1_000_000,
      `forecast.${field}`,
      `${field} is ${value}, expected a whole number from 1 to 1,000,000`,
    );
  const { names, standardized, decay, stepMs } = filtered;
  const logMoves = names.map(() => new Float64Array(paths * steps));
  const draws = drawsFrom(seed);
  for (let path = 0; path < paths; path++) {
    const variances = filtered.variances.slice();
    for (let step = 0; step < steps; step++) {
      const drawn = standardized[draws.below(standardized.length)] as Float64Array;
      for (let column = 0; column < names.length; column++) {
        const variance = variances[column] as number;
        const logReturn = (drawn[column] as number) * Math.sqrt(variance);
        variances[column] = decay * variance + (1 - decay) * logReturn * logReturn;
        (logMoves[column] as Float64Array)[path * steps + step] = logReturn;
      }
    }
  }
  const underlyings = snapshot.underlyings.map(({ name, rangeState }, place): UnderlyingPaths | undefined => {
    const logReturns = logMoves[names.indexOf(name)];
    if (logReturns === undefined) return undefined;
    const moves = new Float64Array(paths * steps);
    const ranges = new Float64Array(paths * steps).fill(1);
    const inputs = snapshot.inputs.underlyings[place] as UnderlyingInputs;
    const walk =
      inputs.scan.model === "volatile" && rangeState !== undefined
        ? rangeWalk(inputs, inputs.scan, rangeState.applied, snapshot.inputs.time, stepMs)
        : undefined;
    for (let from = 0; from < moves.length; from += steps) {
      const own = logReturns.subarray(from, from + steps);
      let sum = 0;
      own.forEach((logReturn, step) => {
        sum += logReturn;
        moves[from + step] = exp(sum) - 1;
      });
      if (walk !== undefined) ranges.set(walk(Array.from(own)), from);
    }
    return { name, moves, ranges, moveSpan: spanOf(moves, 0), rangeSpan: spanOf(ranges, 1) };
  });
  return { paths, steps, underlyings };
}
