import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkCircomFormat } from "./checks/circomFormat.ts";
import { checkCircomspect } from "./checks/circomspect.ts";
import { checkDependencyDirection } from "./checks/dependencyDirection.ts";
import { checkSolhint } from "./checks/solhint.ts";
import { checkContracts } from "./checks/solidity/analysis.ts";
import { checkProperties } from "./checks/solidity/modelChecker.ts";
import { checkSolidityErrors } from "./checks/solidityErrors.ts";
import { ROOT } from "./setup/paths.ts";

/** A check: its faults, none when it passes. */
type Check = () => string[];

/** A tool of node_modules/.bin; its output is the fault when it fails. */
function tool(name: string, ...parameters: string[]): Check {
  return () => {
    const run = spawnSync(join(ROOT, "node_modules/.bin", name), parameters, {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
      maxBuffer: 1 << 26,
    });
    if (run.status === 0) return [];
    return [
      `${run.stdout}${run.stderr}`.trim() || `${name} ended with ${run.signal ?? `code ${run.status}`}`,
    ];
  };
}

const CHECKS: Record<string, Check> = {
  "types (tsc)": tool("tsc", "-p", "."),
  "TypeScript style (biome)": tool(
    "biome",
    "ci",
    "--colors=off",
    "--reporter=summary",
    "--error-on-warnings",
    ".",
  ),
  "Solidity rules (solhint)": checkSolhint,
  "Solidity format (prettier)": tool("prettier", "--check", "contracts/**/*.sol"),
  "Solidity errors documented": checkSolidityErrors,
  "Solidity analysis (syntax tree)": checkContracts,
  "Solidity properties (model checker)": checkProperties,
  "circom format": checkCircomFormat,
  "circom analysis (circomspect)": checkCircomspect,
  "dependency direction": checkDependencyDirection,
};

let failed = 0;
for (const [name, check] of Object.entries(CHECKS)) {
  const start = performance.now();
  let faults: string[];
  try {
    faults = check();
  } catch (error) {
    faults = [error instanceof Error ? error.message : String(error)];
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${faults.length === 0 ? "ok    " : "FAILED"} ${name} (${seconds} s)`);
  for (const fault of faults) console.log(fault.replace(/^/gm, "       "));
  if (faults.length > 0) failed++;
}
console.log(
  failed === 0 ? "All checks passed." : `${failed} of ${Object.keys(CHECKS).length} checks failed.`,
);
process.exit(failed === 0 ? 0 : 1);
