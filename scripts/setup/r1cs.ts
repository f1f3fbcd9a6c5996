import { readFileSync } from "node:fs";

/** An R1CS file in memory. Wires: 0 is the constant one, then the public signals, then the rest. */
export interface R1cs {
  wires: number;
  /** Public signals: outputs and public inputs. */
  publicSignals: number;
  constraints: number;
  /** The constraints section: per constraint three linear combinations, each a count and (wire, coefficient) pairs. */
  section: DataView;
}

/** Bytes of a coefficient, little-endian. */
export const COEFFICIENT_BYTES = 32;

/**
 * Reads an R1CS file of the BN254 scalar field.
 * @throws Error when the file is not one.
 */
export function readR1cs(file: string): R1cs {
  const bytes = readFileSync(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.toString("latin1", 0, 4) !== "r1cs") throw new Error(`${file} is not an R1CS file`);
  const sections = new Map<number, DataView>();
  let offset = 12;
  for (let i = 0; i < view.getUint32(8, true); i++) {
    const length = Number(view.getBigUint64(offset + 4, true));
    sections.set(
      view.getUint32(offset, true),
      new DataView(bytes.buffer, bytes.byteOffset + offset + 12, length),
    );
    offset += 12 + length;
  }
  const header = sections.get(1);
  const section = sections.get(2);
  if (header === undefined || section === undefined)
    throw new Error(`${file}: header or constraints are missing`);
  if (header.getUint32(0, true) !== COEFFICIENT_BYTES) throw new Error(`${file} is not over a 254-bit field`);
  return {
    wires: header.getUint32(36, true),
    publicSignals: header.getUint32(40, true) + header.getUint32(44, true),
    constraints: header.getUint32(60, true),
    section,
  };
}

/**
 * Rows of the evaluation domain: a power of two with room for the constraints and, as in snarkjs, one row per public signal and for
 * the constant one, which keep those wires' polynomials independent.
 */
export function domainSize(r1cs: Pick<R1cs, "constraints" | "publicSignals">): number {
  const rows = r1cs.constraints + r1cs.publicSignals + 1;
  return 2 ** Math.ceil(Math.log2(rows));
}

/** Calls `visit(matrix, constraint, wire, coefficient's offset in the section)` for every term; matrix 0, 1, 2 is A, B, C. */
export function forEachTerm(
  r1cs: R1cs,
  visit: (matrix: number, constraint: number, wire: number, offset: number) => void,
): void {
  const { section, constraints } = r1cs;
  let offset = 0;
  for (let constraint = 0; constraint < constraints; constraint++) {
    for (let matrix = 0; matrix < 3; matrix++) {
      const terms = section.getUint32(offset, true);
      offset += 4;
      for (let i = 0; i < terms; i++) {
        visit(matrix, constraint, section.getUint32(offset, true), offset + 4);
        offset += 4 + COEFFICIENT_BYTES;
      }
    }
  }
}

/** The field element at an offset. */
export function fieldAt(view: DataView, offset: number): bigint {
  const low = view.getBigUint64(offset, true) | (view.getBigUint64(offset + 8, true) << 64n);
  const high = view.getBigUint64(offset + 16, true) | (view.getBigUint64(offset + 24, true) << 64n);
  return low | (high << 128n);
}
