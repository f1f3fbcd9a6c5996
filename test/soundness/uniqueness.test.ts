import { expect, test } from "vitest";
import { readInstances } from "../../scripts/setup/instances.ts";
import { PLACES } from "../../scripts/setup/paths.ts";
import { randomFrom } from "../support/random.ts";
import { systemOf } from "./planted/edited.ts";
import { addPoints, BASE8, ORDER, type Point, windowMultiple } from "./uniqueness/babyJubjub.ts";
import { disagreement } from "./uniqueness/crossCheck.ts";
import { resolvedTerms } from "./uniqueness/radix.ts";
import { unprovenSignals } from "./uniqueness/report.ts";
import { findingOf } from "./uniqueness/review.ts";

test("never calls a wire determined that takes two values: small systems against all their solutions", () => {
  const rules = new Map<string, number>();
  for (let seed = 1; seed <= 250; seed++) {
    const { wrong, used } = disagreement(randomFrom(seed));
    expect(wrong, `seed ${seed}`).toEqual([]);
    for (const rule of used) rules.set(rule, (rules.get(rule) ?? 0) + 1);
  }
  // The systems are such that every rule but the curve's and the square's has work to do.
  for (const rule of ["single", "digits", "split", "selector", "maximum", "elimination"])
    expect(rules.get(rule) ?? 0, rule).toBeGreaterThan(0);
});

test("digits, quotients and remainders have one value only while they do not reach each other", () => {
  const bits = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ coefficient: 1n << BigInt(index), width: 1n }));
  expect(resolvedTerms(bits(8)).sort((one, other) => one - other)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(resolvedTerms([...bits(2), { coefficient: 2n, width: 1n }])).toEqual([0]);
  const quotient = { coefficient: 10n, width: 1n << 60n };
  expect(resolvedTerms([quotient, { coefficient: 1n, width: 9n }]).length).toBe(2);
  expect(resolvedTerms([quotient, { coefficient: 1n, width: 10n }])).toEqual([]);
});

test.each(readInstances(PLACES.instances).map(({ name }) => name))(
  "all wires of %s are proven unique but those that were reviewed",
  { timeout: 900_000 },
  (name) => {
    const { wires, unproven, unexpected, stale, unused } = findingOf(name);
    expect({ unexpected, stale, unused }).toEqual({ unexpected: [], stale: [], unused: [] });
    expect(unproven.length / wires).toBeLessThan(0.003);
  },
);

test("multiples of Base8 are what the analysis takes them for", () => {
  const times = (factor: bigint): Point | undefined => {
    // From the top bit down; undefined when a step meets the neutral element.
    let sum: Point = BASE8;
    for (const bit of factor.toString(2).slice(1)) {
      sum = addPoints(sum, sum);
      if (bit === "1" && sum[0] === BASE8[0]) return undefined;
      if (bit === "1") sum = addPoints(sum, BASE8);
    }
    return sum;
  };
  expect(times(ORDER)).toBeUndefined();
  for (const factor of [1n, 3n, 15n, 3n << 100n, 13n << 246n])
    expect(windowMultiple(times(factor) as Point)).toBe(factor);
  const [u, v] = times(5n) as Point;
  expect(
    windowMultiple([u, -v + 21888242871839275222246405745257275088548364400416034343698204186575808495617n]),
  ).toBe(-5n);
  expect(windowMultiple(times(17n) as Point)).toBeUndefined();
});

test("slopes are determined on points of prime order, and not on points that anybody may choose", async () => {
  expect(
    unprovenSignals(await systemOf("circuits/lib/primeOrderPoint.circom", "PrimeOrderPoint", ["point"])),
  ).toEqual([]);
  const chosen = unprovenSignals(
    await systemOf("circuits/lib/doubleAndAdd.circom", "DoubleAndAdd", ["p", "q"]),
  );
  expect(chosen).toEqual(expect.arrayContaining(["a", "b", "middle", "out[0]", "out[1]"]));
});
