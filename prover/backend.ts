import type { CircuitInput } from "../protocol/openedRowsInput.ts";

/** All wires of a circuit for some inputs. Secret. */
export interface Witness {
  /** 32 little-endian bytes for each wire. */
  elements: Uint8Array;
  /** Values of the public wires, in order. */
  publicSignals: bigint[];
}

/** A proof in the contracts' order: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y. */
export type Proof = bigint[];

/**
 * What proves and verifies behind the {@link Prover}. A back end holds keys in memory between proofs; circuits are named as in
 * `circuits/instances.json`.
 */
export interface ProvingBackend {
  /** Loads a circuit's key and witness calculator, unless it has. Returns the hash of the verifying key inside the proving key. */
  load(circuit: string): Promise<{ verifyingKeyHash: string }>;
  /** Throws `prover.refused` when the circuit refuses the inputs. */
  witness(circuit: string, input: CircuitInput): Promise<Witness>;
  prove(circuit: string, witness: Witness): Promise<Proof>;
  verify(circuit: string, proof: Proof, publicSignals: readonly bigint[]): Promise<boolean>;
  /** Forgets the keys and ends threads. */
  close(): Promise<void>;
}
