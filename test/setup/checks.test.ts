import { describe, expect, it } from "vitest";
import { type Finding, judge } from "../../scripts/checks/allowances.ts";
import { circomFormatFaults } from "../../scripts/checks/circomFormat.ts";
import { directionFaults } from "../../scripts/checks/dependencyDirection.ts";
import { rulesOff } from "../../scripts/checks/solhint.ts";
import { undocumentedErrors } from "../../scripts/checks/solidityErrors.ts";

describe("the checks of npm run check", () => {
  it("find faults of circom format", () => {
    const head = "pragma circom 2.2.0;\n";
    expect(circomFormatFaults("a", `${head}\ntemplate A() {\n    signal input a;\n}\n`)).toEqual([]);
    expect(circomFormatFaults("a", `${head}\tx\n`)[0]).toBe("a:2: tab");
    expect(circomFormatFaults("a", `${head}x \n`)).toEqual(["a:2: blanks at the end of the line"]);
    expect(circomFormatFaults("a", `${head}  x\n`)[0]).toContain("indented by 2");
    expect(circomFormatFaults("a", `${head}${"x".repeat(161)}\n`)[0]).toContain("161 characters");
    expect(circomFormatFaults("a", "x")).toHaveLength(2);
  });

  it("find imports against the direction", () => {
    const faults = (file: string, target: string) => directionFaults(file, `import { a } from "${target}";`);
    expect(faults("protocol/a.ts", "./b.ts")).toEqual([]);
    expect(faults("prover/a.ts", "../protocol/b.ts")).toEqual([]);
    expect(faults("protocol/a.ts", "../prover/b.ts")[0]).toContain("protocol may not depend on prover");
    expect(faults("verifier/a.ts", "../prover/b.ts")[0]).toContain("verifier may not depend on prover");
    expect(faults("prover/a.ts", "../cli/b.ts")[0]).toContain("prover may not depend on cli");
    expect(directionFaults("scripts/a.ts", 'await import("../cli/b.ts")')).toHaveLength(1);
    expect(directionFaults("verifier/a.ts", 'export * from "../prover/b.ts"')).toHaveLength(1);
  });

  it("find Solidity errors without cause or cure", () => {
    const error = "    error Late(uint256 time);\n";
    const notice = "    /// @notice It is late.\n";
    const cure = "    /// @dev Cure: come sooner.\n";
    expect(undocumentedErrors("A.sol", notice + cure + error)).toEqual([]);
    expect(undocumentedErrors("A.sol", notice + error)[0]).toContain("A.sol:2: error Late");
    expect(undocumentedErrors("A.sol", `${notice}${cure}\n${error}`)).toHaveLength(1);
  });

  it("allow findings only with a reason, as many as there are, and none in vain", () => {
    const finding: Finding = { rule: "CS1", file: "a", line: 3, message: "bad", source: "signal x <-- y;" };
    const allowance = {
      rule: "CS1",
      file: "a",
      source: "x <--",
      reason: "constrained two lines further down",
    };
    expect(judge([finding], [allowance], "list")).toEqual([]);
    expect(judge([finding], [], "list")).toEqual(["a:3: CS1: bad (signal x <-- y;)"]);
    expect(judge([finding], [{ ...allowance, file: "b" }], "list")).toHaveLength(2);
    expect(judge([finding], [{ ...allowance, reason: "fine" }], "list")[0]).toContain("needs a reason");
    expect(judge([], [allowance], "list")[0]).toContain("allows nothing; remove it");
    const another = { ...finding, line: 9 };
    expect(judge([finding, another], [allowance], "list")[0]).toContain(
      "allows 1, but there are 2: lines 3, 9",
    );
    expect(judge([finding, another], [{ ...allowance, times: 2 }], "list")).toEqual([]);
    expect(judge([finding], [{ ...allowance, times: 2 }], "list")).toHaveLength(1);
  });

  it("want every rule of security of solhint's as an error", () => {
    const rules = { reentrancy: "error", "func-visibility": ["error", {}], "not-rely-on-time": "warn" };
    expect(rulesOff(rules, ["reentrancy", "func-visibility"])).toEqual([]);
    expect(rulesOff(rules, ["not-rely-on-time", "avoid-throw"])).toHaveLength(2);
  });
});
