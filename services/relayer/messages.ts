import { z } from "zod";

/*
 * What a relayer answers, as JSON: the one description of it that server, client and OpenAPI document share. Numbers that may exceed 2^53
 * are decimal strings.
 */

/** `waiting` is for the other side of its trade. `final`, `refused` and `expired` do not change any more. */
export const STATES = ["waiting", "queued", "sent", "mined", "final", "refused", "expired"] as const;
export type State = (typeof STATES)[number];

const TERMINAL: readonly State[] = ["final", "refused", "expired"];

/** Whether a state is the last one. */
export const isTerminal = (state: State): boolean => TERMINAL.includes(state);

const decimal = z.string().regex(/^\d+$/).describe("decimal number");
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);

export const idSchema = z
  .string()
  .regex(/^0x[0-9a-f]{64}$/, "expected 0x and 64 lowercase hexadecimal digits")
  .describe("hash over kind, public signals and terms");

export const failureSchema = z.object({ error: z.object({ rule: z.string(), message: z.string() }) });

const standing = {
  state: z.enum(STATES),
  /** Why it was refused or has expired; while it waits or is queued, why it could not be sent yet. */
  refusal: z.object({ rule: z.string(), message: z.string() }).optional(),
  /** Hash of the transaction that it is in, once mined. */
  transaction: z.string().optional(),
  block: z.int().optional(),
  /** Place of its (first) new note in the state tree, once mined. */
  leafIndex: decimal.optional(),
};

/** A submission as the relayer tells of it. It holds nothing of the item but what follows from its id. */
export const statusSchema = z.object({
  id: idSchema,
  kind: z.enum(["opening", "transition", "takeOver"]),
  ...standing,
  /** Unix seconds of the chain after which it cannot be mined. */
  deadline: decimal,
  receivedAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
  /** Number of its last change among those of all submissions; the id of an event. */
  sequence: decimal,
});

/** A change of a submission's state: the data of an event, whose id is `sequence`. */
export const changeSchema = z.object({ id: idSchema, ...standing, at: z.iso.datetime(), sequence: decimal });

export const quoteSchema = z.object({
  /** Whom the terms may name, beside nobody. */
  relayer: address,
  chainId: z.int(),
  ledger: address,
  /** Least fees in micro-USDC. */
  fees: z.object({ opening: decimal, transition: decimal, takeOver: decimal }),
  /** Unix seconds of the clock until when an item with these fees is taken. */
  validUntil: z.int(),
  batch: z.object({ size: z.int(), ageMs: z.int() }),
});

/** Where a submission stands, numbers as such. */
export interface Standing {
  id: string;
  state: State;
  refusal?: { rule: string; message: string };
  transaction?: string;
  block?: number;
  leafIndex?: bigint;
  sequence: bigint;
}

/** {@link statusSchema} with its numbers as such. */
export interface Status extends Standing {
  kind: "opening" | "transition" | "takeOver";
  deadline: bigint;
  receivedAt: Date;
  changedAt: Date;
}

/** {@link changeSchema} with its numbers as such. */
export interface Change extends Standing {
  at: Date;
}

/** {@link quoteSchema} with its numbers as such. */
export interface Quote {
  relayer: string;
  chainId: bigint;
  ledger: string;
  /** Least fees in micro-USDC. */
  fees: { opening: bigint; transition: bigint; takeOver: bigint };
  /** Unix seconds of the clock. */
  validUntil: number;
  batch: { size: number; ageMs: number };
}

function standingMessage({ id, state, refusal, transaction, block, leafIndex, sequence }: Standing) {
  return {
    ...{ id, state },
    ...(refusal && { refusal: { rule: refusal.rule, message: refusal.message } }),
    ...(transaction !== undefined && { transaction }),
    ...(block !== undefined && { block }),
    ...(leafIndex !== undefined && { leafIndex: String(leafIndex) }),
    sequence: String(sequence),
  };
}

function readStanding<T extends { leafIndex?: string; sequence: string }>({
  leafIndex,
  sequence,
  ...rest
}: T) {
  const place = leafIndex !== undefined && { leafIndex: BigInt(leafIndex) };
  return { ...rest, ...place, sequence: BigInt(sequence) };
}

/** The JSON form of a status; whatever else `status` has is left out. */
export function statusMessage(status: Status): z.infer<typeof statusSchema> {
  const { kind, deadline, receivedAt, changedAt } = status;
  return {
    ...standingMessage(status),
    ...{ kind, deadline: String(deadline) },
    ...{ receivedAt: receivedAt.toISOString(), changedAt: changedAt.toISOString() },
  };
}

/** Reads {@link statusMessage}. Throws a ZodError when it is anything else. */
export function readStatus(value: unknown): Status {
  const { deadline, receivedAt, changedAt, ...rest } = statusSchema.parse(value);
  return {
    ...readStanding(rest),
    deadline: BigInt(deadline),
    ...{ receivedAt: new Date(receivedAt), changedAt: new Date(changedAt) },
  };
}

/** The JSON form of a change. */
export function changeMessage(change: Change): z.infer<typeof changeSchema> {
  return { ...standingMessage(change), at: change.at.toISOString() };
}

/** Reads {@link changeMessage}. Throws a ZodError when it is anything else. */
export function readChange(value: unknown): Change {
  const { at, ...rest } = changeSchema.parse(value);
  return { ...readStanding(rest), at: new Date(at) };
}

/** The JSON form of a quote. */
export function quoteMessage({ chainId, fees, ...rest }: Quote): z.infer<typeof quoteSchema> {
  const { opening, transition, takeOver } = fees;
  return {
    ...rest,
    chainId: Number(chainId),
    fees: { opening: String(opening), transition: String(transition), takeOver: String(takeOver) },
  };
}

/** Reads {@link quoteMessage}. Throws a ZodError when it is anything else. */
export function readQuote(value: unknown): Quote {
  const { chainId, fees, ...rest } = quoteSchema.parse(value);
  const { opening, transition, takeOver } = fees;
  return {
    ...rest,
    chainId: BigInt(chainId),
    fees: { opening: BigInt(opening), transition: BigInt(transition), takeOver: BigInt(takeOver) },
  };
}
