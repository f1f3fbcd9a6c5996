import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STATEMENTS } from "../../bench/statements.ts";
import {
  CIRCUIT_PLACES,
  type CircuitPlaces,
  readManifest,
  readPinnedKey,
} from "../../protocol/circuitFiles.ts";
import { holdCurve } from "../../protocol/curve.ts";
import { BASE_FIELD_ORDER, verifyProof } from "../../protocol/groth16.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import type { ProvingBackend } from "../../prover/backend.ts";
import { proveGroth16 } from "../../prover/groth16.ts";
import { createProver, type ProvenStatement, type Prover, type Statement } from "../../prover/prover.ts";
import { readProvingKey } from "../../prover/provingKey.ts";

/** The smallest circuit: a few seconds less for each proof. */
const CIRCUIT = "insertion";
const statement = (STATEMENTS[CIRCUIT] as () => Statement)();

const rule = (name: string) => expect.objectContaining({ rule: name });
const caught = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error("accepted"),
    (error) => error,
  );

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "solvus-prover-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** A copy of the insertion's generated files and of the manifest, to be altered. */
async function copies(name: string): Promise<CircuitPlaces & { zkey: string }> {
  const build = join(directory, name);
  await mkdir(join(build, "keys"), { recursive: true });
  const zkey = join(build, `keys/${CIRCUIT}.zkey`);
  await cp(join(CIRCUIT_PLACES.build, `circuits/${CIRCUIT}`), join(build, `circuits/${CIRCUIT}`), {
    recursive: true,
  });
  await cp(join(CIRCUIT_PLACES.build, `keys/${CIRCUIT}.zkey`), zkey);
  await cp(CIRCUIT_PLACES.manifest, join(build, "manifest.json"));
  return { build, manifest: join(build, "manifest.json"), zkey };
}

/** Start and length of a section of a zkey file. */
function sectionOf(zkey: Buffer, wanted: number): { start: number; length: number } {
  let offset = 12;
  for (;;) {
    const id = zkey.readUInt32LE(offset);
    const length = Number(zkey.readBigUInt64LE(offset + 4));
    if (id === wanted) return { start: offset + 12, length };
    offset += 12 + length;
  }
}

describe("the prover", () => {
  let prover: Prover;
  let proven: ProvenStatement;
  beforeAll(async () => {
    prover = createProver({
      chain: { keyHash: async () => (await readPinnedHash()).toUpperCase().replace("0X", "0x") },
    });
    proven = await prover.prove(statement);
  });
  afterAll(() => prover.close());

  const readPinnedHash = async () =>
    (await readManifest()).find(({ name }) => name === CIRCUIT)?.verifyingKeyHash as string;

  test("proves a statement with the key that the manifest and the ledger have", async () => {
    expect(proven.publicSignals).toEqual(statement.publicSignals);
    expect(proven.proof).toHaveLength(8);
    expect(await verifyProof(await readPinnedKey(CIRCUIT), proven.proof, proven.publicSignals)).toBe(true);
  });

  test("proves as well with a key split for another number of threads, and blinds each proof anew", async () => {
    const zkey = await readFile(join(CIRCUIT_PLACES.build, `keys/${CIRCUIT}.zkey`));
    const { elements } = await prover.witness(statement);
    const hold = await holdCurve();
    const key = readProvingKey(zkey, 3);
    expect(key.runs.map(({ count }) => count)).toEqual([2731, 2731, 2730]);
    const proof = await proveGroth16(hold.curve, key, elements);
    await hold.release();
    expect(await verifyProof(await readPinnedKey(CIRCUIT), proof, proven.publicSignals)).toBe(true);
    for (const [index, word] of proof.entries()) expect(word).not.toBe(proven.proof[index]);
  });

  test("verification refuses every other word, signal and number of signals", async () => {
    const key = await readPinnedKey(CIRCUIT);
    const { proof, publicSignals } = proven;
    const holds = (words: readonly bigint[], signals: readonly bigint[]) => verifyProof(key, words, signals);
    for (const [index, word] of proof.entries()) {
      expect(await holds(proof.with(index, word ^ 1n), publicSignals)).toBe(false);
      expect(await holds(proof.with(index, word + BASE_FIELD_ORDER), publicSignals)).toBe(false);
    }
    for (const [index, signal] of publicSignals.entries()) {
      expect(await holds(proof, publicSignals.with(index, signal + 1n))).toBe(false);
    }
    expect(await holds(proof, [...publicSignals, 0n])).toBe(false);
    expect(await holds(proof, publicSignals.slice(0, -1))).toBe(false);
    expect(await holds(proof.slice(1), publicSignals)).toBe(false);
    expect(await holds(new Array<bigint>(8).fill(0n), publicSignals)).toBe(false);
  });

  test("refuses inputs that break a constraint, naming templates and no input", async () => {
    const secret = 8_675_309_123_456_789n;
    const leaves = statement.input.leaves as bigint[];
    const error = await caught(
      prover.prove({ ...statement, input: { ...statement.input, leaves: leaves.with(3, secret) } }),
    );
    expect(error).toEqual(rule("prover.refused"));
    expect(error.message).toMatch(
      /^circuit insertion: refuses the inputs, a constraint does not hold: Insertion \(line \d+\)$/,
    );
    expect(JSON.stringify([error, error.stack])).not.toContain(String(secret));
  });

  test("refuses inputs that are not the circuit's", async () => {
    const { leaves, ...others } = statement.input;
    const of = (input: CircuitInput) => caught(prover.witness({ ...statement, input }));
    expect(await of(others)).toEqual(rule("prover.inputs"));
    expect(await of({ ...statement.input, more: 1n })).toEqual(rule("prover.inputs"));
    expect(await of({ ...statement.input, leaves: [1n, 2n] })).toEqual(rule("prover.inputs"));
  });

  test("refuses public signals that are not those of the inputs", async () => {
    const { publicSignals } = statement;
    for (const other of [publicSignals.with(2, 5n), publicSignals.slice(1), [...publicSignals, 1n]]) {
      const error = await caught(prover.prove({ ...statement, publicSignals: other }));
      expect(error).toEqual(rule("prover.publicSignals"));
    }
  });

  test("refuses a circuit that the manifest does not list, and work after closing", async () => {
    expect(await caught(prover.prove({ ...statement, circuit: "../insertion" }))).toEqual(
      rule("setup.circuit"),
    );
    const closed = createProver();
    await closed.close();
    expect(await caught(closed.prove(statement))).toEqual(rule("prover.closed"));
  });
});

