import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { fuzzRuns, holds, measured } from "./runs.ts";
import { expectStatementAgreement, STATEMENT_PLACES } from "./statementAgreement.ts";
import { statementCases } from "./statementCases.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("of thousands of accounts model, rulebook and circuits say alike whether they are solvent", {
  timeout: 1_800_000,
}, async () => {
  const circuits = {
    solvency: await rulesInstance("solvency.small", 8),
    insolvency: await rulesInstance("insolvency.small", 6),
  };
  const tally = newTally();
  const runs = fuzzRuns(5_000);
  const seen = measured("statements");
  await holds(statementCases, (found) => expectStatementAgreement(found, circuits, tally), runs);
  seen(runs.numRuns as number, tally.verdicts);
  expect([...tally.alone.keys()].sort()).toEqual(Object.keys(STATEMENT_PLACES).sort());
});
