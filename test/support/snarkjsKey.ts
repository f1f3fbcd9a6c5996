import type { VerifyingKey } from "../../protocol/verifyingKey.ts";

/** A verifying key as snarkjs takes it, from the contracts' words in hexadecimal: `verifyingKeyBytes` the other way round. */
export function snarkjsKey(key: string): VerifyingKey {
  const words = key
    .slice(2)
    .match(/.{64}/g)!
    .map((word) => BigInt(`0x${word}`).toString());
  const g1 = (at: number): string[] => [...words.slice(at, at + 2), "1"];
  const g2 = (at: number): string[][] => {
    const [xIm, xRe, yIm, yRe] = words.slice(at, at + 4);
    return [
      [xRe, xIm],
      [yRe, yIm],
      ["1", "0"],
    ];
  };
  const points = (words.length - 14) / 2;
  return {
    protocol: "groth16",
    curve: "bn128",
    nPublic: points - 1,
    vk_alpha_1: g1(0),
    vk_beta_2: g2(2),
    vk_gamma_2: g2(6),
    vk_delta_2: g2(10),
    IC: Array.from({ length: points }, (_, index) => g1(14 + 2 * index)),
  };
}
