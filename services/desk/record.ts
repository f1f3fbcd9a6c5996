import { createHash } from "node:crypto";
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { z } from "zod";
import { ensure, Misuse, SolvusError } from "../../protocol/errors.ts";
import { lockDirectory } from "../store/directoryLock.ts";
import type { DeskScope } from "./envelope.ts";
import { cardSchema, type DeskIdentity, isSignedBy, keySchema } from "./identity.ts";
import { signedSchema } from "./message.ts";

/*
 * The record: what was said on the desk, what was heard, and what came of it, one entry a line. Each entry has the hash of the one before
 * and its owner's signature, so that no line can be altered, left out or put in later without breaking the chain; the messages in it have
 * their speakers' signatures. It is also the owner's memory: an entry is on the disk before anything follows from it, and whoever starts
 * again reads it. It holds the salts of trades, so it is private; it holds no key.
 */

const integer = z.string().regex(/^-?(0|[1-9]\d{0,79})$/);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const rule = z.string().min(1).max(80);

const eventSchema = z.discriminatedUnion("event", [
  /** First entry: whose record, of which ledger. */
  z.strictObject({
    event: z.literal("opened"),
    owner: keySchema,
    chainId: z.int().min(1),
    ledger: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
    role: z.enum(["taker", "maker"]),
  }),
  /** The taker is about to ask these makers, and takes nothing below `worst` (micro-USDC that side 0 receives). */
  z.strictObject({
    event: z.literal("asking"),
    requestId: z.string(),
    makers: z.array(cardSchema),
    worst: integer.optional(),
  }),
  z.strictObject({ event: z.literal("said"), message: signedSchema }),
  z.strictObject({
    event: z.literal("heard"),
    message: signedSchema,
    /** Of a quote: value of the package at the marks of an epoch, micro-USDC that side 0 would receive at no spread. */
    atMarks: z.strictObject({ epoch: integer, cash: integer }).optional(),
  }),
  /** A message that was not believed or not acted on, and why. */
  z.strictObject({ event: z.literal("refused"), message: signedSchema, rule }),
  /** A quote that is not taken (any more), and why. */
  z.strictObject({ event: z.literal("passed"), quoteHash: hash, rule }),
  /** A half is about to be proven and handed to the relayer. */
  z.strictObject({ event: z.literal("proving"), quoteHash: hash, round: z.int().min(1) }),
  z.strictObject({
    event: z.literal("submitted"),
    quoteHash: hash,
    round: z.int().min(1),
    submission: z.string(),
  }),
  /** Why a half of a round could not be proven or was refused. */
  z.strictObject({ event: z.literal("obstacle"), quoteHash: hash, round: z.int().min(1), rule }),
  /** The trade is on the chain. */
  z.strictObject({ event: z.literal("landed"), quoteHash: hash }),
  /** The ticket's deadline passed and the trade is not on the chain. */
  z.strictObject({ event: z.literal("lapsed"), quoteHash: hash }),
  /** A request without a trade, and why. */
  z.strictObject({ event: z.literal("ended"), requestId: z.string(), rule }),
]);
export type RecordEvent = z.infer<typeof eventSchema>;

const headSchema = z.strictObject({
  sequence: z.int().min(0),
  /** Hash of the entry before, 64 zeros for the first. */
  previous: hash,
  /** The owner's clock, for people. */
  clock: z.iso.datetime(),
  /** Unix seconds of the chain. */
  chainTime: z.int().min(0),
});

/** A rule as it is written down: others word some of them. */
const ruleName = (text: string): string => text.replace(/[^\w.]/g, "_").slice(0, 80) || "desk.unnamed";

/** An entry without its hash and signature. */
export type Entry = z.infer<typeof headSchema> & RecordEvent;

const lineSchema = z.strictObject({
  entry: z.record(z.string(), z.unknown()),
  hash,
  signature: z.string().max(100),
});

export const FIRST = "0".repeat(64);

const signedBytes = (entryText: string): Buffer => Buffer.from(`solvus-desk-record\n${entryText}`, "utf8");
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export type Opened = Extract<RecordEvent, { event: "opened" }>;

/** A record whose chain and signatures hold. */
export interface ReadRecord {
  opened: Opened;
  entries: Entry[];
  /** Hash of the last entry: who kept it knows whether entries were cut off the end. */
  head: string;
  /** Hashes of all entries, in order. */
  hashes: string[];
}

/**
 * Reads a record's text and checks chain and signatures. Throws `record.format`, `record.chain` (an entry altered, missing or out of
 * place), `record.signature`; each names the line.
 */
