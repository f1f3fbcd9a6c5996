import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildBn128 } from "ffjavascript";
import * as snarkjs from "snarkjs";
import { beforeAll, describe, expect, it } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { verifyingKeyBytes } from "../../protocol/verifyingKey.ts";
import { inverse, inverses, mod, power, rootOfUnity } from "../../scripts/setup/fieldArithmetic.ts";
import { fixedBase } from "../../scripts/setup/fixedBase.ts";
import { runSetup } from "../../scripts/setup/index.ts";
import {
  circuitFile,
  PLACES,
  type Places,
  provingKeyFile,
  verifyingKeyFile,
} from "../../scripts/setup/paths.ts";
import { lagrangeAt } from "../../scripts/setup/qap.ts";
import { domainSize } from "../../scripts/setup/r1cs.ts";
import { developmentWaste } from "../../scripts/setup/toxicWaste.ts";
import type { ExportedKey } from "../../scripts/setup/verifyingKey.ts";
import { toyInstance, toyPlaces } from "./toy.ts";

const read = (file: string): ExportedKey => JSON.parse(readFileSync(file, "utf8"));
const SECRETS = { secret: "3", shown: ["5", "6"] };

describe("development keys", () => {
  let places: Places;
  beforeAll(async () => {
    places = toyPlaces([toyInstance("toy", 2), toyInstance("toy.full", 4)]);
    await runSetup({ places, quiet: true, solidity: false, updateManifest: true });
  });

  for (const name of ["toy", "toy.full"]) {
    it(`prove and verify with snarkjs: ${name}`, async () => {
      const wasm = circuitFile(places.build, name, "wasm");
      const { proof, publicSignals } = await snarkjs.groth16.fullProve(
        SECRETS,
        wasm,
        provingKeyFile(places.build, name),
      );
      const key = read(verifyingKeyFile(places.build, name));
      expect(publicSignals).toEqual(["5", "6"]);
      expect(await snarkjs.groth16.verify(key, publicSignals, proof)).toBe(true);
      expect(await snarkjs.groth16.verify(key, ["5", "7"], proof)).toBe(false);
    });

    it(`have the verifying key that snarkjs exports: ${name}`, async () => {
      const exported = await snarkjs.zKey.exportVerificationKey(provingKeyFile(places.build, name));
      expect(read(verifyingKeyFile(places.build, name))).toEqual(exported);
    });
  }

  it("have the verifying key that snarkjs exports for a circuit of the product", async () => {
    await runSetup({ quiet: true, only: ["insertion"] });
    const exported = await snarkjs.zKey.exportVerificationKey(provingKeyFile(PLACES.build, "insertion"));
    expect(read(verifyingKeyFile(PLACES.build, "insertion"))).toEqual(exported);
  });

  it("share alpha, beta and gamma, and have a delta each", () => {
    const [one, other] = ["toy", "toy.full"].map((name) => read(verifyingKeyFile(places.build, name)));
    expect(one.vk_alphabeta_12).toEqual(other.vk_alphabeta_12);
    expect(one.vk_gamma_2).toEqual(other.vk_gamma_2);
    expect(one.vk_delta_2).not.toEqual(other.vk_delta_2);
    expect(one.vk_delta_2).not.toEqual(one.vk_gamma_2);
  });

  it("are laid out for the contracts with the imaginary part of G2 first", () => {
    const key = read(verifyingKeyFile(places.build, "toy"));
    const words = verifyingKeyBytes(key)
      .slice(2)
      .match(/.{64}/g)!
      .map((word) => BigInt(`0x${word}`).toString());
    expect(words).toHaveLength(14 + 2 * 3);
    expect(words.slice(0, 2)).toEqual(key.vk_alpha_1.slice(0, 2));
    expect(words.slice(2, 4)).toEqual([key.vk_beta_2[0][1], key.vk_beta_2[0][0]]);
    expect(words.slice(-2)).toEqual(key.IC[2].slice(0, 2));
  });

  it("are named as such in the generated contract and in the manifest", () => {
    expect(readFileSync(places.keysContract, "utf8")).toContain("bool internal constant DEVELOPMENT = true;");
    expect(JSON.parse(readFileSync(places.manifest, "utf8")).keys).toBe("development");
  });

  it("are those that the contracts refuse on public chains", async () => {
    const { keccak256 } = await import("ethers");
    const bytes = verifyingKeyBytes(read(verifyingKeyFile(places.build, "toy")));
    const source = readFileSync(join(PLACES.root, "contracts/VerifyingKeyChecks.sol"), "utf8");
    expect(source).toContain(keccak256(bytes.slice(0, 2 + 2 * 192)));
  });
});

describe("the arithmetic behind the keys", () => {
  it("derives secrets that are distinct, and delta from the circuit's name", () => {
    const { tau, alpha, beta, delta } = developmentWaste("one");
    const other = developmentWaste("two");
    expect(new Set([tau, alpha, beta, delta, other.delta, 0n, 1n]).size).toBe(7);
    expect(other).toMatchObject({ tau, alpha, beta });
  });

  it("has a domain for the constraints, the public signals and the constant one", () => {
    expect(domainSize({ constraints: 5, publicSignals: 2 })).toBe(8);
    expect(domainSize({ constraints: 6, publicSignals: 2 })).toBe(16);
  });

  it("inverts, one at a time and many at once", () => {
    expect(mod(7n * inverse(7n))).toBe(1n);
    expect(inverses([2n, 3n, FIELD_ORDER - 1n])).toEqual([inverse(2n), inverse(3n), FIELD_ORDER - 1n]);
  });

  it("evaluates polynomials in the Lagrange basis", () => {
    const tau = 123456789n;
    const w = rootOfUnity(8);
    expect(power(w, 4n)).toBe(FIELD_ORDER - 1n);
    // x^3 + 5 from its values at the powers of w.
    const value = lagrangeAt(tau, 8).reduce(
      (sum, weight, j) => sum + weight * (power(w, BigInt(3 * j)) + 5n),
      0n,
    );
    expect(mod(value)).toBe(mod(tau ** 3n + 5n));
  });

  it("multiplies the generators as ffjavascript does, at the ends of the digits too", async () => {
    const curve = await buildBn128(true);
    const scalars = [
      0n,
      1n,
      2n ** 9n - 1n,
      2n ** 9n,
      2n ** 9n + 1n,
      2n ** 253n,
      FIELD_ORDER - 1n,
      1n << 100n,
    ];
    for (const group of ["G1", "G2"] as const) {
      const points = fixedBase(curve, group, 10)(scalars);
      const size = points.length / scalars.length;
      const expected = scalars.map((scalar) =>
        curve[group].toObject(
          curve[group].toAffine(curve[group].timesFr(curve[group].g, curve.Fr.e(scalar))),
        ),
      );
      const given = scalars.map((_, i) => curve[group].toObject(points.slice(i * size, (i + 1) * size)));
      expect(given).toEqual(expected);
    }
  });
});
