import { createHash } from "node:crypto";
import { z } from "zod";
import { PACKAGE_LEGS } from "../../protocol/constants.ts";
import { ensure, reading, SolvusError } from "../../protocol/errors.ts";
import { parseTicket, type TradeTicket } from "../../protocol/tradeTicket.ts";
import type { DeskScope } from "./envelope.ts";
import { boxSchema, isSignedBy, keySchema, type Signing } from "./identity.ts";

/*
 * What two owners say to one another, before it is sealed. A message is a text, a JSON document, with its speaker's Ed25519 signature over
 * the text as it stands, so that nobody needs to agree on a canonical form. Ledger, speaker, addressee, kind and request are in the text:
 * whoever was told something cannot pass it on as said to somebody else, and nothing said about one request counts for another.
 */

const integer = z.string().regex(/^-?(0|[1-9]\d{0,79})$/, "expected an integer in decimal digits");
const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in hexadecimal");
const chainSeconds = z.int().min(1);

/** Longest that an answer may be waited for, seconds of the chain's time: until then one that cannot be delivered is tried again. */
export const LONGEST_ANSWER = 3_600;

const rule = z.string().regex(/^[a-zA-Z.]{1,60}$/, "expected a rule's name");

const head = {
  format: z.literal("solvus-desk-message"),
  version: z.literal(1),
  chainId: z.int().min(1),
  ledger: z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address"),
  from: keySchema,
  to: keySchema,
  /** 16 random bytes, of the request that everything else belongs to. */
  requestId: z.string().regex(/^[0-9a-f]{32}$/, "expected 16 bytes in hexadecimal"),
};

const legs = z
  .array(z.strictObject({ id: integer, size: integer }))
  .min(1)
  .max(PACKAGE_LEGS);

/** The taker asks what a maker pays or wants for a package, written as what the taker, side 0, receives. Times are Unix seconds of the chain. */
const request = z.strictObject({
  ...head,
  kind: z.literal("request"),
  legs,
  /** After this time no answer is waited for. */
  answerBy: chainSeconds,
  replyTo: boxSchema,
});

/** The maker binds itself to a ticket, once, if the acceptance reaches it by `validUntil`. */
const quote = z.strictObject({
  ...head,
  kind: z.literal("quote"),
  requestHash: hash,
  /** Text of the trade ticket: the request's legs, the cash that side 0 receives, a salt of the maker's, the deadline of the halves. */
  ticket: z.string().max(2000),
  validUntil: chainSeconds,
});

/** The maker does not quote, or not any more. */
const decline = z.strictObject({ ...head, kind: z.literal("decline"), requestHash: hash, rule });

/** The taker takes a quote. */
const acceptance = z.strictObject({ ...head, kind: z.literal("acceptance"), quoteHash: hash });

/** The maker has the acceptance: in time (no `rule`), or refused for a reason. */
const confirmation = z.strictObject({
  ...head,
  kind: z.literal("confirmation"),
  quoteHash: hash,
  rule: rule.optional(),
});

/** The taker names the snapshot on which both prove their halves, and the relayer whom both name in their terms. Rounds count from 1. */
const round = z.strictObject({
  ...head,
  kind: z.literal("round"),
  quoteHash: hash,
  number: z.int().min(1),
  snapshotRoot: integer,
  relayer: z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address"),
});

const messageSchema = z.discriminatedUnion("kind", [
  request,
  quote,
  decline,
  acceptance,
  confirmation,
  round,
]);

export type Message = z.infer<typeof messageSchema>;
export type MessageOf<Kind extends Message["kind"]> = Extract<Message, { kind: Kind }>;

/** What the speaker of a message says beside where it belongs. */
type Said<M extends Message> = M extends Message
  ? Omit<M, "format" | "version" | "chainId" | "ledger" | "from">
  : never;

/** A message as it was said. `signature` is base64url. */
export const signedSchema = z.strictObject({ text: z.string().max(15_000), signature: z.string().max(100) });
export type SignedMessage = z.infer<typeof signedSchema>;

/** A message that was read and verified. */
export interface Heard<M extends Message = Message> {
  content: M;
  signed: SignedMessage;
  /** SHA-256 of what was signed, hexadecimal: how other messages refer to it. */
  hash: string;
}

const signedBytes = (text: string): Buffer => Buffer.from(`solvus-desk-message\n${text}`, "utf8");

