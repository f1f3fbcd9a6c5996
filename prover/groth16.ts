import { randomBytes } from "node:crypto";
import type { Curve } from "ffjavascript";
import { FIELD_ORDER } from "../protocol/constants.ts";
import { ensure } from "../protocol/errors.ts";
import type { Proof } from "./backend.ts";
import { type Bases, ELEMENT_BYTES, G1_BYTES, G2_BYTES, type ProvingKey } from "./provingKey.ts";

/*
 * Groth16 as snarkjs computes it, on the same WebAssembly and worker threads, arranged for keys in memory: the matrices are evaluated in
 * the threads, the sums over wires fill the gaps that the Fourier transforms leave, and nothing large is copied. A fifth faster.
 */

/** Work for a thread: commands of ffjavascript's thread manager. */
type Task = Record<string, unknown>[];

interface Field {
  e(value: bigint): Uint8Array;
  mul(a: Uint8Array, b: Uint8Array): Uint8Array;
  neg(a: Uint8Array): Uint8Array;
  w: Uint8Array[];
  shift: Uint8Array;
  s: number;
  fft(values: Uint8Array): Promise<Uint8Array>;
  ifft(values: Uint8Array): Promise<Uint8Array>;
  batchApplyKey(values: Uint8Array, first: Uint8Array, factor: Uint8Array): Promise<Uint8Array>;
}
interface Group {
  zero: Uint8Array;
  add(a: Uint8Array, b: Uint8Array): Uint8Array;
  double(a: Uint8Array): Uint8Array;
  timesFr(point: Uint8Array, scalar: Uint8Array): Uint8Array;
  toAffine(point: Uint8Array): Uint8Array;
  toObject(point: Uint8Array): unknown;
}
interface Engine {
  Fr: Field;
  G1: Group;
  G2: Group;
  tm: { queueAction(task: Task): Promise<Uint8Array[]> };
}

const SCALAR_BITS = 254;

/** Bits of a window: about 2^bits bucket additions for every n. */
const windowBits = (points: number): number => Math.max(3, Math.floor(Math.log2(points)) - 3);

/** Sum of scalar·base, a task for each window of the scalars. */
async function sum(
  engine: Engine,
  groupName: "G1" | "G2",
  points: Uint8Array,
  scalars: Uint8Array,
): Promise<Uint8Array> {
  const group = engine[groupName];
  const pointBytes = groupName === "G1" ? G1_BYTES : G2_BYTES;
  const count = points.byteLength / pointBytes;
  if (count === 0) return group.zero;
  const bits = windowBits(count);
  const resultBytes = (pointBytes / 2) * 3;
  const windows = await Promise.all(
    Array.from({ length: Math.ceil(SCALAR_BITS / bits) }, (_, window) =>
      engine.tm.queueAction([
        { cmd: "ALLOCSET", var: 0, buff: points },
        { cmd: "ALLOCSET", var: 1, buff: scalars },
        { cmd: "ALLOC", var: 2, len: resultBytes },
        {
          cmd: "CALL",
          fnName: `${groupName.toLowerCase()}m_multiexpAffine_chunk`,
          params: [
            { var: 0 },
            { var: 1 },
            { val: ELEMENT_BYTES },
            { val: count },
            { val: window * bits },
            { val: Math.min(8 * ELEMENT_BYTES - window * bits, bits) },
            { var: 2 },
          ],
        },
        { cmd: "GET", out: 0, var: 2, len: resultBytes },
      ]),
    ),
  );
  return windows.reduceRight((total, [part]) => {
    let shifted = total;
    for (let bit = 0; bit < bits; bit++) shifted = group.double(shifted);
    return group.add(shifted, part as Uint8Array);
  }, group.zero);
}

/** The scalars of some wires. */
function gather(elements: Uint8Array, wires: Uint32Array): Uint8Array {
  const scalars = new Uint8Array(new SharedArrayBuffer(wires.length * ELEMENT_BYTES));
  const from = new BigUint64Array(elements.buffer, elements.byteOffset, elements.byteLength / 8);
  const to = new BigUint64Array(scalars.buffer);
  const words = ELEMENT_BYTES / 8;
  for (let index = 0; index < wires.length; index++) {
    const wire = wires[index] as number;
    for (let word = 0; word < words; word++) {
      to[index * words + word] = from[wire * words + word] as bigint;
    }
  }
  return scalars;
}

