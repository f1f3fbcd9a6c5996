import { Command } from "commander";
import type { NonceManager } from "ethers";
import { Misuse } from "../../protocol/errors.ts";
import { formatUsdc } from "../../protocol/fixedPoint.ts";
import { withReading } from "../../services/chain/reading.ts";
import { makeLog } from "../../services/log.ts";
import { startProvingWorker } from "../../services/proving/worker.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { STATES, type Standing, type State } from "../../services/relayer/messages.ts";
import { startRelayer } from "../../services/relayer/relayer.ts";
import { untilStopped } from "../../services/running.ts";
import { openStore } from "../../services/store/store.ts";
import { senderOf, withChain } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { inLine } from "../plainText.ts";
import { readItem } from "../relayer/itemFile.ts";
import {
  feesOf,
  limitsOf,
  rulesOf,
  type ServeOptions,
  type StoreOptions,
  storeOf,
} from "../relayer/serveOptions.ts";

const DEFAULT_URL = "http://127.0.0.1:9420";

/** `solvus relayer`: runs a relayer, and asks one. */
export function relayerCommand(state: RunState): Command {
  const command = new Command("relayer").description(
    "run a service that puts proven items on the chain in batches, or ask one",
  );
  for (const make of [serveCommand, workerCommand, submitCommand, statusCommand, quoteCommand])
    command.addCommand(make(state));
  return command;
}

const withStore = (command: Command): Command =>
  command
    .option("--data <directory>", "keeps everything in this directory, in a database of its own")
    .option(
      "--database-url-file <file>",
      "file with the URL of a PostgreSQL server that relayers and workers share (default: DATABASE_URL)",
    );

const withRelayer = (command: Command): Command =>
  command.option("--relayer <url>", "the relayer's root", DEFAULT_URL);

function serveCommand(state: RunState): Command {
  const command = withStore(withChain(new Command("serve")))
    .summary("take items over HTTP and put them on the chain, until it is stopped")
    .description(
      "Takes proven openings, transitions and take-overs, checks them, stores them before it answers, and sends them in batches; seals and inserts new notes. Its log goes to standard output; it ends with Ctrl-C, and goes on where it was when started again.",
    )
    .option(
      "--key-file <file>",
      "file with the private key that pays the gas and earns the fees, used for nothing else (default: SOLVUS_SENDER_KEY)",
    )
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <n>", "where it listens; 0 takes a free port", "9420")
    .option("--fee <usd>", "least fee of a transition or take-over; `gas`: what it costs", "0")
    .option("--take-over-fee <usd>", "least fee of a take-over, where it is another one")
    .option("--fee-margin <percent>", "with --fee gas: on top of the cost", "20")
    .option(
      "--coin <price>",
      "with --fee gas: the chain's coin, dollars or the underlying that is its price",
      "ETH",
    )
    .option("--batch-size <n>", "most items of a batch, up to 16", "16")
    .option("--batch-age <seconds>", "longest that an item waits for its batch to fill", "2")
    .option("--confirmations <blocks>", "blocks after which what is mined counts as final", "3")
    .option("--max-gas-price <gwei>", "above it, no transaction bids", "500")
    .option("--submissions-per-minute <n>", "most from one client address", "3000")
    .option("--reads-per-minute <n>", "most other requests from one client address", "12000")
    .option("--openings-per-hour <n>", "most from all clients together: they pay no fee", "600")
    .option("--behind-proxy", "takes the client's address from the last entry of X-Forwarded-For")
    .option("--no-insertions", "leaves sealing and inserting new notes to others")
    .option("--proofs-elsewhere", "leaves the proofs of insertions to `relayer worker` on the same database")
    .addHelpText(
      "after",
      examples(
        [
          "on a local chain",
          "solvus relayer serve --deployment dev/deployment.json --key-file dev/bob.key --data relayer",
        ],
        [
          "one of several on a PostgreSQL server, for what the gas costs",
          "DATABASE_URL=postgres://… solvus relayer serve --deployment deployment.json --key-file relayer.key --fee gas",
        ],
      ),
    );
  return does(command, state, async (options: ServeOptions) => {
    const config = {
      store: storeOf(options),
      fees: feesOf(options),
      rules: rulesOf(options),
      limits: limitsOf(options),
      listen: { host: options.host, port: wholeNumber(options.port, "--port") },
    };
    await withReading(options, async ({ deployed }) => {
      const log = makeLog("relayer");
      // The relayer counts transactions itself.
      const { signer } = senderOf(options, deployed) as NonceManager;
      const proofs = options.proofsElsewhere === true ? { prover: "elsewhere" as const } : {};
      const relayer = await startRelayer({ ...config, deployed, signer, ...proofs, log });
      await untilStopped(relayer, log);
    });
  });
}

