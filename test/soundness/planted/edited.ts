import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, ROOT } from "../../support/compile.ts";
import { type CompiledSystem, readCompiled } from "../uniqueness/compiledSystem.ts";

/** Compiles a template as it is deployed. Its inputs are public, so that the compiler replaces none of them by what they are the sum of. */
export async function systemOf(
  file: string,
  template: string,
  inputs: readonly string[],
  parameters: readonly number[] = [],
): Promise<CompiledSystem> {
  const main = `{public [${inputs.join(", ")}]} = ${template}(${parameters.join(", ")})`;
  const folder = await compile(file, main, "O2");
  return readCompiled(
    readFileSync(join(folder, "circuit.r1cs")),
    readFileSync(join(folder, "circuit.sym"), "utf8"),
  );
}

/** A copy of a circom file with pieces of text replaced. Throws when the file does not have one, so that no edit outlives its text. */
export function edited(file: string, edits: Record<string, string>): string {
  let source = readFileSync(join(ROOT, file), "utf8");
  for (const [text, other] of Object.entries(edits)) {
    if (!source.includes(text)) throw new Error(`${file} has no "${text}"`);
    source = source.replaceAll(text, other);
  }
  const name = createHash("sha256").update(source).digest("hex").slice(0, 32);
  mkdirSync(join(ROOT, "build/test-mutants"), { recursive: true });
  const copy = `build/test-mutants/${name}.circom`;
  writeFileSync(join(ROOT, copy), source);
  return copy;
}
