import { Command, CommanderError } from "commander";
import { ensure, SolvusError } from "../protocol/errors.ts";
import { contribute } from "./ceremony/contribute.ts";
import { finishCeremony } from "./ceremony/finish.ts";
import { startCeremony } from "./ceremony/start.ts";
import { verifyCeremony, verifyRound } from "./ceremony/verify.ts";

/** `npm run ceremony -- <step>`: the second phase of the trusted set-up, from published powers of tau to production keys. */

const onStep = (line: string): void => console.error(`ceremony: ${line}`);
const PTAU = "a published powers-of-tau file (powersOfTau28_hez_final_16.ptau or larger)";
const DIR = "the directory of the ceremony";

const program = new Command("npm run ceremony --")
  .description("Makes production keys together with others: sound if one contributor at least is honest.")
  .exitOverride()
  .configureOutput({ outputError: () => {} });

program
  .command("start")
  .description("make the initial key of every circuit")
  .requiredOption("--ptau <file>", PTAU)
  .requiredOption("--out <dir>", "a new directory")
  .action(async ({ ptau, out }: { ptau: string; out: string }) => {
    const { name } = await startCeremony(ptau, out, { onStep });
    console.log(`${out} is ready for contributions, from ${name}.`);
  });

program
  .command("contribute")
  .description("add one contribution to every circuit, from randomness that is never shown or kept")
  .requiredOption("--dir <dir>", DIR)
  .requiredOption("--name <name>", "the contributor, as the manifest will name him")
  .action(async ({ dir, name }: { dir: string; name: string }) => {
    const hashes = await contribute(dir, name, { onStep });
    console.log(`Contribution of ${name}. Publish these hashes:`);
    for (const { circuit, hash } of hashes) console.log(`${circuit} ${hash}`);
  });

program
  .command("finish")
  .description("apply the random beacon, verify everything, write verifying keys and manifest")
  .requiredOption("--ptau <file>", PTAU)
  .requiredOption("--dir <dir>", DIR)
  .requiredOption("--beacon <hex>", "public randomness from after the last contribution, 32 to 255 bytes")
  .requiredOption("--iterations-exponent <n>", "hash the beacon 2^n times, n from 10 to 63")
  .action(async (options: { ptau: string; dir: string; beacon: string; iterationsExponent: string }) => {
    const { ptau, dir, beacon, iterationsExponent } = options;
    ensure(
      /^\d+$/.test(iterationsExponent),
      "ceremony.iterations",
      `--iterations-exponent is ${iterationsExponent}, expected an integer from 10 to 63`,
    );
    const exponent = Number(iterationsExponent);
    const { circuits } = await finishCeremony(
      dir,
      ptau,
      { value: beacon, iterationsExponent: exponent },
      { onStep },
    );
    const count = circuits[0]?.contributions.length;
    console.log(`Finished and verified: ${circuits.length} circuits, ${count} contributions and the beacon.`);
  });

program
  .command("verify")
  .description("check a finished ceremony against the circuits compiled here")
  .requiredOption("--ptau <file>", PTAU)
  .requiredOption("--dir <dir>", DIR)
  .option("--unfinished", "check the newest contributions of a ceremony that goes on")
  .action(async ({ ptau, dir, unfinished }: { ptau: string; dir: string; unfinished?: boolean }) => {
    if (unfinished) {
      const names = (await verifyRound(dir, ptau, { onStep })).map(({ name }) => name);
      console.log(`Valid so far, unfinished: ${names.length} contributions (${names.join(", ")}).`);
      return;
    }
    const { circuits, ceremony } = await verifyCeremony(dir, ptau, { onStep });
    const contributions = circuits[0]?.contributions ?? [];
    console.log(
      `Valid: ${contributions.length} contributions (${contributions.map(({ name }) => name).join(", ")}),`,
    );
    console.log(`beacon ${ceremony.beacon} hashed 2^${ceremony.iterationsExponent} times.`);
  });

try {
  for (const command of program.commands) command.copyInheritedSettings(program);
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0 && error.code !== "commander.help")
      console.error(`error: ceremony.usage: ${error.message.replace(/^error: /, "")}; see --help`);
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
  const rule = error instanceof SolvusError ? error.rule : "ceremony.failed";
  const message = error instanceof Error ? error.message : String(error);
  console.error(`error: ${rule}: ${message.split("\n")[0]}`);
  process.exit(1);
}