function workerCommand(state: RunState): Command {
  const command = withStore(new Command("worker"))
    .summary("prove insertions for the relayers on the same database, until it is stopped")
    .description(
      "Takes the proofs that relayers ask for in the database, one at a time. Any number may run, on any machines; one that dies loses its work to another after some seconds. Holds no key.",
    )
    .addHelpText("after", examples(["beside relayers", "DATABASE_URL=postgres://… solvus relayer worker"]));
  return does(command, state, async (options: StoreOptions) => {
    const log = makeLog("worker");
    const store = await openStore(storeOf(options), log);
    try {
      const worker = await startProvingWorker({ store, log });
      log.info("waits for proofs to make");
      await untilStopped(worker, log);
    } finally {
      await store.close();
    }
  });
}

function submitCommand(state: RunState): Command {
  const command = withRelayer(new Command("submit"))
    .argument("<file>", "a proven item, or a proven half of a trade")
    .summary("hand a proven item in")
    .description(
      "Hands in an item in the relayer's form, or a half of a trade as `account trade prove` writes it. Handing the same in again does no harm.",
    )
    .option("--wait <seconds>", "wait until it is mined", "0")
    .addHelpText(
      "after",
      examples(["a half, until its trade is done", "solvus relayer submit first.json --wait 120"]),
    );
  return does(command, state, async (options: { relayer: string; wait: string }, output, [file]) => {
    const item = readItem(file as string);
    const seconds = wholeNumber(options.wait, "--wait");
    const client = relayerClient(options.relayer);
    const { id, ...first } = await client.submit(item);
    output.log(`${first.isNew ? "Taken" : "Known"} as ${id}.`);
    const standing = seconds === 0 ? { id, ...first } : await client.wait(id, undefined, seconds * 1000);
    output.result(standing, standingText(standing));
  });
}

function statusCommand(state: RunState): Command {
  const command = withRelayer(new Command("status"))
    .argument("<id>", "what `relayer submit` printed")
    .summary("where a submission stands")
    .option("--until <state>", `wait for a state: ${STATES.join(", ")}`)
    .option("--wait <seconds>", "longest to wait with --until", "120");
  return does(
    command,
    state,
    async (options: { relayer: string; until?: string; wait: string }, output, [id]) => {
      const client = relayerClient(options.relayer);
      const standing =
        options.until === undefined
          ? await client.status(id as string)
          : await client.wait(
              id as string,
              [stateOf(options.until)],
              wholeNumber(options.wait, "--wait") * 1000,
            );
      output.result(standing, standingText(standing));
    },
  );
}

function quoteCommand(state: RunState): Command {
  const command = withRelayer(new Command("quote")).summary("least fees, and whom the terms may name");
  return does(command, state, async (options: { relayer: string }, output) => {
    const quote = await relayerClient(options.relayer).quote();
    const { transition, takeOver } = quote.fees;
    output.result(
      quote,
      [
        `relayer     ${quote.relayer}`,
        `transition  ${formatUsdc(transition)} USDC`,
        `take-over   ${formatUsdc(takeOver)} USDC`,
        `valid until ${new Date(quote.validUntil * 1000).toISOString()}`,
      ].join("\n"),
    );
  });
}

function stateOf(text: string): State {
  const found = STATES.find((state) => state === text);
  if (found !== undefined) return found;
  throw new Misuse("cli.state", `--until is ${JSON.stringify(text)}, expected one of ${STATES.join(", ")}`);
}

function standingText({ id, state, refusal, transaction, block, leafIndex }: Standing): string {
  const lines: [string, unknown][] = [
    ["id", id],
    ["state", state],
    ["reason", refusal && `${refusal.rule}: ${refusal.message}`],
    ["transaction", transaction],
    ["block", block],
    ["place", leafIndex],
  ];
  return lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name.padEnd(12)}${inLine(String(value))}`)
    .join("\n");
}
