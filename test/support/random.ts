/** A seeded source of integers, so that a failing case can be run again. */
export interface Random {
  /** An integer in [low, high]. */
  between(low: bigint, high: bigint): bigint;
  chance(numerator: number, denominator: number): boolean;
  pick<T>(values: readonly T[]): T;
}

/** SplitMix64: small, seeded, and good enough for test cases. */
export function randomFrom(seed: number): Random {
  let state = BigInt(seed) & ((1n << 64n) - 1n);
  const next = (): bigint => {
    state = (state + 0x9e3779b97f4a7c15n) & ((1n << 64n) - 1n);
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & ((1n << 64n) - 1n);
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & ((1n << 64n) - 1n);
    return z ^ (z >> 31n);
  };
  const between = (low: bigint, high: bigint): bigint =>
    low + (((next() << 64n) | next()) % (high - low + 1n));
  return {
    between,
    chance: (numerator, denominator) => between(1n, BigInt(denominator)) <= BigInt(numerator),
    pick: (values) => values[Number(between(0n, BigInt(values.length - 1)))] as never,
  };
}
