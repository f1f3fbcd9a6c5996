import { describe, expect, test } from "vitest";
import { attackWires, wiresToAttack } from "./adversary.ts";
import { underAttack } from "./circuitUnderAttack.ts";
import { mutants, mutationScore } from "./mutationScore.ts";

/*
 * The long search. SOLVUS_MUTANTS is how many constraints of each circuit are taken away, "all" for all of them; SOLVUS_FUZZ_SEED chooses which.
 */
const seed = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
const asked = process.env.SOLVUS_MUTANTS ?? "300";
const sample = asked === "all" ? undefined : { size: Number(asked), seed };

const CIRCUITS = [
  ...["insertion", "open", "transition.small", "solvency.small", "insolvency.small", "liquidation.small"],
  ...["transition.large", "solvency.large", "insolvency.large", "liquidation.large"],
];

describe.each(CIRCUITS)("%s", (name) => {
  test("no bad witness for a missing constraint is disputed by the proven system", {
    timeout: 7_200_000,
  }, async () => {
    const circuit = await underAttack(name);
    const { tried, killed, whole, alterPublics, survivors, disputed } = mutationScore(
      circuit,
      mutants(circuit, sample),
    );
    console.log(
      `${name}, seed ${seed}: ${killed} of ${tried} killed, ${whole} by whole witnesses, ${alterPublics} of these with other public signals`,
    );
    for (const { constraint, signals } of survivors)
      console.log(`${name}: survivor ${constraint} (${signals.slice(0, 6).join(", ")})`);
    expect(disputed).toEqual([]);
    expect(killed + survivors.length).toBe(tried);
    expect(killed / tried).toBeGreaterThan(0.9);
  });
});

test.each(["insertion", "open"])(
  "%s: no private input but a public signal itself can be changed unnoticed",
  {
    timeout: 1_800_000,
  },
  async (name) => {
    const circuit = await underAttack(name);
    const attack = circuit.attacked(0);
    const wires = wiresToAttack(attack, 500, seed).filter((wire) => wire > circuit.system.publics);
    // circomlib's IsZero leaves the inverse of 0 free; its answer does not depend on it.
    const accepted = attackWires(attack, circuit.system, wires).accepted.filter(
      (name) => !/\.inv$/.test(name),
    );
    expect(accepted, `seed ${seed}`).toEqual([]);
  },
);
