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

const hashes = new Map<string, [number, number]>();

/** FNV-1a of a signal name, by which circom's generated code finds an input. */
function nameHash(name: string): [number, number] {
  const known = hashes.get(name);
  if (known !== undefined) return known;
  let hash = 0xcbf29ce484222325n;
  for (const character of name)
    hash = ((hash ^ BigInt(character.charCodeAt(0))) * 0x100000001b3n) & ((1n << 64n) - 1n);
  const halves: [number, number] = [Number(hash >> 32n), Number(hash & 0xffffffffn)];
  hashes.set(name, halves);
  return halves;
}

function flatten(value: unknown): bigint[] {
  return Array.isArray(value) ? value.flatMap(flatten) : [BigInt(value as bigint)];
}

/** An instance of a witness calculator that circom generated. */
export interface WitnessModule {
  /**
   * Starts anew with these inputs. Throws {@link Refusal} when an assertion of the circuit fails and an Error when the inputs are not those
   * of the circuit.
   */
  calculate(inputs: Inputs): void;
  /** Value of a wire of the last calculation; wire 0 is the constant 1, the public signals follow. */
  wire(index: number): bigint;
  readonly wires: number;
}

export async function witnessModule(module: WebAssembly.Module): Promise<WitnessModule> {
  let trace = "";
  const instance = await WebAssembly.instantiate(module, {
    runtime: {
      exceptionHandler(code: number) {
        throw new Refusal(`${REASONS[code] ?? `error ${code}`}\n${trace}`);
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

  return {
    calculate(inputs) {
      trace = "";
      wasm.init(1);
      let given = 0;
      for (const [name, value] of Object.entries(inputs)) {
        const [high, low] = nameHash(name);
        const values = flatten(value);
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
    },
    wire(index) {
      wasm.getWitness(index);
      let element = 0n;
      for (let word = words - 1; word >= 0; word--)
        element = (element << 32n) | BigInt(wasm.readSharedRWMemory(word) >>> 0);
      return element;
    },
    get wires() {
      return wasm.getWitnessSize();
    },
  };
}

/** A whole witness for each call, which instantiates the module afresh. Throws as {@link WitnessModule.calculate} does. */
export function witnessCalculator(module: WebAssembly.Module): (inputs: Inputs) => Promise<bigint[]> {
  return async (inputs) => {
    const calculator = await witnessModule(module);
    calculator.calculate(inputs);
    return Array.from({ length: calculator.wires }, (_, wire) => calculator.wire(wire));
  };
}
