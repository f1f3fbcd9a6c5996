import { CASH_BOUND, DOMAIN, Q16, RATIO_BOUND, SCENARIOS } from "./constants.ts";
import { ensure } from "./errors.ts";
import type { Instrument } from "./instrument.ts";
import { checkInputs, type MarketInputs } from "./marketInputs.ts";
import { settledRows, type UnderlyingRows, underlyingRows } from "./marketRows.ts";
import { poseidon } from "./poseidon.ts";
import { initialMarginFactor } from "./priceScan.ts";
import type { RiskRow } from "./riskRow.ts";
import { buildRowTree, type RowTree } from "./rowTree.ts";
import { SCENARIO_LIST, type Scenario } from "./scenarios.ts";

/** Parameters of the margin rules that hold for every account during an epoch. */
export interface RiskParameters {
  /** Initial over maintenance margin, Q16. */
  imFactor: bigint;
  /** How many add-ons of the received lots a trade may give away, Q16. */
  priceBand: bigint;
  /** Micro-USDC by which net cash may be below zero. */
  debtLimit: bigint;
}

/** All that account proofs of one epoch refer to. */
export interface Snapshot extends RiskParameters {
  epoch: bigint;
  tree: RowTree;
  root: bigint;
}

/** Epochs are 32-bit numbers: 8,000 years of minutes. */
export const EPOCH_BOUND = 1n << 32n;

function checkParameter(field: string, value: bigint, bound: bigint, least = 0n): void {
  ensure(
    value >= least && value < bound,
    `snapshot.${field}`,
    `${field} is ${value}, expected at least ${least} and below ${bound}`,
  );
}

/**
 * Commits to the rows of an epoch and its parameters: `root = Poseidon(SNAPSHOT, rowsRoot, epoch, imFactor, priceBand, debtLimit)`.
 *
 * Refuses parameters (`snapshot.<field>`) and rows (`row.*`, `rowTree.*`) out of bounds.
 */
export function commitSnapshot(
  epoch: bigint,
  parameters: RiskParameters,
  underlyings: readonly (readonly RiskRow[])[],
): Snapshot {
  const { imFactor, priceBand, debtLimit } = parameters;
  checkParameter("epoch", epoch, EPOCH_BOUND);
  // Below one, the initial margin would be less than the maintenance margin.
  checkParameter("imFactor", imFactor, RATIO_BOUND, Q16);
  checkParameter("priceBand", priceBand, RATIO_BOUND);
  checkParameter("debtLimit", debtLimit, CASH_BOUND);
  const tree = buildRowTree(underlyings);
  const root = poseidon(DOMAIN.snapshot, [tree.root, epoch, imFactor, priceBand, debtLimit]);
  return { epoch, imFactor, priceBand, debtLimit, tree, root };
}

/** A snapshot with what it was computed from. */
export interface MarketSnapshot extends Snapshot {
  inputs: MarketInputs;
  /** Every listing, in the order of the tree. */
  instruments: Instrument[];
  /** Rows and ranges of each underlying, by place in the tree; archives follow at the next places. */
  underlyings: UnderlyingRows[];
}

/**
 * The snapshot that follows from published market inputs: a pure function, to the last bit the same for everyone.
 *
 * Other `scenarios` than the rulebook's sixteen give an auditor's stress snapshot: the same rows with the auditor's losses, under a root that no
 * ledger has posted.
 *
 * Refuses inputs (`inputs.*`), rows (`row.*`, `rowTree.*`) and parameters (`snapshot.*`) out of bounds.
 */
export function buildSnapshot(
  value: MarketInputs,
  scenarios: readonly Scenario[] = SCENARIO_LIST,
): MarketSnapshot {
  ensure(
    scenarios.length === SCENARIOS,
    "snapshot.scenarios",
    `scenarios has ${scenarios.length} entries, expected ${SCENARIOS}`,
  );
  const inputs = checkInputs(value);
  const underlyings = inputs.underlyings.map((underlying) => underlyingRows(underlying, inputs, scenarios));
  const archives = inputs.archives.map((settled) => settledRows(settled, "ARCHIVE"));
  const imFactor = initialMarginFactor(
    BigInt(inputs.baseImFactor),
    underlyings.flatMap(({ rangeState }) => rangeState ?? []),
  );
  const places = [...underlyings.map(({ rows }) => rows), ...archives];
  const snapshot = commitSnapshot(
    BigInt(inputs.epoch),
    { imFactor, priceBand: BigInt(inputs.priceBand), debtLimit: BigInt(inputs.debtLimit) },
    places.map((rows) => rows.map(({ row }) => row)),
  );
  return { ...snapshot, inputs, instruments: places.flat().map(({ instrument }) => instrument), underlyings };
}
