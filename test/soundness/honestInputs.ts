import { STATEMENTS } from "../../bench/statements.ts";
import { KIND } from "../../protocol/constants.ts";
import { prepareInsolvency } from "../../protocol/insolvency.ts";
import { EMPTY_LEG } from "../../protocol/leg.ts";
import { applyTakeOver, RESTORATION, sliceBounds } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import { commitSnapshot, type Snapshot } from "../../protocol/snapshot.ts";
import { prepareSolvency, standingOf } from "../../protocol/solvency.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { TIERS, type Tier } from "../../protocol/tier.ts";
import { applyTransition, type TransitionRequest } from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import { KEEPER_SECRETS, keeperNote } from "../support/liquidationCircuit.ts";
import { linearRow, noteWith, PARAMETERS, SECRETS } from "../support/syntheticMarket.ts";
import { CONTEXT, LEAF_INDEX } from "../support/transitionCircuit.ts";
import type { Inputs } from "../support/witnessCalculator.ts";

/*
 * Honest inputs made for an attack. A bad row under a shared root is noticed by every other row that is opened under that root, so each witness
 * has some legs alone in their underlyings, each leg in one of the witnesses; underlyings and notes are far apart in their trees
 * for the same reason.
 */

/** Far from {@link LEAF_INDEX}: another child of the root. */
const KEEPER_PLACE = 16 * (5 * 8 ** 7 + 3);
const idOf = (underlying: number, place: number): bigint => BigInt(100 * (underlying + 1) + place);

/** Underlyings at places 0, 9, 18 and so on, each with a row for every leg place: spot for the first, else perpetuals and options. */
function market({ legs, underlyings }: Tier): Snapshot {
  const rows: ReturnType<typeof linearRow>[][] = Array.from({ length: 9 * underlyings }, () => []);
  for (let underlying = 0; underlying < underlyings; underlying++)
    rows[9 * underlying] = Array.from({ length: legs }, (_, place) => {
      const mark = 50_000_000n + BigInt(1_000_003 * (place + 1) * (underlying + 1));
      const kind = [KIND.perpetual, KIND.option, KIND.spot][place % 3] as bigint;
      const fundingIndex = kind === KIND.spot ? 0n : BigInt(1_000 * place - 2_500);
      return linearRow(idOf(underlying, place), kind, mark, { fundingIndex, concentrationThreshold: 20n });
    });
  return commitSnapshot(7n, { ...PARAMETERS, debtLimit: 1_000_000n }, rows);
}

/** How many witnesses it takes for each leg to be alone in its underlying once, and one with all legs in the last underlying. */
const variants = ({ legs, underlyings }: Tier): number => Math.ceil(legs / (underlyings - 1)) + 1;

/** A note with all leg places in use, of which those of this variant are alone in their underlyings. */
function noteOf({ legs, underlyings }: Tier, variant: number, live = legs): Note {
  const first = variant * (underlyings - 1);
  const note = noteWith(10_000_000_000n);
  for (let place = 0; place < live; place++) {
    const alone = place >= first && place < first + underlyings - 1;
    const underlying = alone ? place - first : underlyings - 1;
    const size = place % 3 === 2 || place % 2 === 0 ? BigInt(30 - place) : BigInt(-15 - place);
    const fundingIndex = place % 3 === 2 ? 0n : BigInt(700 + place);
    note.legs[place] = { id: idOf(underlying, place), size, fundingIndex };
  }
  return note;
}

function treeOf(note: Note): { tree: StateTree; root: bigint } {
  const tree = new StateTree();
  const leaves = Array.from({ length: 16 }, (_, place) =>
    place === Number(LEAF_INDEX) % 16 ? commitmentOf(note) : BigInt(place + 1),
  );
  tree.insertNode(Math.floor(Number(LEAF_INDEX) / 16), leaves);
  return { tree, root: tree.root };
}

