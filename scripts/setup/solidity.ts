import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { runNode } from "./child.ts";
import { hashOf, hashOfFiles } from "./contentHash.ts";
import type { Places } from "./paths.ts";
import { freshFacts, removeStamp, writeStamp } from "./stamp.ts";

const PRODUCT = "solidity";
const PACKAGES = ["hardhat", "solc", "@openzeppelin/contracts"];
/** Partial compilations in `build/artifacts` from which on it is made anew: see {@link removeScattered}. */
const SCATTERED = 10;
const require = createRequire(import.meta.url);

/** Hash of all that the compiled contracts depend on: sources, the tool's configuration, compiler and library versions. */
export function solidityHash({ root }: Places): string {
  const sources = filesUnder(join(root, "contracts"), ".sol");
  const versions = PACKAGES.map((name) =>
    readFileSync(join(root, "node_modules", name, "package.json"), "utf8"),
  );
  const contents = hashOfFiles(root, [...sources, join(root, "hardhat.config.ts")]);
  return hashOf(...versions.map((text) => JSON.parse(text).version), contents);
}

/** Whether the contracts are compiled already. */
export function contractsCompiled(places: Places): boolean {
  return freshFacts(places.build, PRODUCT, solidityHash(places)) !== undefined;
}

/** Compiles the contracts with Hardhat into `build/artifacts`. */
export async function compileContracts(places: Places): Promise<void> {
  const hash = solidityHash(places);
  removeStamp(places.build, PRODUCT);
  removeScattered(places.build);
  const hardhat = join(dirname(require.resolve("hardhat/package.json")), "dist/src/cli.js");
  await runNode(hardhat, ["build", "--quiet", "--no-tests"], places.root);
  const artifacts = filesUnder(join(places.build, "artifacts", "contracts"), ".json");
  writeStamp(places.build, PRODUCT, hash, artifacts, {});
}

/**
 * Removes what was compiled if it consists of many parts. Hardhat keeps the compiler's whole output of each partial compilation, and
 * every chain that starts reads them all: after dozens of edits that is a second and 100 MB a process.
 */
function removeScattered(build: string): void {
  const parts = filesUnder(join(build, "artifacts", "build-info"), ".output.json");
  if (parts.length < SCATTERED) return;
  for (const name of ["artifacts", "hardhat-cache"])
    rmSync(join(build, name), { recursive: true, force: true });
}

/** Files below a directory that end in `extension`, sorted; none when there is no such directory. */
function filesUnder(directory: string, extension: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(directory, name));
}
