import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CIRCUITS } from "../../../contracts/statements.ts";
import { functionName } from "../../setup/keysContract.ts";
import { ROOT } from "../../setup/paths.ts";
import { projectFiles } from "../files.ts";
import { children, type Node, type Program } from "./ast.ts";

const require = createRequire(import.meta.url);
const KEYS = "contracts/generated/VerifyingKeys.sol";

/** What stands for the generated keys, which a fresh clone does not have: the analysis does not depend on them. */
const KEYS_STAND_IN = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;
library VerifyingKeys {
    bool internal constant DEVELOPMENT = true;
${CIRCUITS.map((name) => `    function ${functionName(name)}() internal pure returns (bytes memory) { return hex"00"; }`).join("\n")}
}
`;

/** Text of a source that another imports: of the project or of a package. */
function imported(path: string): { contents: string } | { error: string } {
  if (path === KEYS) return { contents: KEYS_STAND_IN };
  const file = [join(ROOT, path), join(ROOT, "node_modules", path)].find((candidate) =>
    existsSync(candidate),
  );
  return file === undefined ? { error: "not found" } : { contents: readFileSync(file, "utf8") };
}

/** The project's contracts without its test doubles, by path. */
export function projectSources(): Record<string, string> {
  const files = projectFiles(/^contracts\/(?!test\/|generated\/).*\.sol$/);
  return Object.fromEntries(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
}

/** One message of the compiler. */
export interface Message {
  severity: "error" | "warning" | "info";
  errorCode?: string;
  message: string;
  formattedMessage: string;
  sourceLocation?: { file: string; start: number; end: number };
}

/** What the compiler makes of sources by path; other sources are read as they are imported. */
export function compile(
  sources: Record<string, string>,
  settings: object,
): { errors?: Message[]; sources: Record<string, { ast: Node; id: number }> } {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings,
  };
  return JSON.parse(require("solc").compile(JSON.stringify(input), { import: imported }));
}

/**
 * The syntax trees of sources, with types and references.
 * @throws Error when they do not compile
 */
export function parse(sources: Record<string, string>): Program {
  const output = compile(sources, { outputSelection: { "*": { "": ["ast"] } } });
  const fault = output.errors?.find(({ severity }) => severity === "error");
  if (fault !== undefined) throw new Error(fault.formattedMessage);
  const program: Program = {
    judged: Object.keys(sources),
    sources: new Map(),
    byId: new Map(),
    parents: new Map(),
    warnings: [],
  };
  for (const [path, { ast, id }] of Object.entries(output.sources)) {
    const text = sources[path] ?? (imported(path) as { contents: string }).contents;
    program.sources.set(path, { ast, index: id, bytes: Buffer.from(text) });
    const pending = [ast];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (typeof node.id === "number") program.byId.set(node.id, node);
      for (const child of children(node)) {
        program.parents.set(child, node);
        pending.push(child);
      }
    }
  }
  for (const { severity, errorCode, message, sourceLocation } of output.errors ?? []) {
    const file = sourceLocation?.file;
    if (severity !== "warning" || file === undefined || !program.judged.includes(file)) continue;
    program.warnings.push({ file, start: sourceLocation?.start ?? 0, code: errorCode ?? "", message });
  }
  return program;
}
