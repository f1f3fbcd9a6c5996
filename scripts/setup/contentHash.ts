import { createHash } from "node:crypto";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { pipeline } from "node:stream/promises";

/** SHA-256 of a list of texts, unambiguous about where one ends. Hexadecimal. */
export function hashOf(...parts: string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}

/** SHA-256 of files by content and by their path from `root`: a repository that has moved hashes alike. */
export function hashOfFiles(root: string, files: string[]): string {
  return hashOf(...files.flatMap((file) => [relative(root, file), readFileSync(file, "utf8")]));
}

/** SHA-256 of a file of any size, hexadecimal. */
export async function hashOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/**
 * A circom file and all that it includes, directly or not, as paths from the root, sorted. An include is looked for beside the
 * including file, then under the root, then in node_modules: circom's own order with `-l . -l node_modules`.
 * @throws Error naming an include that is nowhere, with the file that wants it.
 */
export function transitiveIncludes(entry: string, root: string): string[] {
  const found = new Set<string>();
  if (!existsSync(join(root, entry))) throw new Error(`there is no file ${entry}`);
  const visit = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const [, wanted] of readFileSync(join(root, file), "utf8").matchAll(/^\s*include\s+"([^"]+)"/gm)) {
      const candidates = [join(dirname(file), wanted), normalize(wanted), join("node_modules", wanted)];
      const place = candidates.find((candidate) => existsSync(join(root, candidate)));
      if (place === undefined) throw new Error(`${file}: cannot find the include "${wanted}"`);
      visit(place);
    }
  };
  visit(entry);
  return [...found].sort();
}
