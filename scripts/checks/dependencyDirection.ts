import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "../setup/paths.ts";
import { projectFiles } from "./files.ts";

/** Parts that a part may import besides itself. What is not listed may import anything but `cli`. */
const ALLOWED: Record<string, string[]> = {
  protocol: [],
  verifier: ["protocol"],
  prover: ["protocol"],
  contracts: ["protocol"],
  services: ["protocol", "contracts", "prover", "verifier", "scripts"],
};

/** The first directory of a path from the root. */
function partOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : "";
}

/** Imports of other parts that are against the direction, one message each. */
export function directionFaults(file: string, source: string): string[] {
  const part = partOf(file);
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g)]
    .map(([, path]) => normalize(join(dirname(file), path)))
    .filter((target) => {
      const other = partOf(target);
      if (other === part) return false;
      if (other === "cli") return part !== "test" && part !== "bench";
      return part in ALLOWED && !ALLOWED[part].includes(other);
    })
    .map((target) => `${file} imports ${target}; ${part || "the root"} may not depend on ${partOf(target)}`);
}

export function checkDependencyDirection(): string[] {
  const files = projectFiles(/\.(ts|js)$/);
  return files.flatMap((file) => directionFaults(file, readFileSync(join(ROOT, file), "utf8")));
}
