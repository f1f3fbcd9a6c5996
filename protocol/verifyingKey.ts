import { keccak256 } from "ethers";

/** A Groth16 verifying key as snarkjs writes it; numbers are decimal strings, coordinates of G2 real part first. */
export interface VerifyingKey {
  protocol: string;
  curve: string;
  nPublic: number;
  vk_alpha_1: string[];
  vk_beta_2: string[][];
  vk_gamma_2: string[][];
  vk_delta_2: string[][];
  IC: string[][];
}

/**
 * The key as the contracts hold it: 32-byte words of alpha, beta, gamma, delta and the input points, coordinates of G2 imaginary part
 * first as the pairing precompile (EIP-197) wants them. Hexadecimal with 0x.
 */
export function verifyingKeyBytes(key: VerifyingKey): string {
  const g1 = ([x, y]: string[]): string[] => [x as string, y as string];
  const g2 = ([x, y]: string[][]): string[] => [x?.[1], x?.[0], y?.[1], y?.[0]] as string[];
  const words = [
    ...g1(key.vk_alpha_1),
    ...g2(key.vk_beta_2),
    ...g2(key.vk_gamma_2),
    ...g2(key.vk_delta_2),
    ...key.IC.flatMap(g1),
  ];
  return `0x${words.map((word) => BigInt(word).toString(16).padStart(64, "0")).join("")}`;
}

/** Keccak-256 of {@link verifyingKeyBytes}: the manifest's `verifyingKeyHash` and the ledger's `keyHash`. */
export function verifyingKeyHash(key: VerifyingKey): string {
  return keccak256(verifyingKeyBytes(key));
}
