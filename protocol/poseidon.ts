import { buildPoseidon } from "circomlibjs";
import { FIELD_ORDER } from "./constants.ts";

/*
 * Poseidon over BN254 (circomlib's parameters) through circomlibjs, whose WebAssembly is five times as fast as plain bigint code. The domain tag
 * is the initial capacity element, as `PoseidonEx.initialState` in the circuits.
 */
const permutation = await buildPoseidon();

/** A signed integer as its field element in [0, r). */
export function toField(value: bigint): bigint {
  const reduced = value % FIELD_ORDER;
  return reduced < 0n ? reduced + FIELD_ORDER : reduced;
}

/** The signed integer in (-r/2, r/2] that a field element stands for. */
export function fromField(element: bigint): bigint {
  return element > FIELD_ORDER / 2n ? element - FIELD_ORDER : element;
}

/** Hash of 1 to 16 integers (negative ones as field elements) under a domain tag. */
export function poseidon(domain: bigint, inputs: readonly bigint[]): bigint {
  return permutation.F.toObject(permutation(inputs.map(toField), domain, 1));
}

/** The first `outputs` state elements after the permutation: several independent hashes for one. */
export function poseidonMany(domain: bigint, inputs: readonly bigint[], outputs: number): bigint[] {
  if (outputs === 1) return [poseidon(domain, inputs)];
  return permutation(inputs.map(toField), domain, outputs).map((element: Uint8Array) =>
    permutation.F.toObject(element),
  );
}
