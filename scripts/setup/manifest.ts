import { existsSync, readFileSync } from "node:fs";
import type { CircuitFacts } from "./circuits.ts";
import type { Instance } from "./instances.ts";
import type { KeyFacts } from "./keys.ts";
import { replaceFile } from "./stamp.ts";

/** What the manifest says of one circuit. */
export interface ManifestCircuit extends CircuitFacts {
  name: string;
  file: string;
  template: string;
  parameters: number[];
  verifyingKeyHash: string;
}

/** The committed record of all circuits. A change of any of them shows in review. */
export interface Manifest {
  version: 1;
  /** Who made the keys: development keys are insecure on purpose. */
  keys: "development" | "ceremony";
  circuits: ManifestCircuit[];
}

export function makeManifest(instances: Instance[], circuits: CircuitFacts[], keys: KeyFacts[]): Manifest {
  return {
    version: 1,
    keys: "development",
    circuits: instances.map(({ name, file, template, parameters }, index) => {
      const { constraints, domain, publicSignals, r1csSha256 } = circuits[index];
      const { verifyingKeyHash } = keys[index];
      return {
        name,
        file,
        template,
        parameters,
        constraints,
        domain,
        publicSignals,
        r1csSha256,
        verifyingKeyHash,
      };
    }),
  };
}

/** The manifest of a file; undefined when there is none. */
export function readManifest(file: string): Manifest | undefined {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

export function writeManifest(file: string, manifest: Manifest): void {
  replaceFile(file, formatManifest(manifest));
}

/** A list of strings or numbers as JSON.stringify lays it out. */
const PLAIN_LIST = /\[\s+((?:"[^"]*"|\d+)(?:,\s+(?:"[^"]*"|\d+))*)\s+\]/g;

/** The manifest's text: a field a line, lists of names and numbers on one. */
function formatManifest(manifest: Manifest): string {
  const text = JSON.stringify(manifest, null, 2);
  return `${text.replace(PLAIN_LIST, (_, items: string) => `[${items.replace(/,\s+/g, ", ")}]`)}\n`;
}

/** One line per difference between the committed manifest and what was just made; none when they agree. */
export function manifestDifferences(committed: Manifest | undefined, made: Manifest): string[] {
  if (committed === undefined) return ["there is no manifest"];
  const differences: string[] = [];
  const compare = (where: string, before: unknown, after: unknown): void => {
    const [old, current] = [JSON.stringify(before), JSON.stringify(after)];
    if (old !== current) differences.push(`${where} is ${current}, the manifest says ${old}`);
  };
  compare("version", committed.version, made.version);
  compare("keys", committed.keys, made.keys);
  const names = (manifest: Manifest): string[] => manifest.circuits.map((circuit) => circuit.name);
  compare("list of circuits", names(committed), names(made));
  for (const circuit of made.circuits) {
    const before = committed.circuits.find((candidate) => candidate.name === circuit.name);
    if (before === undefined) continue;
    for (const field of Object.keys(circuit) as (keyof ManifestCircuit)[]) {
      compare(`${circuit.name}: ${field}`, before[field], circuit[field]);
    }
  }
  return differences;
}
