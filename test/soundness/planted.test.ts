import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadTemplate } from "../support/circuit.ts";
import { compile, ROOT } from "../support/compile.ts";
import { holds } from "../support/r1cs.ts";
import { PLANTED, type PlantedBug } from "./planted/library.ts";
import { readCompiled } from "./uniqueness/compiledSystem.ts";
import { unprovenSignals, unusedInputs } from "./uniqueness/report.ts";

const DIRECTORY = "test/soundness/planted";

/** The compiled template. Its inputs are public, so that the compiler replaces none of them by what they are the sum of. */
async function systemOf(file: string, template: string, inputs: readonly string[]) {
  const main = `{public [${inputs.join(", ")}]} = ${template}()`;
  const folder = await compile(`${DIRECTORY}/${file}.circom`, main, "O2");
  return readCompiled(
    readFileSync(join(folder, "circuit.r1cs")),
    readFileSync(join(folder, "circuit.sym"), "utf8"),
  );
}

/** The template with the witness program of a cheater. Lines that the template does not have are left as they are. */
function loadCheating({ file, cheat, inputs }: PlantedBug, template: string) {
  let source = readFileSync(join(ROOT, DIRECTORY, `${file}.circom`), "utf8");
  for (const [line, other] of Object.entries(cheat)) {
    if (!source.includes(line)) throw new Error(`${file}.circom has no line "${line}"`);
    source = source.replaceAll(line, other);
  }
  const name = createHash("sha256").update(source).digest("hex").slice(0, 32);
  mkdirSync(join(ROOT, "build/test-mutants"), { recursive: true });
  writeFileSync(join(ROOT, `build/test-mutants/${name}.circom`), source);
  return loadTemplate(`build/test-mutants/${name}.circom`, template, [], Object.keys(inputs));
}

for (const bug of PLANTED) {
  const inputs = Object.keys(bug.inputs);

  test(`finds the planted bug ${bug.file}, and nothing in its clean twin`, async () => {
    const [planted, clean] = [
      await systemOf(bug.file, "Planted", inputs),
      await systemOf(bug.file, "Clean", inputs),
    ];
    const found = unprovenSignals(planted);
    for (const signal of bug.free) expect(found).toContain(signal);
    expect(unprovenSignals(clean)).toEqual(bug.harmless ?? []);
  });

  test(`the planted bug ${bug.file} is one: a cheater has a second witness, and none in the clean twin`, async () => {
    const { constraints, names } = await systemOf(bug.file, "Planted", inputs);
    const honest = await (
      await loadTemplate(`${DIRECTORY}/${bug.file}.circom`, "Planted", [], inputs)
    ).witness(bug.inputs);
    const second = await (await loadCheating(bug, "Planted")).witness(bug.inputs);
    expect(constraints.every((constraint) => holds(constraint, honest) && holds(constraint, second))).toBe(
      true,
    );
    const differing = names.filter((_, wire) => honest[wire] !== second[wire]);
    expect(differing).toEqual(expect.arrayContaining(bug.free));
    expect(await (await loadCheating(bug, "Clean")).refusedBy(bug.inputs)).toBeDefined();
  });
}

test("finds a public input that stands in no constraint", async () => {
  const inputs = ["secret", "recipient"];
  const [planted, clean] = [
    await systemOf("unusedPublicInput", "Planted", inputs),
    await systemOf("unusedPublicInput", "Clean", inputs),
  ];
  expect(unusedInputs(planted)).toEqual(["recipient"]);
  expect(unusedInputs(clean)).toEqual([]);
  expect([...unprovenSignals(planted), ...unprovenSignals(clean)]).toEqual([]);
});
