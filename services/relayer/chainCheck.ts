import type { TransitionSignals } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { contractRefusal } from "../chain/revert.ts";
import type { Item } from "./items.ts";

/*
 * Asks the ledger itself whether it would take an item now, without a word of its rules being written a second time. The ledger looks at
 * state first and at proofs last, so that an item altered to be refused after the former tells of the former alone, for little work:
 *
 * - an item with an escrow word outside the field is refused with SignalNotInField once its state is found good;
 * - a side of a trade beside one whose deadline is 0 is refused with DeadlinePassed(0) once its own state is found good.
 */

const OUTSIDE_FIELD = 2n ** 256n - 1n;

/** What a call is refused with. */
export interface Refusal {
  rule: string;
  message: string;
}

/** Asks a ledger about items, as the sender of a batch. */
export interface ChainCheck {
  /** Why the ledger would not take an item now, its proof and its money aside; undefined if it would. */
  state(item: Item): Promise<Refusal | undefined>;
  /**
   * The same for an item that would be taken alone, with proof, deposit, withdrawal and what the auction and the fund say. A side of a trade
   * cannot be asked about: undefined.
   */
  whole(item: Item): Promise<Refusal | undefined>;
}

/** `sender` is the relayer's address. Both questions throw `chain.unavailable` when the node does not answer. */
export function makeChainCheck({ ledger }: Deployed, sender: string): ChainCheck {
  const refusalOf = async (method: string, values: readonly unknown[]): Promise<Refusal | undefined> => {
    try {
      await ledger.getFunction(method).staticCall(...values, { from: sender });
      return undefined;
    } catch (error) {
      const refusal = contractRefusal(error);
      if (refusal !== undefined) return refusal;
      throw new SolvusError("chain.unavailable", "chain: its node does not answer; try again later");
    }
  };
  return {
    async state(item) {
      if (item.kind === "transition" && item.transition.signals.tradeTag !== 0n) {
        const { transition } = item;
        const refusal = await refusalOf("submitTrade", [transition, counterpart(transition)]);
        return refusal !== undefined && isOfCounterpart(refusal) ? undefined : refusal;
      }
      const refusal = await refusalOf(...alone(item, true));
      return refusal?.rule === "ledger.SignalNotInField" ? undefined : refusal;
    },
    async whole(item) {
      if (item.kind === "transition" && item.transition.signals.tradeTag !== 0n) return undefined;
      return refusalOf(...alone(item, false));
    },
  };
}

/** The call that submits an item by itself; `spoilt`, with its last escrow word outside the field. */
function alone(item: Item, spoilt: boolean): [method: string, values: unknown[]] {
  const last = (words: readonly bigint[]) => (spoilt ? words.with(-1, OUTSIDE_FIELD) : words);
  if (item.kind === "opening") {
    const { proof, signals, terms } = item.opening;
    return ["open", [proof, { ...signals, escrow: last(signals.escrow) }, terms]];
  }
  if (item.kind === "transition") {
    const { signals } = item.transition;
    return ["submit", [{ ...item.transition, signals: { ...signals, escrow: last(signals.escrow) } }]];
  }
  const { signals } = item.takeOver;
  return [
    "takeOver",
    [{ ...item.takeOver, signals: { ...signals, keeperEscrow: last(signals.keeperEscrow) } }],
  ];
}

/** What stands for the other side of a trade: of another note, and refused for its deadline. */
function counterpart<T extends { signals: TransitionSignals; terms: { deadline: bigint } }>(side: T): T {
  const { signals, terms } = side;
  const nullifier = signals.nullifier === 1n ? 2n : 1n;
  return {
    ...side,
    signals: { ...signals, side: 1n - signals.side, nullifier, deposit: 0n, withdrawal: 0n },
    terms: { ...terms, deadline: 0n },
  };
}

/** Items have deadlines above 0. */
const isOfCounterpart = ({ rule, message }: Refusal): boolean =>
  rule === "ledger.DeadlinePassed" && message === "deadline is 0";
