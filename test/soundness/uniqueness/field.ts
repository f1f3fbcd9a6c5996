/** The residue of `value` in [0, prime). */
export function residue(value: bigint, prime: bigint): bigint {
  const rest = value % prime;
  return rest < 0n ? rest + prime : rest;
}

/** The residue of `value` that is nearest to 0: in (−prime/2, prime/2]. */
export function signed(value: bigint, prime: bigint): bigint {
  const rest = residue(value, prime);
  return rest > prime / 2n ? rest - prime : rest;
}

/** Inverse of a value that is not 0 modulo the prime. Throws for 0. */
export function inverse(value: bigint, prime: bigint): bigint {
  let [rest, next] = [prime, residue(value, prime)];
  let [factor, nextFactor] = [0n, 1n];
  while (next !== 0n) {
    const quotient = rest / next;
    [rest, next] = [next, rest - quotient * next];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  if (rest !== 1n) throw new Error(`${value} has no inverse modulo ${prime}`);
  return residue(factor, prime);
}

/** Absolute value. */
export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Greatest common divisor of two integers, not negative. */
export function commonDivisor(one: bigint, other: bigint): bigint {
  let [large, small] = [magnitude(one), magnitude(other)];
  while (small !== 0n) [large, small] = [small, large % small];
  return large;
}

/** The lower one of two integers. */
export function lower(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}

/** The higher one of two integers. */
export function higher(one: bigint, other: bigint): bigint {
  if (one > other) return one;
  return other;
}
