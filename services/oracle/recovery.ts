import { recoverAddress, TypedDataEncoder } from "ethers";
import {
  HEADER_TYPES,
  OBSERVATION_TYPES,
  oracleDomain,
  type SnapshotHeader,
} from "../../contracts/signing.ts";

/*
 * Who signed what, from signatures. Several reporters of one process look at the same observations, and a recovery takes milliseconds, so the
 * last ones are kept.
 */

const KEPT = 1_024;
const known = new Map<string, string | undefined>();

function recover(digest: string, signature: string): string | undefined {
  const name = `${digest}${signature}`;
  if (known.has(name)) return known.get(name);
  let signer: string | undefined;
  try {
    signer = recoverAddress(digest, signature);
  } catch {
    signer = undefined;
  }
  known.set(name, signer);
  if (known.size > KEPT) known.delete(known.keys().next().value as string);
  return signer;
}

/** Chain and oracle that a signature is for. */
export interface SigningPlace {
  chainId: bigint;
  oracle: string;
}

/** An observation as it is signed. */
export interface SignedStatement {
  epoch: bigint;
  time: bigint;
  keys: readonly bigint[];
  prices: readonly bigint[];
  tradedAt: readonly bigint[];
  restHash: string;
}

/** Address of who signed an observation; undefined for a signature that is none. */
export function observerOf(
  { chainId, oracle }: SigningPlace,
  statement: SignedStatement,
  signature: string,
): string | undefined {
  const digest = TypedDataEncoder.hash(oracleDomain(chainId, oracle), OBSERVATION_TYPES, statement);
  return recover(digest, signature);
}

/** Address of who signed a header; undefined for a signature that is none. */
export function signerOf(
  { chainId, oracle }: SigningPlace,
  header: SnapshotHeader,
  signature: string,
): string | undefined {
  return recover(TypedDataEncoder.hash(oracleDomain(chainId, oracle), HEADER_TYPES, header), signature);
}
