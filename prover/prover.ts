import {
  CIRCUIT_PLACES,
  type CircuitPlaces,
  type ManifestEntry,
  manifestEntry,
  readManifest,
} from "../protocol/circuitFiles.ts";
import { ensure } from "../protocol/errors.ts";
import type { CircuitInput } from "../protocol/openedRowsInput.ts";
import type { Proof, ProvingBackend, Witness } from "./backend.ts";
import { snarkjsBackend } from "./snarkjsBackend.ts";

/** What a proof is asked for: a circuit instance, all of its inputs, and what its public signals must be, in order. */
export interface Statement {
  circuit: string;
  input: CircuitInput;
  publicSignals: readonly bigint[];
}

/** A statement's proof, verified. `proof` is in the contracts' order: a.x a.y b.x.im b.x.re b.y.im b.y.re c.x c.y. */
export interface ProvenStatement {
  circuit: string;
  proof: Proof;
  publicSignals: bigint[];
}

/** Says with which key a ledger checks a circuit's proofs: keccak-256, 0x… */
export interface KeyHashes {
  keyHash(circuit: string): Promise<string>;
}

export interface ProverOptions {
  /** Manifest and generated files; by default those of the repository. */
  places?: CircuitPlaces;
  /** When given, a key is used only if the ledger uses it as well. */
  chain?: KeyHashes;
  /** By default snarkjs. */
  backend?: ProvingBackend;
}

/**
 * Proves statements one after another, with keys in memory between proofs.
 *
 * Throws `setup.missing` (files to be made by `npm run setup`), `setup.keyMismatch` and `prover.ledgerKey` (a key that is not the
 * manifest's or the ledger's), `prover.refused` (the circuit refuses the inputs; names the templates), `prover.inputs`,
 * `prover.publicSignals` and `prover.invalid`. No message holds an input.
 */
export interface Prover {
  /** Proof of a statement. It has been verified when this resolves. */
  prove(statement: Statement): Promise<ProvenStatement>;
  /** The witness alone: a dry run that shows whether the circuit accepts the inputs, in a tenth of the time. */
  witness(statement: Statement): Promise<Witness>;
  /** Loads and checks the keys of circuits ahead of their first proof. */
  warm(circuits: readonly string[]): Promise<void>;
  /** Frees memory and ends threads, after which the process can exit. */
  close(): Promise<void>;
}

export function createProver(options: ProverOptions = {}): Prover {
  const places = options.places ?? CIRCUIT_PLACES;
  const backend = options.backend ?? snarkjsBackend(places);
  const checked = new Map<string, Promise<void>>();
  let manifest: ManifestEntry[] | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  const check = async (circuit: string): Promise<void> => {
    manifest ??= await readManifest(places.manifest);
    const entry = manifestEntry(manifest, circuit);
    // The ledger is asked first: its answer takes milliseconds, reading a key up to a second.
    const onChain = await options.chain?.keyHash(circuit);
    ensure(
      onChain === undefined || onChain.toLowerCase() === entry.verifyingKeyHash,
      "prover.ledgerKey",
      `key of ${circuit}: the ledger has hash ${onChain}, expected ${entry.verifyingKeyHash} as the manifest says`,
    );
    const { verifyingKeyHash } = await backend.load(circuit);
    ensure(
      verifyingKeyHash === entry.verifyingKeyHash,
      "setup.keyMismatch",
      `proving key of ${circuit}: hash ${verifyingKeyHash}, expected ${entry.verifyingKeyHash} as the manifest says; run "npm run setup"`,
    );
  };
  const load = async (circuit: string): Promise<void> => {
    ensure(!closed, "prover.closed", "prover: closed, expected one in use");
    const known = checked.get(circuit);
    if (known !== undefined) return known;
    const checking = check(circuit);
    checked.set(circuit, checking);
    checking.catch(() => checked.delete(circuit));
    return checking;
  };
  const witnessOf = async ({ circuit, input, publicSignals }: Statement): Promise<Witness> => {
    await load(circuit);
    const witness = await backend.witness(circuit, input);
    const differs = witness.publicSignals.findIndex((signal, index) => signal !== publicSignals[index]);
    ensure(
      witness.publicSignals.length === publicSignals.length && differs === -1,
      "prover.publicSignals",
      `public signals of ${circuit}: the circuit has others than the statement, first at index ${differs}`,
    );
    return witness;
  };
  const proveNow = async (statement: Statement): Promise<ProvenStatement> => {
    const { circuit } = statement;
    const witness = await witnessOf(statement);
    const proof = await backend.prove(circuit, witness);
    ensure(
      await backend.verify(circuit, proof, witness.publicSignals),
      "prover.invalid",
      `proof of ${circuit}: does not verify, expected a proving key that fits its circuit; run "npm run setup"`,
    );
    return { circuit, proof, publicSignals: witness.publicSignals };
  };

  return {
    prove(statement) {
      // One at a time: two proofs at once take as long as one after the other, and twice the memory.
      const proving = last.then(() => proveNow(statement));
      last = proving.catch(() => undefined);
      return proving;
    },
    witness: witnessOf,
    async warm(circuits) {
      await Promise.all(circuits.map(load));
    },
    async close() {
      closed = true;
      await last;
      checked.clear();
      await backend.close();
    },
  };
}
