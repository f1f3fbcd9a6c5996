import { setTimeout as sleep } from "node:timers/promises";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { checkPackage, type TradePackage } from "../../protocol/trade.ts";
import { formatTicket } from "../../protocol/tradeTicket.ts";
import { presentSnapshot } from "../account/follow.ts";
import { relayedTerms } from "../account/relayed.ts";
import { randomFieldElement } from "../account/secrets.ts";
import { chainTime } from "../chain/deployment.ts";
import type { Running } from "../running.ts";
import { askedAs, type Book, type Conversation, isOpen, note, openBook, retire } from "./book.ts";
import { requireCapacity } from "./capacity.ts";
import { type Courier, makeCourier } from "./courier.ts";
import type { DeskScope } from "./envelope.ts";
import type { DeskIdentity } from "./identity.ts";
import { type Heard, isKind, LONGEST_ANSWER, legsOf, type Message, type MessageOf, say } from "./message.ts";
import type { Post } from "./post.ts";
import { type PricingRule, priceOf } from "./pricing.ts";
import type { DeskRecord } from "./record.ts";
import { isPassing, makeSettler, ROUNDS_ON_ONE, type SettlementParts, type Settler } from "./settlement.ts";

/*
 * A maker: answers requests with firm quotes, and settles those that are taken. A quote is in the record before it is sent. It can be
 * taken once, until it expires by the time of the chain when the acceptance is read; taken, it is settled on every snapshot that the taker
 * names until the ticket ends.
 */

export interface MakerRules extends PricingRule {
  /** Seconds of the chain's time for which a quote can be taken. */
  quoteSeconds: number;
  /** Seconds of the chain's time for both halves, from the quote's expiry on. */
  settleSeconds: number;
  /** Micro-USDC that the account keeps above initial margin whatever is taken. */
  cushion: bigint;
  /** Signing keys of those who may ask; undefined for anybody. */
  takers?: readonly string[];
}

export interface MakerConfig extends Omit<SettlementParts, "side"> {
  identity: DeskIdentity;
  scope: DeskScope;
  record: DeskRecord;
  post: Post;
  rules: MakerRules;
  /** Milliseconds between looks at mailbox and chain. */
  pollMs?: number;
}

/** The maker's parts, one step at a time; {@link startMaker} runs them. */
export interface Maker {
  book: Book;
  /** Reads the mailbox, answers, and delivers what waits. */
  correspond(): Promise<void>;
  /** Takes each agreed trade a step further. */
  settle(): Promise<void>;
}

const POLL_MS = 1_000;
/** Quotes and trades that may be open with one taker, so that none keeps all of the maker's capacity. */
const MOST_FOR_ONE = 2;
/** Rounds of one trade: a proof each, one a minute in the hour that a ticket may last. */
const MOST_ROUNDS = 100;
/** Requests that are heard in a minute of the chain's time: whoever has the card can ask, and what is heard stays in the record. */
const MOST_A_MINUTE = 60;
/** Reasons that a taker is told; others would tell of the maker's account. */
const TOLD: readonly string[] = ["desk.unlisted", "desk.notional", "desk.busy", "desk.stale"];
/** Seconds after which a snapshot's marks are no longer quoted: the ledger settles no trade on them, and the next may be far from them. */
const STALE_SECONDS = 180;

