import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { compiledCircuit } from "../../scripts/setup/circuits.ts";
import { readInstances } from "../../scripts/setup/instances.ts";
import { circuitFile, PLACES } from "../../scripts/setup/paths.ts";
import { compile, type Optimization, ROOT, sourcesOf } from "./compile.ts";
import { type Constraint, holds, readConstraints, wiresToConstraints } from "./r1cs.ts";
import { readSymbols } from "./symbols.ts";
import { type Inputs, Refusal, witnessCalculator, witnessModule } from "./witnessCalculator.ts";

/** A compiled circuit under test. */
export interface Circuit {
  /** Number of R1CS constraints after optimization. */
  constraints: number;
  /** The witness for these inputs. Rejects with a {@link Refusal} when the circuit refuses them. */
  witness(inputs: Inputs): Promise<bigint[]>;
  /** How the circuit refuses these inputs; undefined when they are accepted. A verdict takes less than a witness, whose wires are read one by one. */
  refusal(inputs: Inputs): Promise<Refusal | undefined>;
  /**
   * Templates around the assertion that refuses these inputs, the outermost first (`Insertion > NodeAt > Num2Bits`); undefined when
   * the inputs are accepted.
   */
  refusedBy(inputs: Inputs): Promise<string | undefined>;
  /** The line of source whose assertion refuses these inputs (`empty === commitment;`); undefined when they are accepted. */
  refusedAt(inputs: Inputs): Promise<string | undefined>;
  /** Both: `Insertion > NodeAt > Num2Bits: …`, then the line. */
  refused(inputs: Inputs): Promise<string | undefined>;
  /**
   * Every constraint that a witness breaks, as `Outer > Inner at main.path: constraint k (signals)`; empty for a valid one. Unlike
   * {@link refusedBy} this asks the constraints themselves: a value that was only computed, never constrained, breaks none.
   */
  violations(witness: readonly bigint[]): string[];
  /** The constraints that a valid witness breaks once one signal has another value; quicker than {@link violations} of a copy. */
  brokenBy(witness: readonly bigint[], signal: string, value: bigint): string[];
  /** A copy of a witness in which one signal (`main.path.signal[0]`) has another value. */
  set(witness: readonly bigint[], signal: string, value: bigint): bigint[];
  /** Names of the signals that match a pattern and were not substituted away. */
  signals(pattern: RegExp): string[];
  /** Value of a signal in a witness. */
  get(witness: readonly bigint[], signal: string): bigint;
}

/** What `make` makes when first asked for. */
function onDemand<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** Compiles (or takes from the cache) `template(parameters)` of a source file, with the given public inputs. */
export async function loadTemplate(
  file: string,
  template: string,
  parameters: readonly (number | bigint)[] = [],
  publicSignals: readonly string[] = [],
  optimization: Optimization = "O2",
): Promise<Circuit> {
  const visible = publicSignals.length > 0 ? `{public [${publicSignals.join(", ")}]} ` : "";
  const folder = await compile(file, `${visible}= ${template}(${parameters.join(", ")})`, optimization);
  return openCircuit(file, template, {
    r1cs: join(folder, "circuit.r1cs"),
    sym: join(folder, "circuit.sym"),
    wasm: join(folder, "circuit_js/circuit.wasm"),
  });
}

/** Reads what a compilation of `template` of `file` made. */
async function openCircuit(
  file: string,
  template: string,
  made: { r1cs: string; sym: string; wasm: string },
): Promise<Circuit> {
  const sources = sourcesOf(resolve(ROOT, file));
  // Most tests ask for verdicts alone, and neither is read in a moment.
  const constraints = onDemand(() => readConstraints(readFileSync(made.r1cs)));
  const symbols = onDemand(() => readSymbols(readFileSync(made.sym, "utf8"), sources.values(), template));
  const module = await WebAssembly.compile(await readFile(made.wasm));
  const refusal = async (inputs: Inputs): Promise<Refusal | undefined> => {
    const calculator = await witnessModule(module);
    try {
      calculator.calculate(inputs);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  };
  const lineOf = (refused: Refusal): string | undefined => {
    const declaration = new RegExp(`\\btemplate\\s+${refused.templates.at(-1)}\\s*\\(`);
    const source = [...sources.values()].find((text) => declaration.test(text));
    return source?.split("\n")[refused.line - 1]?.trim();
  };
  /** For each wire, the constraints that it takes part in. */
  const touching = onDemand(() => wiresToConstraints(constraints()));

  return {
    get constraints() {
      return constraints().length;
    },
    witness: witnessCalculator(module),
    refusal,
    async refusedBy(inputs) {
      return (await refusal(inputs))?.templates.join(" > ");
    },
    async refusedAt(inputs) {
      const refused = await refusal(inputs);
      return refused && lineOf(refused);
    },
    async refused(inputs) {
      const refused = await refusal(inputs);
      return refused && `${refused.templates.join(" > ")}: ${lineOf(refused)}`;
    },
    brokenBy(witness, signal, value) {
      const wire = symbols().wire(signal);
      const tampered = witness.with(wire, value);
      return (touching()[wire] ?? [])
        .filter((index) => !holds(constraints()[index] as Constraint, tampered))
        .map((index) => symbols().describe(constraints()[index] as Constraint, index));
    },
    violations(witness) {
      return constraints().flatMap((constraint, index) =>
        holds(constraint, witness) ? [] : [symbols().describe(constraint, index)],
      );
    },
    set(witness, signal, value) {
      return witness.with(symbols().wire(signal), value);
    },
    signals: (pattern) => symbols().matching(pattern),
    get(witness, signal) {
      return witness[symbols().wire(signal)] as bigint;
    },
  };
}

/** An instance of circuits/instances.json: what the set-up made of it when that is up to date, else compiled here. */
export async function loadInstance(name: string, optimization: Optimization = "O2"): Promise<Circuit> {
  const instance = readInstances(PLACES.instances).find((candidate) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  const { file, template, parameters, publicSignals } = instance;
  if (optimization === "O2" && compiledCircuit(instance, PLACES) !== undefined) {
    const made = (extension: "r1cs" | "sym" | "wasm") => circuitFile(PLACES.build, name, extension);
    return openCircuit(file, template, { r1cs: made("r1cs"), sym: made("sym"), wasm: made("wasm") });
  }
  return loadTemplate(file, template, parameters, publicSignals, optimization);
}
