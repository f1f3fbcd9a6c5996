import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A new directory for unfinished products, on the same file system as the finished ones so that a rename moves them. */
export function temporaryDirectory(build: string): string {
  const parent = join(build, "tmp");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "work-"));
}

/** Removes what killed set-ups left behind. Call under the lock. */
export function removeLeftovers(build: string): void {
  rmSync(join(build, "tmp"), { recursive: true, force: true });
}
