import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ensure, SolvusError } from "./errors.ts";
import { type VerifyingKey, verifyingKeyHash } from "./verifyingKey.ts";

/*
 * What the set-up leaves behind: the committed manifest that pins every circuit's key, and the generated keys themselves. A key counts
 * only when its hash is the manifest's.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the manifest and the generated files are. */
export interface CircuitPlaces {
  manifest: string;
  /** Directory of `circuits/<name>/<name>.wasm`, `keys/<name>.zkey` and `keys/<name>.vkey.json`. */
  build: string;
}

export const CIRCUIT_PLACES: CircuitPlaces = {
  manifest: join(ROOT, "circuits/manifest.json"),
  build: join(ROOT, "build"),
};

export const witnessFile = (build: string, circuit: string): string =>
  join(build, "circuits", circuit, `${circuit}.wasm`);
export const provingKeyFile = (build: string, circuit: string): string =>
  join(build, "keys", `${circuit}.zkey`);
export const verifyingKeyFile = (build: string, circuit: string): string =>
  join(build, "keys", `${circuit}.vkey.json`);

/** What the manifest says of a circuit, as far as proving and verifying go. */
export interface ManifestEntry {
  name: string;
  /** Names of the public signals in order, one for each element of an array. */
  publicSignals: string[];
  /** Keccak-256 of the verifying key, 0x… */
  verifyingKeyHash: string;
}

const manifestSchema = z.object({
  version: z.literal(1),
  circuits: z.array(
    z.object({
      name: z.string(),
      publicSignals: z.array(z.string()),
      verifyingKeyHash: z.string().regex(/^0x[0-9a-f]{64}$/, "a 32-byte word in hexadecimal"),
    }),
  ),
});

const SETUP = 'run "npm run setup"';

/** Bytes of a file that the set-up makes. Throws `setup.missing` with what to do when there is none. */
export async function readSetupFile(file: string, what: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch {
    throw new SolvusError(
      "setup.missing",
      `${what}: cannot read ${file}, expected the set-up's file; ${SETUP}`,
    );
  }
}

/** The manifest's entries. Throws `setup.missing` or `setup.manifest`. */
export async function readManifest(file: string = CIRCUIT_PLACES.manifest): Promise<ManifestEntry[]> {
  const text = (await readSetupFile(file, "manifest of circuits")).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SolvusError("setup.manifest", `manifest ${file}: not JSON, expected the committed manifest`);
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SolvusError("setup.manifest", `manifest ${file}: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  return parsed.data.circuits;
}

/** The manifest's entry of a circuit. Throws `setup.circuit` when it has none. */
export function manifestEntry(manifest: readonly ManifestEntry[], circuit: string): ManifestEntry {
  const entry = manifest.find(({ name }) => name === circuit);
  if (entry === undefined) {
    const names = manifest.map(({ name }) => name).join(", ");
    throw new SolvusError("setup.circuit", `circuit: got ${circuit.slice(0, 40)}, expected one of ${names}`);
  }
  return entry;
}

/** Throws `setup.keyMismatch` unless a key is the one that the manifest pins. */
export function requirePinned(entry: ManifestEntry, key: VerifyingKey, file: string): void {
  const hash = verifyingKeyHash(key);
  ensure(
    hash === entry.verifyingKeyHash,
    "setup.keyMismatch",
    `key of ${entry.name} in ${file}: hash ${hash}, expected ${entry.verifyingKeyHash} as the manifest says; ${SETUP}`,
  );
}

/** The generated verifying key of a circuit, which is the one that the manifest pins. Throws `setup.*`. */
export async function readPinnedKey(
  circuit: string,
  places: CircuitPlaces = CIRCUIT_PLACES,
): Promise<VerifyingKey> {
  const entry = manifestEntry(await readManifest(places.manifest), circuit);
  const file = verifyingKeyFile(places.build, circuit);
  const text = (await readSetupFile(file, `verifying key of ${circuit}`)).toString("utf8");
  let key: VerifyingKey;
  try {
    key = JSON.parse(text);
    requirePinned(entry, key, file);
  } catch (error) {
    if (error instanceof SolvusError) throw error;
    throw new SolvusError("setup.keyMismatch", `key of ${circuit} in ${file}: not a verifying key; ${SETUP}`);
  }
  ensure(
    key.nPublic === entry.publicSignals.length,
    "setup.keyMismatch",
    `key of ${circuit} in ${file}: ${key.nPublic} public signals, expected ${entry.publicSignals.length}; ${SETUP}`,
  );
  return key;
}
