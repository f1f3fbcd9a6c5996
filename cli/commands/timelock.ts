import { Command } from "commander";
import { Misuse } from "../../protocol/errors.ts";
import { withRpc } from "../../services/chain/rpc.ts";
import { senderOf } from "../account/session.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import {
  ADMINISTERED,
  calldataOf,
  execute,
  type Operation,
  operationOf,
  schedule,
  stateOf,
} from "../deploy/operation.ts";
import { readRecord } from "../deploy/record.ts";

interface TimelockOptions {
  rpc: string;
  record: string;
  contract: string;
  method: string;
  argument?: string[];
  salt?: string;
  keyFile?: string;
}

const LISTING = "--contract ledger --method listAsset --argument 17 --argument 0x… --argument 10000000";

/** `solvus timelock`: what the administration of a deployment does, after its delay. */
export function timelockCommand(state: RunState): Command {
  const command = new Command("timelock").description(
    "propose and execute calls of the timelock, which administers a deployment: listing assets, the fund's floor, roles",
  );
  command.addCommand(showCommand(state));
  command.addCommand(sendCommand(state, "schedule"));
  command.addCommand(sendCommand(state, "execute"));
  return command;
}

function withOperation(command: Command): Command {
  return command
    .option("--rpc <url>", "JSON-RPC endpoint of the chain", "http://127.0.0.1:8545")
    .requiredOption("--record <file>", "the deployment's record")
    .requiredOption("--contract <name>", `which contract to call: ${Object.keys(ADMINISTERED).join(", ")}`)
    .requiredOption("--method <name>", "which function")
    .option(
      "--argument <value>",
      "its arguments in order (repeatable): numbers in smallest units, names of roles, lists as JSON",
      collect,
    )
    .option("--salt <hex>", "32 bytes that tell two operations of the same call apart");
}

function planned({ record: file, contract, method, argument = [], salt }: TimelockOptions): Operation {
  if (salt !== undefined && !/^0x[0-9a-fA-F]{64}$/.test(salt))
    throw new Misuse(
      "cli.salt",
      `--salt is ${JSON.stringify(salt)}, expected 32 bytes in hexadecimal with 0x`,
    );
  const record = readRecord(file);
  if (record === undefined)
    throw new Misuse(
      "file.read",
      `--record is ${JSON.stringify(file)} (no such file), expected a deployment's record`,
    );
  return operationOf(record, contract, method, argument, salt);
}

function showCommand(state: RunState): Command {
  const command = withOperation(new Command("show"))
    .summary("an operation's calldata, and where it stands")
    .description(
      "Shows an operation without sending anything: its identifier, whether it is proposed, ready or done, and the calldata with which proposers and executors that are contracts propose and execute it.",
    )
    .addHelpText("after", examples(["a listing", `solvus timelock show --record record.json ${LISTING}`]));
  return does(command, state, async (options: TimelockOptions, output) => {
    const operation = planned(options);
    return withRpc(options.rpc, async (provider) => {
      const standing = await stateOf(provider, operation);
      const calldata = await calldataOf(provider, operation);
      const ready =
        standing.readyAt === undefined ? "" : ` at ${new Date(standing.readyAt * 1000).toISOString()}`;
      output.result(
        { ...operation, ...standing, ...calldata },
        [
          `operation ${operation.id}: ${standing.state}${standing.state === "waiting" ? `, ready${ready}` : ""}`,
          `target    ${operation.target}`,
          `call      ${operation.data}`,
          `timelock  ${operation.timelock}`,
          `schedule  ${calldata.schedule}`,
          `execute   ${calldata.execute}`,
        ].join("\n"),
      );
    });
  });
}

function sendCommand(state: RunState, act: "schedule" | "execute"): Command {
  const proposing = act === "schedule";
  const command = withOperation(new Command(act))
    .summary(proposing ? "propose an operation" : "execute an operation whose delay has passed")
    .description(
      proposing
        ? "Proposes an operation with the timelock's delay, after trying the call as the timelock would make it."
        : "Executes an operation that was proposed with the same contract, method, arguments and salt.",
    )
    .option("--key-file <file>", "file with the private key that sends (default: SOLVUS_SENDER_KEY)")
    .addHelpText(
      "after",
      examples(["a listing", `solvus timelock ${act} --record record.json --key-file sender.key ${LISTING}`]),
    );
  return does(command, state, async (options: TimelockOptions, output) => {
    const operation = planned(options);
    return withRpc(options.rpc, async (provider) => {
      const sender = senderOf(options, { provider });
      const { hash } = await (proposing ? schedule : execute)(provider, sender, operation);
      const standing = await stateOf(provider, operation);
      output.result(
        { ...operation, ...standing, transaction: hash },
        `Operation ${operation.id} is ${proposing ? `proposed; ready at ${new Date((standing.readyAt as number) * 1000).toISOString()}` : "done"} (transaction ${hash}).`,
      );
    });
  });
}
