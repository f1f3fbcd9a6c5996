import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { checkPackage, type TradePackage } from "../../protocol/trade.ts";
import { presentRoot, presentSnapshot } from "../account/follow.ts";
import { relayedTerms } from "../account/relayed.ts";
import { chainTime } from "../chain/deployment.ts";
import { type Book, type Conversation, isAgreed, isOpen, note, openBook } from "./book.ts";
import { bestOf, reasonAgainst, requireFeasible } from "./choice.ts";
import { makeCourier } from "./courier.ts";
import type { DeskScope } from "./envelope.ts";
import type { Card, DeskIdentity } from "./identity.ts";
import { type Heard, isKind, LONGEST_ANSWER, legsOf, type MessageOf, quotedTicket, say } from "./message.ts";
import type { Post } from "./post.ts";
import { cashAtMarks } from "./pricing.ts";
import type { DeskRecord } from "./record.ts";
import { isPassing, makeSettler, ROUNDS_ON_ONE, type SettlementParts } from "./settlement.ts";

/*
 * A taker: asks several makers, takes the best firm quote, and leads its settlement. It deals with one quote at a time: another one is
 * taken only when no half for the one before was ever begun.
 */

export interface TakerConfig extends Omit<SettlementParts, "side"> {
  identity: DeskIdentity;
  scope: DeskScope;
  record: DeskRecord;
  post: Post;
  /** Seconds of the chain's time after a quote's expiry for which its maker's confirmation is waited for. */
  confirmSeconds?: number;
  /** Milliseconds between looks at mailbox and chain. */
  pollMs?: number;
}

/** What is asked of makers. */
export interface Inquiry {
  makers: readonly Card[];
  /** What the taker, side 0, receives. */
  legs: TradePackage["legs"];
  /** Least cash that the taker receives, micro-USDC (what it pays is negative). */
  worst?: bigint;
  /** Seconds of the chain's time for which answers are waited for. */
  answerSeconds: number;
}

/** How a request ended. */
export interface InquiryResult {
  requestId: string;
  outcome: "landed" | "lapsed" | "ended";
  /** Why there is no trade. */
  rule?: string;
  answers: { maker: string; cash?: bigint; rule?: string; taken: boolean }[];
}

export interface Taker {
  book: Book;
  /** Asks. The request is in the record, and will be delivered, once this resolves. */
  ask(inquiry: Inquiry): Promise<string>;
  /** Does what can be done for a request now; says whether it is over. */
  step(requestId: string): Promise<boolean>;
  /** Steps until the request is over. Throws what no waiting changes, and `desk.stopped` when it is told to stop: the record knows how to go on. */
  pursue(requestId: string, signal?: AbortSignal): Promise<InquiryResult>;
  /** Requests that are not over, by id. */
  unfinished(): string[];
}

const CONFIRM_SECONDS = 30;
const POLL_MS = 1_000;
/** Longest time until a ticket's deadline, seconds: until then the taker waits for its maker. */
const LONGEST_TICKET = 3_600;
/** Messages of one maker that were refused and are written down, of one request: they are evidence, and cost it nothing. */
const MOST_REFUSALS = 16;
/** Looks in a row that may fail without a reason of the protocol's, such as an endpoint that does not answer. */
const PATIENCE = 60;

