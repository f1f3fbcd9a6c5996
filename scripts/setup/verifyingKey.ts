import type { Curve } from "ffjavascript";
import { utils } from "ffjavascript";
import type { VerifyingKey } from "../../protocol/verifyingKey.ts";
import type { KeyPoints } from "./zkey.ts";

/** A verifying key as `snarkjs zkey export verificationkey` writes it: with the pairing of alpha and beta, which snarkjs does not read. */
export type ExportedKey = VerifyingKey & { vk_alphabeta_12: string[][][] };

const G1_BYTES = 64;

/** The verifying key of a proving key's points. */
export function verifyingKey(curve: Curve, points: KeyPoints): ExportedKey {
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
  }) as ExportedKey;
}
