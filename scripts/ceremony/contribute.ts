import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { zKey } from "snarkjs";
import { ensure } from "../../protocol/errors.ts";
import { withLock } from "../setup/lock.ts";
import { removeLeftovers, temporaryDirectory } from "../setup/temporary.ts";
import { newestRound, readRecord, requireUnfinished, roundDirectory, zkeyFile } from "./folder.ts";
import type { CeremonyOptions } from "./options.ts";
import { withSnarkjs } from "./snarkjs.ts";
import { readTranscript } from "./transcript.ts";

/** What a contributor publishes of a circuit. */
export interface ContributionHash {
  circuit: string;
  hash: string;
}

const MOST_CONTRIBUTIONS = 9999;

/**
 * Adds one contribution to every circuit, or to none. The secret is drawn by the operating system for each circuit anew, and held in
 * memory only. Throws `ceremony.name`, `ceremony.directory`, `ceremony.finished` and `ceremony.key`.
 */
export async function contribute(
  directory: string,
  name: string,
  { onStep }: Pick<CeremonyOptions, "onStep"> = {},
): Promise<ContributionHash[]> {
  ensure(
    /^[\x20-\x7e]{1,64}$/.test(name) && name.trim() === name,
    "ceremony.name",
    `--name is ${JSON.stringify(name.slice(0, 80))}, expected 1 to 64 printable ASCII characters`,
  );
  const { circuits } = readRecord(directory);
  return withLock(
    directory,
    () => onStep?.("waiting for another step"),
    async () => {
      requireUnfinished(directory);
      removeLeftovers(directory);
      const round = newestRound(directory);
      ensure(
        round < MOST_CONTRIBUTIONS,
        "ceremony.directory",
        `round is ${round}, expected fewer than ${MOST_CONTRIBUTIONS}`,
      );
      const before = roundDirectory(directory, round);
      try {
        const after = join(temporaryDirectory(directory), "round");
        mkdirSync(after);
        const hashes: ContributionHash[] = [];
        for (const circuit of circuits) {
          onStep?.(`contribution to ${circuit}`);
          hashes.push({ circuit, hash: await contributeTo(circuit, before, after, name) });
        }
        renameSync(after, roundDirectory(directory, round + 1));
        rmSync(before, { recursive: true });
        return hashes;
      } finally {
        removeLeftovers(directory);
      }
    },
  );
}

async function contributeTo(circuit: string, before: string, after: string, name: string): Promise<string> {
  const [old, next] = [zkeyFile(before, circuit), zkeyFile(after, circuit)];
  readTranscript(old);
  const entropy = randomBytes(64).toString("hex");
  const hash: Uint8Array = await withSnarkjs(({ logger }) =>
    zKey.contribute(old, next, name, entropy, logger),
  );
  return Buffer.from(hash).toString("hex");
}