/** Makes a maker from its record, as it was before it stopped. */
export function makeMaker(config: MakerConfig): Maker {
  const { identity, scope, record, post, reading, rules, log, onStage = () => undefined } = config;
  const book = openBook(record);
  const courier = makeCourier(post, scope, identity.signing.key, log);
  const settler = makeSettler(book, { ...config, side: 1 });
  for (const conversation of book.conversations.values()) resume(conversation, courier);

  const answer = (request: Heard<MessageOf<"request">>, message: Heard, now: number, until: number): void => {
    note(book, now, { event: "said", message: message.signed });
    courier.send(request.content.replyTo, message, until);
  };

  const quoteFor = async (request: Heard<MessageOf<"request">>, now: number): Promise<Heard> => {
    const { content, hash } = request;
    const about = { to: content.from, requestId: content.requestId, requestHash: hash };
    try {
      const trade = await packageFor(config, book, request, now);
      const validUntil = now + rules.quoteSeconds;
      const deadline = BigInt(validUntil + rules.settleSeconds);
      const ticket = formatTicket({ ...scope, package: trade, deadline });
      return say(identity.signing, scope, { kind: "quote", ...about, ticket, validUntil });
    } catch (error) {
      // What passes by itself is no reason: the request stays in the mailbox.
      if (!(error instanceof SolvusError) || isPassing(error)) throw error;
      log.info({ rule: error.rule }, "request declined");
      const rule = TOLD.includes(error.rule) ? error.rule : "desk.declined";
      return say(identity.signing, scope, { kind: "decline", ...about, rule });
    }
  };

  /** Says what a conversation still lacks of the maker's: its answer, its confirmation. */
  const complete = async (conversation: Conversation, now: number): Promise<void> => {
    const { request, quote, decline, acceptance, acceptedAt = 0, confirmation } = conversation;
    if (quote === undefined && decline === undefined && now <= request.content.answerBy) {
      const message = await quoteFor(request, now);
      const until = untilOf(message, request.content.answerBy);
      answer(request, message, now, Math.min(until, now + LONGEST_ANSWER));
      log.info({ kind: message.content.kind, request: request.content.requestId }, "request answered");
      await onStage("quoted");
    }
    if (quote !== undefined && acceptance !== undefined && confirmation === undefined) {
      const { from: to, requestId } = request.content;
      const late = acceptedAt > quote.content.validUntil;
      const message = say(identity.signing, scope, {
        kind: "confirmation",
        ...{ to, requestId, quoteHash: quote.hash },
        ...(late ? { rule: "desk.expired" } : {}),
      });
      answer(request, message, now, Number(conversation.ticket!.deadline));
      log.info({ quote: quote.hash, late }, "quote taken");
      await onStage("confirmed");
    }
  };

  /** Unix seconds of the chain of the requests of the last minute. */
  let heardAt: number[] = [];
  const hearRequest = (request: Heard<MessageOf<"request">>, now: number): void => {
    const { from, answerBy } = request.content;
    const { takers } = rules;
    ensure(
      takers === undefined || takers.includes(from),
      "desk.unknownTaker",
      `request: of ${from}, expected a taker that is dealt with`,
    );
    ensure(
      now <= answerBy && answerBy <= now + LONGEST_ANSWER,
      "desk.expired",
      `request: to be answered by ${answerBy}, expected within ${LONGEST_ANSWER} s from ${now}`,
    );
    const isNew = !book.asked.has(askedAs(request));
    ensure(isNew, "desk.replayed", "request: its id was used by another one, expected a new id");
    heardAt = heardAt.filter((time) => time > now - 60);
    ensure(
      heardAt.length < MOST_A_MINUTE,
      "desk.busy",
      `requests: ${heardAt.length} within a minute, expected fewer than ${MOST_A_MINUTE}`,
    );
    heardAt.push(now);
    note(book, now, { event: "heard", message: request.signed });
  };

  const hearAcceptance = async (acceptance: Heard<MessageOf<"acceptance">>, now: number): Promise<void> => {
    requireConversation(book, acceptance, "acceptance");
    note(book, now, { event: "heard", message: acceptance.signed });
    await onStage("taken");
  };

  const hearRound = async (round: Heard<MessageOf<"round">>, now: number): Promise<void> => {
    const conversation = requireConversation(book, round, "round");
    const last = conversation.rounds.at(-1)?.content.number ?? 0;
    ensure(
      isOpen(conversation) && round.content.number > last,
      "desk.replayed",
      `round ${round.content.number}: after round ${last}, expected a later one of an agreed trade`,
    );
    const { snapshotRoot } = round.content;
    const onThisOne = conversation.rounds.filter(({ content }) => content.snapshotRoot === snapshotRoot);
    ensure(
      onThisOne.length < ROUNDS_ON_ONE && conversation.rounds.length < MOST_ROUNDS,
      "desk.busy",
      `rounds: ${onThisOne.length} on this snapshot, ${conversation.rounds.length} in all, expected fewer`,
    );
    note(book, now, { event: "heard", message: round.signed });
    await onStage("round");
  };

  const deal = async (message: Heard): Promise<void> => {
    const now = await chainTime(reading.deployed);
    const again = book.known.has(message.hash);
    try {
      if (again) log.debug("message heard before");
      else if (isKind(message, "request")) hearRequest(message, now);
      else if (isKind(message, "acceptance")) await hearAcceptance(message, now);
      else if (isKind(message, "round")) await hearRound(message, now);
      else throw new SolvusError("desk.foreign", `${message.content.kind}: not to a maker`);
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      // Not in the record: who knows the maker's card could fill it.
      log.warn({ rule: error.rule }, "message refused");
      return;
    }
    const conversation = conversationAbout(book, message);
    if (conversation === undefined) return;
    await complete(conversation, now);
    // What was heard before was perhaps sent again because the answer was lost.
    if (again) resume(conversation, courier);
  };

  let resumed = false;
  return {
    book,
    async correspond() {
      const now = await chainTime(reading.deployed);
      if (!resumed) for (const conversation of book.conversations.values()) await complete(conversation, now);
      resumed = true;
      retire(book, now);
      await courier.deliver(now);
      await courier.fetch(identity.box, async (message) => {
        await deal(message);
        await courier.deliver(now);
      });
    },
    settle: () => settleAll(book, settler),
  };
}

