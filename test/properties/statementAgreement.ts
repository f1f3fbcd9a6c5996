import { openingWords, prepareInsolvency } from "../../protocol/insolvency.ts";
import { lowerBoundHints, scanHints } from "../../protocol/marginHints.ts";
import { commitmentOf, spendOf } from "../../protocol/note.ts";
import { type CircuitInput, openedRowsInput } from "../../protocol/openedRowsInput.ts";
import { prepareSolvency, standingOf } from "../../protocol/solvency.ts";
import { TIERS, type Tier } from "../../protocol/tier.ts";
import { openRow } from "../../protocol/transition.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { verdictOf } from "../support/rule.ts";
import { OWNER } from "./accounts.ts";
import { stateWith } from "./ledgerState.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";
import type { StatementCase } from "./statementCases.ts";
import { equityOf } from "./takeOverRules.ts";
import type { Tally } from "./tally.ts";
import { maintenanceOf } from "./transitionRules.ts";

/** For each rule of the model, where the circuits refuse what breaches it and nothing else. */
export const STATEMENT_PLACES: Record<string, RegExp> = {
  "solvency.ratioRange": /^Solvency: ratioRange\.in/,
  "solvency.excessRange": /^Solvency: excessRange\.in/,
  "solvency.ratio": /^Solvency: ratioSurplus\.in/,
  "solvency.excess": /^Solvency: excessSurplus\.in/,
  "insolvency.healthy": /^Insolvency: shortfall\.in/,
};

/** What a prover gives whether the model would or not: the inputs of both statements but for what each of them says. */
function assembled(found: StatementCase): CircuitInput {
  const { note, leafIndex, snapshot } = found;
  const tier = TIERS[0] as Tier;
  const legs = note.legs.slice(0, tier.legs).map((leg) => ({ ...leg, ...openRow(snapshot, leg.id) }));
  const { input: rows } = openedRowsInput(snapshot, legs, tier);
  const state = stateWith(new Map([[leafIndex, commitmentOf(note)]]));
  const path = state.path(leafIndex);
  return {
    stateRoot: state.root,
    snapshotRoot: snapshot.root,
    nullifier: spendOf(note, leafIndex).nullifier,
    leafIndex,
    entity: note.entity,
    rho: note.rho,
    cash: note.cash,
    size: legs.map(({ size }) => size),
    oldFundingIndex: legs.map(({ fundingIndex }) => fundingIndex),
    stateLeaves: path.leaves,
    stateLevels: path.levels,
    ...rows,
  };
}

function hintsOf({ note, snapshot }: StatementCase): { exact: CircuitInput; bound: CircuitInput } {
  const tier = TIERS[0] as Tier;
  const legs = note.legs.slice(0, tier.legs).map((leg) => ({ ...leg, ...openRow(snapshot, leg.id) }));
  const { underlyings } = openedRowsInput(snapshot, legs, tier);
  return {
    exact: { scan: scanHints(standingOf(note, snapshot).margin, underlyings) },
    bound: lowerBoundHints(legs, underlyings),
  };
}

/** The rulebook's word on both statements. */
function breachesOf({ snapshot, rows, note, ratio, excess }: StatementCase): {
  solvency: string[];
  insolvency: string[];
} {
  const held = new Map(note.legs.filter(({ size }) => size !== 0n).map(({ id, size }) => [id, size]));
  const rowOf = (id: bigint) => rows.find((row) => row.id === id) as (typeof rows)[number];
  const maintenance = maintenanceOf(held, rowOf, (id) => snapshot.tree.locate(id)?.underlying as number);
  const equity = equityOf(note, rows);
  const rules: Record<string, boolean> = {
    "solvency.ratioRange": 0n <= ratio && ratio < 2n ** 20n,
    "solvency.excessRange": 0n <= excess && excess < 2n ** 60n,
    "solvency.ratio": equity * 2n ** 16n >= ratio * maintenance,
    "solvency.excess": equity - maintenance >= excess,
  };
  return {
    solvency: Object.keys(rules).filter((rule) => rules[rule] === false),
    insolvency: equity < maintenance ? [] : ["insolvency.healthy"],
  };
}

/**
 * Puts an account before model, rulebook and circuits, as solvent and as insolvent: each statement is accepted by all or by none, and just
 * one of E >= MM and E < MM can be proven. Lies about hints, nullifier, place, entity and disclosure are not believed.
 */
