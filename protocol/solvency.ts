import { CASH_BOUND, RATIO_BOUND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { covers, type Margin, marginOf } from "./margin.ts";
import { scanHints } from "./marginHints.ts";
import { netCashValue } from "./netCash.ts";
import { checkNote, type Note, spendOf } from "./note.ts";
import { type CircuitInput, openedRowsInput } from "./openedRowsInput.ts";
import type { Snapshot } from "./snapshot.ts";
import type { StatePath } from "./stateTree.ts";
import { tierFor } from "./tier.ts";
import { openRow } from "./transition.ts";
import type { PreparedStatement } from "./transitionInput.ts";

/** Equity and margin of a note at a snapshot, in micro-USDC, after funding is settled. */
export interface Standing {
  equity: bigint;
  netCash: bigint;
  margin: Margin;
}

/** What the owner claims: `E >= ratio·MM` (Q16) and `E - MM >= excess` (micro-USDC). */
export interface SolvencyClaim {
  ratio: bigint;
  excess: bigint;
  /** The auditor's challenge, any field element. */
  context: bigint;
}

/** Public signals of `solvency`, by name. */
export interface SolvencySignals {
  stateRoot: bigint;
  snapshotRoot: bigint;
  nullifier: bigint;
  leafIndex: bigint;
  ratio: bigint;
  excess: bigint;
  entity: bigint;
  context: bigint;
}

/** Where an account stands. A settled leg counts for its payout alone. */
export function standingOf(note: Note, snapshot: Snapshot): Standing {
  checkNote(note);
  const opened = note.legs.map((leg) => ({ ...leg, ...openRow(snapshot, leg.id) }));
  const funding = opened.reduce(
    (sum, { size, row, fundingIndex }) => sum + size * (row.fundingIndex - fundingIndex),
    0n,
  );
  const margin = marginOf(opened);
  const cash = note.cash - funding;
  return { equity: cash + margin.value, netCash: cash + netCashValue(opened), margin };
}

/** The inputs of the `solvency` circuit. Throws `solvency.*` when the claim does not hold or is out of range. */
export function prepareSolvency(
  note: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  claim: SolvencyClaim,
  witness: { spendSecret: bigint; state: { root: bigint; path: StatePath } },
): PreparedStatement & { signals: SolvencySignals } {
  const { equity, margin } = standingOf(note, snapshot);
  const { ratio, excess, context } = claim;
  ensure(
    ratio >= 0n && ratio < RATIO_BOUND,
    "solvency.ratioRange",
    `ratio: got ${ratio}, expected Q16 from 0 to 2^20 - 1`,
  );
  ensure(
    excess >= 0n && excess < CASH_BOUND,
    "solvency.excessRange",
    `excess: got ${excess}, expected 0 to 2^60 - 1 micro-USDC`,
  );
  ensure(
    covers(equity, ratio, margin.maintenance),
    "solvency.ratio",
    `equity: ${equity} micro-USDC, expected at least ${ratio}/2^16 of the margin ${margin.maintenance}`,
  );
  ensure(
    equity - margin.maintenance >= excess,
    "solvency.excess",
    `equity less margin: ${equity - margin.maintenance} micro-USDC, expected at least ${excess}`,
  );

  const opened = note.legs.map((leg) => ({ ...leg, ...openRow(snapshot, leg.id) }));
  const tier = tierFor({
    legs: note.legs.findLastIndex(({ size }) => size !== 0n) + 1,
    underlyings: new Set(opened.filter(({ id }) => id !== 0n).map(({ underlying }) => underlying)).size,
  });
  const legs = opened.slice(0, tier.legs);
  const { input: rows, underlyings } = openedRowsInput(snapshot, legs, tier);
  const signals: SolvencySignals = {
    stateRoot: witness.state.root,
    snapshotRoot: snapshot.root,
    nullifier: spendOf(note, leafIndex).nullifier,
    leafIndex,
    ratio,
    excess,
    entity: note.entity,
    context,
  };
  const input: CircuitInput = {
    ...signals,
    spendSecret: witness.spendSecret,
    rho: note.rho,
    cash: note.cash,
    size: legs.map(({ size }) => size),
    oldFundingIndex: note.legs.slice(0, tier.legs).map(({ fundingIndex }) => fundingIndex),
    stateLeaves: witness.state.path.leaves,
    stateLevels: witness.state.path.levels,
    ...rows,
    scan: scanHints(margin, underlyings),
  };
  return { circuit: `solvency.${tier.name}`, tier, input, signals, publicSignals: Object.values(signals) };
}
