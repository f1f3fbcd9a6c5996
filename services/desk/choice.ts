import type { Note } from "../../protocol/note.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradeTicket } from "../../protocol/tradeTicket.ts";
import { applyTransition } from "../../protocol/transition.ts";
import { NOTHING } from "../account/transact.ts";
import type { Conversation } from "./book.ts";

/*
 * Which quote a taker takes: of those that can be taken, the one that gives side 0 most cash; of equal ones the one that came first. The
 * same rule judges a record afterwards.
 */

/** Cash that side 0 receives by a conversation's quote, micro-USDC. */
export function quotedCash({ ticket }: Conversation): bigint | undefined {
  return ticket?.package.cash;
}

/** The best of conversations with quotes; undefined of none. */
export function bestOf(candidates: readonly Conversation[]): Conversation | undefined {
  let best: Conversation | undefined;
  for (const one of candidates) {
    const cash = quotedCash(one);
    if (cash === undefined) continue;
    const leading = best && quotedCash(best);
    if (leading === undefined || cash > leading) best = one;
  }
  return best;
}

/** Why a quote cannot be taken now, as a rule; undefined if it can. `worst`: least cash for side 0, micro-USDC. */
export function reasonAgainst(
  { quote, ticket, passed }: Conversation,
  { now, worst }: { now: number; worst?: bigint },
): string | undefined {
  if (quote === undefined || ticket === undefined) return "desk.noQuote";
  if (passed !== undefined) return passed;
  if (now > quote.content.validUntil) return "desk.expired";
  if (worst !== undefined && ticket.package.cash < worst) return "desk.worse";
  return undefined;
}

/** Throws `transition.*` unless the taker's account can take its side of a quote on a snapshot. */
export function requireFeasible(
  { package: trade }: TradeTicket,
  held: Note,
  snapshot: Snapshot,
  fee: bigint,
): void {
  applyTransition(held, 0n, snapshot, { ...NOTHING, fee, trade: { package: trade, side: 0 } });
}
