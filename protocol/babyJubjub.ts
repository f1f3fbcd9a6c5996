import { buildBabyjub } from "circomlibjs";
import { toField } from "./poseidon.ts";

/*
 * Baby Jubjub, the twisted Edwards curve 168700·x² + y² = 1 + 168696·x²·y² over BN254's scalar field, through circomlibjs. Its group
 * has 8·SUBGROUP_ORDER elements. Nothing here runs in constant time.
 */
const curve = await buildBabyjub();

/** x and y of a point in Edwards form, each in [0, r). */
export type Point = readonly [bigint, bigint];

/** Prime order of the subgroup that keys live in, about 2^250.6. */
export const SUBGROUP_ORDER: bigint = curve.subOrder;

/** Cofactor: what the group has beyond the subgroup. */
export const COFACTOR = 8n;

const fromPoint = (point: Point) => point.map((coordinate) => curve.F.e(toField(coordinate)));
const toPoint = ([x, y]: [Uint8Array, Uint8Array]): Point => [curve.F.toObject(x), curve.F.toObject(y)];

/** Generator of the subgroup: 8 times circomlib's generator. */
export const BASE8: Point = toPoint(curve.Base8);

/** The neutral element. */
export const NEUTRAL: Point = [0n, 1n];

/** True when both coordinates meet the curve's equation. */
export function isOnCurve(point: Point): boolean {
  return curve.inCurve(fromPoint(point));
}

/** True for a point whose order is SUBGROUP_ORDER: on the curve, in the subgroup, not the neutral element. */
export function hasPrimeOrder(point: Point): boolean {
  return isOnCurve(point) && point[0] !== 0n && curve.inSubgroup(fromPoint(point));
}

/** scalar·point for a scalar of 0 or more. The point must be on the curve. */
export function multiply(point: Point, scalar: bigint): Point {
  return toPoint(curve.mulPointEscalar(fromPoint(point), scalar));
}

/** Sum of two points on the curve. */
export function add(first: Point, second: Point): Point {
  return toPoint(curve.addPoint(fromPoint(first), fromPoint(second)));
}