/** Says something: signs it as of this speaker on this ledger. */
export function say<M extends Message>(speaker: Signing, scope: DeskScope, said: Said<M>): Heard<M> {
  const content = messageSchema.parse({
    format: "solvus-desk-message",
    version: 1,
    chainId: Number(scope.chainId),
    ledger: scope.ledger,
    from: speaker.key,
    ...said,
  }) as M;
  const text = JSON.stringify(content);
  const bytes = signedBytes(text);
  return { content, signed: { text, signature: speaker.sign(bytes) }, hash: hashOf(bytes) };
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/**
 * Reads a message and checks that its speaker signed it. Throws `desk.message` for another form, `desk.signature` for a signature that is
 * not the speaker's.
 */
export function readMessage(signed: SignedMessage): Heard {
  let value: unknown;
  try {
    value = JSON.parse(signed.text);
  } catch {
    throw new SolvusError("desk.message", "message: not JSON, expected a desk message");
  }
  const parsed = messageSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SolvusError(
      "desk.message",
      `message: ${issue?.path.map(String).join(".") || "the document"}: ${issue?.message}`,
    );
  }
  const content = parsed.data;
  const bytes = signedBytes(signed.text);
  ensure(
    isSignedBy(content.from, bytes, signed.signature),
    "desk.signature",
    `${content.kind}: its signature is not that of ${content.from}, expected the speaker's`,
  );
  return { content, signed, hash: hashOf(bytes) };
}

/**
 * As {@link readMessage} for a message in the form in which it is sealed, to this addressee on this ledger. Throws `desk.foreign` for one
 * to somebody else or of another ledger.
 */
export function hear(text: string, addressee: string, { chainId, ledger }: DeskScope): Heard {
  let signed: SignedMessage;
  try {
    signed = signedSchema.parse(JSON.parse(text));
  } catch {
    throw new SolvusError("desk.message", "message: of another form, expected text and signature");
  }
  const heard = readMessage(signed);
  const { content } = heard;
  ensure(
    content.to === addressee,
    "desk.foreign",
    `${content.kind}: said to ${content.to}, expected ${addressee}`,
  );
  ensure(
    BigInt(content.chainId) === chainId && content.ledger.toLowerCase() === ledger.toLowerCase(),
    "desk.foreign",
    `${content.kind}: of ledger ${content.ledger} on chain ${content.chainId}, expected ${ledger} on ${chainId}`,
  );
  return heard;
}

/** The form in which a message is sealed. */
export function spokenForm({ signed }: Heard): string {
  return JSON.stringify(signed);
}

/** The package's legs of a request. */
export function legsOf({ legs: asked }: MessageOf<"request">): { id: bigint; size: bigint }[] {
  return asked.map(({ id, size }) => ({ id: BigInt(id), size: BigInt(size) }));
}

/** Whether a heard message is of a kind. */
export function isKind<Kind extends Message["kind"]>(
  heard: Heard,
  kind: Kind,
): heard is Heard<MessageOf<Kind>> {
  return heard.content.kind === kind;
}

/**
 * The ticket of a quote that answers a request. Throws `desk.foreign` when it answers another one, `desk.ticket` when its ticket is of
 * another ledger or package than what was asked, and `ticket.*`, `trade.*` for a ticket that is none.
 */
export function quotedTicket(
  { content: asked, hash: requestHash }: Heard<MessageOf<"request">>,
  { content: said }: Heard<MessageOf<"quote">>,
): TradeTicket {
  ensure(
    said.requestId === asked.requestId && said.requestHash === requestHash && said.from === asked.to,
    "desk.foreign",
    `quote: answers request ${said.requestHash}, expected ${requestHash}`,
  );
  const ticket = reading(() => parseTicket(said.ticket));
  const wanted = legsOf(asked);
  const same =
    ticket.chainId === BigInt(asked.chainId) &&
    ticket.ledger.toLowerCase() === asked.ledger.toLowerCase() &&
    ticket.package.legs.length === wanted.length &&
    ticket.package.legs.every(
      ({ id, size }, place) => id === wanted[place]?.id && size === wanted[place]?.size,
    );
  ensure(
    same,
    "desk.ticket",
    "quote: its ticket is of another package or ledger, expected what was asked for",
  );
  ensure(
    ticket.deadline > BigInt(said.validUntil),
    "desk.ticket",
    `quote: its ticket ends at ${ticket.deadline}, expected after ${said.validUntil}, until when it can be taken`,
  );
  return ticket;
}
