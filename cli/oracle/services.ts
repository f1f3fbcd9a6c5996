import { Command } from "commander";
import { isAddress } from "ethers";
import { Misuse, reading } from "../../protocol/errors.ts";
import { parseDecimal } from "../../protocol/fixedPoint.ts";
import { writeText } from "../../services/files.ts";
import { makeLog } from "../../services/log.ts";
import { startAggregator } from "../../services/oracle/aggregator.ts";
import { secondsOf } from "../../services/oracle/closesCsv.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import { startReporters } from "../../services/oracle/reporterServer.ts";
import type { PriceSource, Seen } from "../../services/oracle/source.ts";
import { withChain } from "../account/session.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { listenOf, marketOf, type OracleOptions, serve, walletOf, withOracle } from "./place.ts";
import { type SourceOptions, sourcesOf, withSource } from "./sources.ts";

const DEPLOYMENT = "--deployment dev/deployment.json";
const CLOSES = "data/btc-eth-1h-2021-01.csv";

interface ReportOptions extends OracleOptions, SourceOptions {
  keyFile?: string[];
  data: string;
  aggregator?: string[];
}

/** `solvus oracle report`: a process of reporters. */
export function reportCommand(state: RunState): Command {
  const command = withSource(withOracle(withChain(new Command("report")), "9431"))
    .summary("observe prices and sign snapshots")
    .description(
      "Runs one reporter, or several, that observe prices when an aggregator asks and sign the snapshot that follows from a quorum's observations, after computing it again. What is signed is kept in the data directory: no second header is signed for an epoch while the first can be posted. Runs until it is asked to end.",
    )
    .option(
      "--key-file <file>",
      "file with a reporter's private key; once for each reporter (default: SOLVUS_REPORTER_KEY)",
      collect,
    )
    .option(
      "--aggregator <address>",
      "answer this aggregator, by the address of its key; once for each (default: answer whoever asks)",
      collect,
    )
    .requiredOption(
      "--data <directory>",
      "where to keep what was signed; of this process and deployment alone",
    )
    .addHelpText(
      "after",
      examples([
        "a reporter of recorded closes, on a chain whose clock is the recording's",
        `solvus oracle report ${DEPLOYMENT} --prices ${CLOSES} --key-file reporter.key --data reporter`,
      ]),
    );
  return does(command, state, async (options: ReportOptions) => {
    const log = makeLog("reporter");
    const files = options.keyFile ?? [undefined];
    const sources = sourcesOf(options, files.length, log);
    const { aggregator: aggregators } = options;
    const stranger = aggregators?.find((address: string): boolean => !isAddress(address));
    if (stranger !== undefined)
      throw new Misuse(
        "cli.address",
        `--aggregator is ${JSON.stringify(stranger.slice(0, 60))}, expected an address`,
      );
    const settings = {
      ...marketOf(options),
      ...(aggregators && { aggregators }),
      epochSeconds: wholeNumber(options.epochSeconds, "--epoch-seconds", 1),
    };
    await serve(options, log, (deployed) =>
      startReporters({
        reporters: files.map((file, place) => ({
          signer: walletOf(file, "SOLVUS_REPORTER_KEY", deployed),
          source: sources[place] as (typeof sources)[number],
        })),
        deployed,
        dataDirectory: options.data,
        listen: listenOf(options),
        log,
        ...settings,
      }),
    );
  });
}

interface AggregateOptions extends OracleOptions {
  reporter: string[];
  keyFile?: string;
  standbySeconds: string;
  pollMs: string;
  answerMs: string;
  maxGasPrice: string;
}

const GWEI_DECIMALS = 9;

