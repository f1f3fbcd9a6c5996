import { Command } from "commander";
import { type ChainPlace, withReading } from "../../services/chain/reading.ts";
import { readText } from "../../services/files.ts";
import { verifyAttestation } from "../../verifier/attestation.ts";
import type { AuditorDemand } from "../../verifier/attestationChecks.ts";
import { withChain } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { EXIT } from "../exitCode.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";
import { readSnapshot } from "../snapshotInput.ts";
import { table } from "../table.ts";
import { fieldElement, ratioQ16 } from "./attest.ts";

interface VerifyOptions extends ChainPlace {
  attestation: string;
  challenge: string;
  entity: string;
  ratio: string;
  excess: string;
  block?: string;
  stress?: string;
  maximumAge?: string;
}

/** `solvus verify`: an auditor's check of an attestation. Exits 1 when any check fails. */
export function verifyCommand(state: RunState): Command {
  const command = withChain(new Command("verify"))
    .summary("check an attestation from chain data")
    .description(
      "Checks a solvency attestation from chain data and the keys that the manifest pins, and reports each check by name. Exits 0 only when every check passes.",
    )
    .requiredOption("--attestation <file>", "the attestation")
    .requiredOption("--challenge <number>", "the challenge that you gave, decimal or 0x…")
    .requiredOption("--entity <number>", "the institution that you asked")
    .option("--ratio <number>", "least equity over maintenance margin to accept", "1")
    .option("--excess <usd>", "least equity above maintenance margin to accept, dollars", "0")
    .option("--block <number>", "block at which the account must stand as attested (default: the latest)")
    .option("--stress <file>", "your own snapshot file, when you asked for that")
    .option("--maximum-age <seconds>", "most seconds from the snapshot to the block (default: any)")
    .addHelpText(
      "after",
      `
A challenge is a random number below the field order that you have used for nothing else, such as 0x$(openssl rand -hex 31).
${examples([
  "an attestation of today",
  "solvus verify --deployment dev/deployment.json --attestation attestation.json --challenge 0x5eed --entity 1234… --ratio 1.5",
])}`,
    );
  return does(command, state, async (options: VerifyOptions, output) => {
    const text = readText(options.attestation, "--attestation");
    const demand: AuditorDemand = {
      challenge: fieldElement(options.challenge, "--challenge"),
      entity: fieldElement(options.entity, "--entity"),
      minimumRatio: ratioQ16(options.ratio, "--ratio"),
      minimumExcess: usdcAmount(options.excess, "--excess"),
      ...(options.block === undefined ? {} : { block: wholeNumber(options.block, "--block") }),
      ...(options.stress === undefined
        ? {}
        : { stressSnapshot: readSnapshot(readText(options.stress, "--stress")).root }),
      ...(options.maximumAge === undefined
        ? {}
        : { maximumAge: BigInt(wholeNumber(options.maximumAge, "--maximum-age")) }),
    };
    return withReading(options, async ({ deployed }) => {
      const { accepted, block, checks } = await verifyAttestation(text, deployed.chain, demand);
      const rows = checks.map(({ name, passed, found, expected }) => [
        passed ? "passed" : "FAILED",
        name,
        found,
        passed ? "" : expected,
      ]);
      output.result(
        { accepted, block, checks },
        `${table(["result", "check", "found", "expected"], rows)}\n\n${accepted ? "Accepted" : "Refused"} at block ${block}.`,
      );
      return accepted ? EXIT.done : EXIT.refused;
    });
  });
}
