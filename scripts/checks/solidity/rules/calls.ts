import { callee, callKind, find, type Node, type Program } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";

/** All nodes of these kinds in judged sources. */
export function judgedNodes(program: Program, ...kinds: string[]): Node[] {
  return program.judged.flatMap((file) => find((program.sources.get(file) as { ast: Node }).ast, ...kinds));
}

const calls = (program: Program): Node[] =>
  judgedNodes(program, "FunctionCall").filter(({ kind }) => kind === "functionCall");
const yulCalls = (program: Program, names: RegExp): Node[] =>
  judgedNodes(program, "YulFunctionCall").filter(({ functionName }) => names.test(functionName.name));

const LOW_LEVEL = /^(barecall|baredelegatecall|barestaticcall|send)$/;

/** A low-level call of whose success nothing is asked: in Solidity its first result is dropped, in assembly its result is popped. */
export const uncheckedCall: Rule = (program) => {
  const message = "nobody asks whether the call succeeded";
  const solidity = calls(program).filter((call) => {
    if (!LOW_LEVEL.test(callKind(call))) return false;
    const parent = program.parents.get(call) as Node;
    if (parent.nodeType === "ExpressionStatement") return true;
    if (parent.nodeType === "VariableDeclarationStatement") {
      const success: Node | null = parent.declarations[0];
      return success === null || !isRead(program, success);
    }
    return false;
  });
  const assembly = yulCalls(program, /^(call|callcode|delegatecall|staticcall|create|create2)$/).filter(
    (call) => {
      const parent = program.parents.get(call) as Node;
      return (
        parent.nodeType === "YulExpressionStatement" ||
        (parent.nodeType === "YulFunctionCall" && parent.functionName.name === "pop")
      );
    },
  );
  return [...solidity, ...assembly].map((node) => findingAt(program, node, "unchecked-call", message));
};

/** Whether a local variable is read anywhere. */
function isRead(program: Program, declaration: Node): boolean {
  for (const node of program.parents.keys())
    if (node.nodeType === "Identifier" && node.referencedDeclaration === declaration.id) return true;
  return false;
}

/** A call whose results are dropped. */
export const unusedResult: Rule = (program) =>
  calls(program)
    .filter((call) => {
      if (program.parents.get(call)?.nodeType !== "ExpressionStatement") return false;
      const type: string = call.typeDescriptions?.typeString ?? "tuple()";
      return type !== "tuple()" && !LOW_LEVEL.test(callKind(call)) && !callKind(call).startsWith("array");
    })
    .map((call) =>
      findingAt(program, call, "unused-result", `drops a result of type ${call.typeDescriptions.typeString}`),
    );

/** Code of others run as one's own, or the end of a contract. */
export const foreignCode: Rule = (program) => [
  ...calls(program)
    .filter(
      (call) => /^bare(delegatecall|callcode)$/.test(callKind(call)) || callee(call).name === "selfdestruct",
    )
    .map((call) => findingAt(program, call, "foreign-code", "runs others' code as its own, or ends itself")),
  ...yulCalls(program, /^(delegatecall|callcode|selfdestruct)$/).map((call) =>
    findingAt(program, call, "foreign-code", "runs others' code as its own, or ends itself"),
  ),
];

/** Token functions called without SafeERC20, which knows of tokens that return nothing or false. */
export const bareToken: Rule = (program) =>
  calls(program)
    .filter((call) => {
      const { nodeType, memberName, expression } = callee(call);
      return (
        nodeType === "MemberAccess" &&
        ["transfer", "transferFrom", "approve"].includes(memberName) &&
        callKind(call).startsWith("external") &&
        /contract IERC20|Token/.test(expression.typeDescriptions?.typeString ?? "")
      );
    })
    .map((call) => findingAt(program, call, "bare-token", "a token is called without SafeERC20"));

/** Money taken from somebody who may not have sent the transaction. */
export const foreignPayer: Rule = (program) =>
  calls(program)
    .filter((call) => {
      const { nodeType, memberName } = callee(call);
      if (
        nodeType !== "MemberAccess" ||
        !/^(safeTransferFrom|trySafeTransferFrom|transferFrom)$/.test(memberName)
      )
        return false;
      // As a method of the token the payer comes first, as a library's function second.
      const attached = call.arguments.length === 3;
      const payer: Node = call.arguments[attached ? 0 : 1];
      const sender = payer?.nodeType === "MemberAccess" && payer.expression.name === "msg";
      return !sender;
    })
    .map((call) => findingAt(program, call, "foreign-payer", "the payer is not msg.sender"));

/** A signature recovered without OpenZeppelin's ECDSA, which refuses the zero address and the second form of s. */
export const bareRecovery: Rule = (program) =>
  calls(program)
    .filter((call) => callee(call).name === "ecrecover")
    .map((call) => findingAt(program, call, "bare-recovery", "ecrecover without ECDSA's checks"));

/** Two values of unknown length hashed without a mark between them: ("a", "bc") and ("ab", "c") give one hash. */
export const packedHash: Rule = (program) =>
  calls(program)
    .filter((call) => {
      const { memberName, expression } = callee(call);
      if (memberName !== "encodePacked" || expression?.name !== "abi") return false;
      const open = call.arguments.filter((argument: Node) =>
        /^(bytes|string)( |$)|\[\]/.test(argument.typeDescriptions?.typeString ?? ""),
      );
      return open.length > 1;
    })
    .map((call) => findingAt(program, call, "packed-hash", "several values of unknown length, packed"));

/** An error caught and forgotten. */
export const swallowedError: Rule = (program) =>
  judgedNodes(program, "TryStatement")
    .flatMap(({ clauses }): Node[] => clauses.slice(1))
    .filter(({ block }) => block.statements.length === 0)
    .map((clause) => findingAt(program, clause, "swallowed-error", "an empty catch"));

/** Money that a contract can be sent, and from which it may not come out again. */
export const payable: Rule = (program) =>
  judgedNodes(program, "FunctionDefinition")
    .filter(({ stateMutability }) => stateMutability === "payable")
    .map((node) => findingAt(program, node, "payable", "takes ether, of which nothing here has a use"));
