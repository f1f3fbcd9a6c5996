import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonFragment } from "ethers";
import { Misuse } from "../../protocol/errors.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

/** Bytes of a contract's runtime code that are filled in when it is created. */
export interface CodeReference {
  start: number;
  length: number;
}

/** A compiled contract. */
export interface Artifact {
  abi: JsonFragment[];
  /** Creation code, hexadecimal. */
  bytecode: string;
  /** Runtime code with zeros where `holes` are. */
  deployedBytecode: string;
  /** Immutables, which the constructor fills in. */
  holes: CodeReference[];
}

const FOLDERS: Record<string, string> = {
  TestToken: "contracts/test",
  TimelockController: "@openzeppelin/contracts/governance",
};

/** The compiled contract of a name. Misuse (`setup.missing`) before set-up. */
export function artifactOf(name: string): Artifact {
  const folder = join(ROOT, "build/artifacts", FOLDERS[name] ?? "contracts");
  const file = join(folder, `${name}.sol`, `${name}.json`);
  if (!existsSync(file))
    throw new Misuse(
      "setup.missing",
      `contract ${name} is not compiled, expected \`solvus setup\` to have been run`,
    );
  const { abi, bytecode, deployedBytecode, immutableReferences } = JSON.parse(readFileSync(file, "utf8"));
  return {
    abi,
    bytecode,
    deployedBytecode,
    holes: Object.values(immutableReferences ?? {}).flat() as CodeReference[],
  };
}
