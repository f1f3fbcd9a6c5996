import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { zKey } from "snarkjs";
import { ensure } from "../../protocol/errors.ts";
import { compiledCircuits } from "./circuits.ts";
import { type CeremonyRecord, recordFile, roundDirectory, zkeyFile } from "./folder.ts";
import type { PowersOfTau } from "./knownPowersOfTau.ts";
import type { CeremonyOptions } from "./options.ts";
import { identifyPowersOfTau } from "./powersOfTau.ts";
import { withSnarkjs } from "./snarkjs.ts";

/**
 * Makes the folder of a new ceremony with the initial key of every circuit. Whoever knows it can still forge: it takes contributions.
 * Throws `ceremony.out`, `ceremony.circuits`, `ceremony.ptau…` and `ceremony.newKey`.
 */
export async function startCeremony(
  ptau: string,
  out: string,
  options: CeremonyOptions = {},
): Promise<PowersOfTau> {
  const { places, known, quiet, onStep } = options;
  const target = resolve(out);
  ensure(!existsSync(target), "ceremony.out", `--out is ${out}, which exists, expected a new directory`);
  const circuits = await compiledCircuits(places, quiet);
  const powersOfTau = await identifyPowersOfTau(ptau, circuits, known);
  mkdirSync(dirname(target), { recursive: true });
  const unfinished = mkdtempSync(`${target}.tmp-`);
  try {
    mkdirSync(roundDirectory(unfinished, 0));
    for (const { name, r1cs } of circuits) {
      onStep?.(`initial key of ${name}`);
      await withSnarkjs(async ({ logger, last }) => {
        const file = zkeyFile(roundDirectory(unfinished, 0), name);
        const made = await zKey.newZKey(r1cs, ptau, file, logger);
        ensure(made !== -1, "ceremony.newKey", `initial key of ${name}: ${last()}, expected a key`);
      });
    }
    const record: CeremonyRecord = {
      format: "solvus-ceremony",
      version: 1,
      powersOfTau: powersOfTau.name,
      circuits: circuits.map(({ name }) => name),
    };
    writeFileSync(recordFile(unfinished), `${JSON.stringify(record, null, 2)}\n`);
    renameSync(unfinished, target);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return powersOfTau;
}
