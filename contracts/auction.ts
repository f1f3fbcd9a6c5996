import { AbiCoder, keccak256 } from "ethers";
import { FIELD_ORDER } from "../protocol/constants.ts";
import type { InsolvencySignals } from "./statements.ts";

/** Which note a reveal is about. */
export type RevealedNote = Pick<InsolvencySignals, "stateRoot" | "nullifier" | "leafIndex">;

const encoder = AbiCoder.defaultAbiCoder();

/** Context of a solvency proof that clears a flag of the auction at this address. */
export function clearContext(chainId: bigint, auction: string): bigint {
  const words = encoder.encode(
    ["uint256", "address", "string"],
    [chainId, auction, "clear the liquidation flag"],
  );
  return BigInt(keccak256(words)) % FIELD_ORDER;
}

/** Where a reveal's proof discloses the note's opening: hashed from the words to be published, so that no other words fit the proof. */
export function disclosurePoint(
  chainId: bigint,
  auction: string,
  { stateRoot, nullifier, leafIndex }: RevealedNote,
  words: readonly bigint[],
): bigint {
  const encoded = encoder.encode(
    ["uint256", "address", "uint256", "uint256", "uint256", "uint256[24]"],
    [chainId, auction, stateRoot, nullifier, leafIndex, [...words]],
  );
  return BigInt(keccak256(encoded)) % FIELD_ORDER;
}
