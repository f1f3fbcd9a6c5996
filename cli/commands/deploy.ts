import { Command } from "commander";
import { type JsonRpcProvider, Wallet } from "ethers";
import { Misuse } from "../../protocol/errors.ts";
import { withRpc } from "../../services/chain/rpc.ts";
import { requireWritable, writeText } from "../../services/files.ts";
import { does, examples, type RunState } from "../command.ts";
import type { Check } from "../deploy/checks.ts";
import { readConfiguration } from "../deploy/configuration.ts";
import { deploy, deploymentFileOf } from "../deploy/deploy.ts";
import { keyPlaces } from "../deploy/keys.ts";
import { type DeploymentRecord, readRecord } from "../deploy/record.ts";
import { addressesOf, type DeploymentReport, verifyDeployment } from "../deploy/verify.ts";
import { EXIT } from "../exitCode.ts";
import type { Output } from "../output.ts";
import { secretFrom } from "../password.ts";
import { table } from "../table.ts";

interface DeployOptions {
  rpc: string;
  config?: string;
  record?: string;
  keyFile?: string;
  out?: string;
}

const RPC = ["--rpc <url>", "JSON-RPC endpoint of the chain", "http://127.0.0.1:8545"] as const;

/** `solvus deploy`: puts a Solvus on a chain, and checks one that is there. */
export function deployCommand(state: RunState): Command {
  const command = new Command("deploy")
    .summary("put a Solvus on a chain step by step, and verify it")
    .description(
      "Deploys verifying keys, verifier, timelock, oracle, registry, auction, insurance fund and ledger, hands every role over and verifies the result. Each transaction is written into the record, signed, before it is sent: a run that was interrupted anywhere is gone on with by the same command, and nothing is deployed twice. Keys of development are refused on a chain that is not local.",
    )
    .option(...RPC)
    .option("--config <file>", "what to deploy (required)")
    .option("--record <file>", "where to keep the record; an unfinished one is gone on with (required)")
    .option("--out <file>", "also write the file that --deployment of the account commands takes")
    .option("--key-file <file>", "file with the deployer's private key (default: SOLVUS_SENDER_KEY)")
    .addHelpText(
      "after",
      examples(
        [
          "deploy, or go on",
          "solvus deploy --config configuration.json --record record.json --key-file deployer.key --out deployment.json",
        ],
        ["verify later, from the chain alone", "solvus deploy verify --record record.json"],
      ),
    );
  command.addCommand(verifyCommand(state));
  return does(command, state, async (options: DeployOptions, output) => {
    const config = required(options.config, "--config");
    const recordFile = required(options.record, "--record");
    const configuration = readConfiguration(config);
    requireWritable(recordFile, "--record");
    if (options.out !== undefined) requireWritable(options.out, "--out");
    const key = secretFrom(options.keyFile, "--key-file", "SOLVUS_SENDER_KEY");
    return withRpc(options.rpc, async (provider) => {
      const wallet = walletOf(key, provider);
      const record = await deploy({ configuration, recordFile, provider, wallet, log: output.log });
      if (options.out !== undefined)
        writeText(options.out, `${JSON.stringify(deploymentFileOf(record), null, 2)}\n`);
      const report = await verifyDeployment(provider, record, keyPlaces(configuration.keys));
      return tell(output, record, report);
    });
  });
}

function verifyCommand(state: RunState): Command {
  const command = new Command("verify")
    .summary("check a deployment from chain data")
    .description(
      "Checks code, keys, wiring, parameters and roles of a finished deployment against its record's configuration, the contracts compiled here and the manifest, and that the verifier refuses proofs known to be false. Sends nothing. What the holders of roles have changed since shows as a failed check.",
    )
    .option(...RPC)
    .requiredOption("--record <file>", "the deployment's record")
    .option(
      "--keys <folder>",
      "whose manifest and keys to compare with: \"development\", or a ceremony's folder (default: the record's)",
    )
    .addHelpText("after", examples(["a deployment", "solvus deploy verify --record record.json"]));
  return does(command, state, async (options: { rpc: string; record: string; keys?: string }, output) => {
    const record = readRecord(options.record);
    if (record === undefined)
      throw new Misuse(
        "file.read",
        `--record is ${JSON.stringify(options.record)} (no such file), expected a deployment's record`,
      );
    return withRpc(options.rpc, async (provider) => {
      const places = keyPlaces(options.keys ?? record.configuration.keys);
      return tell(output, record, await verifyDeployment(provider, record, places));
    });
  });
}

// Commander would ask the verification for a required option of its parent.
function required(value: string | undefined, option: string): string {
  if (value === undefined)
    throw new Misuse("cli.usage", `required option '${option} <file>' not specified; see --help`);
  return value;
}

function walletOf(key: string, provider: JsonRpcProvider): Wallet {
  try {
    return new Wallet(key, provider);
  } catch {
    throw new Misuse("cli.key", "--key-file does not hold a private key, expected 32 bytes in hexadecimal");
  }
}

const WORDS = new Map([
  [true, "passed"],
  [false, "FAILED"],
  [undefined, "noted"],
]);

/** Prints what was deployed and what the checks found; refused when one failed. */
function tell(output: Output, record: DeploymentRecord, { accepted, checks }: DeploymentReport): number {
  const cut = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}...` : text);
  const row = ({ name, passed, found, expected }: Check): string[] => [
    WORDS.get(passed) as string,
    name,
    cut(found),
    passed === true ? "" : cut(expected),
  ];
  const addresses = accepted ? addressesOf(record) : {};
  const lines = Object.entries(addresses).map(([name, at]) => `${name.padEnd(9)} ${at}`);
  const verdict = accepted
    ? "The deployment is what its record says."
    : "The deployment is NOT what its record says.";
  output.result(
    { accepted, addresses, checks: checks.map((check) => ({ ...check, passed: check.passed ?? null })) },
    [table(["result", "check", "found", "expected"], checks.map(row)), "", ...lines, verdict].join("\n"),
  );
  return accepted ? EXIT.done : EXIT.refused;
}
