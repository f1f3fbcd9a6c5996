import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { type Side, tradeTagOf } from "../../protocol/trade.ts";
import type { TradeTicket } from "../../protocol/tradeTicket.ts";
import type { Account } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { type OwnAccount, presentSnapshot } from "../account/follow.ts";
import { relayedTerms } from "../account/relayed.ts";
import { NOTHING, proveTransition } from "../account/transact.ts";
import { chainTime } from "../chain/deployment.ts";
import type { Reading } from "../chain/reading.ts";
import { registryForTrade } from "../chain/registryFile.ts";
import type { Log } from "../log.ts";
import type { RelayerClient } from "../relayer/client.ts";
import { isTerminal, type Status } from "../relayer/messages.ts";
import { type Book, type Conversation, note } from "./book.ts";
import type { Heard, MessageOf } from "./message.ts";

/*
 * How an agreed trade comes to the chain. Each side proves its half on the snapshot that the round names and hands it to the relayer, which
 * sends the two together or none. When the snapshot has passed, the taker names another one and both prove again, while the ticket lives.
 *
 * A trade happens at most once, whatever is lost: a half is proven only from a view of the chain in which the trade has not happened, for
 * the account's note in that same view. If an earlier half of the trade is mined after all, it spends that very note, and the new half is
 * void. A half alone is refused by the ledger.
 */

export interface SettlementParts {
  reading: Reading;
  account: OwnAccount;
  prover: Prover;
  relayer: Pick<RelayerClient, "quote" | "submit" | "status">;
  /** The taker is side 0. */
  side: Side;
  /** Registry file, unless the registry is open. */
  registry?: string;
  /** Most micro-USDC that the relayer is paid for a half; all that the ledger lets it take unless given. */
  mostFee?: bigint;
  log: Log;
  /**
   * For tests; awaited at points of the work, before anything further follows: `asked`, `quoted`, `accepted` (the taker), `taken`
   * (the maker), `confirmed`, `round`, `proving`, `proven`, `submitted`, `landed`.
   */
  onStage?: (stage: string) => Promise<void> | void;
}

/**
 * Where a settlement stands: `landed` and `lapsed` are its ends; `waits` for the other side, for the relayer to answer or for the account's
 * own note; `paired` when the relayer has both halves; `stale` needs another round.
 */
export type SettlementState = "landed" | "lapsed" | "waits" | "paired" | "stale";

/** Refusals after which the same may be done later. */
const LATER = [
  "desk.unreachable",
  "desk.full",
  "desk.answer",
  "rpc.unreachable",
  "relayer.unreachable",
  "relayer.busy",
  "relayer.timeout",
  "store.unavailable",
  "chain.unavailable",
  "chain.moving",
  "http.stopping",
  "http.tooMany",
  "http.failed",
];

/** Whether a failure passes by itself: nothing was decided, and the same may be tried again. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof SolvusError) || LATER.includes(error.rule);
}

/** Rounds of one trade on one snapshot, so that what repeats itself costs neither side a proof a second. */
export const ROUNDS_ON_ONE = 3;

/** A block that was replaced may have been later than the one that replaces it, seconds. */
const REORGANIZATION_SECONDS = 120n;

/** Settles the agreed trades of one account. */
export interface Settler {
  /** Does what can be done for a conversation's trade now. */
  step(conversation: Conversation): Promise<SettlementState>;
}

/** Whether a trade is among the account's changes. */
export function hasLanded({ changes }: Account, { package: trade }: TradeTicket): boolean {
  const tag = tradeTagOf(trade);
  return changes.some((change) => change.as === "owner" && change.event.tradeTag === tag);
}

