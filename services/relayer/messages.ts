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

/** A submission as the relayer tells of it. It holds nothing of the item but what follows from its id. */
export const statusSchema = z.object({
  id: idSchema,
  kind: z.enum(["opening", "transition", "takeOver"]),
  state: z.enum(STATES),
  refusal: z.object({ rule: z.string(), message: z.string() }).optional(),
  /** Unix seconds of the chain after which it cannot be mined. */
  deadline: decimal,
  transaction: z.string().optional(),
  block: z.int().optional(),
  /** Place of its (first) new note in the queue, once mined. */
  leafIndex: decimal.optional(),
  receivedAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
  /** Number of its last change among those of all submissions; the id of an event. */
  sequence: decimal,
});

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

/** {@link statusSchema} with its numbers as such. */
export interface Status {
  id: string;
  kind: "opening" | "transition" | "takeOver";
  state: State;
  refusal?: { rule: string; message: string };
  deadline: bigint;
  transaction?: string;
  block?: number;
  leafIndex?: bigint;
  receivedAt: Date;
  changedAt: Date;
  sequence: bigint;
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

/** The JSON form of a status; whatever else `status` has is left out. */
export function statusMessage(status: Status): z.infer<typeof statusSchema> {
  const {
    id,
    kind,
    state,
    refusal,
    deadline,
    transaction,
    block,
    leafIndex,
    receivedAt,
    changedAt,
    sequence,
  } = status;
  return {
    ...{ id, kind, state },
    ...(refusal && { refusal: { rule: refusal.rule, message: refusal.message } }),
    deadline: String(deadline),
    ...(transaction !== undefined && { transaction }),
    ...(block !== undefined && { block }),
    ...(leafIndex !== undefined && { leafIndex: String(leafIndex) }),
    receivedAt: receivedAt.toISOString(),
    changedAt: changedAt.toISOString(),
    sequence: String(sequence),
  };
}

/** Reads {@link statusMessage}. Throws a ZodError when it is anything else. */
export function readStatus(value: unknown): Status {
  const { deadline, leafIndex, receivedAt, changedAt, sequence, ...rest } = statusSchema.parse(value);
  return {
    ...rest,
    deadline: BigInt(deadline),
    ...(leafIndex !== undefined && { leafIndex: BigInt(leafIndex) }),
    receivedAt: new Date(receivedAt),
    changedAt: new Date(changedAt),
    sequence: BigInt(sequence),
  };
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
