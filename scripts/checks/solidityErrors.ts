import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../setup/paths.ts";
import { projectFiles } from "./files.ts";

/**
 * Custom errors without documentation, one message each. An error's NatSpec has its cause in `@notice` and what to do about it in
 * `@dev Cure:`.
 */
export function undocumentedErrors(file: string, source: string): string[] {
  const lines = source.split("\n");
  return lines.flatMap((line, index) => {
    const name = /^\s*error\s+(\w+)\s*\(/.exec(line)?.[1];
    if (name === undefined) return [];
    let first = index;
    while (first > 0 && /^\s*(\/\/\/|\*|\/\*\*)/.test(lines[first - 1])) first--;
    const comment = lines.slice(first, index).join("\n");
    const missing = [/@notice\s+\S/, /@dev\s+Cure:\s*\S/].filter((tag) => !tag.test(comment));
    if (missing.length === 0) return [];
    return [`${file}:${index + 1}: error ${name} needs a @notice (its cause) and a @dev Cure: (what to do)`];
  });
}

export function checkSolidityErrors(): string[] {
  const files = projectFiles(/^contracts\/(?!test\/).*\.sol$/);
  return files.flatMap((file) => undocumentedErrors(file, readFileSync(join(ROOT, file), "utf8")));
}
