import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { CompiledCircuit } from "./circuits.ts";
import { KNOWN_POWERS_OF_TAU, type PowersOfTau } from "./knownPowersOfTau.ts";

/** BLAKE2b-512 of a file of any size, hexadecimal. Throws `ceremony.ptauRead`. */
async function blake2bOfFile(file: string): Promise<string> {
  const hash = createHash("blake2b512");
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SolvusError("ceremony.ptauRead", `--ptau is ${file} (${code}), expected a readable file`);
  }
  return hash.digest("hex");
}

/**
 * The published file that a file is, told by its hash and not by its name, with power for every circuit.
 * Throws `ceremony.ptauRead`, `ceremony.ptauUnknown` and `ceremony.ptauTooSmall`.
 */
export async function identifyPowersOfTau(
  file: string,
  circuits: readonly CompiledCircuit[],
  known: readonly PowersOfTau[] = KNOWN_POWERS_OF_TAU,
): Promise<PowersOfTau> {
  const hash = await blake2bOfFile(file);
  const found = known.find(({ blake2b512 }) => blake2b512 === hash);
  ensure(
    found !== undefined,
    "ceremony.ptauUnknown",
    `--ptau is ${file} with BLAKE2b-512 ${hash}, expected one of the ${known.length} published files (${known[0]?.name}, …)`,
  );
  for (const { name, domain } of circuits) {
    ensure(
      2 ** found.power >= domain,
      "ceremony.ptauTooSmall",
      `--ptau is ${found.name} of power ${found.power}, expected at least ${Math.log2(domain)} for the circuit ${name}`,
    );
  }
  return found;
}
