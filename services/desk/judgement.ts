import { ensure } from "../../protocol/errors.ts";
import { applyEntry, type Conversation, emptyStanding, type Standing } from "./book.ts";
import { bestOf, reasonAgainst } from "./choice.ts";
import { type Heard, isKind, readMessage } from "./message.ts";
import { type Entry, type ReadRecord, readRecord } from "./record.ts";

/*
 * What a record shows to somebody who trusts nobody: that its chain is unbroken, that every message in it was signed by who is said to
 * have said it, and, of a taker's, that each quote that was taken was the best of those that could be taken at that moment.
 */

/** A quote in a record. Money is in micro-USDC that side 0 receives, times are Unix seconds of the chain. */
export interface JudgedQuote {
  maker: string;
  cash: bigint;
  /** Of the package at the marks when the taker heard it. */
  atMarks?: { epoch: bigint; cash: bigint };
  heardAt: number;
  validUntil: number;
  taken: boolean;
  /** Why it was given up. */
  rule?: string;
}

/** One request of a record, to all whom it was made. */
export interface JudgedRequest {
  requestId: string;
  askedAt: number;
  taker: string;
  legs: { id: bigint; size: bigint }[];
  quotes: JudgedQuote[];
  /** Makers that declined, and the reason that they gave. */
  declined: { maker: string; rule: string }[];
  outcome: "landed" | "lapsed" | "open" | "none";
  /** Whether each quote that was taken was the best when it was; undefined if none was, or in a maker's record. */
  best?: boolean;
}

export interface Judgement {
  owner: string;
  role: "taker" | "maker";
  chainId: number;
  ledger: string;
  entries: number;
  head: string;
  requests: JudgedRequest[];
}

/** What is gathered of conversations while a record is gone through. */
interface Gathered {
  best: Map<string, boolean>;
  heardAt: Map<Conversation, number>;
  atMarks: Map<Conversation, { epoch: bigint; cash: bigint }>;
  askedAt: Map<Conversation, number>;
}

/**
 * Goes through the text of a record. Throws `record.*` for a record that does not hold, `record.speaker` for a message that is not the
 * owner's or not to the owner, `desk.signature` for one that its speaker did not sign. `known`: hash of an entry that was shown before,
 * `record.rewritten` when it is in the record no more.
 */
export function judgeRecord(text: string, known?: string): Judgement {
  const read = readRecord(text);
  const { opened, entries, head, hashes } = read;
  ensure(
    known === undefined || hashes.includes(known),
    "record.rewritten",
    `record: has no entry with hash ${known}, expected the one that was shown before`,
  );
  const standing = emptyStanding();
  const gathered: Gathered = {
    best: new Map(),
    heardAt: new Map(),
    atMarks: new Map(),
    askedAt: new Map(),
  };
  for (const entry of entries) goThrough(standing, gathered, entry, read);
  const { owner, role, chainId, ledger } = opened;
  const byId = Map.groupBy(standing.conversations.values(), ({ request }) => request.content.requestId);
  const requests = [...byId].map(([requestId, conversations]) =>
    judged(requestId, conversations, gathered, role === "taker"),
  );
  return { owner, role, chainId, ledger, entries: entries.length, head, requests };
}

function goThrough(standing: Standing, gathered: Gathered, entry: Entry, { opened }: ReadRecord): void {
  const isMessage = entry.event === "said" || entry.event === "heard" || entry.event === "refused";
  if (!isMessage) {
    applyEntry(standing, entry);
    return;
  }
  const message = readMessage(entry.message);
  const { content } = message;
  ensure(
    (entry.event === "said" ? content.from : content.to) === opened.owner &&
      content.chainId === opened.chainId &&
      content.ledger.toLowerCase() === opened.ledger.toLowerCase(),
    "record.speaker",
    `entry ${entry.sequence}: a message of somebody else or of another ledger, expected the owner's`,
  );
  if (isKind(message, "acceptance") && entry.event === "said") {
    const { requestId, quoteHash } = message.content;
    const isBest = wasBest(standing, requestId, quoteHash, entry.chainTime);
    gathered.best.set(requestId, isBest && gathered.best.get(requestId) !== false);
  }
  applyEntry(standing, entry);
  if (entry.event !== "refused") gather(standing, gathered, message, entry);
}

/** Whether a quote is the best of those that could be taken for a request at a time. */
function wasBest(
  { conversations, askings }: Standing,
  requestId: string,
  quoteHash: string,
  now: number,
): boolean {
  const worst = askings.get(requestId)?.worst;
  const candidates = [...conversations.values()].filter(
    (one) =>
      one.request.content.requestId === requestId &&
      reasonAgainst(one, { now, ...(worst === undefined ? {} : { worst }) }) === undefined,
  );
  return bestOf(candidates)?.quote?.hash === quoteHash;
}

function gather(standing: Standing, gathered: Gathered, message: Heard, entry: Entry): void {
  if (isKind(message, "request"))
    gathered.askedAt.set(standing.conversations.get(message.hash) as Conversation, entry.chainTime);
  if (!isKind(message, "quote")) return;
  const conversation = standing.quoted.get(message.hash) as Conversation;
  gathered.heardAt.set(conversation, entry.chainTime);
  if (entry.event !== "heard" || entry.atMarks === undefined) return;
  const { epoch, cash } = entry.atMarks;
  gathered.atMarks.set(conversation, { epoch: BigInt(epoch), cash: BigInt(cash) });
}

function judged(
  requestId: string,
  conversations: readonly Conversation[],
  gathered: Gathered,
  isTaker: boolean,
): JudgedRequest {
  const [{ request }] = conversations as [Conversation];
  const best = isTaker ? gathered.best.get(requestId) : undefined;
  return {
    requestId,
    askedAt: gathered.askedAt.get(conversations[0] as Conversation) ?? 0,
    taker: request.content.from,
    legs: request.content.legs.map(({ id, size }) => ({ id: BigInt(id), size: BigInt(size) })),
    quotes: conversations.flatMap((one): JudgedQuote[] => {
      if (one.quote === undefined || one.ticket === undefined) return [];
      const atMarks = gathered.atMarks.get(one);
      return [
        {
          maker: one.quote.content.from,
          cash: one.ticket.package.cash,
          ...(atMarks && { atMarks }),
          heardAt: gathered.heardAt.get(one) ?? 0,
          validUntil: one.quote.content.validUntil,
          taken: one.acceptance !== undefined,
          ...(one.passed === undefined ? {} : { rule: one.passed }),
        },
      ];
    }),
    declined: conversations.flatMap(({ decline }) =>
      decline === undefined ? [] : [{ maker: decline.content.from, rule: decline.content.rule }],
    ),
    outcome: outcomeOf(conversations),
    ...(best === undefined ? {} : { best }),
  };
}

function outcomeOf(conversations: readonly Conversation[]): JudgedRequest["outcome"] {
  const taken = conversations.find(
    ({ acceptance, passed }) => acceptance !== undefined && passed === undefined,
  );
  if (taken === undefined || taken.confirmation?.content.rule !== undefined) return "none";
  return taken.end ?? "open";
}
