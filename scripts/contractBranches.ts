import { writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { find, type Node, type Program } from "./checks/solidity/ast.ts";
import { parse, projectSources } from "./checks/solidity/compile.ts";

/** One condition of a contract; its tag is sent with 0 added when it was false and 1 when it was true. */
export interface Branch {
  file: string;
  line: number;
  text: string;
  tag: bigint;
}

/** The file of a copy with the function that reports a condition. */
const HELPER = "contracts/BranchHits.sol";

/** Where EDR collects hits: the address that Hardhat's own library for statements calls, and in the same way. */
const HELPER_SOURCE = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

function _sendBranchHit(uint256 tag) view {
    assembly ("memory-safe") {
        let place := mload(0x40)
        mstore(place, tag)
        pop(staticcall(gas(), 0xc0bEc0BEc0BeC0bEC0beC0bEC0bEC0beC0beC0BE, place, 32, 0, 0))
    }
}

function _asPure(function(uint256) internal view given) pure returns (function(uint256) internal pure same) {
    assembly ("memory-safe") {
        same := given
    }
}

function branchHit(bool condition, uint256 tag) pure returns (bool) {
    _asPure(_sendBranchHit)(condition ? tag + 1 : tag);
    return condition;
}
`;

const FIRST_TAG = 0xb4a4c0de_00000000_00000000_00000000n << 128n;

/** The condition of a node that has one. */
function conditionOf(node: Node): Node | undefined {
  if (node.nodeType !== "FunctionCall") return node.condition ?? undefined;
  return ["require", "assert"].includes(node.expression.name) ? node.arguments[0] : undefined;
}

/** All conditions of if, ?:, loops, require and assert. */
function conditions(program: Program, file: string): Node[] {
  const { ast } = program.sources.get(file) as { ast: Node };
  const kinds = [
    "IfStatement",
    "Conditional",
    "WhileStatement",
    "DoWhileStatement",
    "ForStatement",
    "FunctionCall",
  ];
  return find(ast, ...kinds).flatMap((node) => conditionOf(node) ?? []);
}

/** Has every condition of the contracts in a copy report what it is; lines stay where they are. Returns the conditions. */
export function instrumentBranches(copy: string): Branch[] {
  const sources = projectSources();
  const program = parse(sources);
  const branches: Branch[] = [];
  for (const file of program.judged) {
    const bytes = Buffer.from(sources[file] as string);
    const insertions: { at: number; order: number; text: string }[] = [];
    for (const condition of conditions(program, file)) {
      const [start, length] = condition.src.split(":").map(Number) as [number, number];
      const tag = FIRST_TAG + 2n * BigInt(branches.length);
      const line = bytes.subarray(0, start).toString().split("\n").length;
      const text = bytes
        .subarray(start, start + length)
        .toString()
        .replace(/\s+/g, " ");
      branches.push({ file, line, text, tag });
      insertions.push({ at: start, order: -length, text: "branchHit(" });
      insertions.push({ at: start + length, order: length - 1e9, text: `, 0x${tag.toString(16)})` });
    }
    if (insertions.length === 0) continue;
    // At one place inner ends come before outer ones, and all ends before starts; outer starts before inner ones.
    insertions.sort((a, b) => a.at - b.at || a.order - b.order);
    const parts: Buffer[] = [];
    let from = 0;
    for (const { at, text } of insertions) {
      parts.push(bytes.subarray(from, at), Buffer.from(text));
      from = at;
    }
    const path = relative(dirname(file), HELPER);
    const helper = path.startsWith(".") ? path : `./${path}`;
    parts.push(bytes.subarray(from), Buffer.from(`import { branchHit } from "${helper}";\n`));
    writeFileSync(join(copy, file), Buffer.concat(parts));
  }
  writeFileSync(join(copy, HELPER), HELPER_SOURCE);
  return branches;
}

/** How often a condition was false and true, by the hits of the tests. */
export function outcomes(
  { tag }: Branch,
  hits: Map<string, number>,
): { whenFalse: number; whenTrue: number } {
  const of = (number: bigint) => hits.get(number.toString(16).padStart(64, "0")) ?? 0;
  return { whenFalse: of(tag), whenTrue: of(tag + 1n) };
}
