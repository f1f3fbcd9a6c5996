import { globSync, readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

/**
 * Two workers: the machine has two cores, and proving and compiling take a whole one each. Files share a worker's modules, which take a second
 * to load, but for those that put something in place of a module.
 */
const pattern = process.env.SOLVUS_FUZZ === "1" ? "test/**/*.fuzz.ts" : "test/**/*.test.ts";
const replacing = globSync(pattern).filter((file) => readFileSync(file, "utf8").includes("vi.mock("));

const common = {
  pool: "forks",
  testTimeout: 120_000,
  hookTimeout: 300_000,
  teardownTimeout: 10_000,
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: "shared", include: [pattern], exclude: replacing, isolate: false } },
      ...(replacing.length > 0 ? [{ test: { ...common, name: "replacing", include: replacing } }] : []),
    ],
  },
});
