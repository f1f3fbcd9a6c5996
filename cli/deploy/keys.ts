import { existsSync } from "node:fs";
import { join } from "node:path";
import { keccak256 } from "ethers";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { CIRCUIT_PLACES, type CircuitPlaces, readPinnedKey } from "../../protocol/circuitFiles.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { type VerifyingKey, verifyingKeyBytes, verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import { type Manifest, type ManifestCircuit, readManifest } from "../../scripts/setup/manifest.ts";

/** Keccak-256 over alpha and beta of the development keys, as `contracts/VerifyingKeyChecks.sol` has it. */
export const DEVELOPMENT_ALPHA_BETA = "0x7cce0304f88b6e087ebf3354b24e916de1e66e8f427b319efbf7bf3027fc1cb9";

/** Hexadecimal digits up to the end of each part of a key's bytes, 0x included. */
const ALPHA_BETA_END = 2 + 2 * 192;
const GAMMA_END = ALPHA_BETA_END + 2 * 128;
const DELTA_END = GAMMA_END + 2 * 128;

/** A circuit's verifying key, ready to be deployed. */
export interface DeployableKey {
  circuit: CircuitName;
  /** Words as the contracts hold them, hexadecimal. */
  bytes: string;
  /** Keccak-256 of the bytes. */
  hash: string;
}

/** Manifest and files of the keys that a configuration names: the repository's own, or those of a finished ceremony. */
export function keyPlaces(keys: string): CircuitPlaces {
  return keys === "development" ? CIRCUIT_PLACES : { manifest: join(keys, "manifest.json"), build: keys };
}

function manifestAt(file: string): Manifest {
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(file);
  } catch {
    throw new SolvusError("deploy.manifest", `manifest ${file}: not JSON, expected a manifest of circuits`);
  }
  ensure(
    Array.isArray(manifest?.circuits),
    "deploy.manifest",
    `manifest ${file}: absent or malformed, expected a manifest of circuits`,
  );
  return manifest as Manifest;
}

/** What must be the same in two manifests for keys of one to be keys of the other's circuits. */
const identity = ({ template, parameters, publicSignals, r1csSha256 }: ManifestCircuit): string =>
  JSON.stringify({ template, parameters, publicSignals, r1csSha256 });

/**
 * Throws `deploy.circuits` unless the keys' manifest is of the very circuits of the repository, each with the same public signals
 * and constraint system.
 */
function requireSameCircuits(keys: Manifest, file: string): void {
  const committed = manifestAt(CIRCUIT_PLACES.manifest);
  for (const circuit of CIRCUITS) {
    const own = committed.circuits.find(({ name }) => name === circuit);
    const theirs = keys.circuits.find(({ name }) => name === circuit);
    ensure(
      own !== undefined && theirs !== undefined && identity(own) === identity(theirs),
      "deploy.circuits",
      `manifest ${file}: circuit ${circuit} is ${theirs === undefined ? "absent" : `of ${theirs.publicSignals?.length} public signals and constraint system ${theirs.r1csSha256}`}, expected ${own?.publicSignals.length} and ${own?.r1csSha256} as the repository's manifest says`,
    );
  }
}

/**
 * The keys that a configuration names, in the order of the verifier's circuits: each is the one that its manifest pins, of the circuits
 * of this repository, all of one first phase and each of its own second. Throws `setup.*`, `deploy.circuits`, `deploy.keys`.
 */
export async function loadKeys(keys: string): Promise<DeployableKey[]> {
  const places = keyPlaces(keys);
  if (keys !== "development" && !existsSync(places.manifest))
    throw new SolvusError(
      "deploy.manifest",
      `keys is ${keys} without a manifest.json, expected the folder of a finished ceremony`,
    );
  requireSameCircuits(manifestAt(places.manifest), places.manifest);
  const loaded: DeployableKey[] = [];
  for (const circuit of CIRCUITS) {
    const key: VerifyingKey = await readPinnedKey(circuit, places);
    loaded.push({ circuit, bytes: verifyingKeyBytes(key), hash: verifyingKeyHash(key) });
  }
  const common = loaded[0]?.bytes.slice(0, GAMMA_END);
  const deltas = loaded.map(({ bytes }) => bytes.slice(GAMMA_END, DELTA_END));
  for (const [place, { circuit, bytes }] of loaded.entries()) {
    ensure(
      bytes.slice(0, GAMMA_END) === common,
      "deploy.keys",
      `key of ${circuit}: alpha, beta or gamma is not that of ${CIRCUITS[0]}, expected keys of one first phase`,
    );
    ensure(
      deltas.indexOf(deltas[place] as string) === place &&
        deltas[place] !== bytes.slice(ALPHA_BETA_END, GAMMA_END),
      "deploy.keys",
      `key of ${circuit}: delta is another key's or gamma, expected contributions to each circuit`,
    );
  }
  return loaded;
}

/** Keccak-256 over alpha and beta of a key's bytes, hexadecimal. */
export function alphaBetaHash(bytes: string): string {
  return keccak256(bytes.slice(0, ALPHA_BETA_END));
}

/** Whether keys are made from the public toxic waste: everybody can forge proofs against them. */
export function areDevelopmentKeys(keys: readonly DeployableKey[]): boolean {
  return keys.some(({ bytes }) => alphaBetaHash(bytes) === DEVELOPMENT_ALPHA_BETA);
}
