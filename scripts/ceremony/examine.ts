import { zKey } from "snarkjs";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import type { ExportedKey } from "../setup/verifyingKey.ts";
import type { CompiledCircuit } from "./circuits.ts";
import { zkeyFile } from "./folder.ts";
import type { PowersOfTau } from "./knownPowersOfTau.ts";
import type { CeremonyCircuit, CeremonyManifest } from "./manifest.ts";
import { withSnarkjs } from "./snarkjs.ts";
import { type Contribution, readTranscript } from "./transcript.ts";

/** The powers of tau that keys are checked against: which published file, and where it is. */
export interface FirstPhase {
  file: string;
  powersOfTau: PowersOfTau;
}

/**
 * Checks a proving key of an unfinished or finished ceremony: that it is the circuit's, from these powers of tau, with every
 * contribution following from the one before. Returns its transcript. Throws `ceremony.key`.
 */
export async function examineKey(
  circuit: CompiledCircuit,
  file: string,
  firstPhase: FirstPhase,
): Promise<Contribution[]> {
  const transcript = readTranscript(file);
  const refusal = await withSnarkjs(async ({ logger, last }) => {
    try {
      return (await zKey.verifyFromR1cs(circuit.r1cs, firstPhase.file, file, logger)) ? undefined : last();
    } catch (error) {
      return error instanceof Error ? error.message.split("\n")[0] : String(error);
    }
  });
  if (refusal === undefined) return transcript;
  throw new SolvusError(
    "ceremony.key",
    `key of ${circuit.name} in ${file}: ${refusal}, expected a valid transcript`,
  );
}

/** Throws `ceremony.contributions` unless all circuits have the same contributors, one at least. */
export function requireContributions(transcripts: { name: string; transcript: Contribution[] }[]): void {
  const namesOf = (transcript: Contribution[]): string =>
    JSON.stringify(transcript.filter(({ beacon }) => beacon === undefined).map(({ name }) => name));
  for (const { name, transcript } of transcripts) {
    const names = namesOf(transcript);
    ensure(names !== "[]", "ceremony.contributions", `contributions to ${name}: 0, expected at least 1`);
    const expected = namesOf(transcripts[0]?.transcript ?? []);
    ensure(
      names === expected,
      "ceremony.contributions",
      `contributions to ${name}: ${names}, expected ${expected}`,
    );
  }
}

/** Checks the finished keys of all circuits and says what they are. Throws `ceremony.key`, `.contributions` and `.beacon`. */
export async function examineFinished(
  circuits: readonly CompiledCircuit[],
  keys: string,
  firstPhase: FirstPhase,
  onStep?: (line: string) => void,
): Promise<{ manifest: CeremonyManifest; verifyingKeys: ExportedKey[] }> {
  const transcripts: { name: string; transcript: Contribution[] }[] = [];
  const verifyingKeys: ExportedKey[] = [];
  for (const circuit of circuits) {
    onStep?.(`verifying ${circuit.name}`);
    const file = zkeyFile(keys, circuit.name);
    transcripts.push({ name: circuit.name, transcript: await examineKey(circuit, file, firstPhase) });
    verifyingKeys.push(await withSnarkjs(({ logger }) => zKey.exportVerificationKey(file, logger)));
  }
  requireContributions(transcripts);
  const beacon = commonBeacon(transcripts);
  const described = circuits.map(
    ({ r1cs: _, ...facts }, index): CeremonyCircuit => ({
      ...facts,
      verifyingKeyHash: verifyingKeyHash(verifyingKeys[index] as ExportedKey),
      contributions: (transcripts[index]?.transcript ?? [])
        .slice(0, -1)
        .map(({ name, hash }) => ({ name, hash })),
    }),
  );
  const { name, blake2b512 } = firstPhase.powersOfTau;
  const ceremony = {
    powersOfTau: name,
    powersOfTauBlake2b512: blake2b512,
    beacon: beacon.value,
    iterationsExponent: beacon.iterationsExponent,
  };
  return { manifest: { version: 1, keys: "ceremony", ceremony, circuits: described }, verifyingKeys };
}

/** The one beacon, which ends every transcript. */
function commonBeacon(
  transcripts: { name: string; transcript: Contribution[] }[],
): NonNullable<Contribution["beacon"]> {
  const text = (beacon: unknown): string => JSON.stringify(beacon) ?? "none";
  const expected = transcripts[0]?.transcript.at(-1)?.beacon;
  for (const { name, transcript } of transcripts) {
    const beacons = transcript.flatMap(({ beacon }) => beacon ?? []);
    const last = transcript.at(-1)?.beacon;
    ensure(
      beacons.length === 1 && last !== undefined && text(last) === text(expected),
      "ceremony.beacon",
      `beacon of ${name}: ${beacons.length} of them, the last entry ${text(last)}, expected one at the end, equal for all circuits`,
    );
  }
  return expected as NonNullable<Contribution["beacon"]>;
}
