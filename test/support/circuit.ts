import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { compile, type Optimization, ROOT, sourcesOf } from "./compile.ts";
import { type Constraint, holds, readConstraints, wiresToConstraints } from "./r1cs.ts";
import { readSymbols } from "./symbols.ts";
import { undeterminedWires } from "./uniqueness.ts";
import { type Inputs, Refusal, witnessCalculator } from "./witnessCalculator.ts";

/** A compiled circuit under test. */
export interface Circuit {
  /** Number of R1CS constraints after optimization. */
  constraints: number;
  /** The witness for these inputs. Rejects with a {@link Refusal} when the circuit refuses them. */
  witness(inputs: Inputs): Promise<bigint[]>;
  /**
   * Templates around the assertion that refuses these inputs, the outermost first (`Insertion > NodeAt > Num2Bits`); undefined when
   * the inputs are accepted.
   */
  refusedBy(inputs: Inputs): Promise<string | undefined>;
  /** The line of source whose assertion refuses these inputs (`empty === commitment;`); undefined when they are accepted. */
  refusedAt(inputs: Inputs): Promise<string | undefined>;
  /**
   * Every constraint that a witness breaks, as `Outer > Inner at main.path: constraint k (signals)`; empty for a valid one. Unlike
   * {@link refusedBy} this asks the constraints themselves: a value that was only computed, never constrained, breaks none.
   */
  violations(witness: readonly bigint[]): string[];
  /** The constraints that a valid witness breaks once one signal has another value; quicker than {@link violations} of a copy. */
  brokenBy(witness: readonly bigint[], signal: string, value: bigint): string[];
  /** Signals that these inputs leave free, of a circuit loaded with O1; see {@link undeterminedWires}. */
  undetermined(inputs: Inputs): Promise<string[]>;
  /** A copy of a witness in which one signal (`main.path.signal[0]`) has another value. */
  set(witness: readonly bigint[], signal: string, value: bigint): bigint[];
  /** Names of the signals that match a pattern and were not substituted away. */
  signals(pattern: RegExp): string[];
  /** Value of a signal in a witness. */
  get(witness: readonly bigint[], signal: string): bigint;
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
  const [r1cs, sym, wasm] = await Promise.all([
    readFile(join(folder, "circuit.r1cs")),
    readFile(join(folder, "circuit.sym"), "utf8"),
    readFile(join(folder, "circuit_js/circuit.wasm")),
  ]);
  const constraints = readConstraints(r1cs);
  const sources = sourcesOf(resolve(ROOT, file));
  const symbols = readSymbols(sym, sources.values(), template);
  const calculate = witnessCalculator(await WebAssembly.compile(wasm));
  const refusal = async (inputs: Inputs): Promise<Refusal | undefined> => {
    try {
      await calculate(inputs);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return error;
      throw error;
    }
  };
  /** For each wire, the constraints that it takes part in; made when first asked for. */
  let touching: number[][] | undefined;

  return {
    constraints: constraints.length,
    witness: calculate,
    async refusedBy(inputs) {
      return (await refusal(inputs))?.templates.join(" > ");
    },
    async refusedAt(inputs) {
      const refused = await refusal(inputs);
      if (refused === undefined) return undefined;
      const declaration = new RegExp(`\\btemplate\\s+${refused.templates.at(-1)}\\s*\\(`);
      const source = [...sources.values()].find((text) => declaration.test(text));
      return source?.split("\n")[refused.line - 1]?.trim();
    },
    brokenBy(witness, signal, value) {
      touching ??= wiresToConstraints(constraints);
      const wire = symbols.wire(signal);
      const tampered = witness.with(wire, value);
      return (touching[wire] ?? [])
        .filter((index) => !holds(constraints[index] as Constraint, tampered))
        .map((index) => symbols.describe(constraints[index] as Constraint, index));
    },
    violations(witness) {
      return constraints.flatMap((constraint, index) =>
        holds(constraint, witness) ? [] : [symbols.describe(constraint, index)],
      );
    },
    async undetermined(inputs) {
      const given = new RegExp(`^main\\.(${Object.keys(inputs).join("|")})(\\[\\d+\\])*$`);
      const wires = symbols.matching(given).map(symbols.wire);
      return undeterminedWires(constraints, wires, await calculate(inputs)).map(symbols.name);
    },
    set(witness, signal, value) {
      return witness.with(symbols.wire(signal), value);
    },
    signals: symbols.matching,
    get(witness, signal) {
      return witness[symbols.wire(signal)] as bigint;
    },
  };
}

/** Compiles an instance of circuits/instances.json, as the set-up does. */
export async function loadInstance(name: string, optimization: Optimization = "O2"): Promise<Circuit> {
  const instances = JSON.parse(await readFile(join(ROOT, "circuits/instances.json"), "utf8"));
  const instance = instances.find((candidate: { name: string }) => candidate.name === name);
  if (instance === undefined) throw new Error(`circuits/instances.json has no instance ${name}`);
  return loadTemplate(
    instance.file,
    instance.template,
    instance.parameters,
    instance.publicSignals,
    optimization,
  );
}
