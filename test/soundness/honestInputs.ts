import { STATEMENTS } from "../../bench/statements.ts";
import { KIND, MODE } from "../../protocol/constants.ts";
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

/** What an honest witness is about. */
interface Shape {
  /** The legs from this one on are each alone in an underlying, as long as there are underlyings; all others share the last one. */
  alone: number;
  /** The leg places in use: from the first to before the second. */
  live: [from: number, to: number];
  /** When given, all legs are in this underlying and no other has rows, so that the other groups have one root. */
  only?: number;
  /** What a transition asks for. */
  ask: "trade" | "safeTrade" | "deposit" | "withdrawal" | "spot" | "windDown";
}

/** A witness for each leg alone in its underlying, for groups with one root, and for each leg place that is empty. */
function shapesOf({ legs, underlyings }: Tier): Shape[] {
  const half = Math.ceil(legs / 2);
  const alone = Array.from({ length: Math.ceil(legs / (underlyings - 1)) }, (_, turn): Shape => {
    return { alone: turn * (underlyings - 1), live: [0, legs], ask: "trade" };
  });
  return [
    ...alone,
    { alone: 0, live: [0, legs], ask: "safeTrade" },
    { alone: legs, live: [0, legs], only: underlyings - 1, ask: "withdrawal" },
    { alone: legs, live: [0, legs], only: 0, ask: "deposit" },
    { alone: 0, live: [0, half], ask: "windDown" },
    { alone: half, live: [half, legs], ask: "spot" },
  ];
}

/** Perpetual, option and spot in turn; where all legs are in the first underlying, spot only. */
const kindOf = (place: number, only?: number): bigint =>
  only === 0 ? KIND.spot : ([KIND.perpetual, KIND.option, KIND.spot][place % 3] as bigint);

/** Underlyings at places 0, 9, 18 and so on, each with a row for every leg place. */
function market({ legs, underlyings }: Tier, { only }: Shape): Snapshot {
  const rows: ReturnType<typeof linearRow>[][] = Array.from({ length: 9 * underlyings }, () => []);
  for (let underlying = 0; underlying < underlyings; underlying++) {
    if (only !== undefined && underlying !== only) continue;
    rows[9 * underlying] = Array.from({ length: legs }, (_, place) => {
      const mark = 50_000_000n + BigInt(1_000_003 * (place + 1) * (underlying + 1));
      const kind = kindOf(place, only);
      const fundingIndex = kind === KIND.spot ? 0n : BigInt(1_000 * place - 2_500);
      return linearRow(idOf(underlying, place), kind, mark, { fundingIndex, concentrationThreshold: 20n });
    });
  }
  return commitSnapshot(7n, { ...PARAMETERS, debtLimit: 1_000_000n }, rows);
}

const isAlone = ({ underlyings }: Tier, { alone, only }: Shape, place: number): boolean =>
  only === undefined && place >= alone && place < alone + underlyings - 1;

