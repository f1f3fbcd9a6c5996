import { FIELD_ORDER } from "../protocol/constants.ts";
import { SolvusError } from "../protocol/errors.ts";
import type { CircuitInput, CircuitValue } from "../protocol/openedRowsInput.ts";
import type { Witness } from "./backend.ts";

/*
 * Runs the witness calculators that circom generates. Nothing that a calculator reports may hold a value: messages name signals,
 * templates and lines only.
 */

/** Codes with which circom's generated code gives up. */
const REASONS: Record<number, string> = {
  1: "it has no such input",
  2: "an input was set too often",
  3: "an input was set twice",
  4: "a constraint does not hold",
  5: "out of memory",
};

/** Bytes of a field element. */
const ELEMENT_BYTES = 32;

/** FNV-1a of a signal name in two words, by which the generated code finds an input. */
function nameHash(name: string): [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const character of name) {
    hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n) & ((1n << 64n) - 1n);
  }
  return [Number(hash >> 32n), Number(hash & 0xffffffffn)];
}

function flatten(value: CircuitValue): bigint[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [value];
}

/** The exported functions of a calculator; all take and return 32-bit numbers. */
type Calculator = Record<string, (...words: number[]) => number>;

function setInput(wasm: Calculator, circuit: string, name: string, value: CircuitValue): number {
  const [high, low] = nameHash(name);
  const values = flatten(value);
  const size = wasm.getInputSignalSize?.(high, low) as number;
  if (size !== values.length) {
    throw new SolvusError(
      "prover.inputs",
      `circuit ${circuit}: input ${name} has ${values.length} values, expected ${size > 0 ? size : "no such input"}`,
    );
  }
  for (const [index, raw] of values.entries()) {
    const element = ((raw % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;
    for (let word = 0; word < ELEMENT_BYTES / 4; word++) {
      wasm.writeSharedRWMemory?.(word, Number((element >> BigInt(32 * word)) & 0xffffffffn));
    }
    wasm.setInputSignal?.(high, low, index);
  }
  return values.length;
}

/** Every wire as 32 little-endian bytes. */
function wiresOf(wasm: Calculator): Uint8Array {
  const words = ELEMENT_BYTES / 4;
  const elements = new Uint32Array((wasm.getWitnessSize?.() as number) * words);
  for (let offset = 0; offset < elements.length; offset += words) {
    wasm.getWitness?.(offset / words);
    for (let word = 0; word < words; word++) {
      elements[offset + word] = wasm.readSharedRWMemory?.(word) as number;
    }
  }
  return new Uint8Array(elements.buffer);
}

function elementAt(elements: Uint8Array, wire: number): bigint {
  const view = new DataView(elements.buffer, elements.byteOffset + wire * ELEMENT_BYTES, ELEMENT_BYTES);
  let element = 0n;
  for (let word = ELEMENT_BYTES / 8 - 1; word >= 0; word--) {
    element = (element << 64n) | view.getBigUint64(8 * word, true);
  }
  return element;
}

/**
 * The witness of a circuit with `publicCount` public inputs. A compiled module may serve any number of calls; each runs in an instance
 * of its own, so nothing secret stays behind.
 *
 * Throws `prover.refused`, naming the templates around the constraint that failed, the outermost first, and `prover.inputs` when the
 * inputs are not those of the circuit.
 */
export async function calculateWitness(
  module: WebAssembly.Module,
  circuit: string,
  publicCount: number,
  input: CircuitInput,
): Promise<Witness> {
  let trace = "";
  const message = (): string => {
    let text = "";
    for (let code = wasm.getMessageChar?.(); code; code = wasm.getMessageChar?.()) {
      text += String.fromCharCode(code);
    }
    return text;
  };
  const instance = await WebAssembly.instantiate(module, {
    runtime: {
      exceptionHandler(code: number) {
        const templates = [...trace.matchAll(/template (\w+?)_\d+ line: (\d+)/g)]
          .map(([, name, line]) => `${name} (line ${line})`)
          .reverse();
        throw new SolvusError(
          "prover.refused",
          `circuit ${circuit}: refuses the inputs, ${REASONS[code] ?? `error ${code}`}: ${templates.join(" > ") || "main"}`,
        );
      },
      printErrorMessage() {
        trace += `${message()}\n`;
      },
      writeBufferMessage() {
        message();
      },
      showSharedRWMemory() {},
    },
  });
  const wasm = instance.exports as Calculator;
  wasm.init?.(1);
  let given = 0;
  for (const [name, value] of Object.entries(input)) given += setInput(wasm, circuit, name, value);
  const expected = wasm.getInputSize?.();
  if (given !== expected) {
    throw new SolvusError("prover.inputs", `circuit ${circuit}: ${given} input values, expected ${expected}`);
  }
  const elements = wiresOf(wasm);
  // Wire 0 is the constant 1; the public inputs follow in their order.
  return {
    elements,
    publicSignals: Array.from({ length: publicCount }, (_, i) => elementAt(elements, i + 1)),
  };
}
