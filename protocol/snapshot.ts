import { CASH_BOUND, DOMAIN, RATIO_BOUND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { poseidon } from "./poseidon.ts";
import type { RiskRow } from "./riskRow.ts";
import { buildRowTree, type RowTree } from "./rowTree.ts";

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

function checkParameter(field: string, value: bigint, bound: bigint): void {
  ensure(
    value >= 0n && value < bound,
    `snapshot.${field}`,
    `${field} is ${value}, expected at least 0 and below ${bound}`,
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
  checkParameter("imFactor", imFactor, RATIO_BOUND);
  checkParameter("priceBand", priceBand, RATIO_BOUND);
  checkParameter("debtLimit", debtLimit, CASH_BOUND);
  const tree = buildRowTree(underlyings);
  const root = poseidon(DOMAIN.snapshot, [tree.root, epoch, imFactor, priceBand, debtLimit]);
  return { epoch, imFactor, priceBand, debtLimit, tree, root };
}
