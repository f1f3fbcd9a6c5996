import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PLACES } from "../../../scripts/setup/paths.ts";

/** The analysis itself: what it says of a system is worth nothing once a file of it has changed. */
const analysis = readdirSync(import.meta.dirname)
  .sort()
  .map((file) => readFileSync(join(import.meta.dirname, file)));

/**
 * What `find` says of a circuit, remembered in the build folder under the hash of the circuit and of the analysis: the large ones take a
 * minute. `parts` are all that the answer depends on besides the analysis.
 */
export function remembered(parts: readonly (Uint8Array | string)[], find: () => string[]): string[] {
  const hash = createHash("sha256");
  for (const part of [...parts, ...analysis]) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  const folder = join(PLACES.build, "test-uniqueness");
  const file = join(folder, `${hash.digest("hex").slice(0, 32)}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const found = find();
  mkdirSync(folder, { recursive: true });
  const working = join(folder, `.${process.pid}-${randomBytes(6).toString("hex")}`);
  writeFileSync(working, JSON.stringify(found));
  renameSync(working, file);
  return found;
}
