/** A seeded source of places in a list: the same seed gives the same draws on every machine. */
export interface Draws {
  /** A whole number from 0 to `count` − 1, each equally likely. */
  below(count: number): number;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** xoshiro128** (Blackman and Vigna) started from a seed by SplitMix32: 32-bit integers throughout. Not for secrets. */
export function drawsFrom(seed: number): Draws {
  let mixed = seed | 0;
  const mix = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let value = mixed ^ (mixed >>> 16);
    value = Math.imul(value, 0x21f0aaad);
    value ^= value >>> 15;
    value = Math.imul(value, 0x735a2d97);
    return value ^ (value >>> 15);
  };
  const state = Int32Array.from({ length: 4 }, mix);
  const next = (): number => {
    const [a, b, c, d] = state as unknown as [number, number, number, number];
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const third = c ^ a;
    const fourth = d ^ b;
    state[1] = b ^ third;
    state[0] = a ^ fourth;
    state[2] = third ^ (b << 9);
    state[3] = rotate(fourth, 11);
    return result;
  };
  return { below: (count) => Math.floor((next() / 2 ** 32) * count) };
}
