import { expect, test } from "vitest";
import { trueInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { newTally } from "./tally.ts";
import { expectAgreement } from "./transitionAgreement.ts";
import { transitionCases } from "./transitionCases.ts";

/* As transitions.fuzz.ts, with the circuit as it is proven: Poseidon in it, and in the model. */

test("model, rulebook and circuit agree on transitions with Poseidon", { timeout: 1_800_000 }, async () => {
  const circuit = await trueInstance("transition.small", 15);
  const tally = newTally();
  const runs = fuzzRuns(1_500);
  const seen = measured("transitions with Poseidon");
  await holds(
    transitionCases,
    (found) => expectAgreement(found, { "transition.small": circuit }, tally),
    runs,
  );
  seen(runs.numRuns as number, tally.verdicts);
  expect(tally.verdicts.get("accepted")).toBeGreaterThan((runs.numRuns as number) / 10);
});
