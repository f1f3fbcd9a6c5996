import { expect } from "vitest";
import { SCENARIOS } from "../../protocol/constants.ts";
import {
  checkTakeOver,
  computeTakeOver,
  sliceBounds,
  type TakeOver,
  WHOLE,
} from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "./liquidationCircuit.ts";
import { type Random, randomFrom } from "./random.ts";
import { verdictOf } from "./rule.ts";
import { noteWith, OPTION, PERPETUAL, randomMarket, randomNote, smallMarket } from "./syntheticMarket.ts";
import { instance, LEAF_INDEX } from "./transitionCircuit.ts";
import { Refusal } from "./witnessCalculator.ts";

const USD = 1_000_000n;

/** A random account of random instruments, which is insolvent more often than not. */
function randomAccount(random: Random): { note: Note; snapshot: Snapshot } {
  const { snapshot, rows } = randomMarket(random, 3);
  const note: Note = randomNote(random, rows, 5);
  if (random.chance(1, 10)) return { note, snapshot };
  // Move the cash so that the equity lies between -MM and a little above MM.
  const { equity, margin } = standingOf(note, snapshot);
  const goal = random.between(-margin.maintenance, margin.maintenance + margin.maintenance / 20n + 1n);
  return { note: { ...note, cash: note.cash + goal - equity }, snapshot };
}

/** Thousands of lots hedged by a few large ones, more or less: a slice may take hedges whole and leave the target worse off. */
function hedgedAccount(random: Random): { note: Note; snapshot: Snapshot } {
  const hedges = random.between(2n, 15n);
  const lots = hedges * random.between(200n, 2_000n);
  // A lot of the perpetual loses $1.25 a scenario; a hedge what its share of the lots gains, give or take.
  const loss = (1_250_000n * (lots / hedges) * random.between(80n, 110n)) / 100n;
  const losses = Array.from({ length: SCENARIOS }, (_, s) => -loss * BigInt(s - 8));
  const snapshot = smallMarket({}, { perpetual: { fundingIndex: 0n }, option: { losses } });
  const note = noteWith(0n, [
    { id: PERPETUAL, size: lots, fundingIndex: 0n },
    { id: OPTION, size: -hedges, fundingIndex: 0n },
  ]);
  const { equity, margin } = standingOf(note, snapshot);
  return {
    note: { ...note, cash: (margin.maintenance * random.between(0n, 99n)) / 100n - equity },
    snapshot,
  };
}

/** A take-over of a random account by a slice near one of its bounds or anywhere. */
export function randomTakeOver(random: Random): { takeOver: TakeOver; snapshot: Snapshot } {
  const { note, snapshot } = random.chance(1, 5) ? hedgedAccount(random) : randomAccount(random);
  const rate = random.pick([0n, 3276n, random.between(0n, 32_768n)]);
  const standing = standingOf(note, snapshot);
  const insolvent = standing.equity < standing.margin.maintenance;
  const bounds = insolvent
    ? sliceBounds(standing.equity, standing.margin.maintenance, request(0n, rate))
    : { least: 1n, most: WHOLE };
  const slice = random.pick([
    bounds.least,
    bounds.most,
    bounds.most,
    bounds.most + 1n,
    bounds.least - 1n,
    random.between(bounds.least, bounds.most),
    random.between(1n, WHOLE),
  ]);
  const takeOver = computeTakeOver(
    { note, leafIndex: LEAF_INDEX },
    {
      note: keeperNote(random.pick([5_000_000n, random.between(0n, 2_000_000n)]) * USD),
      leafIndex: KEEPER_LEAF_INDEX,
    },
    snapshot,
    request(slice, rate, { fee: random.between(0n, 5_000_000n) }),
  );
  return { takeOver, snapshot };
}

/**
 * Puts random take-overs before model and circuit, and expects one verdict of both on each, and of an accepted one the same public
 * signals. `firstSeed` makes a failing case repeatable. Returns how often the model gave each verdict.
 */
export async function expectTakeOverAgreement(
  cases: number,
  firstSeed: number,
): Promise<Map<string, number>> {
  const circuit = await instance("liquidation.small");
  const verdicts = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + cases; seed++) {
    const random = randomTakeOver(randomFrom(seed));
    const model = verdictOf(() => checkTakeOver(random.takeOver, random.snapshot));
    const { input, publicSignals } = takeOverInputs(random.takeOver, random.snapshot);
    const witness = await circuit.witness(input).catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      throw error;
    });
    const refusal = witness instanceof Refusal ? witness.templates.join(" > ") : undefined;
    expect(
      refusal === undefined,
      `seed ${seed}: model says ${model}, circuit says ${refusal ?? "accepted"}`,
    ).toBe(model === "accepted");
    if (!(witness instanceof Refusal)) {
      expect(witness.slice(1, 1 + publicSignals.length), `seed ${seed}`).toEqual(publicSignals);
    }
    verdicts.set(model, (verdicts.get(model) ?? 0) + 1);
  }
  return verdicts;
}
