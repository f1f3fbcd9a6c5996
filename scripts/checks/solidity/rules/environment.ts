import { callee, type Node, type Program } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";
import { judgedNodes } from "./calls.ts";

/** Members of a global like `block`, and Yul instructions, that are read. */
function reads(program: Program, global: string, members: RegExp, instructions: RegExp): Node[] {
  return [
    ...judgedNodes(program, "MemberAccess").filter(
      ({ expression, memberName }) =>
        expression.nodeType === "Identifier" && expression.name === global && members.test(memberName),
    ),
    ...judgedNodes(program, "YulFunctionCall").filter(({ functionName }) =>
      instructions.test(functionName.name),
    ),
  ];
}

/** The first sender of a transaction: whoever lures a user into any contract acts as that user. */
export const origin: Rule = (program) =>
  reads(program, "tx", /^origin$/, /^origin$/).map((node) =>
    findingAt(program, node, "origin", "the transaction's first sender"),
  );

/** What a block's proposer chooses or knows before others, the time excepted. */
export const proposer: Rule = (program) => [
  ...reads(
    program,
    "block",
    /^(number|prevrandao|difficulty|coinbase|basefee|blobbasefee|gaslimit)$/,
    /^(number|prevrandao|difficulty|coinbase|blockhash|basefee|blobbasefee|blobhash)$/,
  ).map((node) => findingAt(program, node, "proposer", "a block's proposer chooses it")),
  ...judgedNodes(program, "FunctionCall")
    .filter((call) => ["blockhash", "blobhash"].includes(callee(call).name))
    .map((node) => findingAt(program, node, "proposer", "a block's proposer chooses it")),
];

/** A block's time, which its proposer may move by some seconds. */
export const time: Rule = (program) =>
  reads(program, "block", /^timestamp$/, /^timestamp$/).map((node) =>
    findingAt(program, node, "time", "depends on the block's time"),
  );
