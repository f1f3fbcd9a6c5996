import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { type Contract, keccak256 } from "ethers";
import hre from "hardhat";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../circuits/manifest.json" with { type: "json" };
import { deployData, deployVerifier } from "../../contracts/deploy.ts";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { createForger, type Forger, type Secrets, standInSecrets } from "../support/forgedProofs.ts";
import { expectRefusal, randomElement } from "../support/ledgerFixture.ts";

const BASE_FIELD_ORDER = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

let ethers: HardhatEthers;
let deployer: HardhatEthersSigner;
let forger: Forger;
let verifier: Contract;

beforeAll(async () => {
  ({ ethers } = await hre.network.connect());
  [deployer] = await ethers.getSigners();
  forger = await createForger();
  verifier = await deployVerifier(ethers, forger.keys, deployer);
});

afterAll(async () => {
  await forger.close();
});

const inputsOf = async (circuit: CircuitName): Promise<bigint[]> =>
  Array.from({ length: Number(await verifier.inputCount(circuitIndex(circuit))) }, randomElement);

const accepts = (
  circuit: CircuitName,
  proof: readonly bigint[],
  inputs: readonly bigint[],
): Promise<boolean> => verifier.verify(circuitIndex(circuit), [...proof], [...inputs]);

describe("a proof", () => {
  test("of every circuit is accepted, with inputs 0, 1 and r − 1 too", async () => {
    for (const circuit of CIRCUITS) {
      const inputs = await inputsOf(circuit);
      expect(await accepts(circuit, forger.forge(circuit, inputs), inputs)).toBe(true);
      inputs.splice(0, 4, 0n, 1n, FIELD_ORDER - 1n, 2n);
      expect(await accepts(circuit, forger.forge(circuit, inputs), inputs)).toBe(true);
    }
  });

  test("refuses every altered input", async () => {
    const inputs = await inputsOf("transition.small");
    inputs[5] = 0n;
    inputs[6] = 1n;
    const proof = forger.forge("transition.small", inputs);
    for (const index of inputs.keys()) {
      for (const value of [0n, 1n, (inputs[index] + 1n) % FIELD_ORDER, FIELD_ORDER - 1n - inputs[index]]) {
        if (value === inputs[index]) continue;
        expect(await accepts("transition.small", proof, inputs.with(index, value))).toBe(false);
      }
    }
  });

  test("refuses every altered word of the proof, whether it stays on the curve or not", async () => {
    const inputs = await inputsOf("open");
    const proof = forger.forge("open", inputs);
    const other = forger.forge("open", inputs);
    const [ax, ay, bxi, bxr, byi, byr, cx, cy] = proof;
    const alterations = [
      ...proof.map((word, index) => proof.with(index, word + 1n)),
      ...proof.map((_, index) => proof.with(index, 0n)),
      [ax, BASE_FIELD_ORDER - ay, bxi, bxr, byi, byr, cx, cy],
      [ax, ay, bxr, bxi, byr, byi, cx, cy],
      [ax, ay, bxi, bxr, byi, byr, cx, BASE_FIELD_ORDER - cy],
      [cx, cy, bxi, bxr, byi, byr, ax, ay],
      [...other.slice(0, 2), ...proof.slice(2)],
      [...proof.slice(0, 6), ...other.slice(6)],
      Array<bigint>(8).fill(0n),
    ];
    for (const altered of alterations) expect(await accepts("open", altered, inputs)).toBe(false);
  });

  test("refuses coordinates >= q, the other representation of the same point", async () => {
    const inputs = await inputsOf("open");
    const proof = forger.forge("open", inputs);
    for (const [index, value] of proof.entries()) {
      const unreduced = value + BASE_FIELD_ORDER;
      expect(await accepts("open", proof.with(index, unreduced), inputs)).toBe(false);
    }
  });

  test("refuses a point of the twist outside the subgroup", async () => {
    const inputs = await inputsOf("open");
    const proof = forger.forge("open", inputs);
    // x = 1 on y² = x³ + 3/(9 + i); the curve has far more points than the subgroup.
    const [xIm, xRe, yIm, yRe] = [
      0n,
      1n,
      5912654199736721486680175016176231956195085055698687135131307249486702594212n,
      18278151005453108793778860132295291098363647455926340152056652516292830556603n,
    ];
    const altered = [...proof.slice(0, 2), xIm, xRe, yIm, yRe, ...proof.slice(6)];
    expect(await accepts("open", altered, inputs)).toBe(false);
  });

  test("refuses a public input >= r: x and x + r are one input to the pairing", async () => {
    const inputs = await inputsOf("open");
    const proof = forger.forge("open", inputs);
    for (const index of inputs.keys()) {
      const value = inputs[index] + FIELD_ORDER;
      const altered = verifier.verify(0n, proof, inputs.with(index, value));
      await expectRefusal(altered, verifier, "InputNotInField", [BigInt(index), value]);
    }
    await expectRefusal(
      verifier.verify(0n, proof, inputs.with(3, FIELD_ORDER)),
      verifier,
      "InputNotInField",
      [3n, FIELD_ORDER],
    );
  });

  test("refuses another number of inputs", async () => {
    const inputs = await inputsOf("open");
    const proof = forger.forge("open", inputs);
    for (const given of [[], inputs.slice(1), [...inputs, 0n]]) {
      await expectRefusal(verifier.verify(0n, proof, given), verifier, "InputCountMismatch", [
        0n,
        13n,
        BigInt(given.length),
      ]);
    }
  });

  test("refuses a proof of one tier at the other's entry", async () => {
    const inputs = await inputsOf("transition.small");
    const small = forger.forge("transition.small", inputs);
    const large = forger.forge("transition.large", inputs);
    expect(await accepts("transition.large", small, inputs)).toBe(false);
    expect(await accepts("transition.small", large, inputs)).toBe(false);
    expect(await accepts("transition.large", large, inputs)).toBe(true);
  });

  test("refuses a wrong length of calldata", async () => {
    const inputs = await inputsOf("open");
    const data = verifier.interface.encodeFunctionData("verify", [0n, forger.forge("open", inputs), inputs]);
    const to = await verifier.getAddress();
    for (const cut of [2, 64, 32 * 13 * 2]) {
      await expect(deployer.call({ to, data: data.slice(0, -cut) })).rejects.toThrow();
    }
  });
});

