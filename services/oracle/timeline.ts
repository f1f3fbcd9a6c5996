/** Values by the time at which they were seen, Unix milliseconds; as many of the newest as an observation of the near past may ask for. */
export interface Timeline<T> {
  /** Adds a value; one that is older than the newest is left out. */
  add(time: number, value: T): void;
  /** The newest at or before a time. */
  at(time: number): { time: number; value: T } | undefined;
}

/** Keeps values of the last `keepMs` milliseconds, at most one of each `stepMs`, and always the newest. */
export function makeTimeline<T>(keepMs = 300_000, stepMs = 250): Timeline<T> {
  let entries: { time: number; value: T }[] = [];
  return {
    add(time, value) {
      const last = entries.at(-1);
      if (last !== undefined && time < last.time) return;
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
