import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Misuse, SolvusError } from "../../protocol/errors.ts";

/**
 * Locks a directory for this process, and makes it if need be. The operating system holds the lock, through a database file that nothing is
 * written to, and drops it when the process ends however it ends: a killed process leaves none behind. Throws `store.locked` when another
 * process holds it, misuse (`store.directory`) when the directory cannot be used.
 * @returns what releases it
 */
export function lockDirectory(directory: string): () => void {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(join(directory, "lock"));
    lock.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
  } catch (error) {
    lock?.close();
    const { errcode, code, message } = error as { errcode?: number; code?: string; message: string };
    if (errcode === SQLITE_BUSY) {
      throw new SolvusError(
        "store.locked",
        `data directory ${JSON.stringify(directory)}: used by another process, expected one of its own`,
      );
    }
    throw new Misuse(
      "store.directory",
      `data directory ${JSON.stringify(directory)}: ${code ?? message}, expected a directory to write to`,
    );
  }
  const held = lock;
  return () => held.close();
}

const SQLITE_BUSY = 5;