describe("keys", () => {
  /** Deploys a verifier with some of the stand-in keys replaced. */
  const deployWith = (keys: Partial<Record<CircuitName, string>>): Promise<Contract> =>
    deployVerifier(ethers, { ...forger.keys, ...keys }, deployer);

  const altered = (name: CircuitName, change: Partial<Secrets>): string =>
    forger.key({ ...standInSecrets(name), ...change });

  test("are stored as code, and their hashes are exposed", async () => {
    for (const name of CIRCUITS) {
      expect(await verifier.keyHash(circuitIndex(name))).toBe(keccak256(forger.keys[name]));
      const code = await ethers.provider.getCode(await verifier.keyAddress(circuitIndex(name)));
      expect(code).toBe(`0x00${forger.keys[name].slice(2)}`);
    }
  });

  test("refuses a key in the place of a circuit with another number of public signals", async () => {
    await expectRefusal(
      deployWith({ open: forger.keys.insertion, insertion: forger.keys.open }),
      verifier,
      "KeyLengthMismatch",
    );
    await expectRefusal(deployWith({ open: forger.keys.open.slice(0, -2) }), verifier, "KeyLengthMismatch");
    await expectRefusal(deployWith({ "solvency.large": "0x" }), verifier, "KeyLengthMismatch");
  });

  test("refuses keys that do not share alpha, beta and gamma", async () => {
    const { alpha, beta } = standInSecrets("open");
    for (const change of [{ alpha: alpha + 1n }, { beta: beta + 1n }, { gamma: 2n }]) {
      const keys = { "transition.large": altered("transition.large", change) };
      await expectRefusal(deployWith(keys), verifier, "KeysNotRelated");
    }
  });

  test("refuses one key, or one delta, for two circuits", async () => {
    await expectRefusal(
      deployWith({ "transition.large": forger.keys["transition.small"] }),
      verifier,
      "DeltaShared",
    );
    const { delta } = standInSecrets("open");
    await expectRefusal(deployWith({ insertion: altered("insertion", { delta }) }), verifier, "DeltaShared");
  });

  test("refuses a delta equal to gamma, as in a key without a contribution: proofs can be forged", async () => {
    await expectRefusal(deployWith({ open: altered("open", { delta: 1n }) }), verifier, "UnsafeDelta");
  });

  test("refuses points off the curve, off the subgroup and at infinity", async () => {
    const flipped = (offset: number): string => {
      const key = forger.keys.open;
      const at = 2 + 2 * offset + 63;
      return key.slice(0, at) + (key[at] === "0" ? "1" : "0") + key.slice(at + 1);
    };
    for (const offset of [0, 64, 192, 320, 448, 448 + 64 * 13]) {
      await expectRefusal(deployWith({ open: flipped(offset) }), verifier, "InvalidKeyPoint");
    }
    const infinity = forger.keys.open.slice(0, -128) + "0".repeat(128);
    await expectRefusal(deployWith({ open: infinity }), verifier, "InvalidKeyPoint");
  });

  test("refuses code that could run", async () => {
    const keys: string[] = [];
    for (const name of CIRCUITS) keys.push(await deployData(deployer, forger.keys[name]));
    const code = `5b${forger.keys.open.slice(2)}`;
    const length = (code.length / 2).toString(16).padStart(4, "0");
    const creation = await deployer.sendTransaction({ data: `0x61${length}80600a5f395ff3${code}` });
    keys[0] = (await creation.wait())!.contractAddress!;
    await expectRefusal(ethers.deployContract("Groth16Verifier", [keys]), verifier, "NotADataContract", [
      keys[0],
    ]);
  });

  test("refuses a development key on a public chain, and no other key", async () => {
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1 } });
    const [signer] = await connection.ethers.getSigners();
    await expectRefusal(
      deployVerifier(connection.ethers, forger.keys, signer),
      verifier,
      "DevelopmentKeyOnPublicChain",
      [1n],
    );
    const secret = randomElement();
    const own = CIRCUITS.map((name) => [name, altered(name, { alpha: secret })]);
    await deployVerifier(connection.ethers, Object.fromEntries(own), signer);
  });

  test("accepts a development key on the other local chain id", async () => {
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1337 } });
    const [signer] = await connection.ethers.getSigners();
    await deployVerifier(connection.ethers, forger.keys, signer);
  });

  test("the generated keys are those of the manifest, and are refused on a public chain while they are development keys", async () => {
    const generated = await deployVerifier(ethers, "generated", deployer);
    for (const { name, publicSignals, verifyingKeyHash } of manifest.circuits) {
      const circuit = circuitIndex(name as CircuitName);
      expect(await generated.keyHash(circuit)).toBe(verifyingKeyHash);
      expect(await generated.inputCount(circuit)).toBe(BigInt(publicSignals.length));
    }
    if (manifest.keys !== "development") return;
    const connection = await hre.network.connect({ network: "default", override: { chainId: 1 } });
    const [signer] = await connection.ethers.getSigners();
    const deployment = deployVerifier(connection.ethers, "generated", signer);
    await expectRefusal(deployment, verifier, "DevelopmentKeyOnPublicChain", [1n]);
  });
});