function noteOf(tier: Tier, shape: Shape): Note {
  const note = noteWith(10_000_000_000n);
  const [from, to] = shape.live;
  for (let place = from; place < to; place++) {
    const shared = shape.only ?? tier.underlyings - 1;
    const underlying = isAlone(tier, shape, place) ? place - shape.alone : shared;
    const spot = kindOf(place, shape.only) === KIND.spot;
    const size = spot || place % 2 === 0 ? BigInt(30 - place) : BigInt(-15 - place);
    const fundingIndex = spot ? 0n : BigInt(700 + place);
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

/** What is traded of a leg: in turn more and less of it, or in a safe trade most of the first and one lot of the second. */
function tradedOf({ ask }: Shape, size: bigint, turn: number): bigint {
  const sign = size > 0n ? -1n : 1n;
  if (ask === "safeTrade") return turn === 0 ? sign * 20n : sign;
  return turn % 2 === 0 ? 3n : 2n * sign;
}

/** The request of a shape; trades are of the legs that are alone, in turn more and less of each. */
function requestOf(tier: Tier, note: Note, snapshot: Snapshot, shape: Shape): TransitionRequest {
  const nothing = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 5n };
  if (shape.ask === "deposit") return { ...nothing, deposit: 1_000_000n };
  if (shape.ask === "withdrawal") return { ...nothing, withdrawal: 1_000_000n };
  if (shape.ask === "windDown") return { ...nothing, mode: MODE.windDown };
  if (shape.ask === "spot") {
    const spot = note.legs.find(({ size }, place) => size !== 0n && place % 3 === 2) ?? EMPTY_LEG;
    return { ...nothing, asset: spot.id, deposit: 4n };
  }
  const legs = note.legs
    .filter((_, place) => isAlone(tier, shape, place))
    .slice(0, shape.ask === "safeTrade" ? 2 : 4)
    .map(({ id, size }, turn) => ({ id, size: tradedOf(shape, size, turn) }))
    .filter(({ id }) => id !== 0n);
  const cash = legs.reduce((sum, { id, size }) => {
    const at = snapshot.tree.locate(id);
    return at === undefined ? sum : sum - size * snapshot.tree.row(at.underlying, at.place).mark;
  }, 0n);
  return { ...nothing, trade: { package: { legs, cash, salt: 77n }, side: 0 as const } };
}

function transitionInputs(tier: Tier, shape: Shape): Inputs {
  const snapshot = market(tier, shape);
  const before = noteOf(tier, shape);
  const { tree, root } = treeOf(before);
  const request = requestOf(tier, before, snapshot, shape);
  return prepareTransition(applyTransition(before, LEAF_INDEX, snapshot, request), snapshot, {
    spendSecret: SECRETS.spendSecret,
    state: { root, path: tree.path(LEAF_INDEX) },
    context: CONTEXT,
  }).input;
}

function solvencyInputs(tier: Tier, shape: Shape): Inputs {
  const note = noteOf(tier, shape);
  const { tree, root } = treeOf(note);
  return prepareSolvency(
    note,
    LEAF_INDEX,
    market(tier, shape),
    { ratio: 1n << 16n, excess: 1_000n, context: CONTEXT },
    { spendSecret: SECRETS.spendSecret, state: { root, path: tree.path(LEAF_INDEX) } },
  ).input;
}

/** The note with so little cash that its equity is half of its margin, or minus a tenth of it. */
function insolventNote(tier: Tier, shape: Shape, snapshot: Snapshot): Note {
  const note = noteOf(tier, shape);
  const { equity, margin } = standingOf(note, snapshot);
  const wanted = shape.alone % 4 === 0 ? margin.maintenance / 2n : -margin.maintenance / 10n;
  return { ...note, cash: note.cash - equity + wanted };
}

function insolvencyInputs(tier: Tier, shape: Shape): Inputs {
  const snapshot = market(tier, shape);
  const note = insolventNote(tier, shape, snapshot);
  const { tree, root } = treeOf(note);
  return prepareInsolvency(note, LEAF_INDEX, snapshot, { root, path: tree.path(LEAF_INDEX) }, 12_345n).input;
}

function liquidationInputs(tier: Tier, shape: Shape): Inputs {
  const snapshot = market(tier, shape);
  const note = insolventNote(tier, shape, snapshot);
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

const MAKERS: Record<string, (tier: Tier, shape: Shape) => Inputs> = {
  transition: transitionInputs,
  solvency: solvencyInputs,
  insolvency: insolvencyInputs,
  liquidation: liquidationInputs,
};

/** Inputs of a circuit for an attack: the statement of the benchmarks, under an open registry too, and, where there are legs, those made here. */
export function honestInputs(name: string): Inputs[] {
  const statement = STATEMENTS[name]?.().input as Inputs | undefined;
  if (statement === undefined) throw new Error(`no statement for circuit ${name}`);
  const [family = "", size] = name.split(".");
  const tier = TIERS.find((candidate) => candidate.name === size);
  const make = MAKERS[family];
  const open = "registryRoot" in statement ? [{ ...statement, registryRoot: 0n }] : [];
  if (tier === undefined || make === undefined) return [statement, ...open];
  return [statement, ...shapesOf(tier).map((shape) => make(tier, shape))];
}
