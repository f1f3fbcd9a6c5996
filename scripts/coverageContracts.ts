import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Branch, instrumentBranches, outcomes } from "./contractBranches.ts";
import { prepare } from "./prepare.ts";
import { ROOT } from "./setup/paths.ts";

/**
 * `npm run coverage:contracts`: which lines and branches of contracts/ the tests in Solidity and those of test/contracts run through, with the two
 * of test/oracle whose subject is a contract. Lines are Hardhat's; branches are the two outcomes of each condition, which Hardhat does not count.
 * It works on a copy in build/coverage-contracts, since the instrumented contracts must not take the place of the real ones. They cost more gas and
 * code: tests that measure gas fail, and count all the same. Left out are the tests with real proofs and the long differential: they take minutes,
 * and run through nothing that the others do not. Name test files to have others.
 */
const COPY = join(ROOT, "build/coverage-contracts");
const COPIED = ["contracts", "test", "hardhat.config.ts", "package.json", "tsconfig.json"];
const LEFT_OUT = ["realProofs", "realLiquidation", "ledgerPairing", "ledgerBatchDifferential"];

/** Vitest of the copy: each file's hits are saved when it is done. */
const VITEST = `import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/contracts/*.test.ts", "test/oracle/aggregation.test.ts", "test/oracle/onChain.test.ts"],
    exclude: ${JSON.stringify(LEFT_OUT.map((name) => `test/contracts/${name}.test.ts`))},
    setupFiles: ["./saveCoverage.ts"],
    isolate: false,
    maxWorkers: 2,
    pool: "forks",
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
`;

const SAVE = `import { markTestWorkerDone } from "hardhat/internal/coverage";
import { afterAll } from "vitest";

afterAll(() => markTestWorkerDone("typescript"));
`;

/** Writes what all tests together ran through, as Hardhat tells. */
const REPORT = `import { writeFileSync } from "node:fs";
import hre from "hardhat";

await hre.tasks.getTask("build").run({ quiet: true });
await hre._coverage.loadData("solidity", "typescript");
const files = Object.entries(await hre._coverage.getReport()).map(([file, data]) => ({
  file,
  lines: data.lineExecutionCounts.size,
  missed: [...data.unexecutedLines].sort((a, b) => a - b),
}));
writeFileSync("report.json", JSON.stringify({ files, hits: [...hre._coverage.data] }));
`;

interface Report {
  files: { file: string; lines: number; missed: number[] }[];
  hits: [tag: string, count: number][];
}

function run(tool: string, ...parameters: string[]): void {
  spawnSync(join(ROOT, "node_modules/.bin", tool), parameters, {
    cwd: COPY,
    stdio: "inherit",
    env: { ...process.env, HARDHAT_COVERAGE: "true" },
  });
}

/** Makes the copy: what is compiled or run is copied, everything else linked. */
function makeCopy(): void {
  rmSync(COPY, { recursive: true, force: true });
  mkdirSync(join(COPY, "build"), { recursive: true });
  for (const name of COPIED) cpSync(join(ROOT, name), join(COPY, name), { recursive: true });
  const ownBuilds = ["artifacts", "hardhat-cache", "coverage", "coverage-contracts"];
  for (const name of readdirSync(join(ROOT, "build"))) {
    if (!ownBuilds.includes(name)) symlinkSync(join(ROOT, "build", name), join(COPY, "build", name));
  }
  for (const name of readdirSync(ROOT)) {
    const own = [...COPIED, "build", "coverage", ".git", "vitest.config.ts"];
    if (!own.includes(name)) symlinkSync(join(ROOT, name), join(COPY, name));
  }
  writeFileSync(join(COPY, "vitest.config.ts"), VITEST);
  writeFileSync(join(COPY, "saveCoverage.ts"), SAVE);
  writeFileSync(join(COPY, "report.ts"), REPORT);
}

/** Has the copy's contracts compiled without the optimizer's long work, and only those counted that are judged. */
function configure(): void {
  const path = join(COPY, "hardhat.config.ts");
  const source = readFileSync(path, "utf8");
  const optimizer = "optimizer: { enabled: true, runs }, viaIR: true";
  if (!source.includes(optimizer)) throw new Error(`hardhat.config.ts has no ${optimizer}`);
  const short = `optimizer: { enabled: true, runs: 1, details: { yul: true, yulDetails: { optimizerSteps: "u" } } }, viaIR: true`;
  writeFileSync(
    path,
    source.replace(optimizer, short).replace(
      "defineConfig({",
      `defineConfig({
  coverage: { skipFiles: ["contracts/test/**", "contracts/generated/**", "contracts/BranchHits.sol"] },`,
    ),
  );
}

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`;

/** Prints the figures of each file and in sum, then what was missed. */
function print(report: Report, branches: readonly Branch[]): void {
  const hits = new Map(report.hits);
  const missed: string[] = [];
  const sum = [0, 0, 0, 0] as [number, number, number, number];
  const line = (name: string, [lines, ofLines, taken, ofBranches]: readonly number[]) =>
    console.log(
      name.padEnd(42),
      `lines ${lines}/${ofLines}`.padEnd(18),
      percent(lines as number, ofLines as number).padStart(6),
      `  branches ${taken}/${ofBranches}`.padEnd(22),
      percent(taken as number, ofBranches as number).padStart(6),
    );
  for (const { file, lines, missed: places } of report.files.sort((a, b) => (a.file < b.file ? -1 : 1))) {
    const own = branches.filter((branch) => branch.file === file);
    let taken = 0;
    for (const branch of own) {
      const { whenFalse, whenTrue } = outcomes(branch, hits);
      taken += Number(whenFalse > 0) + Number(whenTrue > 0);
      const never = [...(whenFalse ? [] : ["false"]), ...(whenTrue ? [] : ["true"])].join(" nor ");
      if (never) missed.push(`${file}:${branch.line}: never ${never}: ${branch.text}`);
    }
    for (const place of places) missed.push(`${file}:${place}: not run`);
    const figures = [lines - places.length, lines, taken, 2 * own.length];
    figures.forEach((figure, place) => {
      sum[place] = (sum[place] as number) + figure;
    });
    line(file, figures);
  }
  line("in sum", sum);
  console.log(missed.join("\n"));
}

await prepare();
makeCopy();
configure();
const branches = instrumentBranches(COPY);
run("hardhat", "test", "solidity");
run("vitest", "run", ...process.argv.slice(2));
run("node", "report.ts");
print(JSON.parse(readFileSync(join(COPY, "report.json"), "utf8")), branches);
