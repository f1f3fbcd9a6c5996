import { randomBytes, scrypt } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  decryptKeystoreJson,
  encryptKeystoreJson,
  scrypt as ethersScrypt,
  getBytes,
  hexlify,
  isKeystoreJson,
  Wallet,
} from "ethers";
import { ensure, SolvusError } from "../protocol/errors.ts";
import { createPrivateFile } from "./privateFile.ts";
import { MASTER_SECRET_BYTES } from "./secrets.ts";

/*
 * The master secret in a file: Web3 Secret Storage, version 3 (scrypt and AES-128-CTR), as Ethereum wallets keep a private key. The
 * secret is a valid private key, and the file's address is that key's, so any tool that knows the format opens it.
 */

/** Node's scrypt instead of the library's JavaScript: a second instead of ten at the usual strength. */
ethersScrypt.register(
  (password, salt, N, r, p, length) =>
    new Promise((resolve, reject) => {
      const options = { N, r, p, maxmem: 256 * N * r };
      scrypt(password, salt, length, options, (error, key) => {
        if (error) reject(error);
        else resolve(`0x${key.toString("hex")}`);
      });
    }),
);

/** Work factor of scrypt: 128 MB and a good part of a second. Tests take a smaller one. */
export const SCRYPT_N = 1 << 17;

export interface KeystoreOptions {
  /** A power of two; {@link SCRYPT_N} by default. */
  scryptN?: number;
}

/** A text in the keystore format for a master secret of 32 bytes. */
async function encryptSecret(
  { address, privateKey }: { address: string; privateKey: string },
  password: string,
  { scryptN = SCRYPT_N }: KeystoreOptions,
): Promise<string> {
  const text = await encryptKeystoreJson({ address, privateKey }, password, { scrypt: { N: scryptN } });
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}

/**
 * Creates a keystore with a new random master secret, in a file of mode 0600, and returns the secret. Throws `keystore.exists` rather
 * than replace a file, and `keystore.password` for an empty password.
 */
export async function createKeystore(
  file: string,
  password: string,
  options: KeystoreOptions = {},
): Promise<Uint8Array> {
  ensure(password !== "", "keystore.password", "password: empty, expected one");
  const requireNew = (isNew: boolean): void =>
    ensure(isNew, "keystore.exists", `keystore ${file}: exists, expected a new file`);
  requireNew(!existsSync(file));
  const { address, privateKey } = new Wallet(hexlify(randomBytes(MASTER_SECRET_BYTES)));
  // Encrypting takes a second, in which somebody else may have made it: that secret may hold accounts already.
  requireNew(createPrivateFile(file, await encryptSecret({ address, privateKey }, password, options)));
  return getBytes(privateKey);
}

/**
 * The master secret of a keystore file. Throws `keystore.missing`, `keystore.format`, and `keystore.password` when the password is not
 * the file's or the file was altered: the format cannot tell the two apart.
 */
export async function openKeystore(file: string, password: string): Promise<Uint8Array> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    throw new SolvusError("keystore.missing", `keystore ${file}: cannot be read, expected a keystore file`);
  }
  // Whatever goes wrong inside the library, its message might quote what it was given.
  try {
    // The format's checksum does not cover the initialization vector; the address does, so it must be there.
    const known = isKeystoreJson(text) && typeof JSON.parse(text).address === "string";
    ensure(known, "keystore.format", "not a keystore");
    const { privateKey } = await decryptKeystoreJson(text, password);
    return getBytes(privateKey);
  } catch (error) {
    if ((error as { shortMessage?: string }).shortMessage === "incorrect password") {
      throw new SolvusError("keystore.password", `keystore ${file}: wrong password, or the file was altered`);
    }
    throw new SolvusError(
      "keystore.format",
      `keystore ${file}: damaged or of another format, expected Web3 Secret Storage version 3`,
    );
  }
}
