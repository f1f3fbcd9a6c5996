import { nextInputs, settleExpiry } from "../../../protocol/nextEpoch.ts";
import type { Note } from "../../../protocol/note.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../../protocol/transition.ts";
import { ruleOf } from "../rule.ts";
import { blankNote, IDLE, largest } from "./accounts.ts";
import { listingsOf, MINUTE_MS, simulatedSnapshot } from "./market.ts";

/*
 * What can be withdrawn of an option's premium, which would be a loan if the option were then left to expire. Amounts in micro-USDC.
 */

/** A premium received against spot collateral, and what of it is free. */
export interface SoldOption {
  premium: bigint;
  /** The most that the seller may withdraw while the option is owed. */
  freeBefore: bigint;
  /** The same after the expiry, at an unmoved price, and what the settlement paid the buyer. */
  freeAfter: bigint;
  settlement: bigint;
}

/** A call of a coin's first expiry: the one with the lowest strike, or the first that is out of the money. */
function callOf(snapshot: MarketSnapshot, coin: string, strike: "lowest" | "out of the money") {
  const expiry = snapshot.inputs.underlyings.find(({ name }) => name === coin)?.expiries[0];
  const calls = expiry?.options
    .filter((option) => option.call)
    .sort((one, other) => one.strike - other.strike);
  const call = calls?.find((one) => strike === "lowest" || one.strike > one.forward);
  if (expiry === undefined || call === undefined) throw new Error(`${coin}: no such call is listed`);
  return { expiry: expiry.expiry, call };
}

/** Sells `lots` of a call of the coin's first expiry against `collateral` lots of its spot, and lets it expire. */
export function sellAndLetExpire(
  snapshot: MarketSnapshot,
  coin: string,
  { collateral, lots, strike }: { collateral: bigint; lots: bigint; strike: "lowest" | "out of the money" },
): SoldOption {
  const { spot } = listingsOf(snapshot.inputs, coin);
  const { expiry, call } = callOf(snapshot, coin, strike);
  const id = BigInt(call.id);
  const { mark } = openRow(snapshot, id).row;
  const step = (note: Note, at: MarketSnapshot, changes: Partial<TransitionRequest>): Note =>
    applyTransition(note, 0n, at, { ...IDLE, ...changes }).after;
  const free = (note: Note, at: MarketSnapshot): bigint =>
    largest(
      2n * lots * mark,
      (withdrawal) => withdrawal === 0n || ruleOf(() => step(note, at, { withdrawal })) === undefined,
    );

  const sale = { legs: [{ id, size: -lots }], cash: lots * mark, salt: 1n };
  const owner = step(blankNote(1n), snapshot, { asset: spot, deposit: collateral });
  const seller = step(owner, snapshot, { trade: { package: sale, side: 0 } });
  const settled = settleExpiry(snapshot.inputs, coin, expiry, call.forward / 1e6);
  const later = simulatedSnapshot(nextInputs(settled, { time: expiry + MINUTE_MS }));
  return {
    premium: lots * mark,
    freeBefore: free(seller, snapshot),
    freeAfter: free(seller, later),
    settlement: -lots * openRow(later, id).row.fundingIndex,
  };
}