export function makeTaker(config: TakerConfig): Taker {
  const { identity, scope, record, post, reading, account, relayer, log, onStage = () => undefined } = config;
  const { confirmSeconds = CONFIRM_SECONDS, pollMs = POLL_MS } = config;
  const { deployed } = reading;
  const book = openBook(record);
  const courier = makeCourier(post, scope, identity.signing.key, log);
  const settler = makeSettler(book, { ...config, side: 0 });
  const conversationsOn = (requestId: string): Conversation[] =>
    [...book.conversations.values()].filter(({ request }) => request.content.requestId === requestId);

  const tell = (conversation: Conversation, message: Heard, now: number, until: number): void => {
    if (!book.known.has(message.hash)) note(book, now, { event: "said", message: message.signed });
    const { requestId, to } = conversation.request.content;
    const maker = book.askings.get(requestId)?.makers.find(({ signingKey }) => signingKey === to);
    if (maker !== undefined) courier.send(maker.box, message, until);
  };

  /** Sends once more what the maker has not reacted to. */
  const resume = (conversation: Conversation): void => {
    const { request, quote, decline, ticket, acceptance, confirmation, passed, rounds } = conversation;
    const round = rounds.at(-1);
    if (quote === undefined && decline === undefined)
      tell(conversation, request, 0, request.content.answerBy);
    else if (passed !== undefined || quote === undefined || acceptance === undefined) return;
    else if (confirmation === undefined) tell(conversation, acceptance, 0, quote.content.validUntil);
    else if (round !== undefined && isOpen(conversation))
      tell(conversation, round, 0, Number(ticket!.deadline));
  };
  for (const conversation of book.conversations.values())
    if (book.askings.get(conversation.request.content.requestId)?.ended === undefined) resume(conversation);

  const refusals = new Map<string, number>();
  /** Whether a refused message is written down: what makers that were asked say, in reason; others could fill the record, and so could they. */
  const isEvidence = (message: Heard): boolean => {
    if (!isAsked(book, message)) return false;
    const { from, requestId } = message.content;
    const before = refusals.get(`${from}/${requestId}`) ?? 0;
    refusals.set(`${from}/${requestId}`, before + 1);
    return before < MOST_REFUSALS;
  };

  const deal = async (message: Heard): Promise<void> => {
    if (book.known.has(message.hash)) return;
    const now = await chainTime(deployed);
    try {
      requireExpected(book, message, now);
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      log.warn({ rule: error.rule, kind: message.content.kind }, "message refused");
      if (isEvidence(message))
        note(book, now, { event: "refused", message: message.signed, rule: error.rule });
      return;
    }
    const atMarks = isKind(message, "quote") ? await marksFor(message) : undefined;
    note(book, now, { event: "heard", message: message.signed, ...(atMarks && { atMarks }) });
    log.info({ kind: message.content.kind, maker: message.content.from }, "answer");
    await onStage(message.content.kind === "confirmation" ? "confirmed" : "quoted");
  };

  /** The package's value when its quote is heard; none for an instrument that has settled meanwhile. */
  const marksFor = async (
    quote: Heard<MessageOf<"quote">>,
  ): Promise<{ epoch: string; cash: string } | undefined> => {
    const asked = book.conversations.get(quote.content.requestHash)!.request;
    const snapshot = await presentSnapshot(reading);
    try {
      return {
        epoch: String(snapshot.epoch),
        cash: String(cashAtMarks(legsOf(asked.content), snapshot)),
      };
    } catch (error) {
      if (error instanceof SolvusError) return undefined;
      throw error;
    }
  };

  const choose = async (requestId: string, now: number): Promise<boolean> => {
    const worst = book.askings.get(requestId)?.worst;
    const candidates = conversationsOn(requestId).filter(
      (one) => reasonAgainst(one, { now, ...(worst === undefined ? {} : { worst }) }) === undefined,
    );
    const best = bestOf(candidates);
    if (best === undefined) {
      note(book, now, { event: "ended", requestId, rule: "desk.noQuote" });
      return true;
    }
    const quote = best.quote as Heard<MessageOf<"quote">>;
    try {
      const { fee } = await relayedTerms(relayer, deployed, config.mostFee);
      const { note: held } = await account.now();
      requireFeasible(best.ticket!, held, await presentSnapshot(reading), fee);
    } catch (error) {
      if (!(error instanceof SolvusError) || isPassing(error)) throw error;
      note(book, now, { event: "passed", quoteHash: quote.hash, rule: error.rule });
      return false;
    }
    const about = { to: quote.content.from, requestId, quoteHash: quote.hash };
    const acceptance = say(identity.signing, scope, { kind: "acceptance", ...about });
    tell(best, acceptance, now, quote.content.validUntil);
    log.info({ maker: quote.content.from }, "quote taken");
    await onStage("accepted");
    return false;
  };

  /** Names the next round, unless this snapshot has seen too many. */
  const nameRound = async (conversation: Conversation, now: number): Promise<void> => {
    const root = String(await presentRoot(deployed));
    const { rounds, quote, ticket } = conversation;
    if (rounds.filter(({ content }) => content.snapshotRoot === root).length >= ROUNDS_ON_ONE) return;
    const { inserted } = await account.now();
    if (!inserted) return;
    const { relayer: address } = await relayer.quote();
    const { from: to, requestId } = quote!.content;
    const message = say(identity.signing, scope, {
      kind: "round",
      ...{ to, requestId, quoteHash: quote!.hash },
      ...{ number: rounds.length + 1, snapshotRoot: root, relayer: address },
    });
    tell(conversation, message, now, Number(ticket!.deadline));
    log.info({ round: message.content.kind === "round" && message.content.number }, "round named");
    await onStage("round");
  };

  const settle = async (conversation: Conversation, now: number): Promise<boolean> => {
    const state = await settler.step(conversation);
    if (state === "landed" || state === "lapsed") return true;
    const round = conversation.rounds.at(-1)?.content;
    const hasPassed = async (): Promise<boolean> =>
      round !== undefined && BigInt(round.snapshotRoot) !== (await presentRoot(deployed));
    const needsRound = round === undefined || state === "stale" || (state === "waits" && (await hasPassed()));
    if (needsRound) await nameRound(conversation, now);
    return false;
  };

  const step = async (requestId: string): Promise<boolean> => {
    const asking = book.askings.get(requestId);
    ensure(asking !== undefined, "desk.unknownRequest", `request ${requestId}: not in the record`);
    if (asking.ended !== undefined) return true;
    const now = await chainTime(deployed);
    await courier.deliver(now);
    await courier.fetch(identity.replyBox(requestId), deal);
    const all = conversationsOn(requestId);
    const current = all.find(({ acceptance, passed }) => acceptance !== undefined && passed === undefined);
    if (current === undefined) {
      const waits = all.some(
        ({ quote, decline, request }) =>
          quote === undefined && decline === undefined && now <= request.content.answerBy,
      );
      if (waits) return false;
      const over = await choose(requestId, now);
      await courier.deliver(now);
      return over;
    }
    const quote = current.quote as Heard<MessageOf<"quote">>;
    const pass = (rule: string): false => {
      note(book, now, { event: "passed", quoteHash: quote.hash, rule });
      return false;
    };
    if (current.end !== undefined) return true;
    const refusal = current.confirmation?.content.rule;
    if (refusal !== undefined) return pass(refusal);
    if (!isAgreed(current))
      return now > quote.content.validUntil + confirmSeconds ? pass("desk.unconfirmed") : false;
    const over = await settle(current, now);
    await courier.deliver(now);
    return over;
  };

  const resultOf = (requestId: string): InquiryResult => {
    const all = conversationsOn(requestId);
    const taken = all.find(({ acceptance, passed }) => acceptance !== undefined && passed === undefined);
    const rule = book.askings.get(requestId)?.ended ?? taken?.obstacle?.rule;
    return {
      requestId,
      outcome: taken?.end ?? "ended",
      ...(rule === undefined || taken?.end === "landed" ? {} : { rule }),
      answers: all.map((one) => {
        const reason = one.passed ?? one.decline?.content.rule;
        return {
          maker: one.request.content.to,
          ...(one.ticket === undefined ? {} : { cash: one.ticket.package.cash }),
          ...(reason === undefined ? {} : { rule: reason }),
          taken: one === taken,
        };
      }),
    };
  };

  return {
    book,
    async ask({ makers, legs, worst, answerSeconds }) {
      const keys = new Set(makers.map(({ signingKey }) => signingKey));
      ensure(
        makers.length > 0 && keys.size === makers.length,
        "desk.makers",
        `makers: ${makers.length} cards of ${keys.size} makers, expected at least one, each once`,
      );
      ensure(
        answerSeconds >= 1 && answerSeconds <= LONGEST_ANSWER,
        "desk.answerSeconds",
        `answers are waited for ${answerSeconds} s, expected 1 to ${LONGEST_ANSWER}`,
      );
      const sorted = [...legs].sort((one, other) => (one.id < other.id ? -1 : 1));
      checkPackage({ legs: sorted, cash: 0n, salt: 0n });
      const now = await chainTime(deployed);
      const requestId = randomBytes(16).toString("hex");
      note(book, now, {
        event: "asking",
        requestId,
        makers: [...makers],
        ...(worst === undefined ? {} : { worst: String(worst) }),
      });
      const answerBy = now + answerSeconds;
      for (const { signingKey: to } of makers) {
        const message = say<MessageOf<"request">>(identity.signing, scope, {
          kind: "request",
          ...{ to, requestId, answerBy },
          legs: sorted.map(({ id, size }) => ({ id: String(id), size: String(size) })),
          replyTo: identity.replyBox(requestId).address,
        });
        note(book, now, { event: "said", message: message.signed });
        resume(book.conversations.get(message.hash) as Conversation);
      }
      await onStage("asked");
      await courier.deliver(now);
      return requestId;
    },
    step,
    async pursue(requestId, signal) {
      for (let failures = 0; ; ) {
        if (signal?.aborted)
          throw new SolvusError("desk.stopped", `request ${requestId}: left under way, to be resumed`);
        try {
          if (await step(requestId)) return resultOf(requestId);
          failures = 0;
        } catch (error) {
          failures += 1;
          if (!isPassing(error) || failures > PATIENCE) throw error;
          log.warn({ err: error }, "will be tried again");
        }
        await sleep(pollMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
      }
    },
    unfinished() {
      return [...book.askings].flatMap(([requestId, { ended }]) => {
        const over = conversationsOn(requestId).some(({ end }) => end !== undefined);
        return ended === undefined && !over ? [requestId] : [];
      });
    },
  };
}

/** Whether the speaker is a maker who was asked about this request. */
function isAsked(book: Book, { content: { from, requestId } }: Heard): boolean {
  return book.askings.get(requestId)?.makers.some(({ signingKey }) => signingKey === from) === true;
}

/**
 * Throws unless a message is what its speaker may say now: `desk.foreign` (nobody who was asked, of another request or quote), `desk.replayed` (said already),
 * `desk.expired`, `desk.late`, `desk.ticket`.
 */
function requireExpected(book: Book, message: Heard, now: number): void {
  const { kind, from, requestId } = message.content;
  const foreign = `${kind}: of nobody who was asked this, expected a maker's answer`;
  ensure(isAsked(book, message), "desk.foreign", foreign);
  const belongs = (conversation: Conversation | undefined): conversation is Conversation =>
    conversation?.request.content.to === from && conversation.request.content.requestId === requestId;
  if (isKind(message, "quote") || isKind(message, "decline")) {
    const conversation = book.conversations.get(message.content.requestHash);
    ensure(belongs(conversation), "desk.foreign", foreign);
    ensure(
      conversation.quote === undefined && conversation.decline === undefined,
      "desk.replayed",
      `${kind}: this maker has answered, expected one answer`,
    );
    if (!isKind(message, "quote")) return;
    const { deadline, package: trade } = quotedTicket(conversation.request, message);
    const { validUntil } = message.content;
    ensure(now <= validUntil, "desk.expired", `quote: could be taken until ${validUntil}, it is ${now}`);
    ensure(
      deadline <= BigInt(now + LONGEST_TICKET),
      "desk.ticket",
      `quote: its ticket ends at ${deadline}, expected within ${LONGEST_TICKET} s`,
    );
    // A trade is known by its package and salt: of two that share them, the second would seem to have happened with the first.
    const isNew = [...book.conversations.values()].every(({ ticket }) => ticket?.package.salt !== trade.salt);
    ensure(isNew, "desk.ticket", "quote: its salt was in another quote, expected a new one");
    return;
  }
  ensure(isKind(message, "confirmation"), "desk.foreign", `${kind}: not to a taker`);
  const conversation = book.quoted.get(message.content.quoteHash);
  ensure(belongs(conversation), "desk.foreign", foreign);
  ensure(
    conversation.acceptance !== undefined && conversation.confirmation === undefined,
    "desk.replayed",
    "confirmation: of a quote that was not taken or is confirmed, expected one to be confirmed",
  );
  ensure(
    conversation.passed === undefined,
    "desk.late",
    "confirmation: too late, the quote was given up, expected it earlier",
  );
}
