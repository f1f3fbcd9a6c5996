/** Values by the time at which they were seen, Unix milliseconds; as many of the newest as an observation of the near past may ask for. */
export interface Timeline<T> {
  /** Adds a value; one that is older than the newest is left out, unless several in a row are: then the newest was misdated, and goes. */
  add(time: number, value: T): void;
  /** The newest at or before a time. */
  at(time: number): { time: number; value: T } | undefined;
}

/** Values in a row that are older than the newest, after which that one counts as misdated. */
const MISDATED_AFTER = 3;

/** Keeps values of the last `keepMs` milliseconds, at most one of each `stepMs`, and always the newest. */
export function makeTimeline<T>(keepMs = 300_000, stepMs = 250): Timeline<T> {
  let entries: { time: number; value: T }[] = [];
  let olderInARow = 0;
  return {
    add(time, value) {
      const isOlder = time < (entries.at(-1)?.time ?? time);
      olderInARow = isOlder ? olderInARow + 1 : 0;
      if (isOlder && olderInARow < MISDATED_AFTER) return;
      if (isOlder) entries = entries.filter((entry) => entry.time <= time);
      olderInARow = 0;
      const last = entries.at(-1);
      const before = entries.at(-2);
      // Between two that stay, values within a step replace each other.
      if (last !== undefined && before !== undefined && time - before.time < stepMs) entries.pop();
      entries.push({ time, value });
      if ((entries[0]?.time ?? time) < time - 2 * keepMs)
        entries = entries.filter((entry) => entry.time >= time - keepMs);
    },
    at: (time) => entries.findLast((entry) => entry.time <= time),
  };
}
