import { ensure } from "../../protocol/errors.ts";
import { addOnOf, byUnderlying, type Position } from "../../protocol/margin.ts";
import type { Note } from "../../protocol/note.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { openRow } from "../../protocol/transition.ts";
import { groupRisk } from "./lossCurves.ts";
import type { MarketPaths, UnderlyingPaths } from "./marketPaths.ts";

/** How likely an account is to fall below its maintenance margin. */
export interface BreachForecast {
  /** Within the horizon; 1 for an account that is below now. */
  probability: number;
  /** By the end of each step. */
  byStep: number[];
}

/** Moves and scan ranges at which a group is evaluated; between them straight lines. */
const MOVE_POINTS = 129;
const RANGE_POINTS = 3;

/** Micro-USDC by which equity minus margin is lower at a state of the paths than at the snapshot, for one group. */
type Decrease = (state: number) => number;

/**
 * Equity less margin of one group over the paths. A path has thousands of states and a group one price, so losses and scan risks are
 * computed on a grid that spans the paths and read off it.
 */
function decreaseOver(
  positions: readonly Position[],
  range: { up: number; down: number },
  paths: UnderlyingPaths,
): Decrease {
  const risk = groupRisk(positions, range);
  const addOn = Number(positions.reduce((sum, position) => sum + addOnOf(position), 0n));
  const now = risk.scan(0, 1) + addOn;
  const { moveSpan: moves, rangeSpan: ranges } = paths;
  const rangeCount = ranges.high > ranges.low ? RANGE_POINTS : 1;
  const moveStep = (moves.high - moves.low) / (MOVE_POINTS - 1) || 1;
  const rangeStep = rangeCount === 1 ? 1 : (ranges.high - ranges.low) / (rangeCount - 1);
  const table = new Float64Array(MOVE_POINTS * rangeCount);
  for (let point = 0; point < MOVE_POINTS; point++) {
    const move = moves.low + point * moveStep;
    const withoutScan = risk.loss(move) + addOn * (1 + move) - now;
    for (let column = 0; column < rangeCount; column++)
      table[column * MOVE_POINTS + point] = withoutScan + risk.scan(move, ranges.low + column * rangeStep);
  }
  const along = (column: number, point: number, part: number): number => {
    const place = column * MOVE_POINTS + point;
    return (table[place] as number) * (1 - part) + (table[place + 1] as number) * part;
  };
  return (state) => {
    const x = ((paths.moves[state] as number) - moves.low) / moveStep;
    const point = Math.min(Math.floor(x), MOVE_POINTS - 2);
    if (rangeCount === 1) return along(0, point, x - point);
    const y = ((paths.ranges[state] as number) - ranges.low) / rangeStep;
    const column = Math.min(Math.floor(y), rangeCount - 2);
    const part = y - column;
    return along(column, point, x - point) * (1 - part) + along(column + 1, point, x - point) * part;
  };
}

/**
 * The first step of each path at whose end the account's equity is below its maintenance margin. Losses and scan risk of each underlying are
 * read off the account's own arrays, add-ons move with the price; funding and the passing of time count for nothing. An underlying
 * that has no paths keeps its price if it is a stablecoin; throws `forecast.underlying` for any other that is held.
 */
export function breachOver(note: Note, snapshot: MarketSnapshot, market: MarketPaths): BreachForecast {
  const { paths, steps } = market;
  const { equity, margin } = standingOf(note, snapshot);
  const excess = Number(equity - margin.maintenance);
  if (excess < 0) return { probability: 1, byStep: new Array<number>(steps).fill(1) };
  const positions = note.legs
    .filter(({ size }) => size !== 0n)
    .map((leg): Position => ({ size: leg.size, ...openRow(snapshot, leg.id) }))
    .filter(({ row }) => !row.settled);
  const decreases: Decrease[] = [];
  for (const [place, group] of byUnderlying(positions)) {
    const underlying = snapshot.underlyings[place];
    const drawn = market.underlyings[place];
    ensure(
      drawn !== undefined || snapshot.inputs.underlyings[place]?.scan.model === "stable",
      "forecast.underlying",
      `price history: no prices of ${underlying?.name}, which the account holds, expected a column of them`,
    );
    if (drawn !== undefined && underlying !== undefined)
      decreases.push(decreaseOver(group, underlying.range, drawn));
  }
  const firsts = new Array<number>(steps).fill(0);
  for (let path = 0; path < paths; path++) {
    for (let step = 0; step < steps; step++) {
      let left = excess;
      for (const decrease of decreases) left -= decrease(path * steps + step);
      if (left >= 0) continue;
      firsts[step] = (firsts[step] as number) + 1;
      break;
    }
  }
  let breached = 0;
  const byStep = firsts.map((first) => {
    breached += first;
    return breached / paths;
  });
  return { probability: breached / paths, byStep };
}
