import { type Inputs, Refusal, witnessModule } from "../support/witnessCalculator.ts";

/** What a circuit says of some inputs: the values of its public signals, or why it refuses. */
export type Answer = { accepted: true; publicSignals: bigint[] } | { accepted: false; refusal: Refusal };

/** Puts inputs before one circuit, thousands of times. */
export type WitnessRunner = (inputs: Inputs) => Answer;

/**
 * A witness calculator that keeps one instance of the module over all calls and reads nothing but the public signals, of which there are
 * `outputs`. Throws an Error when the inputs are not those of the circuit.
 */
export async function witnessRunner(module: WebAssembly.Module, outputs: number): Promise<WitnessRunner> {
  const calculator = await witnessModule(module);
  return (inputs) => {
    try {
      calculator.calculate(inputs);
    } catch (error) {
      if (error instanceof Refusal) return { accepted: false, refusal: error };
      throw error;
    }
    return {
      accepted: true,
      publicSignals: Array.from({ length: outputs }, (_, wire) => calculator.wire(wire + 1)),
    };
  };
}
