import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zKey } from "snarkjs";
import { ensure } from "../../protocol/errors.ts";
import { withLock } from "../setup/lock.ts";
import { writeManifest } from "../setup/manifest.ts";
import { removeLeftovers, temporaryDirectory } from "../setup/temporary.ts";
import { compiledCircuits } from "./circuits.ts";
import { examineFinished, requireContributions } from "./examine.ts";
import {
  keysDirectory,
  manifestFile,
  newestRound,
  readRecord,
  requireUnfinished,
  roundDirectory,
  vkeyFile,
  zkeyFile,
} from "./folder.ts";
import type { CeremonyManifest } from "./manifest.ts";
import type { CeremonyOptions } from "./options.ts";
import { identifyPowersOfTau } from "./powersOfTau.ts";
import { withSnarkjs } from "./snarkjs.ts";
import { readTranscript } from "./transcript.ts";

/** Public randomness that nobody could foresee while contributions were made. */
export interface Beacon {
  /** 32 to 255 bytes, hexadecimal without 0x. */
  value: string;
  /** It is hashed 2^this times with SHA-256; 10 to 63. */
  iterationsExponent: number;
}

function checkBeacon({ value, iterationsExponent }: Beacon): void {
  ensure(
    /^([0-9a-f]{2}){32,255}$/i.test(value),
    "ceremony.beacon",
    `--beacon is ${value.slice(0, 80)}, expected 32 to 255 bytes in hexadecimal without 0x`,
  );
  ensure(
    Number.isInteger(iterationsExponent) && iterationsExponent >= 10 && iterationsExponent <= 63,
    "ceremony.iterations",
    `--iterations-exponent is ${iterationsExponent}, expected an integer from 10 to 63`,
  );
}

/**
 * Applies the beacon to every circuit, verifies the whole transcript, exports the verifying keys and writes the manifest, last.
 * Throws `ceremony.*`; nothing of the ceremony has changed then.
 */
export async function finishCeremony(
  directory: string,
  ptau: string,
  beacon: Beacon,
  options: CeremonyOptions = {},
): Promise<CeremonyManifest> {
  const { places, known, quiet, onStep } = options;
  checkBeacon(beacon);
  const record = readRecord(directory);
  return withLock(
    directory,
    () => onStep?.("waiting for another step"),
    async () => {
      requireUnfinished(directory);
      removeLeftovers(directory);
      const round = roundDirectory(directory, newestRound(directory));
      requireContributions(
        record.circuits.map((name) => ({ name, transcript: readTranscript(zkeyFile(round, name)) })),
      );
      const circuits = await compiledCircuits(places, quiet);
      const powersOfTau = await identifyPowersOfTau(ptau, circuits, known);
      const work = temporaryDirectory(directory);
      try {
        const keys = join(work, "keys");
        mkdirSync(keys);
        for (const { name } of circuits) {
          onStep?.(`beacon of ${name}`);
          await applyBeacon(zkeyFile(round, name), zkeyFile(keys, name), beacon);
        }
        const { manifest, verifyingKeys } = await examineFinished(
          circuits,
          keys,
          { file: ptau, powersOfTau },
          onStep,
        );
        circuits.forEach(({ name }, index) => {
          writeFileSync(vkeyFile(keys, name), `${JSON.stringify(verifyingKeys[index], null, 2)}\n`);
        });
        // Keys without a manifest are of a finish that was interrupted.
        if (existsSync(keysDirectory(directory))) rmSync(keysDirectory(directory), { recursive: true });
        renameSync(keys, keysDirectory(directory));
        writeManifest(manifestFile(directory), manifest);
        return manifest;
      } finally {
        removeLeftovers(directory);
      }
    },
  );
}

function applyBeacon(before: string, after: string, { value, iterationsExponent }: Beacon): Promise<void> {
  return withSnarkjs(async ({ logger, last }) => {
    const hash = await zKey.beacon(before, after, "beacon", value.toLowerCase(), iterationsExponent, logger);
    ensure(hash !== false, "ceremony.beacon", `--beacon: ${last()}, expected a beacon that snarkjs takes`);
  });
}
