import { buildBabyjub } from "circomlibjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  add,
  BASE8,
  COFACTOR,
  hasPrimeOrder,
  isOnCurve,
  multiply,
  NEUTRAL,
  type Point,
  SUBGROUP_ORDER,
} from "../../protocol/babyJubjub.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";

/* Baby Jubjub in projective coordinates against circomlibjs's own in affine ones. */

let theirs: Awaited<ReturnType<typeof buildBabyjub>>;
/** Of the whole group, order 8·SUBGROUP_ORDER. */
let generator: Point;
/** Of order 8. */
let torsion: Point;

const from = (point: Point) => point.map((coordinate) => theirs.F.e(coordinate));
const to = (point: Uint8Array[]): Point => point.map((word) => theirs.F.toObject(word)) as unknown as Point;
const isTheirs = (point: Point): boolean => theirs.inCurve(from(point));
const isKeyOfTheirs = (point: Point): boolean =>
  isTheirs(point) && point[0] !== 0n && theirs.inSubgroup(from(point));

beforeAll(async () => {
  theirs = await buildBabyjub();
  generator = to(theirs.Generator);
  torsion = multiply(generator, SUBGROUP_ORDER);
});

const scalar = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });

describe("Baby Jubjub", () => {
  test("has circomlib's base and order", () => {
    expect(to(theirs.Base8)).toEqual(BASE8);
    expect(multiply(generator, COFACTOR)).toEqual(BASE8);
    expect(theirs.subOrder).toBe(SUBGROUP_ORDER);
  });

  test("multiplies as circomlibjs does, points of every order", () => {
    const product = (point: Point, factor: bigint) => to(theirs.mulPointEscalar(from(point), factor));
    for (const factor of [0n, 1n, 2n, SUBGROUP_ORDER, 8n * SUBGROUP_ORDER - 1n])
      expect(multiply(generator, factor)).toEqual(product(generator, factor));
    fc.assert(
      fc.property(scalar, scalar, (start, factor) => {
        const point = multiply(generator, start);
        expect(multiply(point, factor)).toEqual(product(point, factor));
      }),
      { numRuns: 8 },
    );
  });

  test("adds as circomlibjs does: other points, the same, opposite ones, the neutral one", () => {
    const point = multiply(BASE8, 77n);
    const opposite: Point = [FIELD_ORDER - point[0], point[1]];
    for (const other of [BASE8, point, opposite, torsion, NEUTRAL])
      expect(add(point, other)).toEqual(to(theirs.addPoint(from(point), from(other))));
    expect(add(point, opposite)).toEqual(NEUTRAL);
  });

  test("knows the points of prime order, and those of the curve", () => {
    const cases: Point[] = [BASE8, generator, torsion, NEUTRAL, [0n, FIELD_ORDER - 1n], [1n, 2n], [0n, 0n]];
    for (const point of cases) {
      expect(isOnCurve(point), `${point}`).toBe(isTheirs(point));
      expect(hasPrimeOrder(point), `${point}`).toBe(isKeyOfTheirs(point));
      if (isOnCurve(point))
        expect(hasPrimeOrder(add(point, torsion)), `${point}`).toBe(isKeyOfTheirs(add(point, torsion)));
    }
  });
});
