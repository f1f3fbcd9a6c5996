/** A seeded source of numbers, so that a drill can be run again. */
export interface Random {
  /** A number from `low` to below `high`. */
  between(low: number, high: number): number;
  pick<T>(values: readonly T[]): T;
}

/** Mulberry32: small, seeded, and good enough to tell accounts apart. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    between: (low, high) => low + next() * (high - low),
    pick: (values) => values[Math.floor(next() * values.length)] as never,
  };
}
