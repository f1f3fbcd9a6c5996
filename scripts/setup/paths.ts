import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository root; circom and Hardhat run from here. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where one set-up reads and writes. Tests point it at a directory of their own. */
export interface Places {
  /** Repository root: include paths and `circuits/**` are relative to it. */
  root: string;
  /** The list of circuit instances. */
  instances: string;
  /** The committed manifest. */
  manifest: string;
  /** Everything generated except the contract. */
  build: string;
  /** The generated verifying-key library. */
  keysContract: string;
}

export const PLACES: Places = {
  root: ROOT,
  instances: join(ROOT, "circuits/instances.json"),
  manifest: join(ROOT, "circuits/manifest.json"),
  build: join(ROOT, "build"),
  keysContract: join(ROOT, "contracts/generated/VerifyingKeys.sol"),
};

/** Directory of a compiled instance: `<name>.r1cs`, `<name>.wasm`, `<name>.sym`. */
export function circuitDirectory(build: string, name: string): string {
  return join(build, "circuits", name);
}

export function circuitFile(build: string, name: string, extension: "r1cs" | "wasm" | "sym"): string {
  return join(circuitDirectory(build, name), `${name}.${extension}`);
}

export function provingKeyFile(build: string, name: string): string {
  return join(build, "keys", `${name}.zkey`);
}

export function verifyingKeyFile(build: string, name: string): string {
  return join(build, "keys", `${name}.vkey.json`);
}
