import { Command, Option } from "commander";
import { does, examples, type RunState } from "../command.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";
import { momentOf } from "../moment.ts";

const PRICES = "data/btc-eth-1h-2021-01.csv";

interface UpOptions {
  data: string;
  port: string;
  prices: string;
  start?: string;
}

/** `solvus up`: all services on one machine, each a process of its own. */
export function upCommand(state: RunState): Command {
  const command = new Command("up")
    .summary("run chain, oracle, relayer and keeper on this machine")
    .description(
      "Starts a chain on 127.0.0.1 with Solvus on it, seven reporters that replay recorded prices, an aggregator, a relayer and a keeper, each a process of its own, and shows their logs. A process that ends is started again, except the chain, whose end is the end of all. Runs until Ctrl-C. The chain lives in memory: each start begins anew.",
    )
    .option("--data <directory>", "where keys, deployment, databases and logs go; emptied at the start", "up")
    .option("--port <number>", "port of the chain's JSON-RPC endpoint; 0 takes a free one", "8545")
    .option("--prices <file>", "recorded closes that the reporters replay", PRICES)
    .option("--start <time>", "where the chain's clock begins (default: two hours into the file, or halfway)")
    .addHelpText(
      "after",
      examples(
        ["terminal 1", "solvus up"],
        [
          "terminal 2, with SOLVUS_PASSWORD set",
          "solvus account open --deployment up/deployment.json --keystore alder.json --key-file up/keys/alice.key",
        ],
      ),
    );
  command.addCommand(chainCommand(state));
  return does(command, state, async (options: UpOptions, output) => {
    const port = wholeNumber(options.port, "--port");
    const { runUp } = await import("../up/up.ts");
    const { start } = options;
    const settings = { directory: options.data, port, prices: options.prices };
    await runUp(
      { ...settings, ...(start === undefined ? {} : { start: momentOf(start, "--start") }) },
      output,
    );
  });
}

interface ChainOptions {
  data: string;
  port: string;
  healthPort: string;
  start: string;
  clock: "runs" | "stands";
  fund: string;
  fundFloor: string;
}

/** `solvus up chain`: the chain alone, as `solvus up` starts it. */
function chainCommand(state: RunState): Command {
  const command = new Command("chain")
    .summary("the chain alone, for an oracle, a relayer and a keeper that are started apart")
    .description(
      "Starts a chain on 127.0.0.1, deploys Solvus with an open registry, writes deployment.json and all keys into the directory, and lists a token for each spot instrument once the oracle has posted its first epoch. Runs until it is asked to end.",
    )
    .requiredOption("--data <directory>", "where to write; its folder `keys` must exist")
    .option("--port <number>", "port of the JSON-RPC endpoint", "8545")
    .option("--health-port <number>", "port of /health", "8546")
    .requiredOption("--start <time>", "where the chain's clock begins, UTC")
    .addOption(
      new Option("--clock <how>", "with the machine's clock, or one that others move")
        .choices(["runs", "stands"])
        .default("runs"),
    )
    .option("--fund <usd>", "what the insurance fund begins with", "250000")
    .option("--fund-floor <usd>", "the fund's floor", "50000");
  return does(command, state, async (options: ChainOptions) => {
    const { requireFreePort } = await import("../dev/freePort.ts");
    const { startChain } = await import("../up/chain.ts");
    const { makeLog } = await import("../../services/log.ts");
    const { untilStopped } = await import("../../services/running.ts");
    const [port, healthPort] = [
      wholeNumber(options.port, "--port"),
      wholeNumber(options.healthPort, "--health-port"),
    ];
    for (const one of [port, healthPort]) await requireFreePort(one);
    const log = makeLog("chain");
    const settings = {
      ...{ directory: options.data, port, healthPort },
      start: momentOf(options.start, "--start"),
      clock: options.clock,
      fund: usdcAmount(options.fund, "--fund"),
      fundFloor: usdcAmount(options.fundFloor, "--fund-floor"),
    };
    await untilStopped(await startChain(settings, log), log);
  });
}
