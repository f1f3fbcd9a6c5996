import { Misuse } from "../../protocol/errors.ts";
import type { PricePoint, PriceSeries } from "./prices.ts";

/*
 * What part of a price file a drill plays, and when its keepers are away. Both follow from the prices alone: the stretch of the greatest
 * fall, or of the greatest rise where prices only rise.
 */

/** What a drill plays. */
export interface DrillWindow {
  /** The points that it steps through; accounts are opened before the first one. */
  points: PricePoint[];
  /** All points of the file from the first to the last of these. */
  rows: PricePoint[];
  /** The step at which keepers leave and the one at which they are back, as places in `points`; undefined when they stay. */
  outage?: { from: number; to: number };
}

const HOUR_MS = 3_600_000;
/** A window is as long as this, or as this many intervals where they are longer than an hour. */
const WINDOW_MS = 36 * HOUR_MS;
const MOST_STEPS = 36;
/** Of the window: what is played after the move, and for how long keepers are away. */
const AFTER_SHARE = 1 / 9;
const OUTAGE_SHARE = 1 / 2;

/** The mean logarithmic move of all underlyings from one point to another; below 0 for a fall. */
function moveBetween(from: PricePoint, to: PricePoint): number {
  const moves = from.prices.map((price, place) => Math.log((to.prices[place] as number) / price));
  return moves.reduce((sum, move) => sum + move, 0) / moves.length;
}

interface Stretch {
  /** Places of its first and last point. */
  from: number;
  to: number;
  size: number;
}

/** The stretch of points at most `spanMs` long with the greatest move in one direction (-1 or 1); the earliest of equals. */
function greatest(points: readonly PricePoint[], spanMs: number, direction: -1 | 1): Stretch {
  let best = { from: 0, to: points.length - 1, size: Number.NEGATIVE_INFINITY };
  points.forEach((start, from) => {
    for (let to = from + 1; to < points.length; to++) {
      const end = points[to] as PricePoint;
      if (end.time > start.time + spanMs) break;
      const size = direction * moveBetween(start, end);
      if (size > best.size) best = { from, to, size };
    }
  });
  return best;
}

/** The stretch of the greatest fall, or of the greatest rise where prices hardly fall beside it. */
function greatestMove(points: readonly PricePoint[], spanMs: number): Stretch {
  const fall = greatest(points, spanMs, -1);
  const rise = greatest(points, spanMs, 1);
  return fall.size * 3 >= rise.size ? fall : rise;
}

/** Every so many points that no more than `most` steps are left, the last one always among them. */
function thinned(points: readonly PricePoint[], most: number): PricePoint[] {
  const every = Math.ceil((points.length - 1) / most);
  return points.filter((_, place) => (points.length - 1 - place) % every === 0);
}

/** Wishes about a window; times in milliseconds since 1970. */
export interface WindowWish {
  from?: number;
  to?: number;
  /** Whether keepers are away for a part of the window. */
  outage: boolean;
}

/**
 * The window of a drill: from `from` to `to`, or around the greatest move of the file, with some calm before it. Keepers are away for the
 * half of it, or less, in which prices move the most.
 */
export function drillWindow({ points, intervalMs }: PriceSeries, wish: WindowWish): DrillWindow {
  const lengthMs = Math.max(WINDOW_MS, MOST_STEPS * intervalMs);
  const chosen = (): PricePoint[] => {
    if (wish.from !== undefined || wish.to !== undefined) {
      const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = wish;
      return points.filter(({ time }) => time >= from && time <= to);
    }
    const { to } = greatestMove(points, lengthMs * (1 - AFTER_SHARE));
    const end = Math.min(
      (points[to] as PricePoint).time + lengthMs * AFTER_SHARE,
      (points.at(-1) as PricePoint).time,
    );
    // A file that begins with its greatest move gets what comes after it.
    const start = Math.max((points[0] as PricePoint).time, end - lengthMs);
    return points.filter(({ time }) => time >= start && time <= start + lengthMs);
  };
  const inside = chosen();
  if (inside.length < 2)
    throw new Misuse("drill.window", `--from and --to leave ${inside.length} points, expected at least two`);
  const steps = thinned(inside, MOST_STEPS);
  const rows = inside.filter(({ time }) => time >= (steps[0] as PricePoint).time);
  if (!wish.outage || steps.length < 4) return { points: steps, rows };
  const first = steps[0] as PricePoint;
  const last = steps.at(-1) as PricePoint;
  // The first step belongs to opening accounts, at the last one keepers are back.
  const inner = steps.slice(1, -1);
  const { from, to } = greatestMove(inner, (last.time - first.time) * OUTAGE_SHARE);
  return { points: steps, rows, outage: { from: from + 1, to: to + 1 } };
}
