import type { Position } from "../../protocol/margin.ts";
import { priceFactor, SCENARIO_LIST, type ScanRange, type Scenario } from "../../protocol/scenarios.ts";

/*
 * What a group of positions in one underlying loses at any price, read off its sixteen scenarios: the points that a risk array has, joined by
 * curves that are exact for delta and gamma. Amounts are micro-USDC as doubles, moves are fractions of the present price.
 */

type Curve = (move: number) => number;

/** Points at least this far apart are two points. */
const DISTINCT = 1e-9;

/** How many times the flatter of two chords a slope between them may have: at three a cubic still rises all the way. */
const STEEPEST = 3;

/**
 * Slope at a point between two chords: that of the parabola through it and its neighbours. Where both chords rise or both fall it is
 * limited, so that the curve does too: an option that is nearly worthless has no more to lose.
 */
function slopeBetween(before: number, after: number, parabola: number): number {
  if (before * after <= 0) return parabola;
  const most = STEEPEST * Math.min(Math.abs(before), Math.abs(after));
  return Math.sign(parabola) * Math.min(Math.abs(parabola), most);
}

/** A smooth curve through points: cubics between them, straight lines beyond the ends. Most parabolas are met exactly. */
function curveThrough(points: readonly (readonly [number, number])[]): Curve {
  const sorted = [...points]
    .sort(([one], [other]) => one - other)
    .filter(([x], place, all) => place === 0 || x - (all[place - 1] as [number, number])[0] > DISTINCT);
  const xs = sorted.map(([x]) => x);
  const ys = sorted.map(([, y]) => y);
  const last = xs.length - 1;
  if (last === 0) return () => ys[0] as number;
  const width = (place: number): number => (xs[place + 1] as number) - (xs[place] as number);
  const chord = (place: number): number => ((ys[place + 1] as number) - (ys[place] as number)) / width(place);
  const slopes = xs.map((_, place) => {
    if (place === 0) return chord(0);
    if (place === last) return chord(last - 1);
    const [before, after] = [width(place - 1), width(place)];
    const [left, right] = [chord(place - 1), chord(place)];
    return slopeBetween(left, right, (after * left + before * right) / (before + after));
  });
  return (move) => {
    if (move <= (xs[0] as number))
      return (ys[0] as number) + (move - (xs[0] as number)) * (slopes[0] as number);
    if (move >= (xs[last] as number))
      return (ys[last] as number) + (move - (xs[last] as number)) * (slopes[last] as number);
    let place = 0;
    while (move > (xs[place + 1] as number)) place++;
    const span = width(place);
    const part = (move - (xs[place] as number)) / span;
    const rest = 1 - part;
    return (
      (ys[place] as number) * rest * rest * (1 + 2 * part) +
      (slopes[place] as number) * span * part * rest * rest +
      (ys[place + 1] as number) * part * part * (1 + 2 * rest) -
      (slopes[place + 1] as number) * span * part * part * rest
    );
  };
}

const placesWith = (volatility: Scenario["volatility"]): number[] =>
  [...SCENARIO_LIST.keys()].filter((place) => SCENARIO_LIST[place]?.volatility === volatility);
const [UPS, DOWNS, EXTREMES] = [placesWith("up"), placesWith("down"), placesWith("unchanged")];
const moveOf = (place: number): number => (SCENARIO_LIST[place] as Scenario).move;
const placeIn = (places: readonly number[], move: number): number =>
  places.find((place) => moveOf(place) === move) as number;
const [UP_AT_REST, DOWN_AT_REST] = [placeIn(UPS, 0), placeIn(DOWNS, 0)];

/**
 * Losses of a leg at the seven moves with volatility as it is: between those with volatility up and down, at the one share of the way at which
 * nothing is lost where the price stays. A leg that volatility does not touch has the same losses at both.
 */
function lossesAtRest(losses: readonly number[]): number[] {
  const [up, down] = [losses[UP_AT_REST] as number, losses[DOWN_AT_REST] as number];
  const share = up === down ? 0 : Math.min(Math.max(down / (down - up), 0), 1);
  return UPS.map(
    (place, index) =>
      (losses[place] as number) * share + (losses[DOWNS[index] as number] as number) * (1 - share),
  );
}

const summed = (rows: readonly (readonly number[])[]): number[] =>
  (rows[0] ?? []).map((_, column) => rows.reduce((sum, row) => sum + (row[column] as number), 0));

/**
 * The curves of a group by the volatility of the scenarios. The extremes, whose volatility is unchanged, give the tails; by these the other two
 * curves continue at the distance that they have at the whole of the range.
 */
function lossCurves(positions: readonly Position[], range: ScanRange): Record<Scenario["volatility"], Curve> {
  const byLeg = positions.map(({ size, row }) =>
    row.losses.map((loss, place) => Number(size * loss) / (SCENARIO_LIST[place] as Scenario).weight),
  );
  const losses = summed(byLeg);
  const rest = summed(byLeg.map(lossesAtRest));
  const restAt = (move: number): number => rest[UPS.findIndex((place) => moveOf(place) === move)] as number;
  const at = (place: number): number => priceFactor(SCENARIO_LIST[place] as Scenario, range) - 1;
  const curve = (values: readonly number[], places: readonly number[]): Curve =>
    curveThrough([
      ...places.map((place, index): [number, number] => [at(place), values[index] as number]),
      ...EXTREMES.map((place): [number, number] => {
        const whole = Math.sign(moveOf(place));
        const there = values[places.findIndex((other) => moveOf(other) === whole)] as number;
        return [at(place), (losses[place] as number) + there - restAt(whole)];
      }),
    ]);
  const valuesAt = (places: readonly number[]): number[] => places.map((place) => losses[place] as number);
  return { up: curve(valuesAt(UPS), UPS), down: curve(valuesAt(DOWNS), DOWNS), unchanged: curve(rest, UPS) };
}

/** Loss and scan risk of a group after a price move, in micro-USDC. */
export interface GroupRisk {
  loss(move: number): number;
  /** Scan risk at the moved price, when the scan range is `rangeFactor` times the present one. */
  scan(move: number, rangeFactor: number): number;
}

/**
 * A group's risk at other prices, from its arrays alone. Scan risk there is the largest of the sixteen losses from there on, each
 * scenario's move being of the price that then is; at no move and the present range it is the scan risk of the arrays.
 */
export function groupRisk(positions: readonly Position[], range: ScanRange): GroupRisk {
  const curves = lossCurves(positions, range);
  return {
    loss: curves.unchanged,
    scan(move, rangeFactor) {
      const lost = curves.unchanged(move);
      const scaled = { up: range.up * rangeFactor, down: range.down * rangeFactor };
      let worst = 0;
      for (const scenario of SCENARIO_LIST) {
        const there = (1 + move) * priceFactor(scenario, scaled) - 1;
        worst = Math.max(worst, (curves[scenario.volatility](there) - lost) * scenario.weight);
      }
      return worst;
    },
  };
}
