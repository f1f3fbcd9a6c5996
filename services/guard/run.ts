import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../running.ts";
import { type GuardConfig, openGuard } from "./guard.ts";
import type { GuardAct, GuardReport } from "./report.ts";

const LONGEST_PAUSE_MS = 30_000;

/** Watches until it is stopped. A round that fails is logged and tried again. */
export function startGuard(config: GuardConfig): Running {
  const { log, pollMs = 2_000 } = config;
  const guard = openGuard(config);
  const stopping = new AbortController();
  const { signal } = stopping;
  const run = async (): Promise<void> => {
    let pause = pollMs;
    while (!signal.aborted) {
      try {
        await guard.round();
        pause = pollMs;
      } catch (error) {
        log.error({ err: error }, "round failed");
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
      await guard.close();
    },
  };
}

/**
 * One look at the account, and whatever the policy says to do about it. With a deposit under way, looks again until the chain has it or
 * `patienceMs` of the clock are over.
 */
export async function guardOnce(config: GuardConfig, patienceMs: number): Promise<GuardReport> {
  const guard = openGuard(config);
  try {
    const until = performance.now() + patienceMs;
    const acts: GuardAct[] = [];
    for (;;) {
      const report = await guard.round();
      acts.push(...report.acts);
      const waits = report.pending || !report.inserted;
      if (!waits || performance.now() >= until) return { ...report, acts };
      await sleep(config.pollMs ?? 2_000);
    }
  } finally {
    await guard.close();
  }
}
