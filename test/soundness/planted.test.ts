import { expect, test } from "vitest";
import { loadTemplate } from "../support/circuit.ts";
import { holds } from "../support/r1cs.ts";
import { edited, systemOf } from "./planted/edited.ts";
import { PLANTED } from "./planted/library.ts";
import { unprovenSignals, unusedInputs } from "./uniqueness/report.ts";

const fileOf = (bug: string) => `test/soundness/planted/${bug}.circom`;

for (const bug of PLANTED) {
  const file = fileOf(bug.file);
  const inputs = Object.keys(bug.inputs);

  test(`finds the planted bug ${bug.file}, and nothing in its clean twin`, async () => {
    const found = unprovenSignals(await systemOf(file, "Planted", inputs));
    for (const signal of bug.free) expect(found).toContain(signal);
    expect(unprovenSignals(await systemOf(file, "Clean", inputs))).toEqual(bug.harmless ?? []);
  });

  test(`the planted bug ${bug.file} is one: a cheater has a second witness, and none in the clean twin`, async () => {
    const { constraints, names } = await systemOf(file, "Planted", inputs);
    const cheating = edited(file, bug.cheat);
    const honest = await (await loadTemplate(file, "Planted", [], inputs)).witness(bug.inputs);
    const second = await (await loadTemplate(cheating, "Planted", [], inputs)).witness(bug.inputs);
    expect(constraints.every((constraint) => holds(constraint, honest) && holds(constraint, second))).toBe(
      true,
    );
    const differing = names.filter((_, wire) => honest[wire] !== second[wire]);
    expect(differing).toEqual(expect.arrayContaining(bug.free));
    expect(await (await loadTemplate(cheating, "Clean", [], inputs)).refusedBy(bug.inputs)).toBeDefined();
  });
}

test("finds a public input that stands in no constraint", async () => {
  const inputs = ["secret", "recipient"];
  const planted = await systemOf(fileOf("unusedPublicInput"), "Planted", inputs);
  const clean = await systemOf(fileOf("unusedPublicInput"), "Clean", inputs);
  expect(unusedInputs(planted)).toEqual(["recipient"]);
  expect(unusedInputs(clean)).toEqual([]);
  expect([...unprovenSignals(planted), ...unprovenSignals(clean)]).toEqual([]);
});
