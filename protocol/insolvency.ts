import { ensure } from "./errors.ts";
import { packLeg } from "./leg.ts";
import { lowerBoundHints } from "./marginHints.ts";
import { type Note, spendOf } from "./note.ts";
import { openedRowsInput } from "./openedRowsInput.ts";
import { toField } from "./poseidon.ts";
import type { Snapshot } from "./snapshot.ts";
import { standingOf } from "./solvency.ts";
import type { StatePath } from "./stateTree.ts";
import { tierFor } from "./tier.ts";
import { openRow } from "./transition.ts";
import type { PreparedStatement } from "./transitionInput.ts";
import { wordsDigest } from "./wordsDigest.ts";

/** Public signals of `insolvency`, by name. */
export interface InsolvencySignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  nullifier: bigint;
  leafIndex: bigint;
  /** Where the opening's polynomial is evaluated, and its value there; 0 and 0 disclose nothing. */
  disclosurePoint: bigint;
  disclosureValue: bigint;
}

/** A note's opening as it is published in a reveal: 24 field elements, owner key, entity, rho, cash, the packed legs. */
export function openingWords(note: Note): bigint[] {
  return [note.ownerKey, note.entity, note.rho, toField(note.cash), ...note.legs.map(packLeg).map(toField)];
}

/**
 * The inputs of the `insolvency` circuit: E < MM of the note at `leafIndex`, by anyone who knows the note. `disclosurePoint` is 0 for a
 * flag, and for a reveal the point that the auction hashes from {@link openingWords}.
 * Throws `insolvency.healthy` when the account meets its maintenance margin, `tier.none` when no tier is large enough.
 */
export function prepareInsolvency(
  note: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  state: { root: bigint; path: StatePath },
  disclosurePoint = 0n,
): PreparedStatement & { signals: InsolvencySignals } {
  const { equity, margin } = standingOf(note, snapshot);
  ensure(
    equity < margin.maintenance,
    "insolvency.healthy",
    `equity: ${equity} micro-USDC, expected below the maintenance margin ${margin.maintenance}`,
  );
  const opened = note.legs.map((leg) => ({ ...leg, ...openRow(snapshot, leg.id) }));
  const tier = tierFor({
    legs: note.legs.findLastIndex(({ size }) => size !== 0n) + 1,
    underlyings: new Set(opened.filter(({ id }) => id !== 0n).map(({ underlying }) => underlying)).size,
  });
  const legs = opened.slice(0, tier.legs);
  const { input: rows, underlyings } = openedRowsInput(snapshot, legs, tier);
  const signals: InsolvencySignals = {
    stateRoot: state.root,
    snapshotRoot: snapshot.root,
    nullifier: spendOf(note, leafIndex).nullifier,
    leafIndex,
    disclosurePoint,
    disclosureValue: wordsDigest(openingWords(note), disclosurePoint),
  };
  const input = {
    ...signals,
    ownerKey: note.ownerKey,
    entity: note.entity,
    rho: note.rho,
    cash: note.cash,
    size: legs.map(({ size }) => size),
    oldFundingIndex: note.legs.slice(0, tier.legs).map(({ fundingIndex }) => fundingIndex),
    stateLeaves: state.path.leaves,
    stateLevels: state.path.levels,
    ...rows,
    ...lowerBoundHints(legs, underlyings),
  };
  return { circuit: `insolvency.${tier.name}`, tier, input, signals, publicSignals: Object.values(signals) };
}
