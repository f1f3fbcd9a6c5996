import { children, declarationOf, type Node, type Program } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";
import { judgedNodes } from "./calls.ts";

/** Bits of an integer type, its sign by the letter; undefined for other types. */
function integer(type: string | undefined): { signed: boolean; bits: number } | undefined {
  const [, unsigned, bits] = /^(u?)int(\d+)$/.exec(type ?? "") ?? [];
  return bits === undefined ? undefined : { signed: unsigned === "", bits: Number(bits) };
}

/** A conversion that silently drops high bits or turns a sign. */
export const narrowing: Rule = (program) =>
  judgedNodes(program, "FunctionCall")
    .filter(({ kind, arguments: values }) => kind === "typeConversion" && values.length === 1)
    .filter((call) => {
      const to = integer(call.typeDescriptions?.typeString);
      const from = integer(call.arguments[0].typeDescriptions?.typeString);
      return to !== undefined && from !== undefined && (to.bits < from.bits || to.signed !== from.signed);
    })
    .map((call) => {
      const from = call.arguments[0].typeDescriptions.typeString;
      return findingAt(
        program,
        call,
        "narrowing",
        `${from} to ${call.typeDescriptions.typeString} unchecked`,
      );
    });

/** Whether a value comes out of a division, through parentheses and conversions. */
function isQuotient(program: Program, node: Node): boolean {
  if (node.nodeType === "TupleExpression" && node.components.length === 1)
    return isQuotient(program, node.components[0]);
  if (node.nodeType === "FunctionCall" && node.kind === "typeConversion")
    return isQuotient(program, node.arguments[0]);
  if (node.nodeType === "Identifier") {
    const declared = declarationOf(program, node);
    const statement = declared && program.parents.get(declared);
    if (statement?.nodeType !== "VariableDeclarationStatement" || statement.declarations.length !== 1)
      return false;
    return statement.initialValue != null && isQuotient(program, statement.initialValue);
  }
  if (node.nodeType !== "BinaryOperation") return false;
  return (
    node.operator === "/" ||
    (node.operator === "*" && children(node).some((part) => isQuotient(program, part)))
  );
}

/** A quotient that is multiplied: its rounding is multiplied too. */
export const divideFirst: Rule = (program) =>
  judgedNodes(program, "BinaryOperation")
    .filter(({ operator }) => operator === "*")
    .filter(({ leftExpression, rightExpression }) =>
      [leftExpression, rightExpression].some((part: Node) => isQuotient(program, part)),
    )
    .map((node) => findingAt(program, node, "divide-first", "a quotient is multiplied"));

/** Two balances asked to be equal: whoever sends a unit makes them differ. */
export const exactBalance: Rule = (program) =>
  judgedNodes(program, "BinaryOperation")
    .filter(({ operator }) => operator === "==" || operator === "!=")
    .filter(({ leftExpression, rightExpression }) =>
      [leftExpression, rightExpression].some(
        (part: Node) =>
          part.memberName === "balance" ||
          (part.nodeType === "FunctionCall" && part.expression.memberName === "balanceOf"),
      ),
    )
    .map((node) => findingAt(program, node, "exact-balance", "a balance compared for equality"));
