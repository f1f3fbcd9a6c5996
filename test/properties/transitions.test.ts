import { expect, test, vi } from "vitest";
import { checkTransition, computeTransition } from "../../protocol/transition.ts";
import { verdictOf } from "../support/rule.ts";
import { rulesInstance } from "./rulesCircuit.ts";
import { holds, steadyRuns } from "./runs.ts";
import { newTally } from "./tally.ts";
import { expectAgreement } from "./transitionAgreement.ts";
import { type TransitionCase, transitionCases } from "./transitionCases.ts";
import { foundOut, withoutConcentration } from "./wrongModels.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("model, rulebook and circuit agree on random transitions, and no lie is believed", async () => {
  const circuit = await rulesInstance("transition.small", 15);
  const tally = newTally();
  await holds(
    transitionCases,
    (found) => expectAgreement(found, { "transition.small": circuit }, tally),
    steadyRuns(70),
  );
  expect(tally.verdicts.get("accepted")).toBeGreaterThan(10);
  expect(tally.alone.size).toBeGreaterThan(8);
});

test("a wrong model is found out, and what is printed is an account that one can work through", () => {
  const model = ({ before, leafIndex, snapshot, request, listing }: TransitionCase): boolean => {
    const transition = computeTransition(before, leafIndex, snapshot, request);
    const listed = listing === "open registry" || listing === "listed" || !transition.requiresMembership;
    return listed && verdictOf(() => checkTransition(transition, snapshot)) === "accepted";
  };
  const { smallest, printed } = foundOut(withoutConcentration, model);
  expect(smallest.before.legs.filter(({ size }) => size !== 0n)).toHaveLength(1);
  expect(printed).toMatch(/seed: 2026, path: "/);
  expect(printed).toMatch(
    /account before:\n {4}cash -?0\.00000\d USDC\n {4}place 0: -?1 lots of \d+, last touched/,
  );
  expect(printed).toMatch(/asks:\n {4}mode 0, fee 0\.000000 USDC\n {2}market:/);
  expect(printed).toMatch(/0\.000001 USDC for each lot beyond 0/);
});
