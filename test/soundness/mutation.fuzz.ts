import { describe, expect, test } from "vitest";
import { readInstances } from "../../scripts/setup/instances.ts";
import { PLACES } from "../../scripts/setup/paths.ts";
import { underAttack } from "./circuitUnderAttack.ts";
import { wiresOf } from "./constraintSystem.ts";
import { type MutationScore, mutants, mutationScore } from "./mutationScore.ts";
import { constraintName, reviewSurvivors } from "./survivors.ts";

/*
 * The long search. SOLVUS_MUTANTS is how many constraints of each circuit are taken away, "all" for all of them; SOLVUS_FUZZ_SEED chooses which.
 * `-t insolvency.small` searches one circuit. What was found so far is printed on the way, and nothing is kept.
 */
const seed = Number(process.env.SOLVUS_FUZZ_SEED ?? Date.now() % 1_000_000_000);
const asked = process.env.SOLVUS_MUTANTS ?? "300";
const sample = asked === "all" ? undefined : { size: Number(asked), seed };

/** Constraints from one message to the next; console.log would come when all is done. */
const PROGRESS = 500;

function outcome({ killed, whole, alterPublics, firstOrder, survivors }: MutationScore): string {
  return `${killed} killed, ${whole} by whole witnesses, ${alterPublics} of these with other public signals; ${firstOrder.length} more needed to first order; ${survivors.length} survive`;
}

function countedByName(found: MutationScore["firstOrder"]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { signals } of found) {
    const name = constraintName(signals);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

const instances = readInstances(PLACES.instances);
const CIRCUITS = instances.map(({ name }) => name);

describe.each(CIRCUITS)("%s", (name) => {
  test("what survives its removal is reviewed, and the proven system agrees on the rest", {
    timeout: 7_200_000,
  }, async () => {
    const circuit = await underAttack(name);
    const constraints = mutants(circuit, sample);
    const score = mutationScore(circuit, constraints, (done, so) => {
      if (done % PROGRESS === 0)
        process.stderr.write(`${name}, ${done} of ${constraints.length}: ${outcome(so)}\n`);
    });
    const { tried, killed, firstOrder, survivors, disputed } = score;
    console.log(`${name}, seed ${seed}, ${tried} tried: ${outcome(score)}`);
    for (const [signals, times] of countedByName(firstOrder))
      console.log(`${name}, to first order: ${times} of ${signals}`);
    for (const { constraint, signals } of survivors)
      console.log(
        `${name}, survivor: ${constraint}, ${circuit.templatesOf(constraint)}: ${signals.join(", ")}`,
      );
    const names = constraints.map((constraint) =>
      constraintName(wiresOf(circuit.system, constraint).map((wire) => circuit.system.names[wire] as string)),
    );
    const template = instances.find((instance) => instance.name === name)?.template as string;
    const { unlisted, stale } = reviewSurvivors(template, score, names);
    expect(disputed).toEqual([]);
    expect(killed + firstOrder.length + survivors.length).toBe(tried);
    expect(unlisted, `seed ${seed}`).toEqual([]);
    // A sample may miss the one that survives of many alike.
    if (sample === undefined) expect(stale).toEqual([]);
  });
});
