import { readInstances } from "../scripts/setup/instances.ts";
import { PLACES } from "../scripts/setup/paths.ts";
import { dishonestValues } from "../test/soundness/adversary.ts";
import { underAttack } from "../test/soundness/circuitUnderAttack.ts";
import { mutants, mutationScore } from "../test/soundness/mutationScore.ts";
import { breaksAlone, determinationAround } from "../test/soundness/withoutRepair.ts";
import type { Benchmark } from "./benchmark.ts";

/** Constraints tried of each circuit: a seeded sample, as the whole takes minutes to an hour; `npm run test:fuzz` tries more. */
const SAMPLE = { size: 300, seed: 5 };
/** A sample of the same seed for the slower method that it is compared with. */
const COMPARED = { size: 100, seed: 5 };

/** The share of constraints that a bad witness shows to be needed. */
async function score(name: string): Promise<number> {
  const circuit = await underAttack(name);
  const { killed, tried, whole, firstOrder, survivors, disputed } = mutationScore(
    circuit,
    mutants(circuit, SAMPLE),
    (done, so) => {
      if (done % 100 === 0) console.error(`${name}: ${so.killed} killed of ${done}`);
    },
  );
  console.error(`${name}: ${whole} by whole witnesses; ${firstOrder.length} more are needed to first order`);
  for (const { constraint, signals } of survivors)
    console.error(`${name}: survivor ${constraint} (${signals.slice(0, 4).join(", ")})`);
  if (disputed.length > 0)
    console.error(`${name}: ${disputed.length} witnesses break not one constraint as proven`);
  return killed / tried;
}

/** The share that is noticed without repair: by a wire that is no longer determined, or by one changed wire. */
async function scoreWithoutRepair(name: string): Promise<number> {
  const circuit = await underAttack(name);
  const { system, attacked } = circuit;
  const { witness } = attacked(0);
  const determined = determinationAround(system, witness);
  const all = determined();
  const tried = mutants(circuit, COMPARED);
  const killed = tried.filter(
    (constraint) =>
      determined(constraint) < all ||
      breaksAlone(system, witness, constraint, (honest) => dishonestValues(honest, constraint)),
  );
  return killed.length / tried.length;
}

export const benchmarks: Benchmark[] = readInstances(PLACES.instances).flatMap(({ name }) => [
  {
    name: `soundness.${name}.mutation_score`,
    unit: `killed / tried, ${SAMPLE.size} constraints, seed ${SAMPLE.seed}`,
    run: () => score(name),
  },
  {
    name: `soundness.${name}.mutation_score_without_repair`,
    unit: `killed / tried, ${COMPARED.size} constraints, seed ${COMPARED.seed}`,
    run: () => scoreWithoutRepair(name),
  },
]);
