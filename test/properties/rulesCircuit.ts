import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { readInstances } from "../../scripts/setup/instances.ts";
import { PLACES } from "../../scripts/setup/paths.ts";
import { ROOT, sourcesOf } from "../support/compile.ts";
import type { Inputs } from "../support/witnessCalculator.ts";
import { STAND_IN_SOURCE } from "./standInHash.ts";
import { witnessRunner } from "./witnessRunner.ts";

/** A circuit of this repository whose hash is the stand-in's: it has the rules of the real one at a fraction of the cost. */
export interface RulesCircuit {
  /**
   * Undefined when the inputs are accepted; else the templates around the failed assertion, the outermost first, each with its line:
   * `Transition: surplusRange.in <== surplus; > Range: decomposition.in <== in; > Num2Bits: lc1 === in;`.
   */
  refusedAt(inputs: Inputs): string | undefined;
  /** The public signals of accepted inputs in the circuit's order. Throws the refusal of others. */
  publicSignals(inputs: Inputs): bigint[];
}

const COMPILER = join(ROOT, "node_modules/circom2/cli.js");
const CACHE = join(ROOT, "build/test-rules");
const HASH_FILE = "circuits/lib/hash.circom";

/**
 * Folder of `circuit_js/circuit.wasm` of a main circuit over copies of the sources with the stand-in hash, named by all that goes in. It
 * appears by a rename, so that several test processes may ask at once. No constraints are asked for (O0): witnesses alone are wanted.
 */
async function compileWithStandIn(file: string, main: string): Promise<string> {
  const own = [...sourcesOf(resolve(ROOT, file))]
    .map(([path, text]): [string, string] => [relative(ROOT, path), text])
    .filter(([path]) => path.startsWith("circuits/"))
    .map(([path, text]): [string, string] => [path, path === HASH_FILE ? STAND_IN_SOURCE : text])
    .sort();
  const wrapper = `pragma circom 2.2.0;\ninclude "${file}";\ncomponent main ${main};\n`;
  const hash = createHash("sha256")
    .update(JSON.stringify([wrapper, own]))
    .digest("hex");
  const folder = join(CACHE, hash.slice(0, 32));
  if (existsSync(folder)) return folder;

  const working = join(CACHE, `.${process.pid}-${randomBytes(6).toString("hex")}`);
  try {
    for (const [path, text] of own) {
      mkdirSync(dirname(join(working, path)), { recursive: true });
      writeFileSync(join(working, path), text);
    }
    writeFileSync(join(working, "circuit.circom"), wrapper);
    const target = relative(ROOT, working);
    const args = [COMPILER, `${target}/circuit.circom`, "--wasm", "--O0", "-l", target, "-l", "node_modules"];
    await promisify(execFile)(process.execPath, [...args, "-o", target], {
      cwd: ROOT,
      maxBuffer: 1 << 26,
    }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`circom refused ${file} (${main}):\n${stdout}${stderr}`);
    });
    renameSync(working, folder);
  } catch (error) {
    rmSync(working, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** For each template of some sources the lines of its file, comments kept. */
function templateLines(sources: Iterable<string>): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (const source of sources) {
    for (const [, name] of source.matchAll(/^\s*template\s+(\w+)\s*\(/gm))
      lines.set(String(name), source.split("\n"));
  }
  return lines;
}

async function open(file: string, wasm: string, outputs: number): Promise<RulesCircuit> {
  const run = await witnessRunner(await WebAssembly.compile(readFileSync(wasm)), outputs);
  const lines = templateLines(sourcesOf(resolve(ROOT, file)).values());
  return {
    refusedAt(inputs) {
      const answer = run(inputs);
      if (answer.accepted) return undefined;
      const frames = [...answer.refusal.message.matchAll(/template (\w+?)_\d+ line: (\d+)/g)].reverse();
      return frames
        .map(([, name, line]) => `${name}: ${lines.get(String(name))?.[Number(line) - 1]?.trim()}`)
        .join(" > ");
    },
    publicSignals(inputs) {
      const answer = run(inputs);
      if (!answer.accepted) throw answer.refusal;
      return answer.publicSignals;
    },
  };
}

/**
 * `template(parameters)` of a source file with the stand-in hash. `outputs`: how many public values it has, its outputs first, arrays counted
 * out.
 */
export async function rulesTemplate(
  file: string,
  template: string,
  parameters: readonly number[],
  publicSignals: readonly string[],
  outputs: number,
): Promise<RulesCircuit> {
  const visible = publicSignals.length > 0 ? `{public [${publicSignals.join(", ")}]} ` : "";
  const folder = await compileWithStandIn(file, `${visible}= ${template}(${parameters.join(", ")})`);
  return open(file, join(folder, "circuit_js/circuit.wasm"), outputs);
}

/** An instance of circuits/instances.json with the stand-in hash. */
export async function rulesInstance(name: string, outputs: number): Promise<RulesCircuit> {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  const { file, template, parameters, publicSignals } = instance;
  return rulesTemplate(file, template, parameters as number[], publicSignals, outputs);
}

/** An instance of circuits/instances.json as it is, Poseidon included, of which only what it says of inputs is wanted. */
export async function trueInstance(name: string, outputs: number): Promise<RulesCircuit> {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  return open(instance.file, join(PLACES.build, `circuits/${name}/${name}.wasm`), outputs);
}
