import type { Log } from "./log.ts";

/** A service that runs until it is stopped. */
export interface Running {
  /** Finishes what is under way, refuses what is new, and resolves once nothing of it is left. */
  stop(): Promise<void>;
}

/** How long a service may take to stop before the process ends regardless. */
const GRACE_MS = 30_000;

/** Resolves once the process was asked to end (SIGINT or SIGTERM) and the service has stopped. */
export async function untilStopped(running: Running, log: Log): Promise<void> {
  const signal = await new Promise<string>((resolve) => {
    // A terminal's Ctrl-C can arrive twice, from the terminal and through a parent: the second one changes nothing.
    for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => resolve(name));
  });
  log.info({ signal }, "stopping");
  const overdue = setTimeout(() => {
    log.error({ seconds: GRACE_MS / 1000 }, "did not stop in time");
    process.exit(1);
  }, GRACE_MS);
  overdue.unref();
  await running.stop();
  clearTimeout(overdue);
  log.info("stopped");
}
