import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ensure, SolvusError } from "../../protocol/errors.ts";

/*
 * The folder of a ceremony, which goes from one contributor to the next:
 *   ceremony.json            what it is about, written by `start`
 *   round-0000/<name>.zkey   keys after so many contributions; only the newest is kept
 *   keys/<name>.zkey, .vkey.json   the finished keys
 *   manifest.json            written last: with it the ceremony is finished
 */

const recordSchema = z.strictObject({
  format: z.literal("solvus-ceremony"),
  version: z.literal(1),
  powersOfTau: z.string(),
  circuits: z.array(z.string().regex(/^[a-z][a-zA-Z]*(\.[a-z]+)?$/)).min(1),
});

export type CeremonyRecord = z.infer<typeof recordSchema>;

export const recordFile = (directory: string): string => join(directory, "ceremony.json");
export const manifestFile = (directory: string): string => join(directory, "manifest.json");
export const keysDirectory = (directory: string): string => join(directory, "keys");
export const zkeyFile = (keys: string, circuit: string): string => join(keys, `${circuit}.zkey`);
export const vkeyFile = (keys: string, circuit: string): string => join(keys, `${circuit}.vkey.json`);
export const roundDirectory = (directory: string, round: number): string =>
  join(directory, `round-${String(round).padStart(4, "0")}`);

/** What a ceremony is about. Throws `ceremony.directory`. */
export function readRecord(directory: string): CeremonyRecord {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(recordFile(directory), "utf8"));
  } catch {
    throw new SolvusError(
      "ceremony.directory",
      `--dir is ${directory}, expected a directory made by the step start`,
    );
  }
  const parsed = recordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SolvusError(
    "ceremony.directory",
    `${recordFile(directory)}: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

/** Number of the newest round. Throws `ceremony.directory`. */
export function newestRound(directory: string): number {
  const rounds = readdirSync(directory).flatMap((name) => /^round-(\d{4})$/.exec(name)?.[1] ?? []);
  ensure(
    rounds.length > 0,
    "ceremony.directory",
    `--dir is ${directory} without a round, expected round-0000 or later`,
  );
  return Math.max(...rounds.map(Number));
}

/** Throws `ceremony.finished` when a ceremony takes no more contributions. */
export function requireUnfinished(directory: string): void {
  const finished = existsSync(manifestFile(directory));
  ensure(
    !finished,
    "ceremony.finished",
    `--dir is ${directory}, which has a manifest.json, expected an unfinished ceremony`,
  );
}
