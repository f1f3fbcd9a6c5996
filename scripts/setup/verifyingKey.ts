import type { Curve } from "ffjavascript";
import { utils } from "ffjavascript";
import type { KeyPoints } from "./zkey.ts";

/** A verifying key as `snarkjs zkey export verificationkey` writes it; numbers are decimal strings. */
export interface VerifyingKey {
  protocol: "groth16";
  curve: string;
  nPublic: number;
  vk_alpha_1: string[];
  vk_beta_2: string[][];
  vk_gamma_2: string[][];
  vk_delta_2: string[][];
  vk_alphabeta_12: string[][][];
  IC: string[][];
}

const G1_BYTES = 64;

/** The verifying key of a proving key's points. */
export function verifyingKey(curve: Curve, points: KeyPoints): VerifyingKey {
  const { G1, G2, Gt } = curve;
  const ic: unknown[] = [];
  for (let offset = 0; offset < points.ic.byteLength; offset += G1_BYTES) {
    ic.push(G1.toObject(points.ic.slice(offset, offset + G1_BYTES)));
  }
  return utils.stringifyBigInts({
    protocol: "groth16",
    curve: curve.name,
    nPublic: ic.length - 1,
    vk_alpha_1: G1.toObject(points.alpha1),
    vk_beta_2: G2.toObject(points.beta2),
    vk_gamma_2: G2.toObject(points.gamma2),
    vk_delta_2: G2.toObject(points.delta2),
    vk_alphabeta_12: Gt.toObject(curve.pairing(points.alpha1, points.beta2)),
    IC: ic,
  }) as VerifyingKey;
}

/**
 * The key as the contracts hold it: 32-byte words of alpha, beta, gamma, delta and the input points, G2 coordinates imaginary part
 * first as the pairing precompile (EIP-197) wants them. Hexadecimal with 0x.
 */
export function verifyingKeyBytes(key: VerifyingKey): string {
  const g1 = ([x, y]: string[]): string[] => [x, y];
  const g2 = ([x, y]: string[][]): string[] => [x[1], x[0], y[1], y[0]];
  const words = [
    ...g1(key.vk_alpha_1),
    ...g2(key.vk_beta_2),
    ...g2(key.vk_gamma_2),
    ...g2(key.vk_delta_2),
    ...key.IC.flatMap(g1),
  ];
  return `0x${words.map((word) => BigInt(word).toString(16).padStart(64, "0")).join("")}`;
}
