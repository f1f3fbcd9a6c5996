import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { Misuse } from "../protocol/errors.ts";

const require = createRequire(import.meta.url);
const writeAtomic: { sync(file: string, text: string, options?: { mode?: number }): void } =
  require("write-file-atomic");

/** The text of a file; misuse (`file.read`) when it cannot be read. `field` is the option or argument that names it. */
export function readText(file: string, field: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a directory" : String(code);
    throw new Misuse(
      "file.read",
      `${field} is ${JSON.stringify(file)} (${reason}), expected a readable file`,
    );
  }
}

/** A JSON file of a given form; misuse (`file.json`, `file.format`) when it is anything else. */
export function readJson<Schema extends z.ZodType>(
  file: string,
  field: string,
  schema: Schema,
): z.infer<Schema> {
  return parseJson(readText(file, field), field, schema);
}

/** As {@link readJson}, from text. The message names the path of the first field that is wrong, not its value. */
export function parseJson<Schema extends z.ZodType>(
  text: string,
  field: string,
  schema: Schema,
): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Misuse("file.json", `${field} is not JSON, expected a JSON document`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = issue?.path.map(String).join(".") || "the document";
  throw new Misuse("file.format", `${field}: ${path} is malformed: ${issue?.message}`);
}

/**
 * Writes a file whole or not at all. Misuse (`file.write`) when its directory does not exist or cannot be written to, or the path is a
 * directory. `secret` files are readable by their owner alone.
 */
export function writeText(file: string, text: string, options: { secret?: boolean } = {}): void {
  requireWritable(file, "--out");
  try {
    writeAtomic.sync(file, text, options.secret ? { mode: 0o600 } : {});
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Misuse("file.write", `output file ${JSON.stringify(file)}: ${code}, expected a writable place`);
  }
}

/** Refuses an output path early, before work is spent on what it will hold. */
export function requireWritable(file: string, field: string): void {
  const directory = dirname(resolve(file));
  if (!existsSync(directory) || !statSync(directory).isDirectory())
    throw new Misuse(
      "file.write",
      `${field} is ${JSON.stringify(file)}, expected a path in a directory that exists`,
    );
  if (existsSync(file) && !statSync(file).isFile())
    throw new Misuse(
      "file.write",
      `${field} is ${JSON.stringify(file)} (a directory or device), expected a file`,
    );
}