export function readRecord(text: string): ReadRecord {
  const lines = text.split("\n");
  ensure(lines.pop() === "", "record.format", "record: its last line is cut off, expected whole lines");
  ensure(lines.length > 0, "record.format", "record: empty, expected at least its first entry");
  const entries: Entry[] = [];
  const hashes: string[] = [];
  let owner = "";
  let head = FIRST;
  for (const [place, line] of lines.entries()) {
    const { entry, entryText, ...said } = readLine(line, place + 1);
    if (place === 0) {
      ensure(entry.event === "opened", "record.format", `line 1: ${entry.event}, expected who opened it`);
      owner = entry.owner;
    }
    const bytes = signedBytes(entryText);
    ensure(
      entry.sequence === place && entry.previous === head && said.hash === digestOf(bytes),
      "record.chain",
      `line ${place + 1}: does not follow from the line before, expected an unbroken chain`,
    );
    ensure(
      isSignedBy(owner, bytes, said.signature),
      "record.signature",
      `line ${place + 1}: its signature is not the owner's`,
    );
    entries.push(entry);
    head = said.hash;
    hashes.push(head);
  }
  return { opened: entries[0] as Entry & Opened, entries, head, hashes };
}

function readLine(
  line: string,
  number: number,
): { entry: Entry; entryText: string; hash: string; signature: string } {
  try {
    const { entry, ...said } = lineSchema.parse(JSON.parse(line));
    const { sequence, previous, clock, chainTime, ...event } = entry;
    const head = headSchema.parse({ sequence, previous, clock, chainTime });
    return { entry: { ...head, ...eventSchema.parse(event) }, entryText: JSON.stringify(entry), ...said };
  } catch {
    throw new SolvusError("record.format", `line ${number}: not an entry of a record of version 1`);
  }
}

/** A record that is written to. */
export interface DeskRecord {
  /** In order; those of a former run first. */
  readonly entries: readonly Entry[];
  readonly head: string;
  /** Adds an entry; it is on the disk when this returns. `chainTime`: Unix seconds of the chain. */
  append(chainTime: number, event: RecordEvent): void;
  /** Lets others write; once is enough. */
  close(): void;
}

/**
 * Opens a record, or begins one. A last line that a crash cut off is removed: nothing followed from it yet. Throws `record.owner` for
 * somebody else's record, another ledger's or role's, `record.busy` while another process writes to it, and as {@link readRecord}.
 */
export function openRecord(
  file: string,
  identity: DeskIdentity,
  scope: DeskScope,
  role: Opened["role"],
): DeskRecord {
  let descriptor: number;
  try {
    descriptor = openSync(file, existsSync(file) ? "r+" : "wx+", 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Misuse("file.write", `record ${JSON.stringify(file)}: ${code}, expected a writable place`);
  }
  let unlock: () => void;
  try {
    unlock = lockDirectory(`${file}.lock`);
  } catch {
    closeSync(descriptor);
    throw new SolvusError("record.busy", `record ${JSON.stringify(file)}: another process writes to it`);
  }
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    closeSync(descriptor);
    unlock();
  };
  try {
    return openLocked(file, descriptor, close, identity, scope, role);
  } catch (error) {
    close();
    throw error;
  }
}

function openLocked(
  file: string,
  descriptor: number,
  close: () => void,
  { signing }: DeskIdentity,
  { chainId, ledger }: DeskScope,
  role: Opened["role"],
): DeskRecord {
  const bytes = readFileSync(file);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) ftruncateSync(descriptor, whole);
  let end = whole;
  const entries: Entry[] = [];
  let head = FIRST;
  const record: DeskRecord = {
    entries,
    get head() {
      return head;
    },
    append(chainTime, said) {
      const clock = new Date().toISOString();
      // What is not of the form would be on the disk and could never be read again.
      const event = eventSchema.parse("rule" in said ? { ...said, rule: ruleName(said.rule) } : said);
      const entry: Entry = { sequence: entries.length, previous: head, clock, chainTime, ...event };
      const entryText = JSON.stringify(entry);
      const signed = signedBytes(entryText);
      const line = { entry, hash: digestOf(signed), signature: signing.sign(signed) };
      const written = Buffer.from(`${JSON.stringify(line)}\n`, "utf8");
      // At a known place: nothing of an attempt that failed stays, neither before this line nor behind it.
      ftruncateSync(descriptor, end);
      for (let done = 0; done < written.length; )
        done += writeSync(descriptor, written, done, written.length - done, end + done);
      fsyncSync(descriptor);
      end += written.length;
      entries.push(entry);
      head = line.hash;
    },
    close,
  };
  if (whole === 0) {
    record.append(0, { event: "opened", owner: signing.key, chainId: Number(chainId), ledger, role });
    return record;
  }
  const read = readRecord(bytes.subarray(0, whole).toString("utf8"));
  const { opened } = read;
  ensure(
    opened.owner === signing.key &&
      opened.role === role &&
      BigInt(opened.chainId) === chainId &&
      opened.ledger.toLowerCase() === ledger.toLowerCase(),
    "record.owner",
    `record ${JSON.stringify(file)}: of another identity, ledger or role, expected one begun as this ${role}`,
  );
  entries.push(...read.entries);
  head = read.head;
  return record;
}
