import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * A stamp says from what a product was made (`hash`) and what it consists of, and is written last. So a product without a stamp, or
 * with a stamp of another hash, or with a file that is missing or of another size, is made anew: a set-up may be killed at any point.
 */
export interface Stamp<Facts> {
  hash: string;
  /** Sizes in bytes by path from the build directory, so that a build may be moved with its repository. */
  files: Record<string, number>;
  facts: Facts;
}

function stampFile(build: string, product: string): string {
  return join(build, "stamps", `${product}.json`);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? -1;
}

/** What is known of a product that is up to date for `hash`, or undefined when it has to be made. */
export function freshFacts<Facts>(build: string, product: string, hash: string): Facts | undefined {
  try {
    const stamp: Stamp<Facts> = JSON.parse(readFileSync(stampFile(build, product), "utf8"));
    const whole = Object.entries(stamp.files).every(([file, size]) => sizeOf(join(build, file)) === size);
    return stamp.hash === hash && whole ? stamp.facts : undefined;
  } catch {
    return undefined;
  }
}

/** Declares a product not made. Call before touching its files. */
export function removeStamp(build: string, product: string): void {
  rmSync(stampFile(build, product), { force: true });
}

/** Declares a product made. Call after all its files are in place. */
export function writeStamp<Facts>(
  build: string,
  product: string,
  hash: string,
  files: string[],
  facts: Facts,
): void {
  const stamp: Stamp<Facts> = {
    hash,
    files: Object.fromEntries(files.map((file) => [relative(build, file), sizeOf(file)])),
    facts,
  };
  replaceFile(stampFile(build, product), `${JSON.stringify(stamp, null, 2)}\n`);
}

/** Writes a file so that a reader, or a kill, sees the old content or the new and nothing between. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, file);
}
