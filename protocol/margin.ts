import { Q16, SCENARIOS } from "./constants.ts";
import type { RiskRow } from "./riskRow.ts";

/** A holding of `size` lots (signed), with its risk row and the place of its underlying in the row tree. */
export interface Position {
  size: bigint;
  row: RiskRow;
  underlying: number;
}

/** All in micro-USDC. `value` is sum size·mark; `maintenance` the margin MM. */
export interface Margin {
  value: bigint;
  scanByUnderlying: Map<number, bigint>;
  addOn: bigint;
  maintenance: bigint;
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Loss of a group of positions in one scenario: sum size·loss. */
export function scenarioLoss(positions: readonly Position[], scenario: number): bigint {
  return positions.reduce((sum, { size, row }) => sum + size * (row.losses[scenario] as bigint), 0n);
}

/** Scan risk of the positions of one underlying: the largest loss of the sixteen scenarios, at least 0. */
export function scanRisk(positions: readonly Position[]): bigint {
  let worst = 0n;
  for (let scenario = 0; scenario < SCENARIOS; scenario++)
    worst = max(worst, scenarioLoss(positions, scenario));
  return worst;
}

/** `|size|·(longAddOn or shortAddOn) + concentrationRate·max(0, |size| - concentrationThreshold)`. */
export function addOnOf({ size, row }: Position): bigint {
  const rate = size >= 0n ? row.longAddOn : row.shortAddOn;
  return abs(size) * rate + row.concentrationRate * max(0n, abs(size) - row.concentrationThreshold);
}

/** Positions by underlying. There is no offset between underlyings. */
export function byUnderlying(positions: readonly Position[]): Map<number, Position[]> {
  const groups = new Map<number, Position[]>();
  for (const position of positions) {
    if (position.size === 0n) continue;
    const group = groups.get(position.underlying) ?? [];
    group.push(position);
    groups.set(position.underlying, group);
  }
  return groups;
}

/** Maintenance margin and values of a set of positions: `MM = sum over underlyings of scan risk + sum of add-ons`. */
export function marginOf(positions: readonly Position[]): Margin {
  const scanByUnderlying = new Map<number, bigint>();
  for (const [underlying, group] of byUnderlying(positions))
    scanByUnderlying.set(underlying, scanRisk(group));
  const addOn = positions.reduce((sum, position) => sum + addOnOf(position), 0n);
  const scan = [...scanByUnderlying.values()].reduce((sum, risk) => sum + risk, 0n);
  return {
    value: positions.reduce((sum, { size, row }) => sum + size * row.mark, 0n),
    scanByUnderlying,
    addOn,
    maintenance: scan + addOn,
  };
}

/** Whether `equity >= factor·maintenance`, with `factor` in Q16. Exact: both sides are scaled by 2^16. */
export function covers(equity: bigint, factor: bigint, maintenance: bigint): boolean {
  return equity * Q16 >= factor * maintenance;
}