/** Until when trying to deliver an answer makes sense, Unix seconds of the chain. */
function untilOf({ content }: Heard, answerBy: number): number {
  return content.kind === "quote" ? content.validUntil : answerBy;
}

/** Takes each open trade a step further. One that fails keeps the others from nothing; throws its failure in the end. */
export async function settleAll({ live }: Pick<Book, "live">, settler: Settler): Promise<void> {
  const failures: unknown[] = [];
  for (const conversation of [...live].filter(isOpen)) {
    try {
      await settler.step(conversation);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Sends once more what the taker has not reacted to. */
function resume(conversation: Conversation, courier: Courier): void {
  const { request, quote, ticket, acceptance, confirmation, end } = conversation;
  if (end !== undefined || ticket === undefined) return;
  const box = request.content.replyTo;
  if (confirmation !== undefined) courier.send(box, confirmation, Number(ticket.deadline));
  else if (acceptance === undefined && quote !== undefined)
    courier.send(box, quote, quote.content.validUntil);
}

function conversationAbout(book: Book, message: Heard): Conversation | undefined {
  if (isKind(message, "request")) return book.conversations.get(message.hash);
  if (isKind(message, "acceptance")) return book.quoted.get(message.content.quoteHash);
  return undefined;
}

/** The conversation that a taker's message continues. Throws `desk.foreign`, `desk.replayed`. */
function requireConversation(
  book: Book,
  { content }: Heard<MessageOf<"acceptance" | "round">>,
  kind: Message["kind"],
): Conversation {
  const conversation = book.quoted.get(content.quoteHash);
  ensure(
    conversation !== undefined &&
      conversation.request.content.from === content.from &&
      conversation.request.content.requestId === content.requestId,
    "desk.foreign",
    `${kind}: of a quote that was not made to its speaker, expected one that was`,
  );
  ensure(
    kind !== "acceptance" || conversation.acceptance === undefined,
    "desk.replayed",
    "acceptance: the quote was taken, expected one that was not",
  );
  return conversation;
}

/** Conversations of whose package the maker may have to take its side: a quote that can still be taken or was taken in time, or an agreed trade that is open. */
export function bindingOf(book: Book, now: number): Conversation[] {
  return [...book.live].filter((conversation) => {
    const { quote, acceptedAt = now, confirmation } = conversation;
    const binds = quote !== undefined && confirmation === undefined && acceptedAt <= quote.content.validUntil;
    return binds || isOpen(conversation);
  });
}

/** The package that the maker offers in answer to a request. Throws why it offers none. */
async function packageFor(
  { reading, account: own, relayer, rules, mostFee }: MakerConfig,
  book: Book,
  { content }: Heard<MessageOf<"request">>,
  now: number,
): Promise<TradePackage> {
  const legs = legsOf(content);
  const binding = bindingOf(book, now);
  ensure(
    binding.filter(({ request }) => request.content.from === content.from).length < MOST_FOR_ONE,
    "desk.busy",
    `quotes and trades open with this taker: ${MOST_FOR_ONE}, expected fewer`,
  );
  const bound = binding.map(({ ticket }) => ticket!.package);
  const snapshot = await presentSnapshot(reading);
  const age = now - Math.floor(snapshot.inputs.time / 1000);
  ensure(
    age <= STALE_SECONDS,
    "desk.stale",
    `snapshot: ${age} s old, expected at most ${STALE_SECONDS}: its marks are no prices any more`,
  );
  const { note: held } = await own.now();
  const cash = priceOf(legs, snapshot, { legs: held.legs, bound }, rules);
  const trade = { legs, cash, salt: randomFieldElement() };
  checkPackage(trade);
  const { fee } = await relayedTerms(relayer, reading.deployed, mostFee);
  const needs = { fee, cushion: rules.cushion };
  requireCapacity(held, snapshot, bound, trade, needs);
  return trade;
}

/** Runs a maker until it is stopped. Corresponding and settling go on beside one another: a proof takes seconds, a quote must not. */
export function startMaker(config: MakerConfig): Running & { book: Book } {
  const { log, pollMs = POLL_MS } = config;
  const maker = makeMaker(config);
  const stopping = new AbortController();
  const repeat = async (name: string, work: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.warn({ err: error }, `${name} failed, will be tried again`);
      }
      await sleep(pollMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const loops = [repeat("correspondence", maker.correspond), repeat("settlement", maker.settle)];
  return {
    book: maker.book,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
      config.record.close();
    },
  };
}
