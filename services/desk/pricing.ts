import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradePackage } from "../../protocol/trade.ts";

type Legs = TradePackage["legs"];

/** A maker's rule: marks and a spread, within limits. Money is in micro-USDC. */
export interface PricingRule {
  /** Hundredths of a percent of the package's gross value at the marks. */
  spreadBasisPoints: bigint;
  /** Most gross value of a package at the marks. */
  maxNotional: bigint;
  /** Most value of the maker's own position in one instrument afterwards, long or short. */
  maxPosition: bigint;
}

const BASIS_POINTS = 10_000n;

/** The unsettled row of an instrument. Throws `desk.unlisted`. */
function rowOf(snapshot: Snapshot, id: bigint): RiskRow {
  const at = snapshot.tree.locate(id);
  const row = at && snapshot.tree.row(at.underlying, at.place);
  if (row === undefined || row.settled)
    throw new SolvusError(
      "desk.unlisted",
      `instrument ${id}: not listed or settled, expected one that trades`,
    );
  return row;
}

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

/** Cash that side 0 receives for legs at the marks, micro-USDC: what it pays for what it gets. Throws `desk.unlisted`. */
export function cashAtMarks(legs: Legs, snapshot: Snapshot): bigint {
  return legs.reduce((cash, { id, size }) => cash - size * rowOf(snapshot, id).mark, 0n);
}

/** Gross value of legs at the marks, micro-USDC. Throws `desk.unlisted`. */
export function grossValue(legs: Legs, snapshot: Snapshot): bigint {
  return legs.reduce((sum, { id, size }) => sum + absolute(size) * rowOf(snapshot, id).mark, 0n);
}

/** The largest position, long or short, that a maker may come to hold: side 1 of any of the packages beside what it holds. */
function worstPosition(id: bigint, held: Note["legs"], packages: readonly Legs[]): bigint {
  const holds = held.find((leg) => leg.id === id)?.size ?? 0n;
  const changes = packages.flatMap((legs) => legs.filter((leg) => leg.id === id).map(({ size }) => -size));
  const sum = (sign: 1n | -1n): bigint =>
    changes.reduce((total, change) => (change * sign > 0n ? total + change : total), holds);
  const short = absolute(sum(-1n));
  const long = absolute(sum(1n));
  if (short > long) return short;
  return long;
}

/** What a maker has, and the packages that it may have to take as side 1. */
export interface Holding {
  legs: Note["legs"];
  bound: readonly TradePackage[];
}

/**
 * Cash that a maker with this rule, as side 1, lets side 0 have for legs. Throws `desk.unlisted`, `desk.notional`, `desk.position`: it
 * does not quote.
 */
export function priceOf(
  legs: Legs,
  snapshot: Snapshot,
  holding: Holding,
  { spreadBasisPoints, maxNotional, maxPosition }: PricingRule,
): bigint {
  const gross = grossValue(legs, snapshot);
  ensure(
    gross <= maxNotional,
    "desk.notional",
    `package: ${gross} micro-USDC, expected at most ${maxNotional}`,
  );
  const packages = [...holding.bound.map((one) => one.legs), legs];
  for (const { id } of legs) {
    const value = worstPosition(id, holding.legs, packages) * rowOf(snapshot, id).mark;
    ensure(
      value <= maxPosition,
      "desk.position",
      `position in ${id}: up to ${value} micro-USDC, expected at most ${maxPosition}`,
    );
  }
  // Rounded in the maker's favour.
  const spread = (gross * spreadBasisPoints + BASIS_POINTS - 1n) / BASIS_POINTS;
  return cashAtMarks(legs, snapshot) - spread;
}
