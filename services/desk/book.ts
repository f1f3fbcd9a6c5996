import { ensure } from "../../protocol/errors.ts";
import type { TradeTicket } from "../../protocol/tradeTicket.ts";
import type { Card } from "./identity.ts";
import { type Heard, isKind, type MessageOf, quotedTicket, readMessage } from "./message.ts";
import type { DeskRecord, Entry, RecordEvent } from "./record.ts";

/*
 * Where each conversation stands, as the record tells it. A conversation is one request to one maker and all that followed; a taker has
 * as many on one request as makers it asked. Whatever happens is written into the record first and then applied here, so that a book read
 * from the record is the book before a crash.
 */

export interface Conversation {
  request: Heard<MessageOf<"request">>;
  /** The maker's answer, a quote with its ticket or a decline. */
  quote?: Heard<MessageOf<"quote">>;
  ticket?: TradeTicket;
  decline?: Heard<MessageOf<"decline">>;
  acceptance?: Heard<MessageOf<"acceptance">>;
  /** Unix seconds of the chain when it was said or heard. */
  acceptedAt?: number;
  confirmation?: Heard<MessageOf<"confirmation">>;
  /** In order; the last one counts. */
  rounds: Heard<MessageOf<"round">>[];
  /** Why the quote is not taken (any more). */
  passed?: string;
  /** The last round for which a half was begun. */
  proving?: number;
  submitted?: { round: number; submission: string };
  obstacle?: { round: number; rule: string };
  end?: "landed" | "lapsed";
}

/** A taker's request to some makers. */
export interface Asking {
  makers: readonly Card[];
  /** Micro-USDC that side 0 must receive at least. */
  worst?: bigint;
  /** Why it ended without a trade. */
  ended?: string;
}

/** Where everything stands. */
export interface Standing {
  /** By the hash of the request, in order. */
  conversations: Map<string, Conversation>;
  /** By the hash of the quote. */
  quoted: Map<string, Conversation>;
  /** Conversations from which something may still follow, for those who look at them often; see {@link retire}. */
  live: Set<Conversation>;
  /** Takers' keys with the ids of their requests. */
  asked: Set<string>;
  /** By request id. */
  askings: Map<string, Asking>;
  /** Hashes of messages that were dealt with. */
  known: Set<string>;
}

/** A standing and the record that it follows. */
export interface Book extends Standing {
  record: DeskRecord;
}

/** The book of a record. */
export function openBook(record: DeskRecord): Book {
  const book: Book = { record, ...emptyStanding() };
  for (const entry of record.entries) applyEntry(book, entry);
  return book;
}

/** Where nothing was said yet. */
export function emptyStanding(): Standing {
  return {
    conversations: new Map(),
    quoted: new Map(),
    live: new Set(),
    asked: new Set(),
    askings: new Map(),
    known: new Set(),
  };
}

/** Writes an event down and applies it. `chainTime`: Unix seconds of the chain. */
export function note(book: Book, chainTime: number, event: RecordEvent): void {
  book.record.append(chainTime, event);
  applyEntry(book, book.record.entries.at(-1) as Entry);
}

/** How a request is known in {@link Standing.asked}: a taker uses an id once. */
export function askedAs({ content: { from, requestId } }: Heard<MessageOf<"request">>): string {
  return `${from}/${requestId}`;
}

/** Drops from the live conversations those from which nothing follows any more at a time, Unix seconds of the chain. */
export function retire({ live }: Standing, now: number): void {
  for (const conversation of live) {
    const { request, quote, decline, acceptance, confirmation, end } = conversation;
    const unanswered = quote === undefined && decline === undefined && now > request.content.answerBy;
    const untaken = quote !== undefined && acceptance === undefined && now > quote.content.validUntil;
    const refused = confirmation?.content.rule !== undefined;
    if (unanswered || untaken || refused || decline !== undefined || end !== undefined)
      live.delete(conversation);
  }
}

/** What a map has under a key. Throws `record.order`: an entry about what no entry before it has. */
function found<T>(map: Map<string, T>, key: string): T {
  const value = map.get(key);
  ensure(value !== undefined, "record.order", `entry about ${key}: expected one about what was said before`);
  return value;
}

/** Applies the next entry of a record. Throws `record.order`, and as reading messages does. */
export function applyEntry(book: Standing, entry: Entry): void {
  switch (entry.event) {
    case "opened":
      return;
    case "asking": {
      const { makers, worst } = entry;
      const asking: Asking = { makers, ...(worst === undefined ? {} : { worst: BigInt(worst) }) };
      book.askings.set(entry.requestId, asking);
      return;
    }
    case "ended": {
      const asking = book.askings.get(entry.requestId);
      if (asking !== undefined) asking.ended = entry.rule;
      return;
    }
    case "said":
    case "heard":
      applyMessage(book, readMessage(entry.message), entry.chainTime);
      return;
    case "refused":
      book.known.add(readMessage(entry.message).hash);
      return;
    default:
      applyProgress(found(book.quoted, entry.quoteHash), entry);
  }
}

function applyMessage(book: Standing, heard: Heard, chainTime: number): void {
  book.known.add(heard.hash);
  if (isKind(heard, "request")) {
    const conversation: Conversation = { request: heard, rounds: [] };
    book.conversations.set(heard.hash, conversation);
    book.live.add(conversation);
    book.asked.add(askedAs(heard));
  } else if (isKind(heard, "quote")) {
    const conversation = found(book.conversations, heard.content.requestHash);
    conversation.quote = heard;
    conversation.ticket = quotedTicket(conversation.request, heard);
    book.quoted.set(heard.hash, conversation);
  } else if (isKind(heard, "decline")) {
    const conversation = found(book.conversations, heard.content.requestHash);
    conversation.decline = heard;
  } else if (isKind(heard, "acceptance")) {
    const conversation = found(book.quoted, heard.content.quoteHash);
    conversation.acceptance = heard;
    conversation.acceptedAt = chainTime;
  } else if (isKind(heard, "confirmation")) {
    found(book.quoted, heard.content.quoteHash).confirmation = heard;
  } else if (isKind(heard, "round")) {
    found(book.quoted, heard.content.quoteHash).rounds.push(heard);
  }
}

function applyProgress(conversation: Conversation, entry: Extract<Entry, { quoteHash: string }>): void {
  switch (entry.event) {
    case "passed":
      conversation.passed = entry.rule;
      return;
    case "proving":
      conversation.proving = entry.round;
      return;
    case "submitted":
      conversation.submitted = { round: entry.round, submission: entry.submission };
      return;
    case "obstacle":
      conversation.obstacle = { round: entry.round, rule: entry.rule };
      return;
    default:
      conversation.end = entry.event;
  }
}

/** Whether both have said yes to a quote: it was accepted, and the maker has confirmed. */
export function isAgreed({ acceptance, confirmation }: Conversation): boolean {
  return acceptance !== undefined && confirmation !== undefined && confirmation.content.rule === undefined;
}

/** Whether a trade is agreed, and neither on the chain nor impossible. */
export function isOpen(conversation: Conversation): boolean {
  return isAgreed(conversation) && conversation.end === undefined;
}
