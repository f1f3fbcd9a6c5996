import { around, declarationOf, find, type Node, type Program } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";
import { judgedNodes } from "./calls.ts";

/** Whether a value is known when the contract is compiled: a number, a constant, a fixed array's length, or arithmetic on such. */
function isFixed(program: Program, node: Node): boolean {
  if (node.nodeType === "Literal") return true;
  if (node.nodeType === "Identifier") {
    const declared = declarationOf(program, node);
    return declared?.nodeType === "VariableDeclaration" && declared.mutability === "constant";
  }
  if (node.nodeType === "TupleExpression")
    return node.components.every((part: Node) => isFixed(program, part));
  if (node.nodeType === "BinaryOperation")
    return isFixed(program, node.leftExpression) && isFixed(program, node.rightExpression);
  if (node.nodeType === "MemberAccess" && node.memberName === "length")
    return /\[\d+\]/.test(node.expression.typeDescriptions?.typeString ?? "");
  return false;
}

/**
 * A loop of which it does not show when it ends: it neither compares with something fixed a variable that only its step changes, nor is its bound
 * a variable of another such loop around it.
 */
export const openLoop: Rule = (program) =>
  judgedNodes(program, "ForStatement", "WhileStatement", "DoWhileStatement")
    .filter((loop) => !isBounded(program, loop))
    .map((loop) => findingAt(program, loop, "open-loop", "nothing fixed bounds the loop"));

function isBounded(program: Program, loop: Node): boolean {
  if (loop.nodeType !== "ForStatement") return false;
  const { condition, loopExpression } = loop;
  if (condition?.nodeType !== "BinaryOperation" || !loopExpression) return false;
  const counter = declarationOf(program, condition.leftExpression);
  const step: Node = loopExpression.expression;
  if (counter === undefined || step.nodeType !== "UnaryOperation") return false;
  if (declarationOf(program, step.subExpression) !== counter) return false;
  const assigned = find(loop.body, "Assignment", "UnaryOperation").some(
    (node) =>
      declarationOf(program, node.leftHandSide ?? node.subExpression) === counter &&
      (node.nodeType === "Assignment" || ["++", "--"].includes(node.operator)),
  );
  if (assigned) return false;
  const upwards = step.operator === "++" && ["<", "<="].includes(condition.operator);
  const downwards = step.operator === "--" && [">", ">=", "!="].includes(condition.operator);
  if (downwards) {
    const start: Node | undefined = loop.initializationExpression?.initialValue;
    return start !== undefined && isFixed(program, start) && isFixed(program, condition.rightExpression);
  }
  if (!upwards) return false;
  if (isFixed(program, condition.rightExpression)) return true;
  const bound = declarationOf(program, condition.rightExpression);
  for (
    let outer = around(program, loop, "ForStatement");
    outer;
    outer = around(program, outer, "ForStatement")
  ) {
    const counts = outer.condition?.leftExpression && declarationOf(program, outer.condition.leftExpression);
    if (bound !== undefined && counts === bound && isBounded(program, outer)) return true;
  }
  return false;
}
