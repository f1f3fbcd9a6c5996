import { Command } from "commander";
import { ratioFromQ16 } from "../../protocol/fixedPoint.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { type ChainPlace, type Reading, withReading } from "../../services/chain/reading.ts";
import { registryOf } from "../../services/chain/registryFile.ts";
import { flag, type InsolvencySetting, type ProvenAct, reveal } from "../../services/keeper/insolvency.ts";
import { planTakeOver } from "../../services/keeper/plan.ts";
import { fundLimits, requireAdmitted, takeOver } from "../../services/keeper/takeOver.ts";
import {
  activeFlag,
  chooseAccount,
  type WatchedAccount,
  watchAccounts,
} from "../../services/keeper/watch.ts";
import {
  type AccountOptions,
  secretsOf,
  senderOf,
  spendableAccount,
  withAccount,
  withChain,
  withProver,
  withSender,
} from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { percentQ16 } from "../keeper/percent.ts";
import { readableAccounts, type SightOptions } from "../keeper/sight.ts";
import { percent, takeOverFigures, takeOverText, watchedFigures, watchedTable } from "../keeper/text.ts";
import { wholeNumber } from "../marketFlags.ts";
import type { Output } from "../output.ts";
import { runCommand } from "./keeperRun.ts";

const CHAIN = "--deployment dev/deployment.json --committee-key-file dev/committee.key";
const SEND = "--key-file dev/bob.key";

/** `solvus keeper`: what a keeper does with accounts below their margin, by itself or one act at a time. */
export function keeperCommand(state: RunState): Command {
  const command = new Command("keeper")
    .description("watch accounts, and flag, take over or reveal those below their margin")
    .addHelpText(
      "after",
      `
Accounts are private, so a keeper reads them with the risk committee's viewing key, from --committee-key-file or SOLVUS_COMMITTEE_KEY, never
from the command line. Once the contents of an account are published, anybody can read it: --revealed instead of the key. An account
is named by the place of its present note in the state tree, as \`keeper accounts\` lists it.
`,
    );
  for (const make of [runCommand, accountsCommand, flagCommand, takeOverCommand, revealCommand])
    command.addCommand(make(state));
  return command;
}

const withKey = (command: Command): Command =>
  command.option(
    "--committee-key-file <file>",
    "file with the risk committee's viewing key (default: SOLVUS_COMMITTEE_KEY)",
  );

const withSight = (command: Command): Command =>
  withKey(command).option("--revealed", "without the key: only accounts whose contents were published");

const withPlace = (command: Command): Command =>
  command.option(
    "--place <n>",
    "place of the account's note in the state tree (default: the only one below its margin)",
  );

const withKeyFile = (command: Command): Command =>
  command.option("--key-file <file>", "file with the private key that sends (default: SOLVUS_SENDER_KEY)");

interface KeeperOptions extends ChainPlace, SightOptions {
  place?: string;
  keyFile?: string;
}

/** The readable accounts at the latest snapshot. */
async function watched(
  reading: Reading,
  options: SightOptions,
): Promise<{ accounts: WatchedAccount[]; snapshot: MarketSnapshot }> {
  const snapshot = await reading.latest();
  const accounts = await readableAccounts(reading, await reading.view(), options);
  return { accounts: await watchAccounts(reading.deployed, accounts, snapshot), snapshot };
}

/** The account that an act is about. */
async function target(reading: Reading, options: KeeperOptions): Promise<WatchedAccount> {
  const place = options.place === undefined ? undefined : BigInt(wholeNumber(options.place, "--place"));
  return chooseAccount((await watched(reading, options)).accounts, place);
}

function accountsCommand(state: RunState): Command {
  const command = withSight(withChain(new Command("accounts")))
    .summary("equity, margin and state of every account")
    .description(
      "Follows every account from its escrowed opening through chain data and lists where it stands at the latest snapshot: healthy, below margin, flagged (with the auction's clock and rate) or revealed.",
    )
    .addHelpText("after", examples(["with the viewing key", `solvus keeper accounts ${CHAIN}`]));
  return does(command, state, (options: ChainPlace & SightOptions, output) =>
    withReading(options, async (reading) => {
      const { accounts, snapshot } = await watched(reading, options);
      output.result(
        {
          epoch: Number(snapshot.epoch),
          accounts: accounts.map((account) => watchedFigures(account, snapshot)),
        },
        `Epoch ${snapshot.epoch}, ${accounts.length} accounts\n\n${watchedTable(accounts)}`,
      );
    }),
  );
}

/** Proves about an account below its margin and sends it. */
async function prove(
  options: KeeperOptions,
  output: Output,
  circuit: string,
  act: typeof flag,
  report: (done: ProvenAct, account: WatchedAccount, reading: Reading) => Promise<void>,
): Promise<void> {
  await withReading(options, async (reading) => {
    const { deployed } = reading;
    const sender = senderOf(options, deployed);
    const found = await target(reading, options);
    const { note, leafIndex } = found.account;
    const done = await withProver(deployed, async (prover) => {
      await prover.warm([circuit]);
      const snapshot = await reading.latest();
      output.log(`Proving equity below maintenance margin at epoch ${snapshot.epoch}…`);
      const setting: InsolvencySetting = { deployed, prover, sender, view: await reading.view(), snapshot };
      return act(setting, { note, leafIndex });
    });
    await report(done, found, reading);
  });
}