/** A trade, a trade that takes risk off, a deposit, a withdrawal and so on: what is asked in this variant. */
function requestOf(note: Note, snapshot: Snapshot, variant: number): TransitionRequest {
  const nothing = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 5n };
  const leg = note.legs[variant % 2 === 0 ? 0 : 1] ?? EMPTY_LEG;
  const traded = { id: leg.id, size: variant < 2 ? 3n : leg.size > 0n ? -3n : 3n };
  const at = snapshot.tree.locate(traded.id);
  const mark = at === undefined ? 0n : snapshot.tree.row(at.underlying, at.place).mark;
  const cash = -traded.size * mark;
  const trade = { package: { legs: [traded], cash, salt: 77n }, side: 0 as const };
  if (variant % 4 === 1) return { ...nothing, deposit: 1_000_000n };
  if (variant % 4 === 3) return { ...nothing, withdrawal: 1_000_000n };
  return { ...nothing, trade };
}

function transitionInputs(tier: Tier, variant: number): Inputs {
  const snapshot = market(tier);
  const before = noteOf(tier, variant);
  const { tree, root } = treeOf(before);
  const request = requestOf(before, snapshot, variant);
  return prepareTransition(applyTransition(before, LEAF_INDEX, snapshot, request), snapshot, {
    spendSecret: SECRETS.spendSecret,
    state: { root, path: tree.path(LEAF_INDEX) },
    context: CONTEXT,
  }).input;
}

function solvencyInputs(tier: Tier, variant: number): Inputs {
  const note = noteOf(tier, variant);
  const { tree, root } = treeOf(note);
  return prepareSolvency(
    note,
    LEAF_INDEX,
    market(tier),
    { ratio: 1n << 16n, excess: 1_000n, context: CONTEXT },
    { spendSecret: SECRETS.spendSecret, state: { root, path: tree.path(LEAF_INDEX) } },
  ).input;
}

/** The note with so little cash that its equity is half of its margin, or minus a tenth of it. */
function insolventNote(tier: Tier, variant: number, snapshot: Snapshot): Note {
  const note = noteOf(tier, variant);
  const { equity, margin } = standingOf(note, snapshot);
  const wanted = variant % 2 === 0 ? margin.maintenance / 2n : -margin.maintenance / 10n;
  return { ...note, cash: note.cash - equity + wanted };
}

function insolvencyInputs(tier: Tier, variant: number): Inputs {
  const snapshot = market(tier);
  const note = insolventNote(tier, variant, snapshot);
  const { tree, root } = treeOf(note);
  return prepareInsolvency(note, LEAF_INDEX, snapshot, { root, path: tree.path(LEAF_INDEX) }, 12_345n).input;
}

function liquidationInputs(tier: Tier, variant: number): Inputs {
  const snapshot = market(tier);
  const note = insolventNote(tier, variant, snapshot);
  const keeper = keeperNote(100_000_000_000_000n);
  const { tree } = treeOf(note);
  tree.insertNode(
    KEEPER_PLACE / 16,
    Array.from({ length: 16 }, (_, place) => (place === 0 ? commitmentOf(keeper) : BigInt(place))),
  );
  const { equity, margin } = standingOf(note, snapshot);
  const terms = { rate: 9_830n, restoration: RESTORATION, fee: 7n };
  const slice = sliceBounds(equity, margin.maintenance, terms).most;
  const computed = applyTakeOver(
    { note, leafIndex: LEAF_INDEX },
    { note: keeper, leafIndex: BigInt(KEEPER_PLACE) },
    snapshot,
    { ...terms, slice },
  );
  return prepareTakeOver(computed, snapshot, {
    spendSecret: KEEPER_SECRETS.spendSecret,
    state: {
      root: tree.root,
      targetPath: tree.path(LEAF_INDEX),
      keeperPath: tree.path(KEEPER_PLACE),
    },
    context: CONTEXT,
  }).input;
}

const MAKERS: Record<string, (tier: Tier, variant: number) => Inputs> = {
  transition: transitionInputs,
  solvency: solvencyInputs,
  insolvency: insolvencyInputs,
  liquidation: liquidationInputs,
};

/** Inputs of a circuit for an attack: the statement of the benchmarks and, where there are legs, those made here. */
export function honestInputs(name: string): Inputs[] {
  const statement = STATEMENTS[name]?.().input as Inputs | undefined;
  if (statement === undefined) throw new Error(`no statement for circuit ${name}`);
  const [family = "", size] = name.split(".");
  const tier = TIERS.find((candidate) => candidate.name === size);
  const make = MAKERS[family];
  if (tier === undefined || make === undefined) return [statement];
  return [statement, ...Array.from({ length: variants(tier) }, (_, variant) => make(tier, variant))];
}
