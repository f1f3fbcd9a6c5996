import { getAddress } from "ethers";
import { z } from "zod";
import type { Opening, TakeOver, Transition } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { BASE_FIELD_ORDER, PROOF_WORDS } from "../../protocol/groth16.ts";
import { parseJson } from "../files.ts";
import type { Item } from "./submissions.ts";

export type { Item };

/*
 * What a relayer takes, as JSON: `{kind, item}` with every number a decimal string without leading zeros, so that one item has one form.
 * What is no number of its field is refused here, before anything is computed with it.
 */

/** Most bytes of a payer's signature; wallets that are contracts may have long ones. */
const SIGNATURE_BYTES = 1024;

const UINT64_BOUND = 1n << 64n;

const DECIMAL = /^(0|[1-9]\d{0,77})$/;

/** A decimal string below a bound, as a bigint. */
function numberBelow(bound: bigint, what: string) {
  return z
    .string()
    .regex(DECIMAL, "expected a decimal number without leading zeros, in a string")
    .refine((text) => !DECIMAL.test(text) || BigInt(text) < bound, `expected ${what}`)
    .transform(BigInt);
}

const element = numberBelow(FIELD_ORDER, "a field element, below r");
const coordinate = numberBelow(BASE_FIELD_ORDER, "a coordinate, below the order of the base field");
const bit = z.enum(["0", "1"], "expected 0 or 1, in a string").transform(BigInt);
const mode = z.enum(["0", "1", "2", "3"], "expected 0, 1, 2 or 3, in a string").transform(BigInt);
const deadline = numberBelow(UINT64_BOUND, "Unix seconds below 2^64").refine(
  (seconds) => seconds > 0n,
  "expected Unix seconds above 0",
);
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "expected an address")
  .transform((text) => getAddress(text.toLowerCase()));

const proof = z.array(coordinate).length(PROOF_WORDS);
const terms = z.strictObject({ payer: address, recipient: address, relayer: address, deadline });

const opening = z.strictObject({
  proof,
  signals: z.strictObject({
    stateRoot: element,
    registryRoot: element,
    epoch: element,
    commitment: element,
    accountTag: element,
    escrow: z.array(element).length(5),
  }),
  terms,
});

const transition = z.strictObject({
  /** 0 small, 1 large. */
  tier: bit,
  proof,
  signals: z.strictObject({
    stateRoot: element,
    snapshotRoot: element,
    registryRoot: element,
    nullifier: element,
    commitment: element,
    mode,
    asset: element,
    deposit: element,
    withdrawal: element,
    fee: element,
    tradeTag: element,
    side: bit,
    escrow: z.array(element).length(2),
  }),
  terms,
  payerSignature: z
    .string()
    .max(2 + 2 * SIGNATURE_BYTES, `expected at most ${SIGNATURE_BYTES} bytes`)
    .regex(/^0x([0-9a-fA-F]{2})*$/, "expected bytes in hexadecimal")
    .transform((text) => text.toLowerCase()),
});

const takeOver = z.strictObject({
  /** 0 small, 1 large. */
  tier: bit,
  proof,
  signals: z.strictObject({
    stateRoot: element,
    snapshotRoot: element,
    registryRoot: element,
    targetNullifier: element,
    targetLeafIndex: element,
    targetCommitment: element,
    keeperNullifier: element,
    keeperCommitment: element,
    rate: element,
    deficit: element,
    reward: element,
    cured: bit,
    fee: element,
    targetEscrow: z.array(element).length(4),
    keeperEscrow: z.array(element).length(6),
  }),
  terms,
});

/** The JSON form of an item. Parse with {@link parseItem} or {@link itemOf}. */
export const itemSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("opening"), item: opening }),
  z.strictObject({ kind: z.literal("transition"), item: transition }),
  z.strictObject({ kind: z.literal("takeOver"), item: takeOver }),
]);

/** The item of a parsed JSON form. */
export function itemOf(parsed: z.infer<typeof itemSchema>): Item {
  if (parsed.kind === "opening") return { kind: "opening", opening: parsed.item };
  if (parsed.kind === "transition") return { kind: "transition", transition: parsed.item };
  return { kind: "takeOver", takeOver: parsed.item };
}

/** What an item holds, whichever its kind. */
export function contentOf(item: Item): Opening | Transition | TakeOver {
  if (item.kind === "opening") return item.opening;
  return item.kind === "transition" ? item.transition : item.takeOver;
}

/** Text of an item, in one line: its fields and no others, in the order of the form. */
export function formatItem(item: Item): string {
  const content = contentOf(item);
  const plain = item.kind === "opening" ? opening : item.kind === "transition" ? transition : takeOver;
  return JSON.stringify({ kind: item.kind, item: inOrder(plain, content) });
}

/** Reads an item's text. Misuse (`file.json`, `file.format`) when it is anything else; the message names the first field that is wrong. */
export function parseItem(text: string, field = "item"): Item {
  return itemOf(parseJson(text, field, itemSchema));
}

/** The fields of a value in the order of a schema, numbers as decimal strings. */
function inOrder(schema: z.ZodType, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return value.map((entry) => inOrder(schema, entry));
  if (!(schema instanceof z.ZodObject) || typeof value !== "object" || value === null) return value;
  const fields = Object.entries(schema.shape as Record<string, z.ZodType>);
  return Object.fromEntries(
    fields.map(([name, inner]) => [name, inOrder(inner, (value as Record<string, unknown>)[name])]),
  );
}
