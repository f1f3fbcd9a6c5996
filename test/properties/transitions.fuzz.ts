import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { newTally } from "./tally.ts";
import { askedOf, expectAgreement, TRANSITION_PLACES } from "./transitionAgreement.ts";
import { largeTransitionCases, type TransitionCase, transitionCases } from "./transitionCases.ts";
import { foundOut, offsettingUnderlyings, withoutConcentration } from "./wrongModels.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model, rulebook and circuit agree on tens of thousands of transitions, and no lie is believed", {
  timeout: 1_800_000,
}, async () => {
  const circuit = await rulesInstance("transition.small", 15);
  const tally = newTally();
  const runs = fuzzRuns(30_000);
  const seen = measured("transitions");
  await holds(
    transitionCases,
    (found) => expectAgreement(found, { "transition.small": circuit }, tally),
    runs,
  );
  seen(runs.numRuns as number, tally.verdicts);

  // Every rule was breached, and in a run of this length alone, refused by its own constraint; a size beyond its bound seldom comes alone.
  const often = (runs.numRuns as number) >= 10_000 ? tally.alone : tally.verdicts;
  for (const rule of Object.keys(TRANSITION_PLACES)) {
    const counts = rule === "transition.size" ? tally.verdicts : often;
    expect(counts.get(rule), rule).toBeGreaterThan(0);
  }
  expect(tally.verdicts.get("accepted")).toBeGreaterThan((runs.numRuns as number) / 10);
});

test("model, rulebook and circuit agree on accounts that need the large tier", {
  timeout: 1_800_000,
}, async () => {
  const circuits = {
    "transition.small": await rulesInstance("transition.small", 15),
    "transition.large": await rulesInstance("transition.large", 15),
  };
  const tally = newTally();
  const runs = fuzzRuns(4_000);
  const seen = measured("transitions of large accounts");
  await holds(largeTransitionCases, (found) => expectAgreement(found, circuits, tally), runs);
  seen(runs.numRuns as number, tally.verdicts);
  expect(tally.verdicts.get("accepted")).toBeGreaterThan((runs.numRuns as number) / 20);
});

test("a wrong model is found out by the circuit, down to one leg or two", { timeout: 600_000 }, async () => {
  const circuit = await rulesInstance("transition.small", 15);
  const accepts = (found: TransitionCase): boolean => circuit.refusedAt(askedOf(found).input) === undefined;
  const concentrated = foundOut(withoutConcentration, accepts);
  expect(concentrated.smallest.before.legs.filter(({ size }) => size !== 0n)).toHaveLength(1);
  expect(concentrated.printed).toMatch(/place 0: -?1 lots of \d+/);

  const offset = foundOut(offsettingUnderlyings, accepts);
  const { before, request } = offset.smallest;
  const held = before.legs.flatMap(({ id, size }) => (size === 0n ? [] : [id]));
  const bought = request.trade?.package.legs.map(({ id }) => id) ?? [];
  expect(new Set([...held, ...bought]).size).toBe(2);
  expect(offset.printed).toMatch(/of underlying 0.*losses in scenario/);
});
