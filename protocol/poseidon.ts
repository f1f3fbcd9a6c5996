import { buildPoseidon } from "circomlibjs";
import { FIELD_ORDER } from "./constants.ts";
import { ensure } from "./errors.ts";

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
  return poseidonMany(domain, inputs, 1)[0] as bigint;
}

/** The first `outputs` state elements after the permutation: several independent hashes for one. Throws `poseidon.inputs`. */
export function poseidonMany(domain: bigint, inputs: readonly bigint[], outputs: number): bigint[] {
  ensure(
    inputs.length >= 1 && inputs.length <= 16,
    "poseidon.inputs",
    `inputs of Poseidon: got ${inputs.length}, expected 1 to 16`,
  );
  const result = permutation(inputs.map(toField), domain, outputs);
  return (outputs === 1 ? [result] : result).map((element: Uint8Array) => permutation.F.toObject(element));
}
