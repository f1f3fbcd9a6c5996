import { readInstances } from "../scripts/setup/instances.ts";
import { PLACES } from "../scripts/setup/paths.ts";
import { findingOf } from "../test/soundness/uniqueness/review.ts";
import type { Benchmark } from "./benchmark.ts";

export const benchmarks: Benchmark[] = readInstances(PLACES.instances).map(({ name }) => ({
  name: `soundness.${name}.unique_wires`,
  unit: "of the wires that are not given",
  run: () => {
    const { wires, unproven } = findingOf(name);
    console.error(`${name}: ${wires - unproven.length} of ${wires} wires proven unique`);
    return (wires - unproven.length) / wires;
  },
}));
