import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import { ensure, SolvusError } from "../../protocol/errors.ts";

/*
 * Who speaks on the desk. Everything follows from a seed of 32 bytes: an Ed25519 key that signs what is said, and boxes, each an X25519 key
 * to which is encrypted and an Ed25519 key that is the mailbox's address and opens it. An identity has one lasting box, in which makers
 * are asked, and a box of its own for each request, so that the relayer cannot tell whose answers lie in it.
 */

export const SEED_BYTES = 32;
const SALT = "solvus-desk";

/** Keys travel as 32 bytes in base64url. */
export const keySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "expected 32 bytes in base64url");

/** Where a message goes: the mailbox's address, and the key to encrypt to. */
export const boxSchema = z.strictObject({ mailbox: keySchema, encryptionKey: keySchema });
export type BoxAddress = z.infer<typeof boxSchema>;

/** What an identity gives to those it deals with. Nothing in it is secret; who has it can ask and can recognise what its owner signs. */
export const cardSchema = z.strictObject({
  format: z.literal("solvus-desk-card"),
  version: z.literal(1),
  /** For people; not signed, not relied on. */
  name: z.string().min(1).max(60).optional(),
  signingKey: keySchema,
  box: boxSchema,
});
export type Card = z.infer<typeof cardSchema>;

/** A signing key pair; `key` is the public one. */
export interface Signing {
  key: string;
  sign(bytes: Uint8Array): string;
}

/** A box with what opens it. */
export interface Box {
  address: BoxAddress;
  /** X25519 private key, 32 bytes. */
  decryptionKey: Uint8Array;
  /** Signs the owner's requests to the relayer for this mailbox. */
  opener: Signing;
}

export interface DeskIdentity {
  signing: Signing;
  box: Box;
  /** The box for the answers to one request, by the request's id. */
  replyBox(requestId: string): Box;
}

/** What precedes the 32 bytes of a private key in PKCS #8 (RFC 8410). */
const PKCS8 = {
  ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
  x25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
};

function derive(seed: Uint8Array, label: string): Buffer {
  return Buffer.from(hkdfSync("sha256", seed, SALT, label, SEED_BYTES));
}

function privateKeyOf(kind: keyof typeof PKCS8, secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8[kind], secret]), format: "der", type: "pkcs8" });
}

const publicKeyOf = (key: KeyObject): string => createPublicKey(key).export({ format: "jwk" }).x as string;

function signingOf(secret: Uint8Array): Signing {
  const key = privateKeyOf("ed25519", secret);
  return { key: publicKeyOf(key), sign: (bytes) => sign(null, bytes, key).toString("base64url") };
}

function boxOf(seed: Uint8Array, label: string): Box {
  const decryptionKey = derive(seed, `${label}/encrypt`);
  const opener = signingOf(derive(seed, `${label}/mailbox`));
  const encryptionKey = publicKeyOf(privateKeyOf("x25519", decryptionKey));
  return { address: { mailbox: opener.key, encryptionKey }, decryptionKey, opener };
}

/** The identity of a seed. Throws `desk.seed` unless it has 32 bytes. */
export function identityOf(seed: Uint8Array): DeskIdentity {
  ensure(seed.length === SEED_BYTES, "desk.seed", `seed: ${seed.length} bytes, expected ${SEED_BYTES}`);
  return {
    signing: signingOf(derive(seed, "v1/sign")),
    box: boxOf(seed, "v1/box"),
    replyBox: (requestId) => boxOf(seed, `v1/reply/${requestId}`),
  };
}

/** The desk's seed of an institution's master secret. */
export function deskSeed(master: Uint8Array): Uint8Array {
  return Buffer.from(hkdfSync("sha256", master, "solvus", "v1/desk", SEED_BYTES));
}

export function cardOf({ signing, box }: DeskIdentity, name?: string): Card {
  return {
    format: "solvus-desk-card",
    version: 1,
    ...(name === undefined ? {} : { name }),
    signingKey: signing.key,
    box: box.address,
  };
}

/** The public key of 32 bytes in base64url. Throws `desk.key` when there is no such point. */
function readPublicKey(key: string): KeyObject {
  try {
    return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: key }, format: "jwk" });
  } catch {
    throw new SolvusError("desk.key", "signing key: not a point, expected an Ed25519 public key");
  }
}

/** Whether a signature over bytes is that of a public key. */
export function isSignedBy(key: string, bytes: Uint8Array, signature: string): boolean {
  return verify(null, bytes, readPublicKey(key), Buffer.from(signature, "base64url"));
}
