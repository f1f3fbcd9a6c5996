import { FIELD_ORDER } from "./constants.ts";

/*
 * Multiplication in BN254's scalar field for bulk hashing: three WebAssembly loops, assembled here.
 *
 * An element is ten limbs of 28 bits, each in a 64-bit word, in Montgomery form with R = 2^280. Two things make it fast: no product of limbs
 * carries while a column of products is summed, and a whole dot product is reduced once.
 *
 * Bounds. Limbs are below 2^28 at rest. A column holds at most ten products of limbs for each of up to seventeen terms, ten more of the
 * reduction, and a carry: below (170 + 10)·2^56 + 2^36 < 2^64. A result is at most T/R + p + c for a sum of products T and an addend c; with
 * coefficients below p and values below 2^262 the first part is below 2^241. Values only grow where `c` is the value itself, once a partial
 * round, at most seventy times: below 72·p < 2^261. So nothing overflows and no result is reduced below p until it is read.
 */

const LIMBS = 10;
const LIMB_BITS = 28;
const LIMB_DIGITS = LIMB_BITS / 4;
const MASK = (1n << BigInt(LIMB_BITS)) - 1n;
const COLUMNS = 2 * LIMBS - 1;
/** Bytes of an element in the kernel's memory. */
export const ELEMENT_BYTES = LIMBS * 8;
const PAGES = 64;

const MODULUS = Array.from({ length: LIMBS }, (_, limb) => (FIELD_ORDER >> BigInt(LIMB_BITS * limb)) & MASK);

/** −1/p modulo 2^28, by Newton's iteration. */
function negativeInverse(): bigint {
  let inverse = 1n;
  for (let step = 0; step < 5; step++) inverse = (inverse * (2n - FIELD_ORDER * inverse)) & MASK;
  return -inverse & MASK;
}

/** WebAssembly code: bytes of instructions. */
type Code = number[];

const MULTIPLY = 0x7e;
const ADD = 0x7c;
const AND = 0x83;
const SHIFT_LEFT = 0x86;
const SHIFT_RIGHT = 0x88;
const ADD_32 = 0x6a;
const SUBTRACT_32 = 0x6b;
const I32 = 0x7f;
const I64 = 0x7e;

function unsigned(value: number): Code {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

function signed(value: bigint): Code {
  const low = Number(value & 127n);
  const rest = value >> 7n;
  const last = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
  return last ? [low] : [low + 128, ...signed(rest)];
}

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number): Code => [0x21, ...unsigned(local)];
const tee = (local: number): Code => [0x22, ...unsigned(local)];
const constant = (value: bigint): Code => [0x42, ...signed(value)];
const constant32 = (value: number): Code => [0x41, ...signed(BigInt(value))];
const loadLimb = (pointer: number, limb: number): Code => [...get(pointer), 0x29, 3, ...unsigned(8 * limb)];
const load = (pointer: number, limbs: number[]): Code =>
  limbs.flatMap((local, limb) => [...loadLimb(pointer, limb), ...set(local)]);
const store = (pointer: number, limbs: number[]): Code =>
  limbs.flatMap((local, limb) => [...get(pointer), ...get(local), 0x37, 3, ...unsigned(8 * limb)]);
const advance = (pointer: number): Code => [
  ...get(pointer),
  ...constant32(ELEMENT_BYTES),
  ADD_32,
  ...set(pointer),
];

/** Repeats `body` while the counter, taken down by one each time, is not zero. */
function loop(counter: number, body: Code): Code {
  return [
    0x03,
    0x40,
    ...body,
    ...get(counter),
    ...constant32(1),
    SUBTRACT_32,
    ...tee(counter),
    0x0d,
    0,
    0x0b,
  ];
}

/** Pairs of limbs whose product belongs to a column. */
function columnPairs(column: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let limb = Math.max(0, column - LIMBS + 1); limb <= Math.min(column, LIMBS - 1); limb++) {
    pairs.push([limb, column - limb]);
  }
  return pairs;
}

/** Adds the products of `first` and `second` to the columns, or starts the columns with them. */
function multiply(first: number[], second: number[], columns: number[], accumulate: boolean): Code {
  return columns.flatMap((sum, column) => [
    ...(accumulate ? get(sum) : constant(0n)),
    ...columnPairs(column).flatMap(([left, right]) => [
      ...get(first[left]),
      ...get(second[right]),
      MULTIPLY,
      ADD,
    ]),
    ...set(sum),
  ]);
}

