import { KIND, MODE } from "../../../protocol/constants.ts";
import { prepareInsolvency } from "../../../protocol/insolvency.ts";
import type { Leg } from "../../../protocol/leg.ts";
import { applyTakeOver, sliceBounds, WHOLE } from "../../../protocol/liquidation.ts";
import { commitmentOf, entityOf, type Note } from "../../../protocol/note.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { buildRegistry, type Registry } from "../../../protocol/registryTree.ts";
import { commitSnapshot, type Snapshot } from "../../../protocol/snapshot.ts";
import { prepareSolvency, standingOf } from "../../../protocol/solvency.ts";
import { applyTransition, type TransitionRequest } from "../../../protocol/transition.ts";
import {
  KEEPER_LEAF_INDEX,
  KEEPER_SECRETS,
  keeperNote,
  takeOverInputs,
  request as takeOverRequest,
} from "../../support/liquidationCircuit.ts";
import { linearRow, noteWith, PARAMETERS, SECRETS, settledRow } from "../../support/syntheticMarket.ts";
import { CONTEXT, inputsOf, LEAF_INDEX, treeWith } from "../../support/transitionCircuit.ts";

/*
 * Honest statements to attack, chosen so that each freedom that a prover has by design occurs in one of them: empty legs, underlyings that no leg
 * uses, membership that is not asked for, margins that are far from what is at hand.
 */

/** An honest statement with what else its prover knows: rows, paths and listings that it did not open. */
export interface HonestStatement {
  title: string;
  input: CircuitInput;
  snapshot: Snapshot;
  registry: Registry;
}

/** Underlyings at places 2, 9 and 40. */
const MARKET = commitSnapshot(7n, { ...PARAMETERS, debtLimit: 5_000_000n }, [
  ...[[], []],
  [
    linearRow(10n, KIND.spot, 200_000_000n, { concentrationThreshold: 20n }),
    linearRow(11n, KIND.perpetual, 100_000_000n, { fundingIndex: 500_000n, concentrationThreshold: 10n }),
    linearRow(12n, KIND.option, 30_000_000n, { concentrationThreshold: 20n }),
    settledRow(13n, -40_000_000n),
  ],
  ...[[], [], [], [], [], []],
  [
    linearRow(21n, KIND.perpetual, 50_000_000n, { fundingIndex: -7_000n }),
    linearRow(22n, KIND.option, 9_000_000n),
  ],
  ...Array.from({ length: 30 }, () => []),
  [
    linearRow(31n, KIND.perpetual, 70_000_000n, { fundingIndex: 12n }),
    linearRow(32n, KIND.spot, 3_000_000n),
    settledRow(33n, 5_000_000n),
  ],
]);

const REGISTRY = buildRegistry([
  { entity: 5n, expiryEpoch: 6n },
  { entity: entityOf(SECRETS.entitySecret), expiryEpoch: 9n },
  { entity: entityOf(KEEPER_SECRETS.entitySecret), expiryEpoch: 700n },
]);

const leg = (id: bigint, size: bigint, fundingIndex = 0n): Leg => ({ id, size, fundingIndex });

const SPREAD = [leg(10n, 40n), leg(11n, -15n, 300_000n), leg(12n, 6n), leg(21n, 20n, -9_000n), leg(31n, -9n)];
const FULL = [...SPREAD.slice(0, 3), leg(13n, -4n, -1_000n), ...SPREAD.slice(3), leg(22n, 100n, 12n)];

const PLAIN: TransitionRequest = { mode: MODE.normal, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 3n };

/** A package at the marks, and `above` beside: what side 0 receives. */
function atTheMarks(legs: { id: bigint; size: bigint }[], above: bigint, side: 0 | 1) {
  const cash = legs.reduce((sum, { id, size }) => {
    const at = MARKET.tree.locate(id);
    return at === undefined ? sum : sum - size * MARKET.tree.row(at.underlying, at.place).mark;
  }, above);
  return { package: { legs, cash, salt: 77n }, side };
}

function transition(title: string, before: Note, request: TransitionRequest, registry?: Registry) {
  const computed = applyTransition(before, LEAF_INDEX, MARKET, request);
  return { title, input: inputsOf(computed, MARKET, registry).input, snapshot: MARKET, registry: REGISTRY };
}

const TRADED = [leg(12n, 3n), leg(22n, 5n), leg(31n, -2n)].map(({ id, size }) => ({ id, size }));
const REDUCED = [leg(11n, -5n), leg(21n, 10n)].map(({ id, size }) => ({ id, size }));

