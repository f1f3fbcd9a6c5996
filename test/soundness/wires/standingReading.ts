import { prepareInsolvency } from "../../../protocol/insolvency.ts";
import { marginOf } from "../../../protocol/margin.ts";
import { lowerBoundHints, scanHints } from "../../../protocol/marginHints.ts";
import { type Note, ownerKeyOf } from "../../../protocol/note.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { prepareSolvency } from "../../../protocol/solvency.ts";
import { isImpossible, noteOf, requireEmptyLegs, sizesOf, statePath } from "./openedNote.ts";
import { type OpenedSnapshot, openedSnapshot, snapshotRoot } from "./openedSnapshot.ts";
import { element, type Reading, vector } from "./reading.ts";

const NAMES = { leafIndex: "leafIndex", leaves: "stateLeaves", levels: "stateLevels" };

/** What solvency and insolvency read alike. */
function standing(input: CircuitInput, ownerKey: bigint) {
  const sizes = sizesOf(input, "size");
  const opened = openedSnapshot(input, sizes);
  const at = (name: string): bigint => element(input, name);
  const note = noteOf(input, sizes, {
    ...{ ownerKey, entity: at("entity"), rho: at("rho"), cash: at("cash") },
  });
  const positions = opened.rows.map((row, place) => ({
    ...{ size: sizes[place] as bigint, row, underlying: opened.underlyings[place] as number },
  }));
  return {
    ...{ at, note, opened, positions },
    groups: vector(input, "underlyingPlace").map(Number),
    impossible: { stateRoot: isImpossible(note), snapshotRoot: opened.impossible },
    known() {
      requireEmptyLegs(input, sizes);
      return { ...opened.snapshot, root: snapshotRoot(input, opened) };
    },
    state: () => statePath(input, note, NAMES),
  };
}

/** The note, its place, and the rows that it has lots of. */
function meaningOf(note: Note, leafIndex: bigint, { rows, underlyings, snapshot }: OpenedSnapshot) {
  const held = rows.map((row, place) => ({ row, underlying: underlyings[place] }));
  const { epoch, imFactor, priceBand, debtLimit } = snapshot;
  return {
    ...{ note, leafIndex, rows: held.filter((_, place) => note.legs[place]?.size !== 0n) },
    parameters: [epoch, imFactor, priceBand, debtLimit],
  };
}

/** Reads the inputs of `solvency`. */
export function readSolvency(input: CircuitInput): Reading {
  const spendSecret = element(input, "spendSecret");
  const { at, note, opened, positions, groups, impossible, known, state } = standing(
    input,
    ownerKeyOf(spendSecret),
  );
  return {
    impossible,
    hints: { scan: scanHints(marginOf(positions), groups) },
    conclude() {
      const claim = { ratio: at("ratio"), excess: at("excess"), context: at("context") };
      const witness = { spendSecret, state: state() };
      const { signals } = prepareSolvency(note, at("leafIndex"), known(), claim, witness);
      return { signals, meaning: { ...meaningOf(note, at("leafIndex"), opened), claim } };
    },
  };
}

/** Reads the inputs of `insolvency`. */
export function readInsolvency(input: CircuitInput): Reading {
  const ownerKey = element(input, "ownerKey");
  const { at, note, opened, positions, groups, impossible, known, state } = standing(input, ownerKey);
  return {
    impossible,
    hints: lowerBoundHints(positions, groups),
    conclude() {
      const point = at("disclosurePoint");
      const { signals } = prepareInsolvency(note, at("leafIndex"), known(), state(), point);
      return { signals, meaning: { ...meaningOf(note, at("leafIndex"), opened), point } };
    },
  };
}
