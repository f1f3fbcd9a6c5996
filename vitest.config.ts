import { defineConfig } from "vitest/config";

/** Two workers: the machine has two cores, and proving and compiling take a whole one each. */
const fuzz = process.env.SOLVUS_FUZZ === "1";

export default defineConfig({
  test: {
    include: fuzz ? ["test/**/*.fuzz.ts"] : ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 10_000,
    passWithNoTests: fuzz,
  },
});
