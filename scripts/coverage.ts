import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { prepare } from "./prepare.ts";
import { ROOT } from "./setup/paths.ts";

/**
 * `npm run coverage [-- vitest's parameters]`: which lines and branches of protocol/ its own tests run through. A table is printed, and
 * build/coverage/index.html shows the lines. Tests whose subject is a service, a command or a contract are left out: what they run through by
 * the way is not tested by them. Name test folders to have others.
 */
const SUBJECTS = [
  "liquidation",
  "margin",
  "market",
  "opening",
  "oracle",
  "properties",
  "solvency",
  "transition",
  "prover",
  "cli/ticket.test.ts",
  "setup/keys.test.ts",
  "verifier",
];

const parameters = process.argv.slice(2);
const named = parameters.some((parameter) => !parameter.startsWith("-"));

await prepare();
const { status } = spawnSync(
  join(ROOT, "node_modules/.bin/vitest"),
  [
    "run",
    "--coverage.enabled",
    "--coverage.provider=v8",
    "--coverage.include=protocol/**/*.ts",
    "--coverage.exclude=**/*.d.ts",
    "--coverage.reportsDirectory=build/coverage",
    "--coverage.reporter=text",
    "--coverage.reporter=html",
    "--coverage.reporter=json",
    ...(named ? [] : SUBJECTS.map((subject) => `test/${subject}`)),
    ...parameters,
  ],
  { cwd: ROOT, stdio: "inherit" },
);
process.exit(status ?? 1);