export function makeSettler(book: Book, parts: SettlementParts): Settler {
  const { reading, relayer, side, log, onStage = () => undefined } = parts;
  const { deployed } = reading;
  /** Halves that the relayer has not taken yet, by quote; only the last round of each. */
  const proven = new Map<string, { round: number; half: ProvenTransition }>();

  const statusOf = async (id: string): Promise<Status | undefined> => {
    try {
      return await relayer.status(id);
    } catch (error) {
      // A relayer that lost its store knows nothing of it.
      if (error instanceof SolvusError && error.rule === "relayer.unknown") return undefined;
      throw error;
    }
  };

  const prove = async (
    { ticket }: Conversation,
    { content: round }: Heard<MessageOf<"round">>,
    account: Account,
  ): Promise<ProvenTransition> => {
    const { fee } = await relayedTerms(relayer, deployed, parts.mostFee);
    const snapshot = await presentSnapshot(reading);
    if (snapshot.root !== BigInt(round.snapshotRoot))
      throw new SolvusError("desk.snapshotPassed", `snapshot of round ${round.number}: not the latest`);
    const { package: trade, deadline } = ticket as TradeTicket;
    const registry = await registryForTrade(deployed, parts.registry);
    const request = { ...NOTHING, fee, trade: { package: trade, side } };
    const setting = { snapshot, registry, deadline, relayer: round.relayer };
    return (await proveTransition(deployed, parts.prover, account, request, setting)).proven;
  };

  /** Proves if need be, and submits. */
  const advance = async (
    conversation: Conversation,
    round: Heard<MessageOf<"round">>,
    account: Account,
    now: number,
  ): Promise<SettlementState> => {
    const { number } = round.content;
    const quoteHash = round.content.quoteHash;
    const fail = (error: unknown): SettlementState => {
      if (!(error instanceof SolvusError)) throw error;
      if (isPassing(error) || error.rule === "account.pending") return "waits";
      // Keys that are missing or others than the ledger's: no round will change that.
      if (/^(prover|setup)\./.test(error.rule)) throw error;
      log.info({ rule: error.rule, round: number }, "half not possible in this round");
      proven.delete(quoteHash);
      note(book, now, { event: "obstacle", quoteHash, round: number, rule: error.rule });
      return "stale";
    };
    let ready = proven.get(quoteHash);
    if (ready?.round !== number) {
      if (!account.inserted) return "waits";
      if (conversation.proving !== number) note(book, now, { event: "proving", quoteHash, round: number });
      await onStage("proving");
      try {
        ready = { round: number, half: await prove(conversation, round, account) };
      } catch (error) {
        return fail(error);
      }
      proven.set(quoteHash, ready);
      await onStage("proven");
    }
    let status: Status;
    try {
      status = await relayer.submit({ kind: "transition", transition: ready.half });
    } catch (error) {
      return fail(error);
    }
    note(book, now, { event: "submitted", quoteHash, round: number, submission: status.id });
    log.info({ round: number, submission: status.id }, "half submitted");
    await onStage("submitted");
    return "waits";
  };

  return {
    async step(conversation) {
      if (conversation.end !== undefined) return conversation.end;
      const ticket = conversation.ticket as TradeTicket;
      const quoteHash = conversation.quote!.hash;
      const round = conversation.rounds.at(-1);
      // The time first: no block up to the one that has it is missing from the account's view.
      const now = await chainTime(deployed);
      const { submitted } = conversation;
      const isSubmitted = submitted !== undefined && submitted.round === round?.content.number;
      const status = isSubmitted ? await statusOf(submitted.submission) : undefined;
      const underWay = status !== undefined && !isTerminal(status.state) && status.state !== "mined";
      if (underWay && BigInt(now) <= ticket.deadline) return status.state === "waiting" ? "waits" : "paired";

      const account = await parts.account.now();
      if (hasLanded(account, ticket)) {
        // Its block may still be replaced: the relayer says when it is deep enough, and if it never does, the ticket's end.
        if (status?.state === "mined" && BigInt(now) <= ticket.deadline + REORGANIZATION_SECONDS)
          return "paired";
        proven.delete(quoteHash);
        note(book, now, { event: "landed", quoteHash });
        log.info({ submission: submitted?.submission }, "trade is on the chain");
        await onStage("landed");
        return "landed";
      }
      if (BigInt(now) > ticket.deadline) {
        proven.delete(quoteHash);
        note(book, now, { event: "lapsed", quoteHash });
        log.info("ticket ended without a trade");
        return "lapsed";
      }
      if (round === undefined) return "waits";
      if (status?.state === "mined") return "paired";
      if (isSubmitted || conversation.obstacle?.round === round.content.number) return "stale";
      return advance(conversation, round, account, now);
    },
  };
}
