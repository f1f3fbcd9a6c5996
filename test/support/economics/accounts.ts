import { MODE, Q16 } from "../../../protocol/constants.ts";
import { marginOf, type Position } from "../../../protocol/margin.ts";
import { netCashValue } from "../../../protocol/netCash.ts";
import { emptyNote, type Note } from "../../../protocol/note.ts";
import type { Snapshot } from "../../../protocol/snapshot.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";

/*
 * Accounts of a simulation. They come about by the rules' own transitions, so nobody begins with less margin than the ledger would demand.
 */

/** Sizes in lots. */
export interface Lots {
  id: bigint;
  size: bigint;
}

/** What an account is to hold: spot collateral that it deposits, and positions that it trades for. */
export interface Portfolio {
  collateral: Lots[];
  positions: Lots[];
}

export const IDLE: TransitionRequest = { mode: MODE.normal, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** An empty account, number `n` of the simulation: an entity and an owner of its own. */
export const blankNote = (n: bigint): Note => emptyNote(1_000n + n, 2_000n + n, 3_000n + n);

export const positionsOf = (snapshot: Snapshot, lots: readonly Lots[]): Position[] =>
  lots.map(({ id, size }) => ({ size, ...openRow(snapshot, id) }));

/** Margin of a portfolio at the factor that new risk pays, rounded up; micro-USDC. */
export function initialMarginOf(snapshot: Snapshot, { collateral, positions }: Portfolio): bigint {
  const { maintenance } = marginOf(positionsOf(snapshot, [...collateral, ...positions]));
  return (snapshot.imFactor * maintenance + Q16 - 1n) / Q16;
}

/** Cash that a portfolio needs beside its collateral when it is opened at the marks; micro-USDC. */
export function cashFor(snapshot: Snapshot, portfolio: Portfolio): bigint {
  const { value } = marginOf(positionsOf(snapshot, portfolio.collateral));
  const needed = initialMarginOf(snapshot, portfolio) - value;
  return needed > 0n ? needed : 0n;
}

/** The largest of 0 to `most` for which `holds`; it must hold for all below one for which it does. */
export function largest(most: bigint, holds: (value: bigint) => boolean): bigint {
  let [low, high] = [0n, most + 1n];
  while (low + 1n < high) {
    const middle = (low + high) / 2n;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Opens a portfolio at the marks against a counterparty, who deposits `times` the margin of its side. Returns both notes and the cash that
 * both paid in.
 */
export function openAgainst(
  snapshot: Snapshot,
  holder: Note,
  counterparty: Note,
  portfolio: Portfolio,
  times: bigint,
): { holder: Note; counterparty: Note; deposits: bigint } {
  const { collateral, positions } = portfolio;
  const cash = cashFor(snapshot, portfolio);
  const otherSide = positions.map(({ id, size }) => ({ id, size: -size }));
  const backing = times * initialMarginOf(snapshot, { collateral: [], positions: otherSide });
  const value = marginOf(positionsOf(snapshot, positions)).value;
  // What the options held cost is paid out of the account's own money.
  const premiumsOf = (lots: readonly Lots[]): bigint => {
    const held = positionsOf(snapshot, lots);
    return marginOf(held).value - netCashValue(held);
  };
  const step = (note: Note, changes: Partial<TransitionRequest>): Note =>
    applyTransition(note, 0n, snapshot, { ...IDLE, ...changes }).after;
  const deposited = (note: Note, amount: bigint): Note =>
    amount === 0n ? note : step(note, { deposit: amount });
  const premium = premiumsOf(positions);
  const otherPremium = premiumsOf(otherSide);
  let own = deposited(holder, cash + premium);
  for (const { id, size } of collateral) own = step(own, { asset: id, deposit: size });
  let other = deposited(counterparty, backing + otherPremium);
  const deposits = cash + premium + backing + otherPremium;
  if (positions.length === 0) return { holder: own, counterparty: other, deposits };
  const sorted = [...positions].sort((one, two) => Number(one.id - two.id));
  const trade = { legs: sorted, cash: -value, salt: 1n };
  own = step(own, { trade: { package: trade, side: 0 } });
  other = step(other, { trade: { package: trade, side: 1 } });
  return { holder: own, counterparty: other, deposits };
}
