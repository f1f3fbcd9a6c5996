import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../setup/paths.ts";
import { type Allowance, type Finding, judge } from "./allowances.ts";

/** What the project has looked at and found harmless. */
const ALLOWED_FILE = "contracts/solhint.json";
const CONFIGURATION = ".solhint.json";

/** solhint's own rules of security, by the names of their files. */
function securityRules(): string[] {
  return readdirSync(join(ROOT, "node_modules/solhint/lib/rules/security"))
    .map((file) => file.replace(/\.js$/, ""))
    .filter((name) => name !== "index");
}

/** Rules of security that a configuration does not make errors, one message each. */
export function rulesOff(rules: Record<string, unknown>, names: readonly string[]): string[] {
  return names
    .filter((name) => [rules[name]].flat()[0] !== "error")
    .map((name) => `${CONFIGURATION}: ${name} is a rule of security and must be an error`);
}

/**
 * Everything that solhint finds in the contracts. In test doubles the rules of security do not count: they misbehave on purpose.
 * @throws Error when solhint itself fails
 */
function findings(security: readonly string[]): Finding[] {
  const tool = join(ROOT, "node_modules/.bin/solhint");
  const run = spawnSync(tool, ["--noPoster", "--disc", "-f", "json", "contracts/**/*.sol"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  const start = run.stdout.indexOf("[");
  if (start === -1) {
    if (run.status === 0) return [];
    throw new Error(`solhint ended with code ${run.status}: ${run.stderr || run.stdout}`);
  }
  const reports: { line: number; message: string; ruleId?: string; filePath: string }[] = JSON.parse(
    run.stdout.slice(start),
  );
  return reports.flatMap(({ line, message, ruleId, filePath }) => {
    if (ruleId === undefined) return []; // the totals at the end
    if (filePath.startsWith("contracts/test/") && security.includes(ruleId)) return [];
    const source = readFileSync(join(ROOT, filePath), "utf8").split("\n")[line - 1] as string;
    return [{ rule: ruleId, file: filePath, line, message, source }];
  });
}

export function checkSolhint(): string[] {
  const { rules } = JSON.parse(readFileSync(join(ROOT, CONFIGURATION), "utf8"));
  const allowed: Allowance[] = JSON.parse(readFileSync(join(ROOT, ALLOWED_FILE), "utf8"));
  const security = securityRules();
  return [...rulesOff(rules, security), ...judge(findings(security), allowed, ALLOWED_FILE)];
}