export function expectStatementAgreement(
  found: StatementCase,
  circuits: { solvency: RulesCircuit; insolvency: RulesCircuit },
  tally: Tally,
): void {
  const { note, leafIndex, snapshot, ratio, excess, disclosurePoint, lie } = found;
  const state = stateWith(new Map([[leafIndex, commitmentOf(note)]]));
  const located = { root: state.root, path: state.path(leafIndex) };
  const claim = { ratio, excess, context: 5n };
  const witness = { spendSecret: OWNER.spendSecret, state: located };
  const solvent = verdictOf(() => prepareSolvency(note, leafIndex, snapshot, claim, witness));
  const insolvent = verdictOf(() => prepareInsolvency(note, leafIndex, snapshot, located, disclosurePoint));

  const { exact, bound } = hintsOf(found);
  const { entity, ...common } = assembled(found) as { entity: bigint } & CircuitInput;
  const asSolvent: CircuitInput = { ...common, ...exact, ...claim, entity, spendSecret: OWNER.spendSecret };
  const asInsolvent: CircuitInput = {
    ...common,
    ...bound,
    entity,
    ownerKey: note.ownerKey,
    disclosurePoint,
    disclosureValue: wordsDigest(openingWords(note), disclosurePoint),
  };
  const breaches = breachesOf(found);
  tally.expect(solvent, breaches.solvency, circuits.solvency.refusedAt(asSolvent), STATEMENT_PLACES);
  tally.expect(insolvent, breaches.insolvency, circuits.insolvency.refusedAt(asInsolvent), STATEMENT_PLACES);

  // The model's own inputs are these, and its public signals the circuit's.
  const same = (circuit: RulesCircuit, publicSignals: readonly bigint[], input: CircuitInput): void => {
    const signals = circuit.publicSignals(input);
    if (signals.some((signal, i) => signal !== publicSignals[i]))
      throw new Error(`public signals: the circuit's are ${signals}, the model's ${publicSignals}`);
  };
  if (solvent === "accepted") {
    const prepared = prepareSolvency(note, leafIndex, snapshot, claim, witness);
    same(circuits.solvency, prepared.publicSignals, prepared.input);
  }
  if (insolvent === "accepted") {
    const prepared = prepareInsolvency(note, leafIndex, snapshot, located, disclosurePoint);
    same(circuits.insolvency, prepared.publicSignals, prepared.input);
  }

  // One of the two, and one only.
  const plain = { ...asSolvent, ratio: 2n ** 16n, excess: 0n };
  if ((circuits.solvency.refusedAt(plain) === undefined) === (insolvent === "accepted"))
    throw new Error(`solvent with ratio 1 and insolvent (${insolvent}) at once, or neither`);

  const scan = exact.scan as bigint[];
  const lies: [RulesCircuit, CircuitInput][] = [
    [circuits.solvency, { ...asSolvent, scan: scan.map((risk) => risk - 1n) }],
    [circuits.solvency, { ...asSolvent, nullifier: (common.nullifier as bigint) + 1n }],
    [circuits.solvency, { ...asSolvent, leafIndex: leafIndex ^ 1n }],
    [circuits.solvency, { ...asSolvent, entity: entity + 1n }],
    [circuits.solvency, { ...asSolvent, cash: note.cash + 1n }],
    [circuits.insolvency, { ...asInsolvent, cash: note.cash - 1n }],
    [circuits.insolvency, { ...asInsolvent, nullifier: (common.nullifier as bigint) + 1n }],
    [circuits.insolvency, { ...asInsolvent, leafIndex: leafIndex ^ 1n }],
    [circuits.insolvency, { ...asInsolvent, disclosureValue: (asInsolvent.disclosureValue as bigint) + 1n }],
  ];
  const [circuit, input] = lies[lie % lies.length] as [RulesCircuit, CircuitInput];
  if (circuit.refusedAt(input) === undefined) throw new Error(`lie ${lie} is believed`);

  // Of a healthy account no claim makes the lower bound reach its equity.
  if (insolvent !== "accepted") {
    const flipped = (signal: string) => (bound[signal] as bigint[]).map((bit) => 1n - bit);
    const scenario = (bound.claimedScenario as bigint[][]).map((bits) =>
      bits.map((_, s) => (s === lie % 16 ? 1n : 0n)),
    );
    const claims: CircuitInput[] = [
      { claimsLong: flipped("claimsLong") },
      { claimsConcentrated: flipped("claimsConcentrated") },
      { claimedScenario: scenario },
    ];
    if (circuits.insolvency.refusedAt({ ...asInsolvent, ...claims[lie % claims.length] }) === undefined)
      throw new Error(`a healthy account passes for insolvent by claims ${lie}`);
  }
}
