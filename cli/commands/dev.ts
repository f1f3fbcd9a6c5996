import { Command } from "commander";
import { does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";

interface DevOptions {
  out: string;
  port: string;
  epochSeconds: string;
}

/** `solvus dev`: a local chain on the loopback interface to try the account commands on. */
export function devCommand(state: RunState): Command {
  const command = new Command("dev")
    .summary("run a local chain to try the account commands on")
    .description(
      "Starts a chain on 127.0.0.1, deploys Solvus with an open registry, lists assets, publishes the snapshot of a real option chain with local reporters, an epoch after another, and writes new notes into the state tree as they come. Runs until Ctrl-C. The chain's clock starts when the option chain was read, on 21 May 2020.",
    )
    .requiredOption(
      "--out <directory>",
      "where to write deployment.json, alice.key, bob.key and committee.key; removed at the end",
    )
    .option("--port <number>", "port to listen on; 0 takes a free one", "8545")
    .option("--epoch-seconds <number>", "seconds between snapshots, at most 150", "150")
    .addHelpText(
      "after",
      examples(
        ["terminal 1", "solvus dev --out dev"],
        [
          "terminal 2, with SOLVUS_PASSWORD set",
          "solvus account open --deployment dev/deployment.json --keystore alder.json --key-file dev/alice.key",
        ],
        [
          "then",
          "solvus account deposit --deployment dev/deployment.json --keystore alder.json --key-file dev/alice.key --amount 10000",
        ],
      ),
    );
  return does(command, state, async (options: DevOptions, output) => {
    const port = wholeNumber(options.port, "--port");
    const epochSeconds = Math.min(150, wholeNumber(options.epochSeconds, "--epoch-seconds", 5));
    const { runDev } = await import("../dev/dev.ts");
    await runDev({ directory: options.out, port, epochSeconds }, output);
  });
}
