import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { compile, type Optimization } from "../support/compile.ts";
import { type Inputs, witnessCalculator } from "../support/witnessCalculator.ts";
import { attackOn, type CircuitUnderAttack } from "./circuitUnderAttack.ts";
import { readSystem } from "./constraintSystem.ts";

/** A template as a circuit of its own with the witnesses of these inputs. */
export async function templateUnderAttack(
  file: string,
  template: string,
  inputs: readonly Inputs[],
  publicSignals: readonly string[] = [],
): Promise<CircuitUnderAttack> {
  const visible = publicSignals.length > 0 ? `{public [${publicSignals.join(", ")}]} ` : "";
  const made = async (optimization: Optimization) => {
    const folder = await compile(file, `${visible}= ${template}()`, optimization);
    return { folder, system: readSystem(join(folder, "circuit.r1cs"), join(folder, "circuit.sym")) };
  };
  const [fine, proven] = [await made("O1"), await made("O2")];
  const wasm = await readFile(join(fine.folder, "circuit_js/circuit.wasm"));
  const calculate = witnessCalculator(await WebAssembly.compile(wasm));
  return attackOn(fine.system, proven.system, await Promise.all(inputs.map(calculate)));
}
