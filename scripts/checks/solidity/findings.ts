import type { Finding } from "../allowances.ts";
import { type Node, type Program, place } from "./ast.ts";

/** A rule: what it finds in a program. */
export type Rule = (program: Program) => Finding[];

/** A finding at a node, named by its source line unless something else names it better. */
export function findingAt(
  program: Program,
  node: Node,
  rule: string,
  message: string,
  source?: string,
): Finding {
  const at = place(program, node);
  return { rule, file: at.file, line: at.line, message, source: source ?? at.source };
}
