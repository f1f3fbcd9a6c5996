import { expect, test, vi } from "vitest";
import { rulesInstance } from "./rulesCircuit.ts";
import { holds, steadyRuns } from "./runs.ts";
import { expectStatementAgreement } from "./statementAgreement.ts";
import { statementCases } from "./statementCases.ts";
import { newTally } from "./tally.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("of random accounts model, rulebook and circuits say alike whether they are solvent, and one of E >= MM and E < MM is provable", async () => {
  const circuits = {
    solvency: await rulesInstance("solvency.small", 8),
    insolvency: await rulesInstance("insolvency.small", 6),
  };
  const tally = newTally();
  await holds(statementCases, (found) => expectStatementAgreement(found, circuits, tally), steadyRuns(20));
  expect(tally.verdicts.get("accepted")).toBeGreaterThan(10);
  expect(tally.alone.size).toBeGreaterThan(2);
});
