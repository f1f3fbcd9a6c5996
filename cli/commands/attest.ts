import { Command } from "commander";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { Misuse, reading as readingInput } from "../../protocol/errors.ts";
import { parseDecimal, ratioFromQ16 } from "../../protocol/fixedPoint.ts";
import { rootHex } from "../../protocol/snapshotFile.ts";
import { createAttestation } from "../../prover/attestation.ts";
import { withReading } from "../../services/chain/reading.ts";
import { readText, requireWritable, writeText } from "../../services/files.ts";
import {
  type AccountOptions,
  secretsOf,
  spendableAccount,
  withAccount,
  withProver,
} from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { usdcAmount } from "../marketFlags.ts";
import { readSnapshot } from "../snapshotInput.ts";
import { dollars } from "../table.ts";

interface AttestOptions extends AccountOptions {
  challenge: string;
  ratio: string;
  excess: string;
  stress?: string;
  out: string;
}

/** A field element from decimal or 0x text; misuse (`cli.element`) otherwise. */
export function fieldElement(text: string, option: string): bigint {
  const value = /^(\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(text) ? BigInt(text) : FIELD_ORDER;
  if (value >= FIELD_ORDER)
    throw new Misuse(
      "cli.element",
      `${option} is ${JSON.stringify(text.slice(0, 80))}, expected a number below the field order, decimal or 0x…`,
    );
  return value;
}

/** A Q16 ratio from decimal text, rounded up: whoever demands or shows 1.1 means no less. */
export function ratioQ16(text: string, option: string): bigint {
  const places = 9;
  const scaled = readingInput(() => parseDecimal(text, places, option));
  if (scaled < 0n || scaled >= 16n * 10n ** BigInt(places))
    throw new Misuse(
      "cli.ratio",
      `${option} is ${JSON.stringify(text)}, expected a ratio from 0 to below 16`,
    );
  const unit = 10n ** BigInt(places);
  return (scaled * 65_536n + unit - 1n) / unit;
}

/** `solvus attest`: a proof of solvency for an auditor. */
export function attestCommand(state: RunState): Command {
  const command = withAccount(new Command("attest"))
    .summary("prove an account's solvency to an auditor")
    .description(
      "Proves that an account's equity is at least a ratio of its maintenance margin, and exceeds it by an amount, at the latest snapshot or the auditor's own. Shows neither the account nor the figures.",
    )
    .requiredOption("--challenge <number>", "the auditor's challenge, decimal or 0x…")
    .option("--ratio <number>", "least equity over maintenance margin to prove", "1")
    .option("--excess <usd>", "least equity above maintenance margin to prove, dollars", "0")
    .option("--stress <file>", "the auditor's own snapshot file instead of the latest one of the chain")
    .requiredOption("--out <file>", "the attestation")
    .option("--wait <seconds>", "how long to wait for the account's note to be in the state tree", "120")
    .addHelpText(
      "after",
      examples([
        "at least one and a half times the margin",
        "solvus attest --deployment dev/deployment.json --keystore alder.json --password-file alder.pass --challenge 0x5eed --ratio 1.5 --out attestation.json",
      ]),
    );
  return does(command, state, async (options: AttestOptions, output) => {
    requireWritable(options.out, "--out");
    const claim = {
      context: fieldElement(options.challenge, "--challenge"),
      ratio: ratioQ16(options.ratio, "--ratio"),
      excess: usdcAmount(options.excess, "--excess"),
    };
    const stress =
      options.stress === undefined ? undefined : readSnapshot(readText(options.stress, "--stress"));
    await withReading(options, async (reading) => {
      const { deployed } = reading;
      const secrets = await secretsOf(options, deployed);
      const account = await spendableAccount(reading, secrets, options, output);
      const snapshot = stress ?? (await reading.latest());
      output.log(`Proving solvency at epoch ${snapshot.epoch}…`);
      const start = performance.now();
      const { text } = await withProver(deployed, async (prover) =>
        createAttestation({ prover, account, view: await reading.view(), snapshot, claim }),
      );
      writeText(options.out, text);
      const { ratio, excess } = claim;
      output.result(
        {
          out: options.out,
          entity: account.note.entity,
          epoch: Number(snapshot.epoch),
          snapshotRoot: rootHex(snapshot.root),
          ratio: ratioFromQ16(ratio),
          excessMicroUsdc: excess,
          seconds: (performance.now() - start) / 1000,
        },
        `Attestation in ${options.out}: equity at least ${ratioFromQ16(ratio)} x maintenance margin and ${dollars(excess)} USDC above it, at epoch ${snapshot.epoch}.\nEntity ${account.note.entity}`,
      );
    });
  });
}
