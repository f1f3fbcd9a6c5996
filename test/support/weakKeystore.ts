import { writeFileSync } from "node:fs";
import { computeAddress, encryptKeystoreJson, hexlify } from "ethers";
import { openKeystore } from "../../prover/keystore.ts";

/** Work factor of scrypt for keystores that hold no money: each opening takes milliseconds, at full strength a good part of a second. */
export const WEAK = { scryptN: 1 << 12 };

/** Encrypts a keystore's secret anew, weakly, where a test opens it often that was made at full strength. */
export async function weakenKeystore(file: string, password: string): Promise<void> {
  const privateKey = hexlify(await openKeystore(file, password));
  const account = { address: computeAddress(privateKey), privateKey };
  writeFileSync(file, await encryptKeystoreJson(account, password, { scrypt: { N: WEAK.scryptN } }));
}
