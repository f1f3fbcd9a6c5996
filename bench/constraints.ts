import { join } from "node:path";
import { type CircuitFacts, compileCircuit, compiledCircuit } from "../scripts/setup/circuits.ts";
import { type Instance, readInstances } from "../scripts/setup/instances.ts";
import { PLACES } from "../scripts/setup/paths.ts";
import type { Benchmark } from "./benchmark.ts";

/** Apart from the set-up's own products, so that a benchmark leaves those alone. */
const PLACE = { ...PLACES, build: join(PLACES.build, "bench") };
/** Legs taken away to see what one costs. */
const FEWER_LEGS = 3;

async function facts(instance: Instance): Promise<CircuitFacts> {
  return (
    compiledCircuit(instance, PLACES) ?? compiledCircuit(instance, PLACE) ?? compileCircuit(instance, PLACE)
  );
}

/** Constraints that one more leg adds to the small transition, its number of underlyings being the same. */
async function perLeg(small: Instance): Promise<number> {
  const [legs, groups] = small.parameters;
  const fewer = { ...small, name: "transition.fewer", parameters: [legs - FEWER_LEGS, groups] };
  const [many, few] = [await facts(small), await facts(fewer)];
  return (many.constraints - few.constraints) / FEWER_LEGS;
}

const instances = readInstances(PLACES.instances);

export const benchmarks: Benchmark[] = [
  ...instances.map((instance) => ({
    name: `constraints.${instance.name}`,
    unit: "constraints",
    run: async () => (await facts(instance)).constraints,
  })),
  {
    name: "constraints.per_leg",
    unit: "constraints",
    run: () => perLeg(instances.find(({ name }) => name === "transition.small")!),
  },
];
