import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { prepare } from "./prepare.ts";
import { ROOT } from "./setup/paths.ts";

/**
 * `npm test [-- vitest's parameters]`: set-up, then the tests in TypeScript and, unless some of the former were asked for, those in
 * Solidity. `--fuzz` runs the long random tests (`*.fuzz.ts`) instead.
 */
const parameters = process.argv.slice(2).filter((parameter) => parameter !== "--fuzz");
const fuzz = process.argv.includes("--fuzz");

function run(tool: string, ...rest: string[]): boolean {
  const { status } = spawnSync(join(ROOT, "node_modules/.bin", tool), rest, {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...(fuzz && { SOLVUS_FUZZ: "1" }) },
  });
  return status === 0;
}

await prepare();
let passed = run("vitest", "run", ...parameters);
const named = parameters.some((parameter) => !parameter.startsWith("-"));
if (!fuzz && !named && existsSync(join(ROOT, "test/solidity")))
  passed = run("hardhat", "test", "solidity") && passed;
process.exit(passed ? 0 : 1);
