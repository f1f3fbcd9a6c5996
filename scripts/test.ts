import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { prepare } from "./prepare.ts";
import { ROOT } from "./setup/paths.ts";

/**
 * `npm test [-- vitest's parameters]`: set-up, then the tests in TypeScript and, unless some of the former were asked for, beside them
 * those in Solidity, whose output follows. `--fuzz` runs the long random tests (`*.fuzz.ts`) instead.
 */
const parameters = process.argv.slice(2).filter((parameter) => parameter !== "--fuzz");
const fuzz = process.argv.includes("--fuzz");

interface Outcome {
  passed: boolean;
  /** What it wrote, where that was kept. */
  output: Buffer;
}

/** Runs a tool, which writes to the terminal or, kept, into its outcome. */
function run(stdio: "inherit" | "kept", tool: string, ...rest: string[]): Promise<Outcome> {
  const options: SpawnOptions = {
    cwd: ROOT,
    stdio: stdio === "kept" ? ["ignore", "pipe", "pipe"] : "inherit",
    env: { ...process.env, ...(fuzz && { SOLVUS_FUZZ: "1" }) },
  };
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, "node_modules/.bin", tool), rest, options);
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (status) => resolve({ passed: status === 0, output: Buffer.concat(chunks) }));
  });
}

await prepare();
const named = parameters.some((parameter) => !parameter.startsWith("-"));
const inSolidity = !fuzz && !named && existsSync(join(ROOT, "test/solidity"));
const solidity = inSolidity ? run("kept", "hardhat", "test", "solidity") : undefined;
const typescript = await run("inherit", "vitest", "run", ...parameters);
const outcomes = [typescript, ...(solidity ? [await solidity] : [])];
for (const { output } of outcomes) process.stdout.write(output);
process.exitCode = outcomes.every(({ passed }) => passed) ? 0 : 1;
