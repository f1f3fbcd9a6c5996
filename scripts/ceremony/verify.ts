import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { type CompiledCircuit, compiledCircuits } from "./circuits.ts";
import { examineFinished, examineKey, type FirstPhase, requireContributions } from "./examine.ts";
import { keysDirectory, newestRound, readRecord, roundDirectory, vkeyFile, zkeyFile } from "./folder.ts";
import { type CeremonyManifest, readCeremonyManifest, requireManifest } from "./manifest.ts";
import type { CeremonyOptions } from "./options.ts";
import { identifyPowersOfTau } from "./powersOfTau.ts";
import type { Contribution } from "./transcript.ts";

async function prepare(
  directory: string,
  ptau: string,
  { places, known, quiet }: CeremonyOptions,
): Promise<{ circuits: CompiledCircuit[]; firstPhase: FirstPhase }> {
  readRecord(directory);
  const circuits = await compiledCircuits(places, quiet);
  return {
    circuits,
    firstPhase: { file: ptau, powersOfTau: await identifyPowersOfTau(ptau, circuits, known) },
  };
}

/**
 * Checks a finished ceremony against the circuits compiled here and a published powers-of-tau file, trusting nothing in the folder.
 * Throws `ceremony.*` with the first thing that is wrong.
 */
export async function verifyCeremony(
  directory: string,
  ptau: string,
  options: CeremonyOptions = {},
): Promise<CeremonyManifest> {
  const said = readCeremonyManifest(directory);
  const { circuits, firstPhase } = await prepare(directory, ptau, options);
  const keys = keysDirectory(directory);
  const { manifest, verifyingKeys } = await examineFinished(circuits, keys, firstPhase, options.onStep);
  requireManifest(said, manifest);
  circuits.forEach(({ name }, index) => {
    const file = vkeyFile(keys, name);
    ensure(
      isDeepStrictEqual(readVerifyingKey(file), verifyingKeys[index]),
      "ceremony.key",
      `${file}: another key, expected the verifying key of ${name}.zkey`,
    );
  });
  return manifest;
}

/** Checks the newest round of an unfinished ceremony in the same way, as contributors do before they add to it. */
export async function verifyRound(
  directory: string,
  ptau: string,
  options: CeremonyOptions = {},
): Promise<Contribution[]> {
  const { circuits, firstPhase } = await prepare(directory, ptau, options);
  const number = newestRound(directory);
  const round = roundDirectory(directory, number);
  const transcripts: { name: string; transcript: Contribution[] }[] = [];
  for (const circuit of circuits) {
    options.onStep?.(`verifying ${circuit.name}`);
    const transcript = await examineKey(circuit, zkeyFile(round, circuit.name), firstPhase);
    transcripts.push({ name: circuit.name, transcript });
  }
  if (number > 0) requireContributions(transcripts);
  return transcripts[0]?.transcript ?? [];
}

function readVerifyingKey(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new SolvusError("ceremony.key", `${file}: not readable as JSON, expected a verifying key`);
  }
}
