import { SCENARIOS } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";

/*
 * Equity and maintenance margin of thousands of notes at one snapshot, equal to `standingOf` to the last micro-USDC. Sums of doubles are
 * exact while they stay below 2^53; a bound on every sum of a note is computed first, and a note whose bound is too large goes the way of
 * big integers.
 */

/** Equity and maintenance margin of a note, micro-USDC. */
export interface BriefStanding {
  equity: bigint;
  maintenance: bigint;
}

/** A note's numbers as doubles; each is exact, for sizes are below 2^36 and funding indexes below 2^40. */
interface NoteFigures {
  cash: number;
  ids: number[];
  sizes: number[];
  fundingIndexes: number[];
}

/** A row's numbers as doubles; each is exact, for they are below 2^40. */
interface RowFigures {
  underlying: number;
  mark: number;
  fundingIndex: number;
  losses: Float64Array;
  longAddOn: number;
  shortAddOn: number;
  concentrationThreshold: number;
  concentrationRate: number;
  /** At least what one lot adds to any sum, funding apart. */
  bound: number;
}

/** Half of 2^53: the bound itself is a sum of doubles, whose rounding is far below the other half. */
const EXACT_BELOW = 2 ** 52;

/** A row's numbers; undefined when the snapshot lists no such instrument. */
export type RowTable = (id: number) => RowFigures | undefined;

/** The rows of a snapshot, converted as they are asked for. */
export function rowTable(snapshot: Snapshot): RowTable {
  const rows = new Map<number, RowFigures | undefined>();
  return (id) => {
    if (rows.has(id)) return rows.get(id);
    const at = snapshot.tree.locate(BigInt(id));
    const figures =
      at === undefined ? undefined : rowFigures(snapshot.tree.row(at.underlying, at.place), at.underlying);
    rows.set(id, figures);
    return figures;
  };
}

function rowFigures(row: RiskRow, underlying: number): RowFigures {
  const losses = Float64Array.from(row.losses, Number);
  const [longAddOn, shortAddOn, rate] = [row.longAddOn, row.shortAddOn, row.concentrationRate].map(
    Number,
  ) as [number, number, number];
  const mark = Number(row.mark);
  const largestLoss = losses.reduce((most, loss) => Math.max(most, Math.abs(loss)), 0);
  return {
    underlying,
    mark,
    fundingIndex: Number(row.fundingIndex),
    losses,
    longAddOn,
    shortAddOn,
    concentrationThreshold: Number(row.concentrationThreshold),
    concentrationRate: rate,
    bound: Math.abs(mark) + largestLoss + Math.max(longAddOn, shortAddOn) + rate,
  };
}

const figuresOfNotes = new WeakMap<Note, NoteFigures>();

function figuresOf(note: Note): NoteFigures {
  const known = figuresOfNotes.get(note);
  if (known !== undefined) return known;
  const held = note.legs.filter(({ size }) => size !== 0n);
  const figures = {
    cash: Number(note.cash),
    ids: held.map(({ id }) => Number(id)),
    sizes: held.map(({ size }) => Number(size)),
    fundingIndexes: held.map(({ fundingIndex }) => Number(fundingIndex)),
  };
  figuresOfNotes.set(note, figures);
  return figures;
}

/** Space for one note's losses by underlying and scenario. */
interface Scratch {
  /** [underlying][scenario], zeros between notes. */
  losses: Float64Array;
  used: number[];
}

/**
 * Standings of notes at a snapshot, in their order; undefined for a note that holds an instrument without a row there. Notes are not to
 * change after they were given once: their numbers are remembered.
 */
export function standingsOf(notes: readonly Note[], snapshot: Snapshot): (BriefStanding | undefined)[] {
  const rows = rowTable(snapshot);
  const scratch: Scratch = { losses: new Float64Array(64 * SCENARIOS), used: [] };
  return notes.map((note) => {
    const figures = figuresOf(note);
    const held = figures.ids.map(rows);
    if (held.includes(undefined)) return undefined;
    return briefStanding(figures, held as RowFigures[], scratch) ?? exactStanding(note, snapshot);
  });
}

function exactStanding(note: Note, snapshot: Snapshot): BriefStanding {
  const { equity, margin } = standingOf(note, snapshot);
  return { equity, maintenance: margin.maintenance };
}

/** Undefined when doubles might not be exact. */
function briefStanding(
  { cash, sizes, fundingIndexes }: NoteFigures,
  rows: readonly RowFigures[],
  { losses, used }: Scratch,
): BriefStanding | undefined {
  let bound = Math.abs(cash);
  let equity = cash;
  let addOn = 0;
  for (let leg = 0; leg < rows.length; leg++) {
    const row = rows[leg] as RowFigures;
    const size = sizes[leg] as number;
    const lots = Math.abs(size);
    const funding = row.fundingIndex - (fundingIndexes[leg] as number);
    bound += lots * (row.bound + Math.abs(funding));
    equity += size * (row.mark - funding);
    addOn += lots * (size > 0 ? row.longAddOn : row.shortAddOn);
    if (lots > row.concentrationThreshold)
      addOn += row.concentrationRate * (lots - row.concentrationThreshold);
  }
  if (!(bound < EXACT_BELOW)) return undefined;
  used.length = 0;
  for (let leg = 0; leg < rows.length; leg++) {
    const row = rows[leg] as RowFigures;
    const size = sizes[leg] as number;
    const first = row.underlying * SCENARIOS;
    if (!used.includes(first)) used.push(first);
    for (let scenario = 0; scenario < SCENARIOS; scenario++)
      (losses[first + scenario] as number) += size * (row.losses[scenario] as number);
  }
  let scan = 0;
  for (const first of used) {
    let worst = 0;
    for (let at = first; at < first + SCENARIOS; at++) {
      const loss = losses[at] as number;
      if (loss > worst) worst = loss;
      losses[at] = 0;
    }
    scan += worst;
  }
  return { equity: BigInt(equity), maintenance: BigInt(scan + addOn) };
}
