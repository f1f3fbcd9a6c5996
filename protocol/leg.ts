import { ID_BOUND, ROW_VALUE_BOUND, SIZE_BOUND } from "./constants.ts";
import { ensure } from "./errors.ts";

/** One position of an account: signed lots of an instrument, and the instrument's funding index when the leg was last touched. */
export interface Leg {
  id: bigint;
  size: bigint;
  fundingIndex: bigint;
}

/** The leg that fills unused places. A leg of size 0 is this leg, all of it: there is one way to hold nothing. */
export const EMPTY_LEG: Leg = { id: 0n, size: 0n, fundingIndex: 0n };

/** The funding index takes the low 42 bits of a packed leg; its range [-2^40, 2^40) spans 2^41. */
export const LEG_SIZE_SHIFT = 42n;
/**
 * The size takes the next 40 bits. A size that a circuit sees is the difference of a checked size in [-2^36, 2^36) and a checked change
 * below 2^37, so two candidates differ by less than 2^39 and cannot pack alike.
 */
export const LEG_ID_SHIFT = 82n;

/** Throws `leg.*` unless the leg is the empty leg or all of its fields are within their bounds. */
export function checkLeg(leg: Leg): void {
  if (leg.size === 0n) {
    ensure(
      leg.id === 0n && leg.fundingIndex === 0n,
      "leg.empty",
      `leg of size 0: got id ${leg.id} and funding index ${leg.fundingIndex}, expected 0 and 0`,
    );
    return;
  }
  ensure(leg.id > 0n && leg.id < ID_BOUND, "leg.id", `leg id: got ${leg.id}, expected 1 to 2^32 - 1`);
  ensure(
    leg.size >= -SIZE_BOUND && leg.size < SIZE_BOUND,
    "leg.size",
    `leg size: got ${leg.size} lots, expected -2^36 to 2^36 - 1`,
  );
  ensure(
    leg.fundingIndex >= -ROW_VALUE_BOUND && leg.fundingIndex < ROW_VALUE_BOUND,
    "leg.fundingIndex",
    `leg funding index: got ${leg.fundingIndex}, expected -2^40 to 2^40 - 1`,
  );
}

/** A leg as one integer; its residue modulo the field order enters the note's hash. */
export function packLeg(leg: Leg): bigint {
  return leg.fundingIndex + (leg.size << LEG_SIZE_SHIFT) + (leg.id << LEG_ID_SHIFT);
}
