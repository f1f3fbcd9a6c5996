import { nextInputs, settleExpiry } from "../../../protocol/nextEpoch.ts";
import type { Note } from "../../../protocol/note.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { type Standing, standingOf } from "../../../protocol/solvency.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";
import { ruleOf } from "../rule.ts";
import { blankNote, IDLE, largest } from "./accounts.ts";
import { listingsOf, MINUTE_MS, simulatedSnapshot } from "./market.ts";

/*
 * What two friends borrow by an option that one sells to the other and that both let expire: net cash counts what is owed for it only when it
 * has settled. Amounts in micro-USDC.
 */

/** What came of a loan. */
export interface ExpiryLoan {
  /** What the seller withdrew, the premium. */
  withdrawn: bigint;
  /** The seller after the expiry, at an unmoved price. */
  seller: Standing;
  /** What the buyer paid in and takes out after the expiry. */
  paidIn: bigint;
  takenOut: bigint;
}

const MOST_LOTS = 1n << 20n;

/**
 * The largest loan on some lots of a coin's spot by its option of the first expiry with the lowest strike, a call far in the money.
 */
export function borrowUntilExpiry(snapshot: MarketSnapshot, coin: string, collateral: bigint): ExpiryLoan {
  const { spot } = listingsOf(snapshot.inputs, coin);
  const expiry = snapshot.inputs.underlyings.find(({ name }) => name === coin)?.expiries[0];
  const call = expiry?.options
    .filter((option) => option.call)
    .sort((one, other) => one.strike - other.strike)[0];
  if (expiry === undefined || call === undefined) throw new Error(`${coin}: no call is listed`);
  const id = BigInt(call.id);
  const { mark } = openRow(snapshot, id).row;
  const step = (note: Note, changes: Partial<TransitionRequest>): Note =>
    applyTransition(note, 0n, snapshot, { ...IDLE, ...changes }).after;

  const owner = step(blankNote(1n), { asset: spot, deposit: collateral });
  const selling = (lots: bigint) => ({ legs: [{ id, size: -lots }], cash: lots * mark, salt: 1n });
  const borrowing = (lots: bigint): Note =>
    step(step(owner, { trade: { package: selling(lots), side: 0 } }), { withdrawal: lots * mark });
  const admitted = (lots: bigint): boolean => lots === 0n || ruleOf(() => borrowing(lots)) === undefined;
  const lots = largest(MOST_LOTS, admitted);
  const paidIn = 3n * lots * mark;
  const buyer = step(step(blankNote(2n), { deposit: paidIn }), {
    trade: { package: selling(lots), side: 1 },
  });

  const settled = settleExpiry(snapshot.inputs, coin, expiry.expiry, call.forward / 1e6);
  const later = simulatedSnapshot(nextInputs(settled, { time: expiry.expiry + MINUTE_MS }));
  const takenOut = standingOf(buyer, later).equity;
  applyTransition(buyer, 0n, later, { ...IDLE, withdrawal: takenOut });
  return { withdrawn: lots * mark, seller: standingOf(borrowing(lots), later), paidIn, takenOut };
}
