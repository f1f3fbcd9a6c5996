import { beforeAll, describe, expect, test } from "vitest";
import type { Finding } from "../../scripts/checks/allowances.ts";
import { analyse, RULES } from "../../scripts/checks/solidity/analysis.ts";
import { parse } from "../../scripts/checks/solidity/compile.ts";
import { unproven } from "../../scripts/checks/solidity/modelChecker.ts";
import { blockHash } from "../../scripts/checks/solidity/rules/review.ts";
import { PLANTED } from "./planted.ts";

const HEAD = "// SPDX-License-Identifier: GPL-3.0-or-later\npragma solidity 0.8.30;\n";
const fileOf = (rule: string, kind: "bug" | "right"): string => `${rule}.${kind}.sol`;

describe("the analysis of the contracts", () => {
  let findings: Finding[];
  beforeAll(() => {
    const sources = Object.entries(PLANTED).flatMap(([rule, { bug, right }]) => [
      [fileOf(rule, "bug"), HEAD + bug],
      [fileOf(rule, "right"), HEAD + right],
    ]);
    findings = analyse(parse(Object.fromEntries(sources)));
  });
  const found = (rule: string, kind: "bug" | "right"): Finding[] =>
    findings.filter((finding) => finding.rule === rule && finding.file === fileOf(rule, kind));

  test("plants a bug for every rule", () => {
    expect(Object.keys(PLANTED).sort()).toEqual(Object.keys(RULES).sort());
  });

  test.for(Object.keys(RULES))("finds a planted bug and nothing beside it: %s", (rule) => {
    const [first] = found(rule, "bug");
    expect(first?.source).toContain(PLANTED[rule].at);
    expect(found(rule, "right")).toEqual([]);
  });

  test("follows modifiers, overrides, super and branches to a write after a call", () => {
    const callee = "interface Callee { function pay() external; }\n";
    const late = (body: string): number => {
      const program = parse({ "a.sol": HEAD + callee + body });
      return analyse(program).filter(({ rule }) => rule === "write-after-call").length;
    };
    const base = "abstract contract B { Callee c; uint256 a; function _do() internal virtual; }";
    expect(
      late(
        `${base} contract C is B { function f() external { _do(); a = 1; } function _do() internal override { c.pay(); } }`,
      ),
    ).toBe(1);
    expect(
      late(
        `${base} contract C is B { function f() external { _do(); a = 1; } function _do() internal override { } }`,
      ),
    ).toBe(0);
    expect(
      late(
        "contract C { Callee c; uint256 a; modifier after_() { _; a = 1; } function f() external after_ { c.pay(); } }",
      ),
    ).toBe(1);
    expect(
      late(
        "contract C { Callee c; uint256 a; modifier before_() { a = 1; _; } function f() external before_ { c.pay(); } }",
      ),
    ).toBe(0);
    expect(
      late(
        "contract C { Callee c; uint256 a; function f(bool b) external { if (b) { c.pay(); return; } a = 1; } }",
      ),
    ).toBe(0);
    expect(
      late("contract C { Callee c; uint256 a; function f(bool b) external { if (b) { c.pay(); } a = 1; } }"),
    ).toBe(1);
    expect(
      late(
        "contract C { Callee c; uint256 a; function f() external { for (uint256 i; i < 3; ++i) { a = i; c.pay(); } } }",
      ),
    ).toBe(1);
    expect(
      late(
        "contract B { Callee c; uint256 a; function _g() internal virtual { c.pay(); } } contract C is B { function f() external { super._g(); a = 1; } function _g() internal override {} }",
      ),
    ).toBe(1);
    expect(
      late(
        "contract C { Callee c; struct S { uint256 x; } mapping(uint256 => S) m; function f() external { S storage s = m[1]; c.pay(); s.x = 1; } }",
      ),
    ).toBe(1);
  });

  test("hashes a block by what it does, not by its comments and spaces", () => {
    const block = "assembly {\n  a := add(1, 2) // three\n}";
    expect(blockHash("assembly { a := add(1, 2) }")).toBe(blockHash(block));
    expect(blockHash("assembly { a := add(1, 3) }")).not.toBe(blockHash(block));
  });

  test("proves a true property and finds the false one beside it", () => {
    const source = `${HEAD}contract C { function f(uint256 a) external pure { require(a < 100); unchecked {
      assert(a * a <= 9801);
      assert(a * a <= 9800); } } }`;
    expect(unproven({ "a.sol": source })).toEqual(["a.sol: not proven: assert(a * a <= 9800);"]);
  });
});
