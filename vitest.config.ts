import { globSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const fuzz = process.env.SOLVUS_FUZZ === "1";
const pattern = fuzz ? "test/**/*.fuzz.ts" : "test/**/*.test.ts";

/** Three for two cores: services wait for blocks and for one another half of their time. Long random tests keep their cores busy. */
const workers = fuzz ? 2 : 3;

/** Files share a worker's modules, which take a second to load, but for those that put something in place of a module. */
const replacing = globSync(pattern).filter((file) => readFileSync(file, "utf8").includes("vi.mock("));

/** The longest files: they start first, so that none is left alone at the end. Vitest knows only their sizes on a first run. */
const LONGEST = [
  "liquidation/january",
  "relayer/engine",
  "oracle/services",
  "deployment/command",
  "transition/rules",
  "contracts/ledgerBatchDifferential",
  "setup/incremental",
  "cli/keeper",
  "cli/chain",
  "verifier/attestation",
  "prover/prover",
  "deployment/resume",
  "faults/engine",
  "guard/guard",
  "contracts/batchVerifier",
  "cli/registryPost",
  "liquidation/takeOverRules",
  "keeper/service",
].map((file) => `test/${file}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification): number => {
      const place = LONGEST.indexOf(relative(project.config.root, moduleId));
      return project.name === "replacing" ? -1 : place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
  }
}

const common = {
  pool: "forks",
  testTimeout: 120_000,
  hookTimeout: 300_000,
  teardownTimeout: 10_000,
} as const;

export default defineConfig({
  test: {
    maxWorkers: workers,
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { ...common, name: "shared", include: [pattern], exclude: replacing, isolate: false } },
      ...(replacing.length > 0 ? [{ test: { ...common, name: "replacing", include: replacing } }] : []),
    ],
  },
});
