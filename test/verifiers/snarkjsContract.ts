import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { zKey } from "snarkjs";
import type { CircuitName } from "../../contracts/statements.ts";
import { holdCurve } from "../../protocol/curve.ts";
import { PLACES, provingKeyFile, ROOT } from "../../scripts/setup/paths.ts";

const require = createRequire(import.meta.url);

/** A compiled contract: creation code in hexadecimal, with 0x. */
export interface Compiled {
  abi: readonly object[];
  bytecode: string;
}

/** snarkjs' Solidity verifier of a proving key, as `snarkjs zkey export solidityverifier` writes it. */
async function exported(circuit: CircuitName): Promise<string> {
  const template = join(ROOT, "node_modules/snarkjs/templates/verifier_groth16.sol.ejs");
  const templates = { groth16: readFileSync(template, "utf8") };
  return zKey.exportSolidityVerifier(provingKeyFile(PLACES.build, circuit), templates);
}

interface CompilerOutput {
  errors?: { severity: string; formattedMessage: string }[];
  contracts?: Record<string, Record<string, { abi: object[]; evm: { bytecode: { object: string } } }>>;
}

/** snarkjs' verifier of a generated proving key, compiled. */
export async function snarkjsContract(circuit: CircuitName): Promise<Compiled> {
  const hold = await holdCurve();
  const content = await exported(circuit).finally(() => hold.release());
  const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
  const input = JSON.stringify({ language: "Solidity", sources: { verifier: { content } }, settings });
  const { errors, contracts }: CompilerOutput = JSON.parse(require("solc").compile(input));
  const compiled = contracts?.verifier.Groth16Verifier;
  if (compiled === undefined) throw new Error(errors?.map((error) => error.formattedMessage).join("\n"));
  return { abi: compiled.abi, bytecode: `0x${compiled.evm.bytecode.object}` };
}