/** Columns of a square: mixed products once, with one limb doubled. */
function square(value: number[], doubled: number[], columns: number[]): Code {
  return [
    ...value.flatMap((limb, index) => [...get(limb), ...constant(1n), SHIFT_LEFT, ...set(doubled[index])]),
    ...columns.flatMap((sum, column) => [
      ...constant(0n),
      ...columnPairs(column)
        .filter(([left, right]) => left <= right)
        .flatMap(([left, right]) => [
          ...get(left === right ? value[left] : doubled[left]),
          ...get(value[right]),
          MULTIPLY,
          ADD,
        ]),
      ...set(sum),
    ]),
  ];
}

/** Montgomery reduction of the columns to the limbs `result`, with the element at `addend` (a pointer) added. */
function reduce(
  columns: number[],
  quotient: number[],
  carry: number,
  result: number[],
  addend?: number,
): Code {
  const inverse = negativeInverse();
  const code: Code = [...constant(0n), ...set(carry)];
  for (let column = 0; column < 2 * LIMBS; column++) {
    code.push(...get(carry));
    if (column < COLUMNS) code.push(...get(columns[column]), ADD);
    for (const [limb, other] of columnPairs(column)) {
      // The quotient's own limb of this column is not known yet; its product is added below.
      if (limb !== column) code.push(...get(quotient[limb]), ...constant(MODULUS[other]), MULTIPLY, ADD);
    }
    if (column < LIMBS) {
      code.push(
        ...tee(carry),
        ...constant(inverse),
        MULTIPLY,
        ...constant(MASK),
        AND,
        ...tee(quotient[column]),
      );
      code.push(...constant(MODULUS[0]), MULTIPLY, ...get(carry), ADD);
    } else {
      if (addend !== undefined) code.push(...loadLimb(addend, column - LIMBS), ADD);
      code.push(...tee(carry), ...constant(MASK), AND, ...set(result[column - LIMBS]), ...get(carry));
    }
    code.push(...constant(BigInt(LIMB_BITS)), SHIFT_RIGHT, ...set(carry));
  }
  return code;
}

interface KernelFunction {
  parameters: number;
  locals: number;
  body: Code;
}

/** Hands out local variables after the parameters. */
function localsAfter(parameters: number) {
  let next = parameters;
  const take = (count: number) => Array.from({ length: count }, () => next++);
  return { take, count: () => next - parameters };
}

/** dot(first, second, terms, addend, result): the sum of products of two arrays, plus an element. */
function dotFunction(): KernelFunction {
  const [first, second, terms, addend, result] = [0, 1, 2, 3, 4];
  const locals = localsAfter(5);
  const left = locals.take(LIMBS);
  const right = locals.take(LIMBS);
  const columns = locals.take(COLUMNS);
  const quotient = locals.take(LIMBS);
  const [carry] = locals.take(1);
  const body = [
    ...loop(terms, [
      ...load(first, left),
      ...load(second, right),
      ...multiply(left, right, columns, true),
      ...advance(first),
      ...advance(second),
    ]),
    ...reduce(columns, quotient, carry, left, addend),
    ...store(result, left),
  ];
  return { parameters: 5, locals: locals.count(), body };
}

/** powerFive(values, addends, count): each value becomes its fifth power plus its addend. */
function powerFiveFunction(): KernelFunction {
  const [values, addends, count] = [0, 1, 2];
  const locals = localsAfter(3);
  const value = locals.take(LIMBS);
  const power = locals.take(LIMBS);
  const doubled = locals.take(LIMBS);
  const columns = locals.take(COLUMNS);
  const quotient = locals.take(LIMBS);
  const [carry] = locals.take(1);
  const body = loop(count, [
    ...load(values, value),
    ...square(value, doubled, columns),
    ...reduce(columns, quotient, carry, power),
    ...square(power, doubled, columns),
    ...reduce(columns, quotient, carry, power),
    ...multiply(value, power, columns, false),
    ...reduce(columns, quotient, carry, power, addends),
    ...store(values, power),
    ...advance(values),
    ...advance(addends),
  ]);
  return { parameters: 3, locals: locals.count(), body };
}

