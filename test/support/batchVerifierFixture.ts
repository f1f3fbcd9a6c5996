import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import hre from "hardhat";
import { deployVerifier } from "../../contracts/deploy.ts";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { createForger, type Forger } from "./forgedProofs.ts";
import { type Item, provenItem, wordsOf } from "./proofBatch.ts";

export interface BatchVerifierFixture {
  ethers: HardhatEthers;
  deployer: HardhatEthersSigner;
  forger: Forger;
  /** The verifier with the forger's keys. */
  verifier: Contract;
  /** Whether a batch is accepted; a refusal of a public signal >= r counts as no. */
  batch(items: readonly Item[]): Promise<boolean>;
  /** Whether one proof is accepted, likewise. */
  single(item: Item): Promise<boolean>;
  /** A valid item of each of these circuits. */
  proven(...circuits: CircuitName[]): Item[];
  /** Sixteen valid items: one of every circuit, two of some. */
  everyCircuit(): Item[];
}

/** A verifier on a fresh in-process chain, with a forger of proofs for its keys, which the caller closes. */
export async function batchVerifierFixture(): Promise<BatchVerifierFixture> {
  const { ethers } = await hre.network.connect();
  const [deployer] = await ethers.getSigners();
  const forger = await createForger();
  const verifier = await deployVerifier(ethers, forger.keys, deployer);
  const proven = (...circuits: CircuitName[]): Item[] =>
    circuits.map((circuit) => provenItem(forger, circuit));
  return {
    ethers,
    deployer,
    forger,
    verifier,
    batch: (items) => accepted(verifier.verifyBatch(wordsOf(items))),
    single: ({ circuit, proof, inputs }) => accepted(verifier.verify(circuitIndex(circuit), proof, inputs)),
    proven,
    everyCircuit: () => proven(...CIRCUITS, ...CIRCUITS.slice(0, 6)),
  };
}

async function accepted(verification: Promise<boolean>): Promise<boolean> {
  try {
    return await verification;
  } catch (error) {
    if (String(error).includes("InputNotInField")) return false;
    throw error;
  }
}
