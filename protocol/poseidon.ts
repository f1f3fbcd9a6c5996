import { FIELD_ORDER } from "./constants.ts";
import { ensure } from "./errors.ts";
import {
  addMultiples,
  allocate,
  copyElements,
  dot,
  ELEMENT_BYTES,
  powerFive,
  readElement,
  writeElement,
  zero,
} from "./fieldKernel.ts";

/*
 * Poseidon over BN254 with circomlib's parameters, in the form with sparse matrices in the partial rounds. The domain tag is the initial
 * capacity element, as `PoseidonEx.initialState` in the circuits. The constants are circomlibjs's; the permutation runs on the field kernel,
 * in about half the time of circomlibjs's own, and starts in milliseconds.
 */

const MAX_INPUTS = 16;
/** Full rounds before the partial ones, and after. */
const HALF_FULL_ROUNDS = 4;
/** Partial rounds by width, from 2 elements on. */
const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/** circomlib's constants by width: round constants, sparse matrices, full matrix, and the one before the partial rounds. */
interface Constants {
  C: string[][];
  S: string[][];
  M: string[][][];
  P: string[][][];
}

// The package does not export its table of constants, so it is read from beside its main file.
const constantsUrl = new URL("src/poseidon_constants_opt.js", import.meta.resolve("circomlibjs"));
const constants: Constants = (await import(constantsUrl.href)).default;

const state = allocate(MAX_INPUTS + 1);
const mixed = allocate(MAX_INPUTS + 1);

/** Pointers to the constants of one width. */
interface Tables {
  roundConstants: number;
  sparse: number;
  matrix: number;
  preSparse: number;
}

function writeAll(values: readonly string[]): number {
  const pointer = allocate(values.length);
  for (const [index, value] of values.entries()) writeElement(pointer + index * ELEMENT_BYTES, BigInt(value));
  return pointer;
}

/** A matrix by columns: what each output of a mix is the dot product with. */
function writeColumns(matrix: readonly (readonly string[])[]): number {
  return writeAll(matrix.flatMap((_, output) => matrix.map((row) => row[output])));
}

const tablesByWidth = new Map<number, Tables>();

function tablesOf(width: number): Tables {
  let tables = tablesByWidth.get(width);
  if (tables === undefined) {
    tables = {
      roundConstants: writeAll(constants.C[width - 2]),
      sparse: writeAll(constants.S[width - 2]),
      matrix: writeColumns(constants.M[width - 2]),
      preSparse: writeColumns(constants.P[width - 2]),
    };
    tablesByWidth.set(width, tables);
  }
  return tables;
}

/** The first `outputs` elements of the state times a matrix; the others are left as they were. */
function mix(width: number, matrix: number, outputs = width): void {
  for (let output = 0; output < outputs; output++) {
    dot(matrix + output * width * ELEMENT_BYTES, state, width, zero, mixed + output * ELEMENT_BYTES);
  }
  copyElements(state, mixed, outputs);
}

function permute(domain: bigint, inputs: readonly bigint[], outputs: number): bigint[] {
  ensure(
    inputs.length >= 1 && inputs.length <= MAX_INPUTS,
    "poseidon.inputs",
    `inputs has ${inputs.length} entries, expected 1 to ${MAX_INPUTS}`,
  );
  const width = inputs.length + 1;
  const { roundConstants, sparse, matrix, preSparse } = tablesOf(width);
  const element = (index: number) => index * ELEMENT_BYTES;
  let constant = roundConstants;
  for (let index = 0; index < width; index++) {
    const value = toField(index === 0 ? domain : inputs[index - 1]);
    writeElement(state + element(index), value, constant + element(index));
  }
  constant += element(width);
  for (let round = 0; round < HALF_FULL_ROUNDS; round++) {
    powerFive(state, constant, width);
    constant += element(width);
    mix(width, round < HALF_FULL_ROUNDS - 1 ? matrix : preSparse);
  }
  let row = sparse;
  for (let round = 0; round < PARTIAL_ROUNDS[width - 2]; round++) {
    powerFive(state, constant, 1);
    constant += element(1);
    dot(row, state, width, zero, mixed);
    addMultiples(state, row + element(width), state + element(1), width - 1);
    copyElements(state, mixed, 1);
    row += element(2 * width - 1);
  }
  for (let round = 0; round < HALF_FULL_ROUNDS - 1; round++) {
    powerFive(state, constant, width);
    constant += element(width);
    mix(width, matrix);
  }
  for (let index = 0; index < width; index++) powerFive(state + element(index), zero, 1);
  mix(width, matrix, outputs);
  return Array.from({ length: outputs }, (_, index) => readElement(state + element(index)));
}

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
  return permute(domain, inputs, 1)[0];
}

/** The first `outputs` state elements after the permutation: several independent hashes for one. */
export function poseidonMany(domain: bigint, inputs: readonly bigint[], outputs: number): bigint[] {
  return permute(domain, inputs, outputs);
}
