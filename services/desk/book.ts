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

export interface Book {
  record: DeskRecord;
  /** By the hash of the request, in order. */
  conversations: Map<string, Conversation>;
  /** By the hash of the quote. */
  quoted: Map<string, Conversation>;
  /** By request id. */
  askings: Map<string, Asking>;
  /** Hashes of messages that were dealt with. */
  known: Set<string>;
}

/** The book of a record. */
export function openBook(record: DeskRecord): Book {
  const book: Book = {
    record,
    conversations: new Map(),
    quoted: new Map(),
    askings: new Map(),
    known: new Set(),
  };
  for (const entry of record.entries) apply(book, entry);
  return book;
}

/** Writes an event down and applies it. `chainTime`: Unix seconds of the chain. */
export function note(book: Book, chainTime: number, event: RecordEvent): void {
  book.record.append(chainTime, event);
  apply(book, book.record.entries.at(-1) as Entry);
}

/** The conversation of a quote that is in the book. */
export function conversationOf(book: Book, quoteHash: string): Conversation {
  return book.quoted.get(quoteHash) as Conversation;
}

function apply(book: Book, entry: Entry): void {
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
      applyProgress(conversationOf(book, entry.quoteHash), entry);
  }
}

function applyMessage(book: Book, heard: Heard, chainTime: number): void {
  book.known.add(heard.hash);
  if (isKind(heard, "request")) {
    book.conversations.set(heard.hash, { request: heard, rounds: [] });
  } else if (isKind(heard, "quote")) {
    const conversation = book.conversations.get(heard.content.requestHash) as Conversation;
    conversation.quote = heard;
    conversation.ticket = quotedTicket(conversation.request, heard);
    book.quoted.set(heard.hash, conversation);
  } else if (isKind(heard, "decline")) {
    const conversation = book.conversations.get(heard.content.requestHash) as Conversation;
    conversation.decline = heard;
  } else if (isKind(heard, "acceptance")) {
    const conversation = conversationOf(book, heard.content.quoteHash);
    conversation.acceptance = heard;
    conversation.acceptedAt = chainTime;
  } else if (isKind(heard, "confirmation")) {
    conversationOf(book, heard.content.quoteHash).confirmation = heard;
  } else if (isKind(heard, "round")) {
    conversationOf(book, heard.content.quoteHash).rounds.push(heard);
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
