import { expect, test } from "vitest";
import { lossWords, NULL_ROW } from "../../protocol/riskRow.ts";
import { attackWires, wiresToAttack } from "./adversary.ts";
import type { CircuitUnderAttack } from "./circuitUnderAttack.ts";
import { mutants, mutationScore } from "./mutationScore.ts";
import { templateUnderAttack } from "./templateUnderAttack.ts";

/** A third of a thousand lots, rounded up. */
const SLICE = { size: 1_000n, nonNegative: 1n, slice: 21_845n, taken: 334n };
const slice = () =>
  templateUnderAttack("circuits/lib/slice.circom", "Slice", [SLICE], ["size", "nonNegative", "slice"]);

const spend = () =>
  templateUnderAttack("circuits/lib/spend.circom", "Spend", [{ ownerKey: 3n, rho: 5n, leafIndex: 7n }]);

/** Signals whose change under true public signals nothing notices. */
function unnoticed({ attacked, system }: CircuitUnderAttack): string[] {
  const first = attacked(0);
  const inputs = wiresToAttack(first, 1_000, 1).filter((wire) => wire > system.publics);
  return attackWires(first, system, inputs).accepted;
}

test("every constraint of a slice stops some witness that all others accept", async () => {
  const circuit = await slice();
  const all = mutants(circuit);
  expect(all.length).toBe(circuit.proven.constraints);
  expect(mutationScore(circuit, all)).toMatchObject({
    ...{ tried: all.length, killed: all.length, whole: all.length, survivors: [], disputed: [] },
  });
});

test("a constraint that another one implies survives, and the rest does not", async () => {
  const file = "test/soundness/mutation/impliedConstraint.circom";
  const circuit = await templateUnderAttack(file, "ImpliedConstraint", [{ a: 3n, b: 5n, product: 15n }]);
  const { tried, killed, firstOrder, survivors } = mutationScore(circuit, mutants(circuit));
  expect({ tried, killed, firstOrder }).toEqual({ tried: 3, killed: 1, firstOrder: [] });
  for (const { signals } of survivors) expect(signals).toContain("main.product");
});

test("to first order the constraints of a hash are needed, and neither of two that say the same", async () => {
  const needed = (circuit: CircuitUnderAttack): number =>
    mutants(circuit, { size: 12, seed: 2 }).filter((constraint) => circuit.attacked(0).isNeeded(constraint))
      .length;
  expect(needed(await spend())).toBe(12);
  const file = "test/soundness/mutation/impliedConstraint.circom";
  expect(needed(await templateUnderAttack(file, "ImpliedConstraint", [{ a: 3n, b: 5n, product: 15n }]))).toBe(
    1,
  );
});

test("no wire of a slice can be changed while its public signals stay", async () => {
  expect(unnoticed(await slice())).toEqual([]);
});

test("a quotient whose remainder is too wide is found by changing it", async () => {
  const file = "test/soundness/mutation/unboundHint.circom";
  const circuit = await templateUnderAttack(file, "UnboundHint", [{ in: 100n, quotient: 5n }], ["in"]);
  expect(unnoticed(circuit)).toEqual(["main.quotient"]);
});

test("a cheater who raises a loss claims the maximum that follows from it, and nothing notices", async () => {
  const losses = Array.from({ length: 16 }, (_, scenario) => BigInt(7 * scenario - 90));
  const sums = lossWords({ ...NULL_ROW, losses });
  const circuit = await templateUnderAttack(
    "circuits/lib/scanRisk.circom",
    "ScanRisk",
    [{ sums, scan: 15n }],
    ["sums"],
  );
  const wireOf = (signal: string): number => circuit.system.names.indexOf(signal);
  for (const [word, place, raised] of [
    [0, 1, 200n],
    [5, 0, 16n],
  ] as const) {
    const loss = losses[3 * word + place] as bigint;
    const changed = (sums[word] as bigint) + ((raised - loss) << BigInt(84 * place));
    const { broken, altered } = circuit.attacked(0).cheat([[wireOf(`main.sums[${word}]`), changed]], {
      ...{ dropped: -1, publics: "fixed", effort: "forward", choice: 0 },
    });
    expect(broken).toEqual([]);
    expect(altered.get(wireOf("main.scan"))).toBe(raised);
  }
});

test("the witness that a kill rests on breaks exactly the constraint that is taken away", async () => {
  const circuit = await spend();
  const sample = mutants(circuit, { size: 12, seed: 2 });
  const { killed, whole, disputed } = mutationScore(circuit, sample);
  expect({ killed, disputed }).toEqual({ killed: 12, disputed: [] });
  expect(whole).toBeGreaterThan(0);
});
