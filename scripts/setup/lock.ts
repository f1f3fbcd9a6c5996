import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { lock } from "proper-lockfile";

/** A lock whose holder was killed is taken over after this time. */
const STALE_MILLISECONDS = 10_000;

/**
 * Runs `work` while no other set-up of the same build directory runs. Waits for one that does.
 * @param onWait called once when there is one to wait for
 */
export async function withLock<T>(build: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(build, { recursive: true });
  const options = {
    lockfilePath: join(build, "setup.lock"),
    stale: STALE_MILLISECONDS,
    update: 2000,
  };
  const retries = { forever: true, factor: 1, minTimeout: 500, maxTimeout: 500 };
  const release = await lock(build, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ELOCKED") throw error;
    onWait();
    return lock(build, { ...options, retries });
  });
  try {
    return await work();
  } finally {
    await release();
  }
}
