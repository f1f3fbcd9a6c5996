import { createHash } from "node:crypto";
import { around, contracts, functionName, type Node, type Program, place } from "../ast.ts";
import { findingAt, type Rule } from "../findings.ts";
import { inherited } from "../order.ts";
import { judgedNodes } from "./calls.ts";

/** Sixteen digits that stand for a block's text, comments and spaces apart. */
export function blockHash(text: string): string {
  const bare = text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, "").replace(/\s+/g, "");
  return createHash("sha256").update(bare).digest("hex").slice(0, 16);
}

/** Blocks that switch off what Solidity checks. Each is reviewed, and named by its function and hash: a change asks for another review. */
function reviewed(rule: string, kind: string, message: string): Rule {
  return (program) =>
    judgedNodes(program, kind).map((node) => {
      const owner = around(program, node, "FunctionDefinition", "ModifierDefinition") as Node;
      const hash = blockHash(place(program, node).text);
      return findingAt(program, node, rule, message, `${functionName(program, owner)} ${hash}`);
    });
}

export const assembly = reviewed(
  "assembly",
  "InlineAssembly",
  "a block of assembly that nobody has reviewed as it is",
);
export const uncheckedBlock = reviewed(
  "unchecked",
  "UncheckedBlock",
  "an unchecked block that nobody has reviewed as it is",
);

/** A local name that is also that of something of the contract or its bases: the reader takes one for the other. */
export const shadowing: Rule = (program) =>
  contracts(program).flatMap((contract) => {
    const names = new Map<string, Node>();
    for (const base of inherited(program, contract)) {
      for (const node of base.nodes as Node[]) {
        const inner = base !== contract && node.visibility === "private";
        if (
          node.name &&
          !inner &&
          ["VariableDeclaration", "FunctionDefinition", "EventDefinition", "ErrorDefinition"].includes(
            node.nodeType,
          )
        )
          names.set(node.name, node);
      }
    }
    return locals(program, contract)
      .filter(({ name }) => names.has(name))
      .map((node) =>
        findingAt(program, node, "shadowing", `${node.name} is also a name of ${contract.name} or its bases`),
      );
  });

/** Parameters, named results and local variables of a contract's functions that have bodies. */
function locals(program: Program, contract: Node): Node[] {
  const found: Node[] = [];
  for (const node of program.parents.keys()) {
    if (node.nodeType !== "VariableDeclaration" || node.stateVariable || !node.name) continue;
    const owner = around(program, node, "FunctionDefinition", "ModifierDefinition");
    if (owner?.body && around(program, owner, "ContractDefinition") === contract) found.push(node);
  }
  return found;
}

/** Whatever the compiler warns of. */
export const compilerWarning: Rule = (program) =>
  program.warnings.map(({ file, start, code, message }) => {
    const bytes = (program.sources.get(file) as { bytes: Buffer }).bytes;
    const line = bytes.subarray(0, start).toString().split("\n").length;
    const source = bytes.toString().split("\n")[line - 1] as string;
    return { rule: "compiler-warning", file, line, message: `${code} ${message}`, source };
  });