/** `solvus oracle aggregate`: the process that posts. */
export function aggregateCommand(state: RunState): Command {
  const command = withOracle(withChain(new Command("aggregate")), "9432")
    .summary("collect observations and signatures, and post snapshots")
    .description(
      "Collects the reporters' observations of each epoch, computes the snapshot, gathers a quorum's signatures and posts it. Reporters that are late, silent or lie are left out, and the log says why. Keeps nothing: what it needs it reads from the chain and asks the reporters for. Runs until it is asked to end.",
    )
    .requiredOption("--reporter <url>", "where reporters listen; once for each place", collect)
    .option(
      "--key-file <file>",
      "file with the private key that pays for postings (default: SOLVUS_SENDER_KEY)",
    )
    .option("--standby-seconds <number>", "seconds of the chain that it leaves to another aggregator", "0")
    .option("--poll-ms <number>", "milliseconds between looks at the chain", "1000")
    .option("--answer-ms <number>", "milliseconds for a reporter's answer", "5000")
    .option("--max-gas-price <gwei>", "above it, no posting bids", "500")
    .addHelpText(
      "after",
      examples([
        "with reporters on this machine",
        `solvus oracle aggregate ${DEPLOYMENT} --reporter http://127.0.0.1:9431 --key-file sender.key`,
      ]),
    );
  return does(command, state, async (options: AggregateOptions) => {
    const log = makeLog("aggregator");
    const rules = {
      epochSeconds: wholeNumber(options.epochSeconds, "--epoch-seconds", 1),
      standbySeconds: wholeNumber(options.standbySeconds, "--standby-seconds"),
      pollMs: wholeNumber(options.pollMs, "--poll-ms", 50),
      answerMs: wholeNumber(options.answerMs, "--answer-ms", 100),
      maxGasPrice: reading(() => parseDecimal(options.maxGasPrice, GWEI_DECIMALS, "--max-gas-price")),
    };
    const settings = marketOf(options);
    await serve(options, log, (deployed) =>
      startAggregator({
        reporters: options.reporter,
        deployed,
        signer: walletOf(options.keyFile, "SOLVUS_SENDER_KEY", deployed),
        listen: listenOf(options),
        log,
        rules,
        ...settings,
      }),
    );
  });
}

const SIGHT_MS = 20_000;

/** What a source shows at a time; a connection may take some seconds. */
async function firstSight(source: PriceSource, time: number): Promise<Seen> {
  const until = Date.now() + SIGHT_MS;
  for (;;) {
    try {
      return await source.observe(time);
    } catch (error) {
      if (Date.now() > until) {
        await source.close();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** `solvus oracle market`: the market to begin with. */
export function marketCommand(state: RunState): Command {
  const command = withSource(new Command("market"))
    .summary("write the market to begin with")
    .description(
      "Lists what a source shows at a time: of every underlying spot, a perpetual unless it is a stablecoin, and the options that are quoted. All reporters and aggregators of a new oracle take the same file.",
    )
    .requiredOption("--time <time>", "time of the chain, UTC, such as 2021-01-10T00:00Z")
    .requiredOption("--out <file>", "where to write it")
    .addHelpText(
      "after",
      examples([
        "BTC and ETH as of 10 January 2021",
        `solvus oracle market --prices ${CLOSES} --time 2021-01-10T00:00Z --out market.json`,
      ]),
    );
  return does(command, state, async (options: SourceOptions & { time: string; out: string }, output) => {
    const time = secondsOf(options.time);
    if (time === undefined)
      throw new Misuse(
        "cli.time",
        `--time is ${JSON.stringify(options.time)}, expected a time in UTC such as 2021-01-10T00:00Z`,
      );
    const [source] = sourcesOf(options, 1, makeLog("market", process.stderr)) as [PriceSource];
    const inputs = firstInputs(await firstSight(source, time), time);
    await source.close();
    writeText(options.out, `${JSON.stringify(inputs, null, 2)}\n`);
    const names = inputs.underlyings.map(({ name }) => name);
    output.result(
      { underlyings: names, out: options.out },
      `The market of ${names.join(", ")} is in ${options.out}.`,
    );
  });
}