describe("keys", () => {
  const proving = async (places: CircuitPlaces): Promise<Error> => {
    const prover = createProver({ places });
    const error = await caught(prover.prove(statement));
    await prover.close();
    return error;
  };

  test("that are missing: the message says what to run", async () => {
    const places = await copies("missing");
    await rm(places.zkey);
    const error = await proving(places);
    expect(error).toEqual(rule("setup.missing"));
    expect(error.message).toContain("npm run setup");
    expect(await proving({ ...places, manifest: join(directory, "none.json") })).toEqual(
      rule("setup.missing"),
    );
  });

  test("that are not the manifest's are refused before proving", async () => {
    const places = await copies("mismatch");
    const hash = (await readManifest()).find(({ name }) => name === CIRCUIT)?.verifyingKeyHash as string;
    const text = await readFile(places.manifest, "utf8");
    await writeFile(places.manifest, text.replace(hash, `0x${"12".repeat(32)}`));
    expect(await proving(places)).toEqual(rule("setup.keyMismatch"));
    await writeFile(places.manifest, "{}");
    expect(await proving(places)).toEqual(rule("setup.manifest"));

    // The key itself altered: two input points exchanged.
    const other = await copies("altered");
    const zkey = await readFile(other.zkey);
    const { start } = sectionOf(zkey, 3);
    const first = Buffer.from(zkey.subarray(start, start + 64));
    zkey.copy(zkey, start, start + 64, start + 128);
    first.copy(zkey, start + 64);
    await writeFile(other.zkey, zkey);
    expect(await proving(other)).toEqual(rule("setup.keyMismatch"));
    await writeFile(other.zkey, zkey.subarray(0, 1000));
    expect(await proving(other)).toEqual(rule("setup.damaged"));
  });

  test("that are not the ledger's are refused before they are read", async () => {
    const loads: string[] = [];
    const backend = { load: async (circuit: string) => loads.push(circuit), close: async () => {} };
    const prover = createProver({
      chain: { keyHash: async () => `0x${"34".repeat(32)}` },
      backend: backend as unknown as ProvingBackend,
    });
    expect(await caught(prover.prove(statement))).toEqual(rule("prover.ledgerKey"));
    expect(loads).toEqual([]);
  });

  test("with damaged points give a proof that is not handed out", async () => {
    const places = await copies("damaged");
    const zkey = await readFile(places.zkey);
    // Two neighbouring points of section 5 (A) exchanged: still points, and not those of the circuit.
    const { start, length } = sectionOf(zkey, 5);
    const middle = start + 64 * Math.floor(length / 128);
    const first = Buffer.from(zkey.subarray(middle, middle + 64));
    zkey.copy(zkey, middle, middle + 64, middle + 128);
    first.copy(zkey, middle + 64);
    await writeFile(places.zkey, zkey);
    expect(await proving(places)).toEqual(rule("prover.invalid"));
  });
});

test("a process that closed its prover ends by itself", async () => {
  const script = `
    import { STATEMENTS } from "./bench/statements.ts";
    import { createProver } from "./prover/prover.ts";
    const prover = createProver();
    const { proof } = await prover.prove(STATEMENTS.insertion());
    await prover.close();
    console.log(proof.length);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: join(import.meta.dirname, "../.."),
    timeout: 60_000,
  });
  expect(stdout.trim()).toBe("8");
});
