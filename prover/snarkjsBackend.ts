import { zKey } from "snarkjs";
import {
  CIRCUIT_PLACES,
  type CircuitPlaces,
  provingKeyFile,
  readSetupFile,
  witnessFile,
} from "../protocol/circuitFiles.ts";
import { type CurveHold, holdCurve } from "../protocol/curve.ts";
import { SolvusError } from "../protocol/errors.ts";
import { verifyProof } from "../protocol/groth16.ts";
import { type VerifyingKey, verifyingKeyHash } from "../protocol/verifyingKey.ts";
import type { ProvingBackend } from "./backend.ts";
import { proveGroth16 } from "./groth16.ts";
import { type ProvingKey, readProvingKey } from "./provingKey.ts";
import { calculateWitness } from "./witnessCalculator.ts";

/** A circuit in memory: its key takes about as much as its file, 10 to 90 MB. */
interface Loaded {
  calculator: WebAssembly.Module;
  provingKey: ProvingKey;
  verifyingKey: VerifyingKey;
}

/**
 * Proves with snarkjs's keys, engine and threads. Keys taken apart, compiled calculators and the curve's threads stay in memory until
 * `close`.
 */
export function snarkjsBackend(places: CircuitPlaces = CIRCUIT_PLACES): ProvingBackend {
  const circuits = new Map<string, Promise<Loaded>>();
  let hold: Promise<CurveHold> | undefined;

  const read = async (circuit: string): Promise<Loaded> => {
    hold ??= holdCurve();
    const { curve } = await hold;
    const [wasm, zkey] = await Promise.all([
      readSetupFile(witnessFile(places.build, circuit), `witness calculator of ${circuit}`),
      readSetupFile(provingKeyFile(places.build, circuit), `proving key of ${circuit}`),
    ]);
    try {
      const [calculator, verifyingKey] = await Promise.all([
        WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>),
        zKey.exportVerificationKey(zkey) as Promise<VerifyingKey>,
      ]);
      const threads = (curve as unknown as { tm: { concurrency: number } }).tm.concurrency;
      return { calculator, provingKey: readProvingKey(zkey, threads), verifyingKey };
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
      const { curve } = await (hold as Promise<CurveHold>);
      return proveGroth16(curve, provingKey, witness.elements);
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
