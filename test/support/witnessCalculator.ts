import { FIELD_ORDER } from "../../protocol/constants.ts";

/** Inputs of a circuit: names of its input signals, values as bigints or nested arrays of them. */
export type Inputs = Record<string, unknown>;

/** A witness calculator's refusal: the templates around the failed assertion, the outermost first, and the innermost one's line. */
export class Refusal extends Error {
  readonly templates: string[];
  readonly line: number;

  constructor(message: string) {
    super(message);
    const frames = [...message.matchAll(/template (\w+?)_\d+ line: (\d+)/g)];
    this.templates = frames.map(([, name]) => String(name)).reverse();
    this.line = Number(frames[0]?.[2]);
  }
}

const REASONS = [
  "",
  "signal not found",
  "too many signals set",
  "signal already set",
  "assert failed",
  "not enough memory",
];

/** FNV-1a of a signal name, by which circom's generated code finds an input. */
function nameHash(name: string): [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const character of name)
    hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n) & ((1n << 64n) - 1n);
  return [Number(hash >> 32n), Number(hash & 0xffffffffn)];
}

function flatten(value: unknown): bigint[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [BigInt(value as bigint)];
}

/**
 * Runs circom's generated witness calculator. Each call instantiates the module afresh, so nothing is left over from a refusal.
 * Throws {@link Refusal} when an assertion of the circuit fails and an Error when the inputs are not those of the circuit.
 */
export function witnessCalculator(module: WebAssembly.Module): (inputs: Inputs) => Promise<bigint[]> {
  return async (inputs) => {
    let trace = "";
    let refusal: Refusal | undefined;
    const instance = await WebAssembly.instantiate(module, {
      runtime: {
        exceptionHandler(code: number) {
          refusal = new Refusal(`${REASONS[code] ?? `error ${code}`}\n${trace}`);
          throw refusal;
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
    const message = () => {
      let text = "";
      for (let code = wasm.getMessageChar(); code !== 0; code = wasm.getMessageChar())
        text += String.fromCharCode(code);
      return text;
    };

    wasm.init(1);
    const words = wasm.getFieldNumLen32();
    let given = 0;
    for (const [name, value] of Object.entries(inputs)) {
      const [high, low] = nameHash(name);
      const values = flatten(value);
      const size = wasm.getInputSignalSize(high, low);
      if (size !== values.length)
        throw new Error(`input ${name}: ${values.length} values given, the circuit has ${size}`);
      for (const [index, raw] of values.entries()) {
        const element = ((raw % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;
        for (let word = 0; word < words; word++) {
          wasm.writeSharedRWMemory(word, Number((element >> BigInt(32 * word)) & 0xffffffffn));
        }
        wasm.setInputSignal(high, low, index);
        given++;
      }
    }
    if (given < wasm.getInputSize())
      throw new Error(`${given} of ${wasm.getInputSize()} input values were given`);

    return Array.from({ length: wasm.getWitnessSize() }, (_, wire) => {
      wasm.getWitness(wire);
      let element = 0n;
      for (let word = words - 1; word >= 0; word--) {
        element = (element << 32n) | BigInt(wasm.readSharedRWMemory(word) >>> 0);
      }
      return element;
    });
  };
}
