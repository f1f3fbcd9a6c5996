import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Box, BoxAddress } from "./identity.ts";

/*
 * Envelopes: what the relayer stores. RFC 9180 (HPKE), base mode, X25519, HKDF-SHA-256, AES-256-GCM: one byte of version, 32 bytes of
 * encapsulated key, ciphertext. Ledger and version are in the key schedule; the mailbox is authenticated beside the text, so that an
 * envelope moved to another mailbox does not open. Who speaks, to whom, what kind of message and of which request is secret, so it cannot
 * be authenticated in the clear: it is inside, under the sender's signature (`message.ts`). Every envelope has one of few lengths.
 */

/** Lengths of envelopes, bytes. All messages of a trade fit the first. */
export const ENVELOPE_BYTES = [4096, 16_384] as const;

const VERSION = 1;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;
const OVERHEAD = 1 + KEY_BYTES + TAG_BYTES + LENGTH_BYTES;

/** The ledger whose business an envelope is. */
export interface DeskScope {
  chainId: bigint;
  /** Address, 0x… */
  ledger: string;
}

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

const bytesOf = (view: Uint8Array): ArrayBuffer => Uint8Array.from(view).buffer as ArrayBuffer;

function infoOf({ chainId, ledger }: DeskScope): ArrayBuffer {
  return bytesOf(Buffer.from(`solvus-desk/${VERSION}/${chainId}/${ledger.toLowerCase()}`));
}

const besideOf = (mailbox: string): ArrayBuffer => bytesOf(Buffer.from(mailbox, "base64url"));

/** A text of at most 16 KiB, padded with zeros to the least length that holds it. Throws `desk.long`. */
function pad(text: string): Uint8Array {
  const content = Buffer.from(text, "utf8");
  const size = ENVELOPE_BYTES.find((bytes) => bytes - OVERHEAD >= content.length);
  if (size === undefined)
    throw new SolvusError(
      "desk.long",
      `message: ${content.length} bytes, expected at most ${(ENVELOPE_BYTES.at(-1) as number) - OVERHEAD}`,
    );
  const padded = Buffer.alloc(size - OVERHEAD + LENGTH_BYTES);
  padded.writeUInt32BE(content.length);
  content.copy(padded, LENGTH_BYTES);
  return padded;
}

function unpad(padded: Buffer): string {
  const length = padded.readUInt32BE();
  const end = LENGTH_BYTES + length;
  ensure(end <= padded.length, "desk.envelope", "envelope: padded length is larger than the envelope");
  ensure(
    padded.subarray(end).every((byte) => byte === 0),
    "desk.envelope",
    "envelope: its padding is not zero",
  );
  return padded.subarray(LENGTH_BYTES, end).toString("utf8");
}

/** Seals a text for a box. Throws `desk.key` for an encryption key that is none or of low order, `desk.long`. */
export async function sealEnvelope(box: BoxAddress, scope: DeskScope, text: string): Promise<Uint8Array> {
  const padded = pad(text);
  try {
    const key = bytesOf(Buffer.from(box.encryptionKey, "base64url"));
    const recipientPublicKey = await suite.kem.importKey("raw", key, true);
    const sender = await suite.createSenderContext({ recipientPublicKey, info: infoOf(scope) });
    const sealed = await sender.seal(bytesOf(padded), besideOf(box.mailbox));
    return Buffer.concat([Buffer.of(VERSION), Buffer.from(sender.enc), Buffer.from(sealed)]);
  } catch {
    throw new SolvusError(
      "desk.key",
      "encryption key: none to encrypt to, expected an X25519 public key that is not of low order",
    );
  }
}

/** The text of an envelope. Throws `desk.envelope` for one that is not for this box and ledger, or was altered. */
export async function openEnvelope(box: Box, scope: DeskScope, envelope: Uint8Array): Promise<string> {
  ensure(
    ENVELOPE_BYTES.some((bytes) => bytes === envelope.length) && envelope[0] === VERSION,
    "desk.envelope",
    `envelope: ${envelope.length} bytes of version ${envelope[0]}, expected ${ENVELOPE_BYTES.join(" or ")} of version ${VERSION}`,
  );
  let padded: Buffer;
  try {
    const recipientKey = await suite.kem.importKey("raw", bytesOf(box.decryptionKey), false);
    const enc = bytesOf(envelope.subarray(1, 1 + KEY_BYTES));
    const recipient = await suite.createRecipientContext({ recipientKey, enc, info: infoOf(scope) });
    const sealed = bytesOf(envelope.subarray(1 + KEY_BYTES));
    padded = Buffer.from(await recipient.open(sealed, besideOf(box.address.mailbox)));
  } catch {
    throw new SolvusError(
      "desk.envelope",
      "envelope: does not open, expected one sealed for this box and this ledger",
    );
  }
  return unpad(padded);
}