const transitions = (): HonestStatement[] => [
  transition(
    "a member's trade",
    noteWith(10_000_000_000n, SPREAD),
    { ...PLAIN, trade: atTheMarks(TRADED, 0n, 0) },
    REGISTRY,
  ),
  transition(
    "a safe trade in mode 1",
    noteWith(4_000_000_000n, SPREAD),
    { ...PLAIN, mode: MODE.reduceOnly, trade: atTheMarks(REDUCED, -1_000n, 1) },
    REGISTRY,
  ),
  transition("a safe trade that need not be one", noteWith(40_000_000_000n, SPREAD), {
    ...PLAIN,
    trade: atTheMarks(REDUCED, -1_000n, 1),
  }),
  transition("a deposit of spot", noteWith(50_000_000n, [leg(10n, 40n)]), {
    ...{ ...PLAIN, asset: 10n, deposit: 5n },
  }),
  transition("a withdrawal", noteWith(12_000_000_000n, FULL), { ...PLAIN, withdrawal: 1_000_000n }, REGISTRY),
  transition("a wind-down", noteWith(9_000_000_000n, FULL), { ...PLAIN, mode: MODE.windDown }),
  transition(
    "a withdrawal of spot on the way out",
    noteWith(5_000n, [leg(32n, 40n)]),
    { ...PLAIN, mode: MODE.exit, asset: 32n, withdrawal: 1n },
    REGISTRY,
  ),
];

function stateOf(note: Note) {
  const tree = treeWith(commitmentOf(note));
  return { root: tree.root, path: tree.path(LEAF_INDEX) };
}

function solvency(title: string, note: Note, excess: bigint): HonestStatement {
  const claim = { ratio: 3n << 14n, excess, context: CONTEXT };
  const witness = { spendSecret: SECRETS.spendSecret, state: stateOf(note) };
  const { input } = prepareSolvency(note, LEAF_INDEX, MARKET, claim, witness);
  return { title, input, snapshot: MARKET, registry: REGISTRY };
}

const solvencies = (): HonestStatement[] => [
  solvency("of a full account", noteWith(12_000_000_000n, FULL), 1_000n),
  solvency("of spot alone", noteWith(7n, [leg(32n, 40n)]), 0n),
];

/** The note with so much cash that its equity is this share of its maintenance margin, in hundredths. */
function withEquity(note: Note, hundredths: bigint): Note {
  const { equity, margin } = standingOf(note, MARKET);
  return { ...note, cash: note.cash - equity + (hundredths * margin.maintenance) / 100n };
}

function insolvency(title: string, note: Note, point: bigint): HonestStatement {
  const { input } = prepareInsolvency(note, LEAF_INDEX, MARKET, stateOf(note), point);
  return { title, input, snapshot: MARKET, registry: REGISTRY };
}

const insolvencies = (): HonestStatement[] => [
  insolvency("of a full account, revealed", withEquity(noteWith(0n, FULL), 95n), 12_345n),
  insolvency("of one leg, flagged", withEquity(noteWith(0n, [leg(31n, -15n, 300_000n)]), -10n), 0n),
];

function takeOver(title: string, note: Note, whole: boolean, registry?: Registry): HonestStatement {
  const { equity, margin } = standingOf(note, MARKET);
  const terms = takeOverRequest(WHOLE, 6_553n, { fee: 7n });
  const slice = whole ? WHOLE : sliceBounds(equity, margin.maintenance, terms).least;
  const computed = applyTakeOver(
    { note, leafIndex: LEAF_INDEX },
    { note: keeperNote(100_000_000_000n), leafIndex: KEEPER_LEAF_INDEX },
    MARKET,
    { ...terms, slice },
  );
  return {
    title,
    input: takeOverInputs(computed, MARKET, registry).input,
    snapshot: MARKET,
    registry: REGISTRY,
  };
}

const LARGER = FULL.map(({ id, size, fundingIndex }) => leg(id, 3n * size, fundingIndex));

const takeOvers = (): HonestStatement[] => [
  takeOver("of a part, by a member", withEquity(noteWith(0n, LARGER), 40n), false, REGISTRY),
  takeOver("of a whole account below 0", withEquity(noteWith(0n, [leg(31n, -15n)]), -10n), true),
];

/** Eight legs, which take the large circuits. */
const EIGHT = [...FULL, leg(32n, 700n)];

const STATEMENTS: Record<string, () => HonestStatement[]> = {
  "transition.small": transitions,
  "solvency.small": solvencies,
  "insolvency.small": insolvencies,
  "liquidation.small": takeOvers,
  "transition.large": () => [
    transition("a member's trade", noteWith(20_000_000_000n, EIGHT), {
      ...{ ...PLAIN, trade: atTheMarks(TRADED, 0n, 1) },
    }),
  ],
  "solvency.large": () => [solvency("of eight legs", noteWith(20_000_000_000n, EIGHT), 1_000n)],
  "insolvency.large": () => [
    insolvency("of eight legs, revealed", withEquity(noteWith(0n, EIGHT), 95n), 12_345n),
  ],
  "liquidation.large": () => [
    takeOver("of a part of eight legs", withEquity(noteWith(0n, [...LARGER, leg(32n, 700n)]), 40n), false),
  ],
};

/** The circuits that have statements. */
export const STATED = Object.keys(STATEMENTS);

/** Honest statements of a circuit. Throws when there are none. */
export function honestStatements(circuit: string): HonestStatement[] {
  const make = STATEMENTS[circuit];
  if (make === undefined) throw new Error(`no statements of ${circuit}`);
  return make();
}
