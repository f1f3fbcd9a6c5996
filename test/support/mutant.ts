import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Circuit, loadTemplate } from "./circuit.ts";
import { type Optimization, ROOT } from "./compile.ts";

/** How a mutant is compiled. */
export interface MutantOptions {
  /** What stands in place of the lost line: a sub-circuit's input must be given something. Nothing by default. */
  replacement?: string;
  /** Parameters of the template. */
  parameters?: readonly (number | bigint)[];
  /** O2 by default; O1 compiles in half the time. */
  optimization?: Optimization;
}

/**
 * Compiles a template whose source has lost one line, to show that this line is what refuses an input. Throws when the line does not
 * occur exactly once, so a test cannot outlive the line it is about.
 */
export async function loadMutant(
  file: string,
  template: string,
  lostLine: string,
  { replacement, parameters = [], optimization = "O2" }: MutantOptions = {},
): Promise<Circuit> {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  const places = lines.flatMap((line, index) => (line.trim() === lostLine ? [index] : []));
  if (places.length !== 1)
    throw new Error(`${file}: "${lostLine}" occurs ${places.length} times, expected once`);
  const put = replacement === undefined ? [] : [replacement];
  const source = lines.toSpliced(places[0] as number, 1, ...put).join("\n");

  const name = createHash("sha256").update(source).digest("hex").slice(0, 32);
  mkdirSync(join(ROOT, "build/test-mutants"), { recursive: true });
  writeFileSync(join(ROOT, `build/test-mutants/${name}.circom`), source);
  return loadTemplate(`build/test-mutants/${name}.circom`, template, parameters, [], optimization);
}
