import { ln } from "../../protocol/normal.ts";

/** A probability that was said before, and whether the event came. */
export interface Verdict {
  probability: number;
  happened: boolean;
}

/** How good probabilities were. */
export interface Scores {
  count: number;
  /** Share of events. */
  rate: number;
  /** Mean squared distance between probability and outcome: 0 is perfect, a half said always is 0.25. */
  brier: number;
  /** Mean of −ln of the probability that was given to what happened. */
  log: number;
}

/** Probabilities nearer to 0 or 1 than this count as this in the log score: what a simulation of two thousand paths cannot tell apart. */
const LEAST_PROBABILITY = 1 / 4_000;

/** Scores of verdicts; all are not-a-number without any. */
export function scoresOf(verdicts: readonly Verdict[]): Scores {
  const count = verdicts.length;
  let [events, squares, logs] = [0, 0, 0];
  for (const { probability, happened } of verdicts) {
    events += happened ? 1 : 0;
    squares += (probability - (happened ? 1 : 0)) ** 2;
    const given = happened ? probability : 1 - probability;
    logs -= ln(Math.min(Math.max(given, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY));
  }
  return { count, rate: events / count, brier: squares / count, log: logs / count };
}

/** Brier skill: the part of the baseline's score that was saved. 1 is perfect, 0 no better, below 0 worse. */
export function skillOf(brier: number, baseline: number): number {
  return 1 - brier / baseline;
}

/** Forecasts of about one probability and how often the event came. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  /** Mean of the probabilities. */
  said: number;
  /** Share of events. */
  happened: number;
}

/** Bounds of the bins of a reliability table: narrow where most forecasts are. */
const BOUNDS = [0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 1];

/** Reliability by bins of the probability; a bin holds its lower bound, the last one also 1. Empty bins are left out. */
export function reliability(verdicts: readonly Verdict[]): ReliabilityBin[] {
  return BOUNDS.slice(1).flatMap((to, place): ReliabilityBin[] => {
    const from = BOUNDS[place] as number;
    const inside = verdicts.filter(
      ({ probability }) => probability >= from && (probability < to || (to === 1 && probability === 1)),
    );
    if (inside.length === 0) return [];
    const said = inside.reduce((sum, { probability }) => sum + probability, 0) / inside.length;
    return [{ from, to, count: inside.length, said, happened: scoresOf(inside).rate }];
  });
}
