import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { SolvusError } from "../../protocol/errors.ts";

/** One entry of a proving key's transcript. */
export interface Contribution {
  name: string;
  /** BLAKE2b-512 of the contribution's public part, as snarkjs shows it to the contributor. Hexadecimal. */
  hash: string;
  /** Set when the randomness is public and not a contributor's secret. */
  beacon?: { value: string; iterationsExponent: number };
}

const TRANSCRIPT_SECTION = 10;
const COORDINATE = 32;
const BEACON_TYPE = 1;
const BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/**
 * The transcript in a zkey file: a 64-byte hash of the circuit, the number of contributions, and of each the points delta after it, s,
 * s·x (G1) and s'·x (G2) in Montgomery form, a 64-byte hash, a type and parameters (1 name, 2 iterations, 3 beacon). Says nothing of
 * its truth. Throws `ceremony.key` when the file has none.
 */
export function readTranscript(file: string): Contribution[] {
  try {
    const section = readSection(file, TRANSCRIPT_SECTION);
    const count = section.readUInt32LE(64);
    const contributions: Contribution[] = [];
    for (let i = 0, offset = 68; i < count; i++) {
      const points = section.subarray(offset, offset + 10 * COORDINATE);
      const digest = section.subarray(offset + 10 * COORDINATE, offset + 10 * COORDINATE + 64);
      const parameters = offset + 10 * COORDINATE + 64 + 8;
      const end = parameters + section.readUInt32LE(parameters - 4);
      if (end > section.length) throw new Error("it is cut off");
      const hash = createHash("blake2b512").update(publicPart(points)).update(digest).digest("hex");
      const isBeacon = section.readUInt32LE(parameters - 8) === BEACON_TYPE;
      contributions.push({ hash, ...readParameters(section.subarray(parameters, end), isBeacon) });
      offset = end;
    }
    return contributions;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SolvusError(
      "ceremony.key",
      `${file}: no transcript (${reason}), expected a zkey file of a ceremony`,
    );
  }
}

function readSection(file: string, wanted: number): Buffer {
  const descriptor = openSync(file, "r");
  const read = (position: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    if (readSync(descriptor, bytes, 0, length, position) !== length) throw new Error("it is cut off");
    return bytes;
  };
  try {
    const header = read(0, 12);
    if (header.toString("latin1", 0, 4) !== "zkey") throw new Error("it is of another format");
    for (let i = 0, offset = 12; i < header.readUInt32LE(8); i++) {
      const heading = read(offset, 12);
      const length = Number(heading.readBigUInt64LE(4));
      if (heading.readUInt32LE(0) === wanted) return read(offset + 12, length);
      offset += 12 + length;
    }
  } finally {
    closeSync(descriptor);
  }
  throw new Error(`it lacks section ${wanted}`);
}

/** Ten coordinates as they are hashed: big-endian and out of Montgomery form, imaginary parts of G2 first. */
function publicPart(points: Buffer): Buffer {
  const coordinates = Array.from({ length: 10 }, (_, i) => {
    const bytes = Buffer.from(points.subarray(i * COORDINATE, (i + 1) * COORDINATE)).reverse();
    const value = (BigInt(`0x${bytes.toString("hex")}`) * MONTGOMERY_INVERSE) % BASE_FIELD;
    return value.toString(16).padStart(2 * COORDINATE, "0");
  });
  const order = [0, 1, 2, 3, 4, 5, 7, 6, 9, 8];
  return Buffer.from(order.map((i) => coordinates[i]).join(""), "hex");
}

/** 2^-256 modulo the base field: 2^-1 is (p + 1) / 2. */
const MONTGOMERY_INVERSE = (() => {
  let inverse = (BASE_FIELD + 1n) / 2n;
  for (let i = 0; i < 8; i++) inverse = (inverse * inverse) % BASE_FIELD;
  return inverse;
})();

function readParameters(bytes: Buffer, isBeacon: boolean): Omit<Contribution, "hash"> {
  let [name, value, iterationsExponent] = ["", "", 0];
  for (let offset = 0; offset < bytes.length; ) {
    const kind = bytes.readUInt8(offset);
    const argument = bytes.readUInt8(offset + 1);
    offset += 2;
    if (kind === 2) {
      iterationsExponent = argument;
      continue;
    }
    const content = bytes.subarray(offset, offset + argument);
    if (kind === 1) name = content.toString("utf8");
    else if (kind === 3) value = content.toString("hex");
    else throw new Error(`it has a parameter ${kind}`);
    offset += argument;
  }
  return isBeacon ? { name, beacon: { value, iterationsExponent } } : { name };
}
