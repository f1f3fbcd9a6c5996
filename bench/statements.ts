import { BASE8, multiply } from "../protocol/babyJubjub.ts";
import { NOTE_LEGS } from "../protocol/constants.ts";
import { prepareInsolvency } from "../protocol/insolvency.ts";
import { EMPTY_LEG, type Leg } from "../protocol/leg.ts";
import { applyTakeOver, RESTORATION, sliceBounds } from "../protocol/liquidation.ts";
import { prepareTakeOver } from "../protocol/liquidationInput.ts";
import type { MarketInputs, OptionQuote, UnderlyingInputs } from "../protocol/marketInputs.ts";
import { commitmentOf, emptyNote, entityOf, type Note, ownerKeyOf } from "../protocol/note.ts";
import { accountTagOf, prepareOpen } from "../protocol/openAccount.ts";
import { buildRegistry } from "../protocol/registryTree.ts";
import { buildSnapshot, type MarketSnapshot } from "../protocol/snapshot.ts";
import { prepareSolvency, standingOf } from "../protocol/solvency.ts";
import { StateTree } from "../protocol/stateTree.ts";
import type { Tier } from "../protocol/tier.ts";
import { TIERS } from "../protocol/tier.ts";
import { applyTransition } from "../protocol/transition.ts";
import { prepareTransition } from "../protocol/transitionInput.ts";
import type { Statement } from "../prover/prover.ts";
import { insertionStatement, openStatement } from "../prover/statements.ts";

/*
 * One statement for each circuit, as large as its tier allows: every leg place and every underlying in use, since zeros are cheaper to
 * prove.
 */

const DAY = 86_400_000;
const TIME = Date.UTC(2024, 0, 10);
const SECRETS = { spendSecret: 123_456_789n, entitySecret: 987_654_321n };
const ENTITY = entityOf(SECRETS.entitySecret);
const CONTEXT = 42n;
const NODES = 64;

/** Ids of an underlying's spot, perpetual and options. */
const idOf = (underlying: number, instrument: number): number => 1_000 * (underlying + 1) + instrument;

function underlyingInputs(underlying: number): UnderlyingInputs {
  const price = 50_000_000_000 / (underlying + 1);
  const options = Array.from(
    { length: 40 },
    (_, index): OptionQuote => ({
      id: idOf(underlying, 3 + index),
      strike: Math.round((price * (80 + 2 * Math.floor(index / 2))) / 100),
      call: index % 2 === 0,
      volatility: 600_000 + 1_000 * index,
      forward: Math.round(price),
      time: TIME,
    }),
  );
  return {
    name: `U${underlying}`,
    index: Math.round(price),
    scan: { model: "volatile", floor: 120_000, cap: 350_000, realizedVolatility: 500_000, previousRange: 0 },
    concentrationUnits: 1_000,
    spot: { id: idOf(underlying, 1), lotExponent: -2 },
    perpetual: { id: idOf(underlying, 2), lotExponent: -2, mark: Math.round(price), fundingIndex: 1_234 },
    expiries: [{ expiry: TIME + 30 * DAY, lotExponent: -2, options }],
    settled: [],
  };
}

function marketOf(underlyings: number): MarketSnapshot {
  const inputs: MarketInputs = {
    epoch: 1,
    time: TIME,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: Array.from({ length: underlyings }, (_, index) => underlyingInputs(index)),
    archives: [],
  };
  return buildSnapshot(inputs);
}

/** A note with ten million USDC and positions in all underlyings in turn, the first `legs` places full. */
function noteOf(legs: number, underlyings: number): Note {
  const leg = (_: unknown, place: number): Leg => {
    const instrument = 2 + Math.floor(place / underlyings);
    const size = place % 2 === 0 ? 120n + BigInt(place) : -80n - BigInt(place);
    return {
      id: BigInt(idOf(place % underlyings, instrument)),
      size,
      fundingIndex: instrument === 2 ? 1_000n : 0n,
    };
  };
  const full = Array.from({ length: legs }, leg);
  return {
    ownerKey: ownerKeyOf(SECRETS.spendSecret),
    entity: ENTITY,
    rho: 1_122_334_455n,
    cash: 10_000_000_000_000n,
    legs: Array.from({ length: NOTE_LEGS }, (_, place) => full[place] ?? EMPTY_LEG),
  };
}

/** A tree of full nodes that holds `leaf` at the returned place. */
function treeWith(leaf: bigint): { tree: StateTree; leafIndex: bigint } {
  const tree = new StateTree();
  const leafIndex = BigInt(16 * (NODES - 3) + 5);
  for (let node = 0; node < NODES; node++) {
    const leaves = Array.from({ length: 16 }, (_, place) => BigInt(1_000_003 * (16 * node + place) + 7));
    if (BigInt(node) === leafIndex / 16n) leaves[Number(leafIndex % 16n)] = leaf;
    tree.insertNode(node, leaves);
  }
  return { tree, leafIndex };
}

const registryOf = () => buildRegistry([{ entity: ENTITY, expiryEpoch: 1_000_000n }]);

