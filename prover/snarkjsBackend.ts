import { groth16, zKey } from "snarkjs";
import {
  CIRCUIT_PLACES,
  type CircuitPlaces,
  provingKeyFile,
  readSetupFile,
  witnessFile,
} from "../protocol/circuitFiles.ts";
import { type CurveHold, holdCurve } from "../protocol/curve.ts";
import { SolvusError } from "../protocol/errors.ts";
import { toProofWords, verifyProof } from "../protocol/groth16.ts";
import { type VerifyingKey, verifyingKeyHash } from "../protocol/verifyingKey.ts";
import type { ProvingBackend } from "./backend.ts";
import { calculateWitness } from "./witnessCalculator.ts";

/** A circuit in memory: about 10 MB for an insertion, 80 MB for a transition of the large tier. */
interface Loaded {
  calculator: WebAssembly.Module;
  provingKey: Uint8Array;
  verifyingKey: VerifyingKey;
}

/** Proves with snarkjs. Keys, compiled calculators and the curve's threads stay in memory until `close`. */
export function snarkjsBackend(places: CircuitPlaces = CIRCUIT_PLACES): ProvingBackend {
  const circuits = new Map<string, Promise<Loaded>>();
  let hold: Promise<CurveHold> | undefined;

  const read = async (circuit: string): Promise<Loaded> => {
    hold ??= holdCurve();
    await hold;
    const [wasm, provingKey] = await Promise.all([
      readSetupFile(witnessFile(places.build, circuit), `witness calculator of ${circuit}`),
      readSetupFile(provingKeyFile(places.build, circuit), `proving key of ${circuit}`),
    ]);
    try {
      const [calculator, verifyingKey] = await Promise.all([
        WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>),
        zKey.exportVerificationKey(provingKey) as Promise<VerifyingKey>,
      ]);
      return { calculator, provingKey, verifyingKey };
    } catch {
      throw new SolvusError(
        "setup.damaged",
        `files of ${circuit} in ${places.build}: not a proving key and a witness calculator; run "npm run setup"`,
      );
    }
  };
  const load = (circuit: string): Promise<Loaded> => {
    const known = circuits.get(circuit);
    if (known !== undefined) return known;
    const loading = read(circuit);
    circuits.set(circuit, loading);
    loading.catch(() => circuits.delete(circuit));
    return loading;
  };

  return {
    async load(circuit) {
      return { verifyingKeyHash: verifyingKeyHash((await load(circuit)).verifyingKey) };
    },
    async witness(circuit, input) {
      const { calculator, verifyingKey } = await load(circuit);
      return calculateWitness(calculator, circuit, verifyingKey.nPublic, input);
    },
    async prove(circuit, witness) {
      const { provingKey } = await load(circuit);
      try {
        const { proof } = await groth16.prove(provingKey, witness.bytes);
        return toProofWords(proof);
      } catch {
        // The library's message might quote what it was given.
        throw new SolvusError(
          "prover.failed",
          `circuit ${circuit}: proving key and witness calculator do not fit together; run "npm run setup"`,
        );
      }
    },
    async verify(circuit, proof, publicSignals) {
      return verifyProof((await load(circuit)).verifyingKey, proof, publicSignals);
    },
    async close() {
      circuits.clear();
      const held = hold;
      hold = undefined;
      await (await held)?.release();
    },
  };
}
