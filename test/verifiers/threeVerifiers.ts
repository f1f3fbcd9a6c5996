import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { Contract, ContractFactory } from "ethers";
import hre from "hardhat";
import { deployVerifier } from "../../contracts/deploy.ts";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { readPinnedKey } from "../../protocol/circuitFiles.ts";
import { developmentForger } from "../support/developmentForger.ts";
import type { Forger } from "../support/forgedProofs.ts";
import { type Item, wordsOf } from "../support/proofBatch.ts";
import { judge, type KeyPoints, keyPoints, type Verdict } from "./equation.ts";
import { snarkjsContract } from "./snarkjsContract.ts";

/** The verifier of batches, snarkjs' verifiers and the equation off the chain, all with the generated keys. */
export interface ThreeVerifiers {
  ethers: HardhatEthers;
  signer: HardhatEthersSigner;
  verifier: Contract;
  forger: Pick<Forger, "forge" | "close">;
  keys: Record<CircuitName, KeyPoints>;
  /** What `verify` says of one item, or the name of the error that it reverts with. */
  single(item: Item): Promise<boolean | string>;
  /** What `verifyBatch` says, likewise. */
  batch(items: readonly Item[]): Promise<boolean | string>;
  /** What snarkjs' contract says of one item. */
  snarkjs(item: Item): Promise<boolean>;
  /** What the equation says of one item. */
  equation(item: Item): Verdict;
}

export async function threeVerifiers(): Promise<ThreeVerifiers> {
  const { ethers } = await hre.network.connect();
  const [signer] = await ethers.getSigners();
  const verifier = await deployVerifier(ethers, "generated", signer);
  const keys = {} as Record<CircuitName, KeyPoints>;
  const snarkjsVerifiers = new Map<CircuitName, Promise<Contract>>();
  for (const circuit of CIRCUITS) {
    keys[circuit] = keyPoints(await readPinnedKey(circuit));
  }
  /** snarkjs' contract, exported, compiled and deployed when first asked for. */
  const snarkjsVerifier = async (circuit: CircuitName): Promise<Contract> => {
    const { abi, bytecode } = await snarkjsContract(circuit);
    const deployed = await new ContractFactory([...abi] as never, bytecode, signer).deploy();
    return new Contract(await deployed.getAddress(), [...abi] as never, signer);
  };
  const said = async (call: Promise<boolean>): Promise<boolean | string> => {
    try {
      return await call;
    } catch (error) {
      const { data } = error as { data?: string };
      const name = data === undefined ? undefined : verifier.interface.parseError(data)?.name;
      const shown = /reverted with custom error '(\w+)\(/.exec(String(error))?.[1];
      if ((name ?? shown) === undefined) throw error;
      return (name ?? shown) as string;
    }
  };
  return {
    ethers,
    signer,
    verifier,
    forger: await developmentForger(),
    keys,
    single: ({ circuit, proof, inputs }) => said(verifier.verify(circuitIndex(circuit), proof, inputs)),
    batch: (items) => said(verifier.verifyBatch(wordsOf(items))),
    async snarkjs({ circuit, proof: [ax, ay, bxIm, bxRe, byIm, byRe, cx, cy], inputs }) {
      if (!snarkjsVerifiers.has(circuit)) snarkjsVerifiers.set(circuit, snarkjsVerifier(circuit));
      const foreign = (await snarkjsVerifiers.get(circuit)) as Contract;
      const b = [
        [bxIm, bxRe],
        [byIm, byRe],
      ];
      return foreign.verifyProof([ax, ay], b, [cx, cy], inputs);
    },
    equation: ({ circuit, proof, inputs }) => judge(keys[circuit], proof, inputs),
  };
}
