import { Command } from "commander";
import { does, examples, type RunState } from "../command.ts";

/** `solvus demo`: the whole story on a chain inside the process. */
export function demoCommand(state: RunState): Command {
  const command = new Command("demo")
    .summary("two institutions trade in private and prove solvency, on a chain in this process")
    .description(
      "Plays the whole story on a chain inside this process: deploys, publishes the snapshot of a real option chain, opens accounts, deposits, trades, refuses a breach of margin, attests and verifies; then the market falls, a keeper flags an account and takes over a slice of it. Takes a minute or two, leaves nothing behind.",
    )
    .addHelpText(
      "after",
      examples(
        ["once before: circuits, keys, contracts", "solvus setup"],
        ["the story", "solvus demo"],
        ["its facts as one JSON document", "solvus demo --json"],
      ),
    );
  return does(command, state, async (_options, output) => {
    const { runDemo } = await import("../demo/demo.ts");
    const summary = await runDemo(output.json ? output.log : (line) => process.stdout.write(`${line}\n`));
    if (output.json) output.result(summary, "");
  });
}
