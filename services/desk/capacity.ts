import { Q16 } from "../../protocol/constants.ts";
import { ensure } from "../../protocol/errors.ts";
import type { Note } from "../../protocol/note.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import { checkTransition, computeTransition, type Transition } from "../../protocol/transition.ts";
import { NOTHING } from "../account/transact.ts";

/*
 * Whether a maker could honour a quote. A quote is firm, and its maker cannot know which of its quotes will be taken: each may be, with any
 * others or without, so every combination must leave the account above initial margin.
 */

/** Quotes and agreed trades that may be open together; combinations double with each. */
export const MOST_BOUND = 6;

function traded(note: Note, snapshot: Snapshot, trade: TradePackage, fee: bigint): Transition {
  return computeTransition(note, 0n, snapshot, { ...NOTHING, fee, trade: { package: trade, side: 1 } });
}

/**
 * Throws `desk.busy` when the maker is bound to too many already, and `desk.margin`, `transition.*` unless the account can take the package
 * as side 1 beside any of those it is bound to, with `cushion` micro-USDC to spare above initial margin.
 */
export function requireCapacity(
  note: Note,
  snapshot: Snapshot,
  bound: readonly TradePackage[],
  trade: TradePackage,
  { fee, cushion }: { fee: bigint; cushion: bigint },
): void {
  ensure(
    bound.length < MOST_BOUND,
    "desk.busy",
    `open quotes and trades: ${bound.length}, expected fewer than ${MOST_BOUND}`,
  );
  for (let taken = 0; taken < 1 << bound.length; taken++) {
    const before = bound
      .filter((_, place) => (taken >> place) & 1)
      .reduce((held, one) => traded(held, snapshot, one, fee).after, note);
    const transition = checkTransition(traded(before, snapshot, trade, fee), snapshot);
    const { equity, margin, netCash } = transition;
    ensure(
      (equity - cushion) * Q16 >= snapshot.imFactor * margin.maintenance && netCash >= -snapshot.debtLimit,
      "desk.margin",
      "account: below initial margin and cushion if this and other quotes are taken, expected it above",
    );
  }
}