/** addMultiples(factor, coefficients, values, count): each value grows by the factor times its coefficient. */
function addMultiplesFunction(): KernelFunction {
  const [factor, coefficients, values, count] = [0, 1, 2, 3];
  const locals = localsAfter(4);
  const left = locals.take(LIMBS);
  const right = locals.take(LIMBS);
  const columns = locals.take(COLUMNS);
  const quotient = locals.take(LIMBS);
  const [carry] = locals.take(1);
  const body = [
    ...load(factor, left),
    ...loop(count, [
      ...load(coefficients, right),
      ...multiply(left, right, columns, false),
      ...reduce(columns, quotient, carry, right, values),
      ...store(values, right),
      ...advance(coefficients),
      ...advance(values),
    ]),
  ];
  return { parameters: 4, locals: locals.count(), body };
}

const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
const exported = (name: string, kind: number, index: number): Code => [
  name.length,
  ...[...name].map((letter) => letter.charCodeAt(0)),
  kind,
  index,
];

function assemble(functions: KernelFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.flatMap(({ parameters }) => [
    0x60,
    parameters,
    ...new Array(parameters).fill(I32),
    0,
  ]);
  const bodies = functions.flatMap(({ locals, body }) => {
    const content = [1, ...unsigned(locals), I64, ...body, 0x0b];
    return [...unsigned(content.length), ...content];
  });
  const exports = [
    ...exported("dot", 0, 0),
    ...exported("powerFive", 0, 1),
    ...exported("addMultiples", 0, 2),
    ...exported("memory", 2, 0),
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [functions.length, ...types]),
    ...section(3, [functions.length, ...functions.keys()]),
    ...section(5, [1, 0, PAGES]),
    ...section(7, [4, ...exports]),
    ...section(10, [functions.length, ...bodies]),
  ]);
}

interface KernelExports {
  memory: WebAssembly.Memory;
  dot(first: number, second: number, terms: number, addend: number, result: number): void;
  powerFive(values: number, addends: number, count: number): void;
  addMultiples(factor: number, coefficients: number, values: number, count: number): void;
}

const instance = new WebAssembly.Instance(
  new WebAssembly.Module(assemble([dotFunction(), powerFiveFunction(), addMultiplesFunction()])),
);
const { memory, dot, powerFive, addMultiples } = instance.exports as unknown as KernelExports;
const words = new Uint32Array(memory.buffer);

export { addMultiples, dot, powerFive };

let allocated = 0;

/** Room for `count` elements, all zero; never given back. */
export function allocate(count: number): number {
  const pointer = allocated;
  allocated += count * ELEMENT_BYTES;
  if (allocated > memory.buffer.byteLength) throw new RangeError("the field kernel's memory is full");
  return pointer;
}

/** Writes an integer in [0, 2^280) as it is. A limb is seven hexadecimal digits. */
function writeRaw(pointer: number, value: bigint): void {
  const digits = value.toString(16).padStart(LIMBS * LIMB_DIGITS, "0");
  for (let limb = 0; limb < LIMBS; limb++) {
    const end = digits.length - limb * LIMB_DIGITS;
    words[pointer / 4 + 2 * limb] = Number.parseInt(digits.slice(end - LIMB_DIGITS, end), 16);
  }
}

const ZERO = allocate(1);
const ONE = allocate(1);
const R_SQUARED = allocate(1);
const SCRATCH = allocate(1);
writeRaw(ONE, 1n);
writeRaw(R_SQUARED, (1n << BigInt(2 * LIMBS * LIMB_BITS)) % FIELD_ORDER);

/** A pointer to zero. */
export const zero = ZERO;

/** Writes a field element, with the element at `addend` added. */
export function writeElement(pointer: number, element: bigint, addend = ZERO): void {
  writeRaw(SCRATCH, element);
  dot(SCRATCH, R_SQUARED, 1, addend, pointer);
}

/** The field element at a place, in [0, p). */
export function readElement(pointer: number): bigint {
  dot(pointer, ONE, 1, ZERO, SCRATCH);
  let digits = "";
  for (let limb = 0; limb < LIMBS; limb++) {
    digits = words[SCRATCH / 4 + 2 * limb].toString(16).padStart(LIMB_DIGITS, "0") + digits;
  }
  const value = BigInt(`0x${digits}`);
  return value >= FIELD_ORDER ? value - FIELD_ORDER : value;
}

/** Copies `count` elements. */
export function copyElements(to: number, from: number, count: number): void {
  words.copyWithin(to / 4, from / 4, (from + count * ELEMENT_BYTES) / 4);
}
