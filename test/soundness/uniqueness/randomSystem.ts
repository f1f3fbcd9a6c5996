import type { Combination, Constraint } from "../../support/r1cs.ts";
import type { Random } from "../../support/random.ts";

/** A small system of constraints over a small prime field. */
export interface SmallSystem {
  prime: number;
  /** The constant's wire (0) among them. */
  wires: number;
  given: number[];
  constraints: Constraint[];
}

const PRIMES = [5, 7, 11, 13, 17, 31] as const;

type Terms = readonly (readonly [wire: number, coefficient: number])[];

/**
 * A system of up to `most` wires made of the gadgets that the analysis has rules for, some of them spoiled: a coefficient changed, a constraint
 * left out, a wire used twice. So many are nearly right, and some are.
 */
export function randomSystem(random: Random, most: number): SmallSystem {
  const prime = random.pick(PRIMES);
  const wires = Number(random.between(3n, BigInt(most)));
  const constraints: Constraint[] = [];
  const combination = (terms: Terms): Combination =>
    terms.map(([wire, coefficient]) => ({
      wire,
      coefficient: BigInt(((coefficient % prime) + prime) % prime),
    }));
  const require = (a: Terms, b: Terms, c: Terms) => {
    constraints.push({ a: combination(a), b: combination(b), c: combination(c) });
  };
  const number = (low: number, high: number) => Number(random.between(BigInt(low), BigInt(high)));
  const wire = () => number(1, wires - 1);
  /** Different wires, as many as there are up to `count`. */
  const some = (count: number): number[] => {
    const left = Array.from({ length: wires - 1 }, (_, index) => index + 1);
    return Array.from(
      { length: Math.min(count, left.length) },
      () => left.splice(number(0, left.length - 1), 1)[0] as number,
    );
  };
  const bit = (which: number) =>
    require([
      [which, 1],
      [0, -1],
    ], [[which, 1]], []);
  const terms = (count: number): Terms =>
    [...some(count), ...(random.chance(1, 2) ? [0] : [])].map(
      (which) => [which, number(1, prime - 1)] as const,
    );

  const gadgets: (() => void)[] = [
    () => bit(wire()),
    () => require([[0, 1]], [[0, 0]], terms(number(2, 3))),
    () => require(terms(number(1, 2)), terms(number(1, 2)), terms(number(0, 2))),
    () =>
      require([[wire(), 1]], [[wire(), 1]], [
        [wire(), -1],
        [0, number(0, 1)],
      ]),
    () => {
      // Two values of a sum.
      const form = terms(2);
      require([...form, [0, number(0, prime - 1)]], form, []);
    },
    () => {
      // Bits of a number.
      const [whole = 1, ...bits] = some(number(3, 4));
      for (const which of bits) bit(which);
      require([[0, 1]], [[0, 0]], [[whole, -1], ...bits.map((which, index) => [which, 2 ** index] as const)]);
    },
    () => {
      // The highest bit has no wire of its own.
      const [whole = 1, ...bits] = some(number(2, 4));
      for (const which of bits) bit(which);
      const inverse =
        Array.from({ length: prime }, (_, value) => value).find(
          (value) => (value * 2 ** bits.length) % prime === 1,
        ) ?? 1;
      const top: Terms = [
        [whole, inverse],
        ...bits.map((which, index) => [which, -inverse * 2 ** index] as const),
      ];
      require([...top, [0, -1]], top, []);
    },
    () => {
      // Is it zero?
      const [input = 1, inverse = 1, flag = 1] = some(3);
      require([[input, 1]], [[inverse, 1]], [
        [0, 1],
        [flag, -1],
      ]);
      require([[input, 1]], [[flag, 1]], []);
    },
    () => {
      // Quotient and remainder by 2 or 4.
      const [whole = 1, quotient = 1, low = 1, high = 1] = some(4);
      bit(low);
      bit(high);
      require([[quotient, 1]], [
        [quotient, 1],
        [0, -1],
      ], []);
      require([[0, 1]], [[0, 0]], [
        [whole, -1],
        [quotient, 4],
        [high, 2],
        [low, 1],
      ]);
    },
    () => {
      // A selector by a given place, and one of weighed bits.
      const [place = 1, ...flags] = some(number(3, 4));
      const byProduct = random.chance(1, 2);
      for (const [index, which] of flags.entries()) {
        if (byProduct)
          require([[which, 1]], [
            [place, 1],
            [0, -index],
          ], []);
        else bit(which);
      }
      if (!byProduct)
        require([[0, 1]], [[0, 0]], [[place, -1], ...flags.map((which, index) => [which, index] as const)]);
      require([[0, 1]], [[0, 0]], [[0, -1], ...flags.map((which) => [which, 1] as const)]);
    },
    () => {
      // The larger one of 0 and a number: x in 0…1 or 0…3, x − v in 0…1, x·(x − v) = 0.
      const [most = 1, value = 1, low = 1, high = 1] = some(4);
      bit(low);
      if (random.chance(1, 2)) {
        bit(high);
        require([[0, 1]], [[0, 0]], [
          [most, -1],
          [low, 1],
          [high, 2],
        ]);
      } else
        require([[0, 1]], [[0, 0]], [
          [most, -1],
          [low, 1],
        ]);
      require([
        [most, 1],
        [value, -1],
      ], [
        [most, 1],
        [value, -1],
        [0, -1],
      ], []);
      require([[most, 1]], [
        [most, 1],
        [value, -1],
      ], []);
    },
    () => {
      // A linear map of two products: determined together.
      const [one = 1, other = 1, left = 1, right = 1] = some(4);
      require([[one, 1]], [[other, 1]], [
        [left, number(1, 3)],
        [right, number(1, 3)],
      ]);
      require([[one, 1]], [[one, 1]], [
        [left, number(1, 3)],
        [right, number(1, 3)],
      ]);
    },
  ];
  for (let count = number(1, 4); count > 0; count--) random.pick(gadgets)();

  if (constraints.length > 1 && random.chance(1, 4)) constraints.splice(number(0, constraints.length - 1), 1);
  if (random.chance(1, 4)) {
    const { a, b, c } = random.pick(constraints);
    const term = random.pick([...a, ...b, ...c]);
    term.coefficient = random.between(0n, BigInt(prime - 1));
  }
  const given = Array.from({ length: wires - 1 }, (_, index) => index + 1).filter(() => random.chance(1, 3));
  return { prime, wires, given, constraints };
}
