import { closeSync, openSync, writeSync } from "node:fs";
import type { Curve } from "ffjavascript";
import { COEFFICIENT_BYTES, forEachTerm, type R1cs } from "./r1cs.ts";

/** Points of a Groth16 key, affine, in ffjavascript's Montgomery form. */
export interface KeyPoints {
  alpha1: Uint8Array;
  beta1: Uint8Array;
  beta2: Uint8Array;
  gamma2: Uint8Array;
  delta1: Uint8Array;
  delta2: Uint8Array;
  ic: Uint8Array;
  a: Uint8Array;
  b1: Uint8Array;
  b2: Uint8Array;
  c: Uint8Array;
  h: Uint8Array;
}

const FIELD_BYTES = 32;
/** Bytes of an entry of the coefficient section: matrix, row, wire, value. */
const ENTRY_BYTES = 12 + FIELD_BYTES;

/**
 * Writes a proving key in the zkey format of snarkjs, version 1: the file header, then sections of a number, a length and their bytes.
 * @param domain rows of the evaluation domain
 * @param transcript 64 bytes in the place of a ceremony's transcript hash
 */
export async function writeZkey(
  file: string,
  curve: Curve,
  r1cs: R1cs,
  domain: number,
  points: KeyPoints,
  transcript: Uint8Array,
): Promise<void> {
  const { alpha1, beta1, beta2, gamma2, delta1, delta2 } = points;
  const header = Buffer.concat([
    uint32(FIELD_BYTES),
    littleEndian(curve.q),
    uint32(FIELD_BYTES),
    littleEndian(curve.r),
    uint32(r1cs.wires, r1cs.publicSignals, domain),
    alpha1,
    beta1,
    beta2,
    gamma2,
    delta1,
    delta2,
  ]);
  const sections: [number, Uint8Array][] = [
    [1, uint32(1)],
    [2, header],
    [3, points.ic],
    [4, await coefficients(curve, r1cs)],
    [5, points.a],
    [6, points.b1],
    [7, points.b2],
    [8, points.c],
    [9, points.h],
    [10, Buffer.concat([transcript, uint32(0)])],
  ];
  const descriptor = openSync(file, "w");
  try {
    writeSync(descriptor, Buffer.concat([Buffer.from("zkey"), uint32(1, sections.length)]));
    for (const [number, bytes] of sections) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.byteLength));
      writeSync(descriptor, Buffer.concat([uint32(number), length]));
      for (let offset = 0; offset < bytes.byteLength; ) offset += writeSync(descriptor, bytes, offset);
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The matrices A and B as the prover wants them: a count, then an entry per term, then the rows of the public signals. A value is
 * stored times R^2 (R = 2^256), so that one Montgomery product with a plain witness value yields the Montgomery form.
 */
async function coefficients(curve: Curve, r1cs: R1cs): Promise<Uint8Array> {
  let count = 0;
  forEachTerm(r1cs, (matrix) => {
    if (matrix < 2) count++;
  });
  const total = count + r1cs.publicSignals + 1;
  const values = new Uint8Array(total * FIELD_BYTES);
  const section = new Uint8Array(4 + total * ENTRY_BYTES);
  const view = new DataView(section.buffer);
  view.setUint32(0, total, true);
  let index = 0;
  const entry = (matrix: number, row: number, wire: number): void => {
    const place = 4 + index * ENTRY_BYTES;
    view.setUint32(place, matrix, true);
    view.setUint32(place + 4, row, true);
    view.setUint32(place + 8, wire, true);
    index++;
  };
  const source = new Uint8Array(r1cs.section.buffer, r1cs.section.byteOffset, r1cs.section.byteLength);
  forEachTerm(r1cs, (matrix, constraint, wire, offset) => {
    if (matrix === 2) return;
    values.set(source.subarray(offset, offset + COEFFICIENT_BYTES), index * FIELD_BYTES);
    entry(matrix, constraint, wire);
  });
  for (let wire = 0; wire <= r1cs.publicSignals; wire++) {
    values[index * FIELD_BYTES] = 1;
    entry(0, r1cs.constraints + wire, wire);
  }
  const chunk = 2 ** 14 * FIELD_BYTES;
  for (let start = 0; start < values.length; start += chunk) {
    const once = await curve.Fr.batchToMontgomery(values.slice(start, start + chunk));
    const twice = await curve.Fr.batchToMontgomery(once);
    for (let offset = 0; offset < twice.length; offset += FIELD_BYTES) {
      const place = 4 + ((start + offset) / FIELD_BYTES) * ENTRY_BYTES + 12;
      section.set(twice.subarray(offset, offset + FIELD_BYTES), place);
    }
  }
  return section;
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeUInt32LE(value, 4 * index);
  });
  return bytes;
}

function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * FIELD_BYTES, "0"), "hex").reverse();
}
