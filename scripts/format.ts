import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./setup/paths.ts";

/** Formats TypeScript, JSON and Solidity in place. */
const COMMANDS = [
  ["biome", "check", "--write", "."],
  ["prettier", "--write", "contracts/**/*.sol"],
];

for (const [name, ...parameters] of COMMANDS) {
  const { status } = spawnSync(join(ROOT, "node_modules/.bin", name), parameters, {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (status !== 0) process.exitCode = 1;
}
