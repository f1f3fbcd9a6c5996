import { SolvusError } from "../../protocol/errors.ts";

export interface GateLimits {
  /** Most pieces of work under way at once. */
  atOnce: number;
  /** Most that wait their turn. */
  waiting: number;
  /** Longest that one should wait; what is still waiting after twice that is refused. */
  waitSeconds: number;
}

/** Lets a bounded amount of work in. */
export interface Gate {
  /** Works when it is its turn. Throws `relayer.busy` when too many wait, `http.stopping` once the gate is closed. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** Whole seconds after which one more is likely let in. */
  secondsToWait(): number;
  /** Refuses what is new, and resolves when the rest is done. */
  close(): Promise<void>;
  size(): { atWork: number; waiting: number };
}

/** Seconds that work takes until some was measured. */
const FIRST_GUESS = 0.1;
/** Weight of the newest measurement in the mean. */
const NEWEST = 0.1;
const LONGEST_WAIT = 60;

export function makeGate({ atOnce, waiting, waitSeconds }: GateLimits): Gate {
  const queue: (() => void)[] = [];
  let atWork = 0;
  let meanSeconds = FIRST_GUESS;
  let closed = false;
  let emptied: (() => void) | undefined;

  const leave = (): void => {
    const next = queue.shift();
    if (next !== undefined) {
      next();
      return;
    }
    atWork--;
    if (atWork === 0) emptied?.();
  };
  const secondsToWait = (): number => {
    const seconds = Math.ceil(((queue.length + 1) * meanSeconds) / atOnce);
    return Math.min(Math.max(seconds, 1), LONGEST_WAIT);
  };
  const busy = (): SolvusError =>
    new SolvusError(
      "relayer.busy",
      `relayer: ${queue.length} items wait to be checked, expected fewer; try again in ${secondsToWait()} s`,
    );
  return {
    async run(work) {
      if (closed)
        throw new SolvusError("http.stopping", "relayer: stopping, takes nothing new; try again soon");
      if (atWork < atOnce) atWork++;
      else {
        if (queue.length >= waiting || secondsToWait() > waitSeconds) throw busy();
        const since = performance.now();
        // The place of whoever leaves is handed over.
        await new Promise<void>((resolve) => queue.push(resolve));
        if (performance.now() - since > 2000 * waitSeconds) {
          leave();
          throw busy();
        }
      }
      const start = performance.now();
      try {
        return await work();
      } finally {
        meanSeconds += NEWEST * ((performance.now() - start) / 1000 - meanSeconds);
        leave();
      }
    },
    secondsToWait,
    async close() {
      closed = true;
      if (atWork > 0) await new Promise<void>((resolve) => (emptied = resolve));
    },
    size: () => ({ atWork, waiting: queue.length }),
  };
}
