import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Inputs, Refusal } from "../support/witnessCalculator.ts";

/** What a circuit says of some inputs: the values of its public signals, or why it refuses. */
export type Answer = { accepted: true; publicSignals: bigint[] } | { accepted: false; refusal: Refusal };

/** Puts inputs before one circuit, thousands of times. */
export type WitnessRunner = (inputs: Inputs) => Answer;

const nameHashes = new Map<string, [number, number]>();

/** FNV-1a of a signal name, by which circom's generated code finds an input. */
function nameHash(name: string): [number, number] {
  const known = nameHashes.get(name);
  if (known !== undefined) return known;
  let hash = 0xcbf29ce484222325n;
  for (const character of name)
    hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n) & ((1n << 64n) - 1n);
  const halves: [number, number] = [Number(hash >> 32n), Number(hash & 0xffffffffn)];
  nameHashes.set(name, halves);
  return halves;
}

/**
 * A witness calculator that keeps one instance of the module over all calls (`init` starts each anew) and reads nothing but the public
 * signals. `outputs` is how many wires after the constant 1 are read. Throws an Error when the inputs are not those of the circuit.
 */
export async function witnessRunner(module: WebAssembly.Module, outputs: number): Promise<WitnessRunner> {
  let trace = "";
  const instance = await WebAssembly.instantiate(module, {
    runtime: {
      exceptionHandler(code: number) {
        throw new Refusal(`error ${code}\n${trace}`);
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
  // Every function that circom generates takes and returns numbers.
  const wasm = instance.exports as Record<string, (...words: number[]) => number>;
  const words = wasm.getFieldNumLen32();
  const message = (): string => {
    let text = "";
    for (let code = wasm.getMessageChar(); code !== 0; code = wasm.getMessageChar())
      text += String.fromCharCode(code);
    return text;
  };
  const write = (raw: bigint): void => {
    let rest = raw >= 0n && raw < FIELD_ORDER ? raw : ((raw % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;
    for (let word = 0; word < words; word++) {
      wasm.writeSharedRWMemory(word, Number(rest & 0xffffffffn));
      rest >>= 32n;
    }
  };
  const read = (wire: number): bigint => {
    wasm.getWitness(wire);
    let element = 0n;
    for (let word = words - 1; word >= 0; word--)
      element = (element << 32n) | BigInt(wasm.readSharedRWMemory(word) >>> 0);
    return element;
  };

  const give = (inputs: Inputs): void => {
    let given = 0;
    for (const [name, value] of Object.entries(inputs)) {
      const [high, low] = nameHash(name);
      const values = [value].flat(Number.POSITIVE_INFINITY) as bigint[];
      const size = wasm.getInputSignalSize(high, low);
      if (size !== values.length)
        throw new Error(`input ${name}: ${values.length} values given, the circuit has ${size}`);
      for (const [index, element] of values.entries()) {
        write(element);
        // The last input starts the calculation.
        wasm.setInputSignal(high, low, index);
        given++;
      }
    }
    if (given < wasm.getInputSize())
      throw new Error(`${given} of ${wasm.getInputSize()} input values were given`);
  };

  return (inputs) => {
    trace = "";
    wasm.init(1);
    try {
      give(inputs);
    } catch (error) {
      if (error instanceof Refusal) return { accepted: false, refusal: error };
      throw error;
    }
    return { accepted: true, publicSignals: Array.from({ length: outputs }, (_, wire) => read(wire + 1)) };
  };
}
