import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONTRACT_MUTANTS, type ContractMutant } from "./contractMutants.ts";

/**
 * The invariants of test/solidity at length, and what they are worth: each fault of {@link CONTRACT_MUTANTS}, put into a copy of the contracts
 * behind a switch, must turn its invariant red.
 */
const ROOT = process.cwd();
const HARDHAT = join(ROOT, "node_modules/.bin/hardhat");
const SUITE = "test/solidity/LedgerInvariants.t.sol";
const MUTANTS = "test/solidity/Mutants.t.sol";

/** Where code stands at run time that switches a mutant on: this address and the mutant's number. */
const SWITCH = "uint160(0xfa000000 + ";

function hardhat(
  cwd: string,
  parameters: readonly string[],
  seed?: bigint,
): { status: number; output: string } {
  const { status, stdout, stderr } = spawnSync(HARDHAT, [...parameters], {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { ...process.env, ...(seed !== undefined && { SOLVUS_FUZZ_SEED: `0x${seed.toString(16)}` }) },
  });
  return { status: status ?? 1, output: stdout + stderr };
}

test("the invariants hold in long random sequences", { timeout: 1_800_000 }, () => {
  const seed = BigInt(process.env.SOLVUS_FUZZ_SEED ?? Date.now());
  const { status, output } = hardhat(ROOT, ["test", "solidity", "--test-profile", "long", SUITE], seed);
  expect(status, `SOLVUS_FUZZ_SEED=${seed}\n${output}`).toBe(0);
});

/** A name for a mutant, as a function of Solidity may have. */
function testName(index: number): string {
  return `testMutant${String(index).padStart(3, "0")}`;
}

/** The test in which every switch is off. */
const WITHOUT = "testWithoutAMutant";

/** Puts every mutant into the contracts of a copy of the project, each behind its switch. */
function plant(directory: string, mutants: readonly ContractMutant[]): void {
  const switched = new Set<string>();
  mutants.forEach(({ file, find, replace, also }, index) => {
    const path = join(directory, "contracts", file);
    let source = readFileSync(path, "utf8");
    if (also) {
      if (!source.includes(also[0])) throw new Error(`mutant ${index}: not in ${file}: ${also[0]}`);
      source = source.replace(...also);
    }
    const places = source.split(find).length - 1;
    if (places !== 1) throw new Error(`mutant ${index}: ${places} places in ${file} for: ${find}`);
    writeFileSync(
      path,
      source.replace(find, () => replace.replace(/\bON\b/g, `Mutants.isOn(${index + 1})`)),
    );
    switched.add(file);
  });
  for (const file of switched) {
    const path = join(directory, "contracts", file);
    const source = readFileSync(path, "utf8");
    writeFileSync(path, source.replace(/\nimport /, '\nimport { Mutants } from "./Mutants.sol";\nimport '));
  }
  writeFileSync(
    join(directory, "contracts/Mutants.sol"),
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

library Mutants {
    function isOn(uint256 mutant) internal view returns (bool) {
        return address(${SWITCH}mutant)).code.length != 0;
    }
}
`,
  );
}

/** Has the tests compiled as the suite is, without the IR, which takes minutes for them, and a ledger with its switches made small. */
function compileQuickly(directory: string): void {
  const path = join(directory, "hardhat.config.ts");
  const source = readFileSync(path, "utf8");
  const entry = '"contracts/Ledger.sol": compiler(200),';
  if (!source.includes(entry)) throw new Error(`hardhat.config.ts lists no ${entry}`);
  writeFileSync(path, source.replace(entry, `"contracts/Ledger.sol": compiler(1), "${MUTANTS}": quick,`));
}

/** A test for each mutant: green when its invariant becomes red in a long sequence of actions. One more has no mutant on, and no invariant red. */
function writeSuite(directory: string, mutants: readonly ContractMutant[]): void {
  const suite = readFileSync(join(ROOT, SUITE), "utf8");
  const head = suite
    .replace("contract LedgerInvariantsTest", "abstract contract LedgerInvariants")
    .replace("function testTheHandlerReachesEveryKindOfCall() external", "function reach() external");
  writeFileSync(join(directory, SUITE), head);
  const tests = mutants.map(
    ({ invariant }, index) => `
    function ${testName(index + 1)}() external {
        kill(${index + 1}, this.${invariant}.selector);
    }
`,
  );
  const invariants = [...new Set(mutants.map(({ invariant }) => invariant))];
  writeFileSync(
    join(directory, MUTANTS),
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { LedgerInvariants } from "./LedgerInvariants.t.sol";

interface Etch {
    function etch(address target, bytes calldata code) external;
}

contract MutantsTest is LedgerInvariants {
    function kill(uint256 mutant, bytes4 invariant) private {
        Etch(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D).etch(address(${SWITCH}mutant)), hex"00");
        for (uint256 i; i < STEPS; ++i) {
            act(i);
            if (i % 8 != 7) continue;
            (bool holds, ) = address(this).staticcall(abi.encodeWithSelector(invariant));
            if (!holds) return;
        }
        revert("survived");
    }

    function ${WITHOUT}() external {
        for (uint256 i; i < STEPS; ++i) {
            act(i);
            if (i % 64 != 63) continue;
            ${invariants.map((invariant) => `this.${invariant}();`).join("\n            ")}
        }
    }
${tests.join("")}}
`,
  );
}

describe("the invariants fail of a contract that is broken", () => {
  let directory: string;
  let output = "";

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "solvus-mutants-"));
    for (const part of ["contracts", "test/solidity", "hardhat.config.ts", "package.json"]) {
      cpSync(join(ROOT, part), join(directory, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
    plant(directory, CONTRACT_MUTANTS);
    writeSuite(directory, CONTRACT_MUTANTS);
    compileQuickly(directory);
    const files = ["Ledger", "RiskOracle", "ComplianceRegistry", "LiquidationAuction", "InsuranceFund"];
    const built = hardhat(directory, ["build", ...files.map((name) => `contracts/${name}.sol`)]);
    expect(built.status, built.output).toBe(0);
    output = hardhat(directory, ["test", "solidity", MUTANTS]).output;
  }, 1_800_000);

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  /** The line of the run's output about a test. */
  const resultOf = (name: string): string | undefined =>
    output.split("\n").find((text) => text.includes(`${name}()`));

  test("and hold of the same copy while every fault is switched off", () => {
    expect(resultOf(WITHOUT), output.slice(-4000)).toMatch(/✔/);
  });

  test.each(CONTRACT_MUTANTS.map((mutant, index) => ({ ...mutant, name: testName(index + 1) })))(
    "$file: $find ($invariant)",
    ({ name }) => {
      expect(resultOf(name), output.slice(-4000)).toMatch(/✔/);
    },
  );
});
