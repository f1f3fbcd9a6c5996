import { randomBytes } from "node:crypto";
import { createKeystore } from "../../prover/keystore.ts";
import { writeText } from "../../services/files.ts";
import { keyFile } from "./chain.ts";

/** Scrypt's work factor for keys that live as long as a local chain. */
const WEAK_SCRYPT_N = 1 << 12;

/** A fresh keystore of a local keeper, with the file of its password. */
export async function makeKeeperKeystore(
  directory: string,
): Promise<{ keystore: string; passwordFile: string; master: Uint8Array }> {
  const keystore = keyFile(directory, "keeper-account").replace(/\.key$/, ".json");
  const passwordFile = keyFile(directory, "keeper-account").replace(/\.key$/, ".password");
  const password = randomBytes(16).toString("hex");
  writeText(passwordFile, `${password}\n`, { secret: true });
  const master = await createKeystore(keystore, password, { scryptN: WEAK_SCRYPT_N });
  return { keystore, passwordFile, master };
}
