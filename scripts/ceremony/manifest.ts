import { readFileSync } from "node:fs";
import { SolvusError } from "../../protocol/errors.ts";
import { type Manifest, type ManifestCircuit, manifestDifferences } from "../setup/manifest.ts";
import { manifestFile } from "./folder.ts";

/** What the manifest of a ceremony says of a circuit beyond that of a set-up. */
export interface CeremonyCircuit extends ManifestCircuit {
  /** In their order, without the beacon. Hashes are BLAKE2b-512, hexadecimal. */
  contributions: { name: string; hash: string }[];
}

/** The form of `circuits/manifest.json`, with what the keys rest on. */
export interface CeremonyManifest extends Manifest {
  keys: "ceremony";
  ceremony: {
    powersOfTau: string;
    powersOfTauBlake2b512: string;
    /** Hexadecimal, lower case. */
    beacon: string;
    /** The beacon is hashed 2^this times. */
    iterationsExponent: number;
  };
  circuits: CeremonyCircuit[];
}

/** The manifest of a finished ceremony, unchecked. Throws `ceremony.unfinished`. */
export function readCeremonyManifest(directory: string): CeremonyManifest {
  try {
    return JSON.parse(readFileSync(manifestFile(directory), "utf8"));
  } catch {
    const message = `--dir is ${directory} without a readable manifest.json, expected a finished ceremony`;
    throw new SolvusError("ceremony.unfinished", message);
  }
}

/** Throws `ceremony.manifest` with the first difference between what a manifest says and what the keys are. */
export function requireManifest(said: CeremonyManifest, found: CeremonyManifest): void {
  if (JSON.stringify(said) === JSON.stringify(found)) return;
  let difference = `ceremony is ${JSON.stringify(found.ceremony)}, the manifest says ${JSON.stringify(said?.ceremony)}`;
  try {
    difference = manifestDifferences(said, found)[0] ?? difference;
  } catch {
    difference = "the manifest is malformed";
  }
  throw new SolvusError("ceremony.manifest", `${difference}, expected equal`);
}
