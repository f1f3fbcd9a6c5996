import { FIELD_ORDER } from "../../protocol/constants.ts";

/** A linear combination of wires: pairs (wire, coefficient). */
export type Combination = { wire: number; coefficient: bigint }[];

/** The constraint `a·b = c` over the wires of a witness. */
export interface Constraint {
  a: Combination;
  b: Combination;
  c: Combination;
}

/** A 32-byte little-endian field element. */
function readElement(view: DataView, offset: number): bigint {
  let value = 0n;
  for (let word = 3; word >= 0; word--) value = (value << 64n) | view.getBigUint64(offset + 8 * word, true);
  return value;
}

/** Reads every constraint of an iden3 r1cs file (version 1, BN254). */
export function readConstraints(bytes: Uint8Array): Constraint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sections = new Map<number, number>();
  for (let at = 12; at < bytes.length; ) {
    sections.set(view.getUint32(at, true), at + 12);
    at += 12 + Number(view.getBigUint64(at + 4, true));
  }
  const header = sections.get(1);
  const body = sections.get(2);
  if (header === undefined || body === undefined) throw new Error("r1cs file: header or constraints missing");
  if (readElement(view, header + 4) !== FIELD_ORDER)
    throw new Error("r1cs file: not over the BN254 scalar field");

  const count = view.getUint32(header + 60, true);
  let at = body;
  const combination = (): Combination => {
    const terms = view.getUint32(at, true);
    at += 4;
    return Array.from({ length: terms }, () => {
      const term = { wire: view.getUint32(at, true), coefficient: readElement(view, at + 4) };
      at += 36;
      return term;
    });
  };
  return Array.from({ length: count }, () => ({ a: combination(), b: combination(), c: combination() }));
}

/** Value of a linear combination under a witness. */
export function evaluate(combination: Combination, witness: readonly bigint[]): bigint {
  let sum = 0n;
  for (const { wire, coefficient } of combination) sum += coefficient * (witness[wire] ?? 0n);
  return sum % FIELD_ORDER;
}

/** True when the witness meets the constraint. */
export function holds({ a, b, c }: Constraint, witness: readonly bigint[]): boolean {
  return (evaluate(a, witness) * evaluate(b, witness) - evaluate(c, witness)) % FIELD_ORDER === 0n;
}

/** For each wire, the indexes of the constraints that it takes part in. */
export function wiresToConstraints(constraints: readonly Constraint[]): number[][] {
  const touching: number[][] = [];
  for (const [index, { a, b, c }] of constraints.entries()) {
    for (const wire of new Set([...a, ...b, ...c].map((term) => term.wire))) {
      touching[wire] ??= [];
      touching[wire].push(index);
    }
  }
  return touching;
}