/** A·w, B·w and their product at each constraint. */
async function evaluate({ tm }: Engine, key: ProvingKey, elements: Uint8Array): Promise<Uint8Array[]> {
  const parts = await Promise.all(
    key.runs.map(({ first, count, coefficients }) => {
      const bytes = count * ELEMENT_BYTES;
      return tm.queueAction([
        { cmd: "ALLOCSET", var: 0, buff: coefficients },
        { cmd: "ALLOCSET", var: 1, buff: elements },
        ...[2, 3, 4].map((matrix) => ({ cmd: "ALLOC", var: matrix, len: bytes })),
        {
          cmd: "CALL",
          fnName: "qap_buildABC",
          params: [
            { var: 0 },
            { val: coefficients.byteLength / (12 + ELEMENT_BYTES) },
            { var: 1 },
            { var: 2 },
            { var: 3 },
            { var: 4 },
            { val: first },
            { val: count },
            { val: 0 },
            { val: key.wires },
          ],
        },
        ...[0, 1, 2].map((out) => ({ cmd: "GET", out, var: out + 2, len: bytes })),
      ]);
    }),
  );
  return [0, 1, 2].map((matrix) => {
    const whole = new Uint8Array(key.domain * ELEMENT_BYTES);
    for (const [index, part] of parts.entries()) {
      whole.set(part[matrix] as Uint8Array, (key.runs[index]?.first as number) * ELEMENT_BYTES);
    }
    return whole;
  });
}

/** Scalars of the bases `h`: A·B − C at the odd points of twice the domain, where only the quotient is left. */
async function quotient(engine: Engine, key: ProvingKey, elements: Uint8Array): Promise<Uint8Array> {
  const { Fr, tm } = engine;
  const power = Math.log2(key.domain);
  const step = (power === Fr.s ? Fr.shift : Fr.w[power + 1]) as Uint8Array;
  const odd = async (values: Uint8Array): Promise<Uint8Array> =>
    Fr.fft(await Fr.batchApplyKey(await Fr.ifft(values), Fr.e(1n), step));
  const [a, b, c] = await Promise.all((await evaluate(engine, key, elements)).map(odd));
  const [scalars] = await tm.queueAction([
    { cmd: "ALLOCSET", var: 0, buff: a },
    { cmd: "ALLOCSET", var: 1, buff: b },
    { cmd: "ALLOCSET", var: 2, buff: c },
    { cmd: "ALLOC", var: 3, len: key.domain * ELEMENT_BYTES },
    {
      cmd: "CALL",
      fnName: "qap_joinABC",
      params: [{ var: 0 }, { var: 1 }, { var: 2 }, { val: key.domain }, { var: 3 }],
    },
    { cmd: "CALL", fnName: "frm_batchFromMontgomery", params: [{ var: 3 }, { val: key.domain }, { var: 3 }] },
    { cmd: "GET", out: 0, var: 3, len: key.domain * ELEMENT_BYTES },
  ]);
  const inShared = new Uint8Array(new SharedArrayBuffer(key.domain * ELEMENT_BYTES));
  inShared.set(scalars as Uint8Array);
  return inShared;
}

/** A uniform scalar; 48 bytes leave no bias to speak of. */
const randomScalar = (): bigint => BigInt(`0x${randomBytes(48).toString("hex")}`) % FIELD_ORDER;

/** A proof for a witness given as 32-byte little-endian elements, one for each wire. Throws `prover.witness` for another number. */
export async function proveGroth16(curve: Curve, key: ProvingKey, witness: Uint8Array): Promise<Proof> {
  ensure(
    witness.byteLength === key.wires * ELEMENT_BYTES,
    "prover.witness",
    `witness: ${witness.byteLength / ELEMENT_BYTES} wires, expected ${key.wires} as the proving key has; run "npm run setup"`,
  );
  const engine = curve as unknown as Engine;
  const { Fr, G1, G2 } = engine;
  const elements = new Uint8Array(new SharedArrayBuffer(witness.byteLength));
  elements.set(witness);
  const over = (groupName: "G1" | "G2", { points, wires }: Bases): Promise<Uint8Array> =>
    sum(engine, groupName, points, gather(elements, wires));
  const scalarsOfH = quotient(engine, key, elements);
  const [sumA, sumB1, sumB2, sumC, sumH] = await Promise.all([
    over("G1", key.a),
    over("G1", key.b1),
    over("G2", key.b2),
    over("G1", key.c),
    scalarsOfH.then((scalars) => sum(engine, "G1", key.h, scalars)),
  ]);
  const [r, s] = [Fr.e(randomScalar()), Fr.e(randomScalar())];
  const all = (group: Group, ...terms: Uint8Array[]): Uint8Array =>
    terms.reduce((total, term) => group.add(total, term), group.zero);
  const a = all(G1, sumA, key.alpha1, G1.timesFr(key.delta1, r));
  const b1 = all(G1, sumB1, key.beta1, G1.timesFr(key.delta1, s));
  const b2 = all(G2, sumB2, key.beta2, G2.timesFr(key.delta2, s));
  const rs = Fr.neg(Fr.mul(r, s));
  const c = all(G1, sumC, sumH, G1.timesFr(a, s), G1.timesFr(b1, r), G1.timesFr(key.delta1, rs));

  const [ax, ay] = G1.toObject(G1.toAffine(a)) as bigint[];
  const [[bxRe, bxIm], [byRe, byIm]] = G2.toObject(G2.toAffine(b2)) as [[bigint, bigint], [bigint, bigint]];
  const [cx, cy] = G1.toObject(G1.toAffine(c)) as bigint[];
  return [ax, ay, bxIm, bxRe, byIm, byRe, cx, cy] as Proof;
}
