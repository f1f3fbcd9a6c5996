import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";

/** The lock of a holder that gives no sign of life for so long is taken over. The holder gives one every second. */
const STALE_MILLISECONDS = 10_000;
/** The same for a holder whose process is gone; the least that proper-lockfile allows. */
const DEAD_MILLISECONDS = 2000;

/**
 * Runs `work` while no other set-up of the same build directory runs. Waits for one that does.
 * @param onWait called once when there is one to wait for
 */
export async function withLock<T>(build: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(build, { recursive: true });
  const holderFile = join(build, "setup.pid");
  let release: (() => Promise<void>) | undefined;
  for (let waited = false; release === undefined; ) {
    try {
      release = await lock(build, {
        lockfilePath: join(build, "setup.lock"),
        stale: isAlive(holderFile) ? STALE_MILLISECONDS : DEAD_MILLISECONDS,
        update: 1000,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      if (!waited && isAlive(holderFile)) {
        waited = true;
        onWait();
      }
      await sleep(250);
    }
  }
  writeFileSync(holderFile, `${process.pid}\n`);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Whether the process that last held the lock still runs. */
function isAlive(holderFile: string): boolean {
  try {
    process.kill(Number(readFileSync(holderFile, "utf8")), 0);
    return true;
  } catch {
    return false;
  }
}
