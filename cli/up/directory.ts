import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";
import { Misuse } from "../../protocol/errors.ts";
import { writeText } from "../../services/files.ts";

/*
 * The data directory of `solvus up`. Its chain lives in memory, so that nothing in the directory outlives a run but the logs: what an earlier run
 * left is removed when the next one starts.
 */

const MARK = "solvus-up";

/** Places inside a data directory. */
export const PLACES = {
  deployment: "deployment.json",
  assets: "assets.json",
  market: "market.json",
  keys: "keys",
  logs: "logs",
  relayer: "relayer",
  oracle: "oracle",
  keeper: "keeper",
} as const;

/** A data directory in use by this process alone. */
export interface HeldDirectory {
  path: string;
  release(): Promise<void>;
}

/**
 * Takes a directory: makes it, or empties the one of an earlier run. Misuse (`up.directory`) for one that holds anything else, or that
 * another `solvus up` uses.
 */
export async function takeDirectory(path: string): Promise<HeldDirectory> {
  const mark = join(path, MARK);
  if (existsSync(path)) {
    const isOwn = statSync(path).isDirectory() && (existsSync(mark) || readdirSync(path).length === 0);
    if (!isOwn)
      throw new Misuse(
        "up.directory",
        `--data is ${JSON.stringify(path)}, expected an empty directory or one of \`solvus up\``,
      );
  }
  mkdirSync(path, { recursive: true });
  let release: () => Promise<void>;
  try {
    release = await lock(path, { stale: 10_000, lockfilePath: join(path, ".lock") });
  } catch {
    throw new Misuse(
      "up.directory",
      `--data is ${JSON.stringify(path)}, expected one that no other \`solvus up\` uses`,
    );
  }
  for (const name of Object.values(PLACES)) rmSync(join(path, name), { recursive: true, force: true });
  writeText(mark, "Made by `solvus up`, which empties it when it starts.\n");
  for (const name of [PLACES.keys, PLACES.logs]) mkdirSync(join(path, name));
  return { path, release };
}