function flagCommand(state: RunState): Command {
  const command = withKeyFile(withPlace(withSight(withChain(new Command("flag")))))
    .summary("flag an account below its margin, or renew its flag")
    .description(
      "Proves to the auction that an account's equity is below its maintenance margin at the latest snapshot. The first proof starts the auction's clock; a flag lapses ten minutes after its last proof. Shows nothing else of the account.",
    )
    .addHelpText(
      "after",
      examples(["the account at place 32", `solvus keeper flag ${CHAIN} ${SEND} --place 32`]),
    );
  return does(command, state, (options: KeeperOptions, output) =>
    prove(
      options,
      output,
      "insolvency.small",
      flag,
      async ({ receipt, proveSeconds }, { account }, { deployed }) => {
        const { leafIndex } = account;
        const { firstEpoch = 0n, permittedRate = 0n } = (await activeFlag(deployed, leafIndex)) ?? {};
        output.result(
          {
            place: leafIndex,
            firstEpoch: Number(firstEpoch),
            permittedRate: ratioFromQ16(permittedRate),
            transaction: receipt.hash,
            gas: Number(receipt.gasUsed),
            proveSeconds,
          },
          `The account at place ${leafIndex} is flagged (transaction ${receipt.hash}). It can be taken over on snapshots after epoch ${firstEpoch}, at up to ${percent(permittedRate)} now.`,
        );
      },
    ),
  );
}

function revealCommand(state: RunState): Command {
  const command = withKeyFile(withPlace(withKey(withChain(new Command("reveal")))))
    .summary("publish the contents of an account that nobody took over")
    .description(
      "From 15 minutes on the auction's clock: proves that the account is still below its margin and publishes cash, positions and the secret that hides them, so that every member can bid. Cannot be taken back.",
    )
    .addHelpText(
      "after",
      examples(["the account at place 32", `solvus keeper reveal ${CHAIN} ${SEND} --place 32`]),
    );
  return does(command, state, (options: KeeperOptions, output) =>
    prove(options, output, "insolvency.small", reveal, async ({ receipt, proveSeconds }, { account }) => {
      output.result(
        {
          place: account.leafIndex,
          transaction: receipt.hash,
          gas: Number(receipt.gasUsed),
          proveSeconds,
        },
        `The contents of the account at place ${account.leafIndex} are public (transaction ${receipt.hash}).`,
      );
    }),
  );
}

interface TakeOverOptions extends AccountOptions, SightOptions {
  place?: string;
  slice?: string;
  rate?: string;
  dryRun?: boolean;
}

function takeOverCommand(state: RunState): Command {
  const command = withPlace(withSight(withSender(withAccount(new Command("take-over")))))
    .summary("take over a slice of a flagged account")
    .description(
      "Takes over the same part of every position of a flagged account at the marks, into the keeper's own account, which has no positions and belongs to another institution. Shows what it costs and earns, proves it and submits it. The epoch must be later than that of the flag's first proof.",
    )
    .option(
      "--slice <percent>",
      "how much of every position (default: as much as the rules and the keeper's margin admit)",
    )
    .option(
      "--rate <percent>",
      "what to ask, percent of the margin taken over (default: what the auction permits now)",
    )
    .option("--dry-run", "show what it would cost and earn, and end")
    .addHelpText(
      "after",
      examples(
        [
          "the only account below its margin",
          `solvus keeper take-over ${CHAIN} --keystore birch.json --password-file birch.pass --number 2 ${SEND}`,
        ],
        [
          "from the published contents, without the key",
          `solvus keeper take-over --deployment dev/deployment.json --revealed --keystore birch.json ${SEND} --dry-run`,
        ],
      ),
    );
  return does(command, state, (options: TakeOverOptions, output) =>
    withReading(options, (reading) => takeOverAct(reading, options, output)),
  );
}

async function takeOverAct(reading: Reading, options: TakeOverOptions, output: Output): Promise<void> {
  const { deployed } = reading;
  const sender = options.dryRun === true ? undefined : senderOf(options, deployed);
  const slice = options.slice === undefined ? undefined : percentQ16(options.slice, "--slice");
  const askedRate = options.rate === undefined ? undefined : percentQ16(options.rate, "--rate");
  const { account } = await target(reading, options);
  const secrets = await secretsOf(options, deployed);
  const own = await spendableAccount(reading, secrets, options, output);
  const registry = await registryOf(deployed, options.registry);
  const planNow = async () => {
    const snapshot = await reading.latest();
    const view = await reading.view();
    const permitted = (await activeFlag(deployed, account.leafIndex))?.permittedRate;
    const rate = askedRate ?? permitted ?? 0n;
    const wish = { rate, restoration: await deployed.auction.restoration(), fee: 0n };
    const limits = await fundLimits(deployed, snapshot.epoch);
    const plan = planTakeOver(
      account,
      own,
      snapshot,
      slice === undefined ? wish : { ...wish, slice },
      limits,
    );
    await requireAdmitted(deployed, plan, snapshot);
    return { plan, snapshot, view };
  };
  if (sender === undefined) {
    const { plan } = await planNow();
    output.result({ ...takeOverFigures(plan), submitted: false }, takeOverText(plan));
    return;
  }
  const { plan, done } = await withProver(deployed, async (prover) => {
    await prover.warm(["liquidation.small"]);
    const ready = await planNow();
    output.log(`${takeOverText(ready.plan)}\n\nProving at epoch ${ready.snapshot.epoch}…`);
    const { spendSecret } = secrets;
    const { snapshot, view } = ready;
    const setting = {
      deployed,
      prover,
      sender,
      view,
      snapshot,
      spendSecret,
      ...(registry === undefined ? {} : { registry }),
    };
    return { plan: ready.plan, done: await takeOver(setting, ready.plan) };
  });
  const { receipt, proveSeconds } = done;
  output.result(
    {
      ...takeOverFigures(plan),
      submitted: true,
      transaction: receipt.hash,
      gas: Number(receipt.gasUsed),
      proveSeconds,
    },
    `The slice is taken over (transaction ${receipt.hash}). Both accounts go on once their notes are in the state tree.`,
  );
}
