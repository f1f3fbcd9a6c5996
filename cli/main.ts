import { Command, CommanderError } from "commander";
import type { RunState } from "./command.ts";
import { demoCommand } from "./commands/demo.ts";
import { snapshotCommand } from "./commands/snapshot.ts";
import { EXIT, failureOf } from "./exitCode.ts";
import { jsonText } from "./output.ts";

const DESCRIPTION = `Zero-knowledge margin and solvency for private derivatives accounts.

An institution keeps an account of cash, spot collateral, perpetuals and options whose contents the public cannot read, and proves that it
meets the margin rules at the current prices.`;

const EPILOGUE = `
Start here:
  $ solvus setup                      once: circuits, development keys, contracts
  $ solvus demo                       the whole story on a chain inside the process
  $ solvus snapshot build --options data/deribit-btc-options-2020-05-21.csv --out snapshot.json
  $ solvus dev --out dev              a local chain to try the account commands on

Exit codes: 0 done; 1 refused (a rule, a failed check, an invalid proof); 2 misuse (bad flags, unreadable or malformed input).
With --json a command prints one JSON document on standard output; progress goes to standard error.`;

/** The whole command line, without running it. */
export function makeProgram(state: RunState): Command {
  const program = new Command("solvus")
    .description(DESCRIPTION)
    .exitOverride()
    .configureOutput({ writeErr: (text) => process.stdout.write(text), outputError: () => {} })
    .configureHelp({ sortSubcommands: false, helpWidth: 110 })
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EPILOGUE);
  for (const make of [snapshotCommand, demoCommand]) program.addCommand(inherit(make(state), program));
  return program;
}

/** Passes the program's settings on: commander copies them only to commands that it makes itself. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** Runs one command line (without `node` and the script) and returns the exit code. Prints every outcome; throws nothing. */
export async function main(argv: readonly string[]): Promise<number> {
  const state: RunState = { exitCode: EXIT.done };
  try {
    await makeProgram(state).parseAsync([...argv], { from: "user" });
    return state.exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    // commander has printed the help of a command that needs a subcommand.
    if (error instanceof CommanderError && error.code === "commander.help") return EXIT.misuse;
    const { exitCode, rule, message } = failureOf(error);
    process.stderr.write(`error: ${rule}: ${message}\n`);
    if (argv.includes("--json"))
      process.stdout.write(`${jsonText({ error: { rule, message }, exitCode })}\n`);
    return exitCode;
  }
}