function opening(): Statement {
  const { tree, leafIndex } = treeWith(accountTagOf(SECRETS.entitySecret, 1n));
  const registry = registryOf();
  return openStatement(
    prepareOpen({
      ...SECRETS,
      rho: 1_122_334_455n,
      number: 2n,
      stateRoot: tree.root,
      previousTagPath: tree.path(leafIndex),
      registry: { root: registry.root, path: registry.path(ENTITY) },
      epoch: 1n,
      committeeKey: multiply(BASE8, 31_415_926n),
      context: CONTEXT,
    }),
  );
}

/** A trade of four legs by an account that fills its tier with it. */
function transition({ legs, underlyings }: Tier): Statement {
  const snapshot = marketOf(underlyings);
  const before = noteOf(legs - 1, underlyings);
  const { tree, leafIndex } = treeWith(commitmentOf(before));
  const traded = before.legs.slice(0, 3).map(({ id }) => ({ id, size: 3n }));
  const added = { id: BigInt(idOf(underlyings - 1, 30)), size: -3n };
  const computed = applyTransition(before, leafIndex, snapshot, {
    mode: 0n,
    asset: 0n,
    deposit: 0n,
    withdrawal: 0n,
    fee: 1_000_000n,
    trade: {
      package: {
        legs: [...traded, added].sort((a, b) => Number(a.id - b.id)),
        cash: tradeCash(snapshot, [...traded, added]),
        salt: 271_828n,
      },
      side: 0,
    },
  });
  return prepareTransition(computed, snapshot, {
    spendSecret: SECRETS.spendSecret,
    state: { root: tree.root, path: tree.path(leafIndex) },
    registry: registryOf(),
    context: CONTEXT,
  });
}

/** The cash that makes a package worth nothing to either side. */
function tradeCash(snapshot: MarketSnapshot, legs: readonly { id: bigint; size: bigint }[]): bigint {
  return legs.reduce((cash, { id, size }) => {
    const at = snapshot.tree.locate(id);
    return at === undefined ? cash : cash - size * snapshot.tree.row(at.underlying, at.place).mark;
  }, 0n);
}

function solvency({ legs, underlyings }: Tier): Statement {
  const snapshot = marketOf(underlyings);
  const note = noteOf(legs, underlyings);
  const { tree, leafIndex } = treeWith(commitmentOf(note));
  return prepareSolvency(
    note,
    leafIndex,
    snapshot,
    { ratio: 1n << 16n, excess: 1_000_000n, context: CONTEXT },
    { spendSecret: SECRETS.spendSecret, state: { root: tree.root, path: tree.path(leafIndex) } },
  );
}

/** The note of {@link noteOf} with so little cash that its equity is half of its margin. */
function insolventNote(tier: Tier, snapshot: MarketSnapshot): Note {
  const note = noteOf(tier.legs, tier.underlyings);
  const { equity, margin } = standingOf(note, snapshot);
  return { ...note, cash: note.cash - equity + margin.maintenance / 2n };
}

function insolvency(tier: Tier): Statement {
  const snapshot = marketOf(tier.underlyings);
  const note = insolventNote(tier, snapshot);
  const { tree, leafIndex } = treeWith(commitmentOf(note));
  return prepareInsolvency(note, leafIndex, snapshot, { root: tree.root, path: tree.path(leafIndex) });
}

/** A take-over of the largest slice that the rules admit. */
function liquidation(tier: Tier): Statement {
  const snapshot = marketOf(tier.underlyings);
  const note = { ...insolventNote(tier, snapshot), entity: ENTITY + 1n };
  const keeper = emptyNote(ownerKeyOf(SECRETS.spendSecret + 1n), ENTITY, 5_544_332_211n);
  keeper.cash = 100_000_000_000_000n;
  const { tree, leafIndex } = treeWith(commitmentOf(note));
  const leaves = Array.from({ length: 16 }, (_, place) => BigInt(place));
  tree.insertNode(NODES, leaves.with(0, commitmentOf(keeper)));
  const keeperIndex = BigInt(16 * NODES);
  const { equity, margin } = standingOf(note, snapshot);
  const terms = { rate: 9_830n, restoration: RESTORATION, fee: 1_000_000n };
  const slice = sliceBounds(equity, margin.maintenance, terms).most;
  const computed = applyTakeOver({ note, leafIndex }, { note: keeper, leafIndex: keeperIndex }, snapshot, {
    ...terms,
    slice,
  });
  return prepareTakeOver(computed, snapshot, {
    spendSecret: SECRETS.spendSecret + 1n,
    state: {
      root: tree.root,
      targetPath: tree.path(leafIndex),
      keeperPath: tree.path(keeperIndex),
    },
    registry: registryOf(),
    context: CONTEXT,
  });
}

function insertion(): Statement {
  const { tree } = treeWith(1n);
  const leaves = Array.from({ length: 16 }, (_, place) => BigInt(999_983 * (place + 1)));
  return insertionStatement(tree.insertionInput(NODES, leaves));
}

const [SMALL, LARGE] = TIERS as [Tier, Tier];

/** Makes a circuit's statement. */
export const STATEMENTS: Record<string, () => Statement> = {
  open: opening,
  "transition.small": () => transition(SMALL),
  "transition.large": () => transition(LARGE),
  "solvency.small": () => solvency(SMALL),
  "solvency.large": () => solvency(LARGE),
  "insolvency.small": () => insolvency(SMALL),
  "insolvency.large": () => insolvency(LARGE),
  "liquidation.small": () => liquidation(SMALL),
  "liquidation.large": () => liquidation(LARGE),
  insertion,
};
