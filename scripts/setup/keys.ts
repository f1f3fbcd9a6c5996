import { mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CircuitFacts } from "./circuits.ts";
import { hashOf, hashOfFiles } from "./contentHash.ts";
import type { Instance } from "./instances.ts";
import type { KeyPool } from "./keyPool.ts";
import { circuitFile, type Places, provingKeyFile, ROOT, verifyingKeyFile } from "./paths.ts";
import { freshFacts, removeStamp, writeStamp } from "./stamp.ts";
import { temporaryDirectory } from "./temporary.ts";

/** What is known of a key pair. */
export interface KeyFacts {
  /** Keccak-256 of the verifying key's bytes, 0x… */
  verifyingKeyHash: string;
}

/** The sources that decide what a key contains. */
const SOURCES = [
  "developmentKey",
  "fieldArithmetic",
  "fixedBase",
  "qap",
  "r1cs",
  "toxicWaste",
  "verifyingKey",
  "zkey",
  "../../protocol/verifyingKey",
];

/** Hash of all that the keys depend on besides their circuits. Read once per set-up. */
export function keyCodeHash(): string {
  const files = SOURCES.map((name) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url)));
  return hashOfFiles(ROOT, files);
}

function keyHash(instance: Instance, circuit: CircuitFacts, codeHash: string): string {
  return hashOf(instance.name, circuit.r1csSha256, codeHash);
}

/** The facts of a key pair that is made already, or undefined. */
export function madeKey(
  instance: Instance,
  circuit: CircuitFacts,
  codeHash: string,
  places: Places,
): KeyFacts | undefined {
  return freshFacts(places.build, stampName(instance), keyHash(instance, circuit, codeHash));
}

/** Makes the development keys of a compiled circuit: `build/keys/<name>.zkey` and `.vkey.json`. */
export async function makeKey(
  instance: Instance,
  circuit: CircuitFacts,
  codeHash: string,
  places: Places,
  pool: KeyPool,
): Promise<KeyFacts> {
  const { build } = places;
  const { name } = instance;
  removeStamp(build, stampName(instance));
  const directory = temporaryDirectory(build);
  const unfinished = { proving: join(directory, "zkey"), verifying: join(directory, "vkey.json") };
  const verifyingKeyHash = await pool.make({
    circuit: name,
    r1csFile: circuitFile(build, name, "r1cs"),
    provingFile: unfinished.proving,
    verifyingFile: unfinished.verifying,
  });
  // Moved here and not by the worker: one that outlives a killed set-up must not touch the next set-up's keys.
  const provingFile = provingKeyFile(build, name);
  const verifyingFile = verifyingKeyFile(build, name);
  mkdirSync(dirname(provingFile), { recursive: true });
  renameSync(unfinished.proving, provingFile);
  renameSync(unfinished.verifying, verifyingFile);
  rmSync(directory, { recursive: true });
  const facts = { verifyingKeyHash };
  const hash = keyHash(instance, circuit, codeHash);
  writeStamp(build, stampName(instance), hash, [provingFile, verifyingFile], facts);
  return facts;
}

function stampName(instance: Instance): string {
  return `key.${instance.name}`;
}
