import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { LedgerHistory } from "../../protocol/ledgerHistory.ts";
import type { Note } from "../../protocol/note.ts";
import { writePrivateFile } from "../../prover/privateFile.ts";
import type { LedgerScope } from "../../prover/secrets.ts";
import { type AccountBook, placed, presentOf, track } from "./accountBook.ts";

/*
 * Where a keeper's accounts were, so that a restart need not decrypt and follow them all again. Nothing but a cache: a file that is lost,
 * damaged, of another ledger or of another key is as good as none. It holds every account, so it is encrypted (AES-256-GCM) under a key
 * that follows from the secret by which the keeper reads them.
 */

const FILE = "accounts";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const integer = z
  .string()
  .regex(/^-?\d{1,80}$/)
  .transform(BigInt);
const fileSchema = z.strictObject({
  version: z.literal(1),
  accounts: z.array(
    z.strictObject({
      name: z.string(),
      leafIndex: integer,
      ownerKey: integer,
      entity: integer,
      rho: integer,
      cash: integer,
      legs: z.array(z.tuple([integer, integer, integer])),
    }),
  ),
});

/** A book's file: in which directory, of which ledger, and the secret that its key follows from. */
export interface BookPlace {
  directory: string;
  scope: LedgerScope;
  secret: bigint;
}

function keyOf({ scope, secret }: BookPlace): Buffer {
  const label = `v1/accounts/${scope.chainId}/${scope.ledger.toLowerCase()}`;
  return Buffer.from(hkdfSync("sha256", secret.toString(16), "solvus keeper", label, KEY_BYTES));
}

/** Writes where the accounts of a book are. */
export async function saveBook(place: BookPlace, book: AccountBook): Promise<void> {
  const accounts = [...book.accounts.values()].map((account) => {
    const { note, leafIndex } = presentOf(account);
    const { ownerKey, entity, rho, cash } = note;
    const legs = note.legs.map(({ id, size, fundingIndex }) => [id, size, fundingIndex]);
    return { name: account.name, leafIndex, ownerKey, entity, rho, cash, legs };
  });
  const content = { version: 1, accounts };
  const text = JSON.stringify(content, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(place), nonce);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const file = Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
  await writePrivateFile(join(place.directory, FILE), file);
}

/** Adds the accounts of a file to an empty book where a history has their notes. Returns how many; 0 without a file of use. */
export async function loadBook(place: BookPlace, book: AccountBook, history: LedgerHistory): Promise<number> {
  let content: z.infer<typeof fileSchema>;
  try {
    const file = Buffer.from(await readFile(join(place.directory, FILE), "utf8"), "base64");
    const decipher = createDecipheriv(CIPHER, keyOf(place), file.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(file.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const opened = [decipher.update(file.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()];
    content = fileSchema.parse(JSON.parse(Buffer.concat(opened).toString("utf8")));
  } catch {
    return 0;
  }
  for (const { name, leafIndex, legs, ...rest } of content.accounts) {
    const note: Note = {
      ...rest,
      legs: legs.map(([id, size, fundingIndex]) => ({ id, size, fundingIndex })),
    };
    const position = placed({ note, leafIndex });
    if (history.leaves.get(leafIndex) === position.commitment) track(book, name, position);
  }
  return book.accounts.size;
}
