import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { runNode } from "./child.ts";
import { hashOf, hashOfFile, hashOfFiles, transitiveIncludes } from "./contentHash.ts";
import { type Instance, mainComponent } from "./instances.ts";
import { circuitDirectory, circuitFile, type Places } from "./paths.ts";
import { domainSize, readR1cs } from "./r1cs.ts";
import { freshFacts, removeStamp, writeStamp } from "./stamp.ts";
import { declaredNames, publicSignalNames } from "./symbols.ts";
import { temporaryDirectory } from "./temporary.ts";

/** What is known of a compiled circuit. */
export interface CircuitFacts {
  constraints: number;
  /** Rows of the evaluation domain, a power of two. */
  domain: number;
  /** Public signals in the order of the proof, array elements one by one. */
  publicSignals: string[];
  r1csSha256: string;
}

const require = createRequire(import.meta.url);
const FLAGS = ["--O2", "--r1cs", "--wasm", "--sym", "-l", ".", "-l", "node_modules"];

function compilerVersion(): string {
  return JSON.parse(readFileSync(require.resolve("circom2/package.json"), "utf8")).version;
}

/** Hash of all that a circuit's compilation depends on: sources, parameters, flags, compiler. */
export function circuitHash(instance: Instance, places: Places): string {
  const sources = transitiveIncludes(instance.file, places.root);
  const contents = hashOfFiles(
    places.root,
    sources.map((file) => join(places.root, file)),
  );
  return hashOf(compilerVersion(), FLAGS.join(" "), mainComponent(instance), contents);
}

/** The facts of a circuit that is compiled already, or undefined. */
export function compiledCircuit(instance: Instance, places: Places): CircuitFacts | undefined {
  return freshFacts(places.build, stampName(instance), circuitHash(instance, places));
}

/**
 * Compiles a circuit to `build/circuits/<name>`.
 * @throws Error with the compiler's messages, or naming a public signal that is not where the instance list says
 */
export async function compileCircuit(instance: Instance, places: Places): Promise<CircuitFacts> {
  const { build, root } = places;
  const { name } = instance;
  const hash = circuitHash(instance, places);
  removeStamp(build, stampName(instance));
  const directory = temporaryDirectory(build);
  const compiled = join(directory, "compiled");
  mkdirSync(compiled);
  // The compiler cuts names at the last dot and sees nothing above its working directory: a plain name, relative paths.
  writeFileSync(join(directory, "circuit.circom"), mainComponent(instance));
  const from = relative(root, directory);
  await runNode(
    require.resolve("circom2/cli.js"),
    [join(from, "circuit.circom"), ...FLAGS, "-o", join(from, "compiled")],
    root,
  );
  renameSync(join(compiled, "circuit_js", "circuit.wasm"), join(compiled, `${name}.wasm`));
  for (const extension of ["r1cs", "sym"]) {
    renameSync(join(compiled, `circuit.${extension}`), join(compiled, `${name}.${extension}`));
  }
  rmSync(join(compiled, "circuit_js"), { recursive: true });
  const facts = await readFacts(instance, compiled);
  const target = circuitDirectory(build, name);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  renameSync(compiled, target);
  rmSync(directory, { recursive: true });
  const files = (["r1cs", "wasm", "sym"] as const).map((extension) => circuitFile(build, name, extension));
  writeStamp(build, stampName(instance), hash, files, facts);
  return facts;
}

async function readFacts(instance: Instance, directory: string): Promise<CircuitFacts> {
  const file = (extension: string): string => join(directory, `${instance.name}.${extension}`);
  const r1cs = readR1cs(file("r1cs"));
  const publicSignals = await publicSignalNames(file("sym"), r1cs.publicSignals);
  const expected = instance.publicSignals.join(", ");
  const found = declaredNames(publicSignals).join(", ");
  if (found !== expected) {
    throw new Error(
      `${instance.name}: public signals are (${found}), circuits/instances.json says (${expected})`,
    );
  }
  return {
    constraints: r1cs.constraints,
    domain: domainSize(r1cs),
    publicSignals,
    r1csSha256: await hashOfFile(file("r1cs")),
  };
}

function stampName(instance: Instance): string {
  return `circuit.${basename(instance.name)}`;
}
