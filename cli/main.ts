import { Command, CommanderError } from "commander";
import type { RunState } from "./command.ts";
import { EXIT, failureOf } from "./exitCode.ts";
import { jsonText } from "./output.ts";

const DESCRIPTION = `Zero-knowledge margin and solvency for private derivatives accounts.

An institution keeps an account of cash, spot collateral, perpetuals and options whose contents the public cannot read, and proves that it meets the margin rules at the current prices.`;

const EPILOGUE = `
Start here:
  $ solvus setup                      once: circuits, development keys, contracts
  $ solvus demo                       the whole story on a chain inside the process
  $ solvus snapshot build --options data/deribit-btc-options-2020-05-21.csv --out snapshot.json
  $ solvus dev --out dev              a local chain to try the account commands on

Exit codes: 0 done; 1 refused (a rule, a failed check, an invalid proof); 2 misuse (bad flags, unreadable or malformed input).
With --json a command prints one JSON document on standard output; progress goes to standard error.`;

type Maker = (state: RunState) => Command;

/** A command that is loaded when it is named: provers and chain libraries take a second to load. */
interface Entry {
  name: string;
  summary: string;
  load(): Promise<Maker>;
}

const ENTRIES: Entry[] = [
  {
    name: "setup",
    summary: "make circuits, development keys and contracts",
    load: async () => (await import("./commands/setup.ts")).setupCommand,
  },
  {
    name: "demo",
    summary: "two institutions trade in private and prove solvency, on a chain in this process",
    load: async () => (await import("./commands/demo.ts")).demoCommand,
  },
  {
    name: "dev",
    summary: "run a local chain to try the account commands on",
    load: async () => (await import("./commands/dev.ts")).devCommand,
  },
  {
    name: "up",
    summary: "run chain, oracle, relayer and keeper on this machine",
    load: async () => (await import("./commands/up.ts")).upCommand,
  },
  {
    name: "drill",
    summary: "play a crash on recorded prices through all services, and audit the ledger",
    load: async () => (await import("./commands/drill.ts")).drillCommand,
  },
  {
    name: "snapshot",
    summary: "build a risk snapshot from market data, or show one",
    load: async () => (await import("./commands/snapshot.ts")).snapshotCommand,
  },
  {
    name: "oracle",
    summary: "run reporters and aggregators, or replay recorded prices",
    load: async () => (await import("./commands/oracle.ts")).oracleCommand,
  },
  {
    name: "account",
    summary: "open, fund, trade and show private accounts",
    load: async () => (await import("./commands/account.ts")).accountCommand,
  },
  {
    name: "desk",
    summary: "ask makers for firm quotes, and trade, in private",
    load: async () => (await import("./commands/desk.ts")).deskCommand,
  },
  {
    name: "keeper",
    summary: "watch accounts, and flag, take over or reveal those below their margin",
    load: async () => (await import("./commands/keeper.ts")).keeperCommand,
  },
  {
    name: "relayer",
    summary: "run a service that puts proven items on the chain in batches, or ask one",
    load: async () => (await import("./commands/relayer.ts")).relayerCommand,
  },
  {
    name: "guard",
    summary: "watch an account of one's own, warn, and defend it within limits",
    load: async () => (await import("./commands/guard.ts")).guardCommand,
  },
  {
    name: "fund",
    summary: "show the insurance fund, or pay into it",
    load: async () => (await import("./commands/fund.ts")).fundCommand,
  },
  {
    name: "registry",
    summary: "keep the list of admitted institutions and post its root",
    load: async () => (await import("./commands/registry.ts")).registryCommand,
  },
  {
    name: "deploy",
    summary: "put a Solvus on a chain step by step, and verify it",
    load: async () => (await import("./commands/deploy.ts")).deployCommand,
  },
  {
    name: "timelock",
    summary: "propose and execute what the administration of a deployment does",
    load: async () => (await import("./commands/timelock.ts")).timelockCommand,
  },
  {
    name: "attest",
    summary: "prove an account's solvency to an auditor",
    load: async () => (await import("./commands/attest.ts")).attestCommand,
  },
  {
    name: "audit",
    summary: "check a whole ledger from chain data",
    load: async () => (await import("./commands/audit.ts")).auditCommand,
  },
  {
    name: "verify",
    summary: "check an attestation from chain data",
    load: async () => (await import("./commands/verify.ts")).verifyCommand,
  },
];

/** The command line with the commands that `argv` names; of the others it has name and summary. */
export async function makeProgram(state: RunState, argv: readonly string[]): Promise<Command> {
  const program = new Command("solvus")
    .description(DESCRIPTION)
    .exitOverride()
    // `deploy` has options of its own and a subcommand with the same.
    .enablePositionalOptions()
    .configureOutput({ writeErr: (text) => process.stdout.write(text), outputError: () => {} })
    .configureHelp({ helpWidth: 110 })
    .helpCommand("help [command]", "show the help of a command")
    .addHelpText("after", EPILOGUE);
  for (const { name, summary, load } of ENTRIES) {
    const command = argv.includes(name) ? (await load())(state) : new Command(name).summary(summary);
    program.addCommand(inherit(command, program));
  }
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
    const program = await makeProgram(state, argv);
    await program.parseAsync([...argv], { from: "user" });
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
