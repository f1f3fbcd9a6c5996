import { FIELD_ORDER } from "../../protocol/constants.ts";

/** Arithmetic of the BN254 scalar field on bigints in [0, FIELD_ORDER). */
export function mod(value: bigint): bigint {
  const rest = value % FIELD_ORDER;
  return rest < 0n ? rest + FIELD_ORDER : rest;
}

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % FIELD_ORDER;
    square = (square * square) % FIELD_ORDER;
  }
  return result;
}

/** Inverse of a value that is not 0. */
export function inverse(value: bigint): bigint {
  return power(value, FIELD_ORDER - 2n);
}

/** Inverses of many values, none of them 0, with one inversion. */
export function inverses(values: bigint[]): bigint[] {
  const prefixes: bigint[] = [];
  let product = 1n;
  for (const value of values) {
    prefixes.push(product);
    product = (product * value) % FIELD_ORDER;
  }
  const result = new Array<bigint>(values.length);
  let rest = inverse(product);
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = (rest * prefixes[i]) % FIELD_ORDER;
    rest = (rest * values[i]) % FIELD_ORDER;
  }
  return result;
}

/** A root of unity of order 2^28, ffjavascript's own: 5^((FIELD_ORDER − 1) / 2^28), 5 being the least non-residue. */
const TWO_ADICITY = 28n;

/** ffjavascript's root of unity of order `size`, a power of two up to 2^28; snarkjs's domains are its powers. */
export function rootOfUnity(size: number): bigint {
  const step = (1n << TWO_ADICITY) / BigInt(size);
  return power(power(5n, (FIELD_ORDER - 1n) >> TWO_ADICITY), step);
}
