import { ensure } from "../protocol/errors.ts";

/*
 * A proving key of snarkjs (`zkey`, Groth16) taken apart once, so that a proof need not read it again. Points are affine in Montgomery
 * form as the file has them: 64 bytes in G1, 128 in G2. Everything that worker threads read is in shared memory, which costs no copy.
 */

export const ELEMENT_BYTES = 32;
export const G1_BYTES = 64;
export const G2_BYTES = 128;
/** A coefficient: matrix (0 A, 1 B), constraint and wire as 32-bit numbers, then the value. */
const COEFFICIENT_BYTES = 12 + ELEMENT_BYTES;

/** Bases of a sum over wires: only the wires whose base is not the point at infinity. */
export interface Bases {
  points: Uint8Array;
  /** The wire of each point. */
  wires: Uint32Array;
}

/** The coefficients of a run of constraints. */
export interface ConstraintRun {
  first: number;
  count: number;
  coefficients: Uint8Array;
}

export interface ProvingKey {
  wires: number;
  publicCount: number;
  /** Constraints, rounded up to a power of two. */
  domain: number;
  alpha1: Uint8Array;
  beta1: Uint8Array;
  beta2: Uint8Array;
  delta1: Uint8Array;
  delta2: Uint8Array;
  /** A and B of the R1CS, a run of constraints for each thread. */
  runs: ConstraintRun[];
  a: Bases;
  b1: Bases;
  b2: Bases;
  c: Bases;
  /** One base for each point of the domain. */
  h: Uint8Array;
}

const shared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes));

function sectionsOf(file: Uint8Array): Map<number, Uint8Array> {
  // A Buffer's `slice` would not copy.
  const zkey = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  const view = new DataView(zkey.buffer, zkey.byteOffset, zkey.byteLength);
  const sections = new Map<number, Uint8Array>();
  for (let offset = 12; offset + 12 <= zkey.byteLength; ) {
    const length = Number(view.getBigUint64(offset + 4, true));
    ensure(offset + 12 + length <= zkey.byteLength, "setup.damaged", "proving key: cut short");
    sections.set(view.getUint32(offset, true), zkey.subarray(offset + 12, offset + 12 + length));
    offset += 12 + length;
  }
  return sections;
}

/** The points that are not at infinity (all zero bytes), with the wires that they belong to. */
function basesOf(section: Uint8Array, pointBytes: number, firstWire: number): Bases {
  const words = new BigUint64Array(section.slice().buffer);
  const perPoint = pointBytes / 8;
  const kept: number[] = [];
  for (let point = 0; point < words.length / perPoint; point++) {
    if (words.subarray(point * perPoint, (point + 1) * perPoint).some((word) => word !== 0n))
      kept.push(point);
  }
  const points = shared(kept.length * pointBytes);
  for (const [index, point] of kept.entries()) {
    points.set(section.subarray(point * pointBytes, (point + 1) * pointBytes), index * pointBytes);
  }
  return { points, wires: Uint32Array.from(kept, (point) => point + firstWire) };
}

function runsOf(section: Uint8Array, domain: number, threads: number): ConstraintRun[] {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  const total = view.getUint32(0, true);
  const length = Math.ceil(domain / threads);
  const runOf = (index: number): number =>
    Math.floor(view.getUint32(4 + index * COEFFICIENT_BYTES + 4, true) / length);
  const counts = new Array<number>(Math.ceil(domain / length)).fill(0);
  for (let index = 0; index < total; index++) counts[runOf(index)] = (counts[runOf(index)] as number) + 1;
  const runs = counts.map((count, run) => ({
    first: run * length,
    count: Math.min(length, domain - run * length),
    coefficients: shared(count * COEFFICIENT_BYTES),
  }));
  const filled = counts.map(() => 0);
  for (let index = 0; index < total; index++) {
    const run = runOf(index);
    const start = 4 + index * COEFFICIENT_BYTES;
    runs[run]?.coefficients.set(section.subarray(start, start + COEFFICIENT_BYTES), filled[run]);
    filled[run] = (filled[run] as number) + COEFFICIENT_BYTES;
  }
  return runs;
}

/** Takes a zkey apart for proving on `threads` threads. Throws `setup.damaged` when it is not a whole Groth16 key. */
export function readProvingKey(zkey: Uint8Array, threads: number): ProvingKey {
  const sections = sectionsOf(zkey);
  const section = (id: number): Uint8Array => {
    const found = sections.get(id);
    ensure(found !== undefined, "setup.damaged", `proving key: no section ${id}, expected a Groth16 key`);
    return found;
  };
  const header = section(2);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  // Size and value of both field orders come first.
  let offset = 2 * (4 + ELEMENT_BYTES);
  const number = (): number => {
    offset += 4;
    return view.getUint32(offset - 4, true);
  };
  const point = (bytes: number): Uint8Array => {
    offset += bytes;
    return header.slice(offset - bytes, offset);
  };
  const [wires, publicCount, domain] = [number(), number(), number()];
  const [alpha1, beta1, beta2] = [point(G1_BYTES), point(G1_BYTES), point(G2_BYTES)];
  point(G2_BYTES);
  const [delta1, delta2] = [point(G1_BYTES), point(G2_BYTES)];
  const h = shared(section(9).byteLength);
  h.set(section(9));
  return {
    wires,
    publicCount,
    domain,
    alpha1,
    beta1,
    beta2,
    delta1,
    delta2,
    runs: runsOf(section(4), domain, threads),
    a: basesOf(section(5), G1_BYTES, 0),
    b1: basesOf(section(6), G1_BYTES, 0),
    b2: basesOf(section(7), G2_BYTES, 0),
    c: basesOf(section(8), G1_BYTES, publicCount + 1),
    h,
  };
}
