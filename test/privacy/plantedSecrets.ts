import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/*
 * Searching bytes for secrets in whatever form somebody might have written them: decimal, hexadecimal, base64, raw bytes in either order, UTF-16.
 */

/** What is not to be found, by name: numbers and texts. */
export type Secrets = Readonly<Record<string, bigint | string>>;

/** Numbers below this many digits occur by chance. */
const LEAST_DIGITS = 9;

function bytesOf(number: bigint): Buffer {
  const hex = number.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}

/** The ways to write a secret. Base64 depends on where the bytes begin: the middle of each of three alignments is searched for. */
export function formsOf(secret: bigint | string): Buffer[] {
  const raw = typeof secret === "bigint" ? bytesOf(secret) : Buffer.from(secret, "utf8");
  const texts: string[] = typeof secret === "string" ? [secret] : [secret.toString(10)];
  const isNumber = typeof secret === "bigint" || /^0x[0-9a-fA-F]+$/.test(secret);
  if (isNumber) {
    const hex = BigInt(secret).toString(16);
    if (hex.length >= LEAST_DIGITS) texts.push(hex, hex.toUpperCase());
    if (typeof secret === "string") texts.push(BigInt(secret).toString(10));
  }
  const forms: Buffer[] = texts.flatMap((text) => [
    Buffer.from(text, "latin1"),
    Buffer.from(text, "utf16le"),
  ]);
  const binary = isNumber ? bytesOf(BigInt(secret)) : raw;
  if (binary.length >= 16) {
    forms.push(binary, Buffer.from(binary).reverse());
    for (let shift = 0; shift < 3; shift++) {
      const text = Buffer.concat([Buffer.alloc(shift), binary]).toString("base64");
      const middle = text.slice(4, 4 * Math.floor((shift + binary.length) / 3));
      forms.push(Buffer.from(middle), Buffer.from(middle.replaceAll("+", "-").replaceAll("/", "_")));
    }
  }
  return forms.filter((form) => form.length >= LEAST_DIGITS);
}

/** The forms in which a secret lies in a process's memory: text of one byte a character, and raw bytes. A quick choice of {@link formsOf}. */
function formsInMemory(secret: bigint | string): Buffer[] {
  if (typeof secret === "string" && !secret.startsWith("0x")) return [Buffer.from(secret, "latin1")];
  const raw = bytesOf(BigInt(secret));
  const texts = [BigInt(secret).toString(10), raw.toString("hex")].map((text) => Buffer.from(text, "latin1"));
  return [...texts, raw, Buffer.from(raw).reverse()];
}

/** A search for secrets: give it text or bytes, and it names those that are there. */
export function searchFor(
  secrets: Secrets,
  { inMemory = false }: { inMemory?: boolean } = {},
): (where: string | Uint8Array) => string[] {
  const forms = Object.entries(secrets).map(([name, secret]) => {
    const all = inMemory ? formsInMemory(secret) : formsOf(secret);
    if (all.length === 0) throw new Error(`${name}: too short to be searched for`);
    return { name, forms: all };
  });
  return (where) => {
    const bytes =
      typeof where === "string"
        ? Buffer.from(where, "utf8")
        : Buffer.from(where.buffer, where.byteOffset, where.length);
    return forms.filter(({ forms: all }) => all.some((form) => bytes.includes(form))).map(({ name }) => name);
  };
}

/** Every file below a directory, by its path inside. */
export function filesBelow(directory: string, inside = ""): string[] {
  return readdirSync(join(directory, inside)).flatMap((name) => {
    const path = join(inside, name);
    const status = statSync(join(directory, path), { throwIfNoEntry: false });
    if (status === undefined) return [];
    return status.isDirectory() ? filesBelow(directory, path) : status.isFile() ? [path] : [];
  });
}

/** Which secrets stand in which files below a directory, their names included: `path: secret`. */
export function searchBelow(directory: string, search: (where: string | Uint8Array) => string[]): string[] {
  return filesBelow(directory).flatMap((path) =>
    [...new Set([...search(path), ...search(readFileSync(join(directory, path)))])].map(
      (name) => `${path}: ${name}`,
    ),
  );
}
