import { readFile } from "node:fs/promises";
import { CIRCUIT_PLACES, readPinnedKey, witnessFile } from "../../protocol/circuitFiles.ts";
import { verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import type { ProvingBackend } from "../../prover/backend.ts";
import { calculateWitness } from "../../prover/witnessCalculator.ts";

/** Compiled calculators by circuit: all files of a worker share them. */
const calculators = new Map<string, Promise<WebAssembly.Module>>();

function calculatorOf(circuit: string): Promise<WebAssembly.Module> {
  const known = calculators.get(circuit);
  if (known !== undefined) return known;
  const compiling = readFile(witnessFile(CIRCUIT_PLACES.build, circuit)).then((wasm) =>
    WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>),
  );
  calculators.set(circuit, compiling);
  return compiling;
}

const provesNothing = (): Promise<never> => Promise.reject(new Error("a judge of witnesses proves nothing"));

/**
 * A back end for provers of whom tests want witnesses alone, by the real circuits. It reads no proving key, which takes a second and a curve's
 * threads, and proves and verifies nothing.
 */
export function judgingBackend(): ProvingBackend {
  return {
    async load(circuit) {
      return { verifyingKeyHash: verifyingKeyHash(await readPinnedKey(circuit)) };
    },
    async witness(circuit, input) {
      const { nPublic } = await readPinnedKey(circuit);
      return calculateWitness(await calculatorOf(circuit), circuit, nPublic, input);
    },
    prove: provesNothing,
    verify: provesNothing,
    async close() {},
  };
}
