import { existsSync } from "node:fs";
import { Command } from "commander";
import { standingFlags } from "../../protocol/auctionEvents.ts";
import { entityOf } from "../../protocol/note.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { type Account, countAccounts } from "../../prover/account.ts";
import { saveAccount } from "../../prover/accountFile.ts";
import { createKeystore } from "../../prover/keystore.ts";
import type { Prover } from "../../prover/prover.ts";
import { accountSecrets, entitySecretOf } from "../../prover/secrets.ts";
import { throughEpochs } from "../../services/account/again.ts";
import { openAccount, proveOpening } from "../../services/account/open.ts";
import { relay, relayedTerms } from "../../services/account/relayed.ts";
import { accountOf, type Reading, scopeOf, withReading } from "../../services/chain/reading.ts";
import { registryOf } from "../../services/chain/registryFile.ts";
import { requireWritable } from "../../services/files.ts";
import {
  mostFeeOf,
  type RelayerOptions,
  relayedFigures,
  relayerOf,
  withRelayer,
} from "../account/relayer.ts";
import {
  type AccountOptions,
  masterOf,
  secretsOf,
  senderOf,
  withAccount,
  withChain,
  withKeystore,
  withProver,
  withSender,
} from "../account/session.ts";
import { positionLines, positionsOf, standingFigures } from "../accountText.ts";
import { does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { secretFrom } from "../password.ts";
import { flagLines, takeOverLines, takeOversOf } from "../takeOverText.ts";
import { clearCommand } from "./accountClear.ts";
import { depositCommand, withdrawCommand } from "./accountFlow.ts";
import { tradeCommand } from "./accountTrade.ts";

/** Options that the examples share. */
const FLAGS = "--deployment dev/deployment.json --keystore alder.json";

/** `solvus account`: what an institution does with its accounts. */
export function accountCommand(state: RunState): Command {
  const command = new Command("account")
    .description("open, fund, trade and show private accounts")
    .addHelpText(
      "after",
      `
Accounts live on a chain: --rpc is its endpoint, --deployment says where the contracts are. An institution keeps one master secret
in an encrypted keystore; everything else about its accounts follows from it and the chain. Passwords come from --password-file or
SOLVUS_PASSWORD, the key that sends transactions from --key-file or SOLVUS_SENDER_KEY, never from the command line. \`solvus dev\` starts
a local chain to try this on.
`,
    );
  const makers = [openCommand, depositCommand, withdrawCommand, tradeCommand, showCommand, recoverCommand];
  for (const make of [...makers, clearCommand, entityCommand]) command.addCommand(make(state));
  return command;
}

interface OpenFigures extends Record<string, unknown> {
  transaction?: string;
  proveSeconds: number;
}

function openCommand(state: RunState): Command {
  const command = withRelayer(withSender(withKeystore(withChain(new Command("open")))))
    .summary("open an empty account")
    .description(
      "Opens the institution's next account, empty. Makes the keystore, with a new master secret, when the file does not exist. With --relayer no key is needed.",
    )
    .option("--number <n>", "the account's number (default: the next one)")
    .addHelpText(
      "after",
      examples([
        "the first account",
        `solvus account open ${FLAGS} --password-file alder.pass --key-file dev/alice.key`,
      ]),
    );
  return does(command, state, (options: AccountOptions & RelayerOptions, output) =>
    withReading(options, async (reading) => {
      const { deployed } = reading;
      const relayer = relayerOf(options);
      const mostFee = mostFeeOf(options);
      const sender = relayer === undefined ? senderOf(options, deployed) : undefined;
      const registry = await registryOf(deployed, options.registry);
      if (!existsSync(options.keystore)) {
        requireWritable(options.keystore, "--keystore");
        const password = secretFrom(options.passwordFile, "--password-file", "SOLVUS_PASSWORD");
        await createKeystore(options.keystore, password);
        output.log(`New master secret in ${options.keystore}: keep the file and its password.`);
      }
      const master = await masterOf(options);
      const number =
        options.number === undefined
          ? (await countAccounts(master, scopeOf(deployed), await reading.view())) + 1n
          : BigInt(wholeNumber(options.number, "--number", 1));
      const secrets = accountSecrets(master, number, scopeOf(deployed));
      const open = async (prover: Prover): Promise<OpenFigures> => {
        output.log(`Proving the opening of account ${number}…`);
        if (relayer === undefined) {
          const { receipt, proveSeconds } = await openAccount(deployed, prover, sender!, secrets, registry);
          return { transaction: receipt.hash, gas: Number(receipt.gasUsed), proveSeconds };
        }
        const terms = await relayedTerms(relayer, deployed, mostFee);
        const { opening, proveSeconds } = await proveOpening(deployed, prover, secrets, {
          relayer: terms.relayer,
          ...(registry === undefined ? {} : { registry }),
        });
        return {
          ...relayedFigures(await relay(relayer, deployed, { kind: "opening", opening })),
          proveSeconds,
        };
      };
      const figures = await withProver(deployed, (prover) =>
        throughEpochs(
          () => open(prover),
          () => output.log("The epoch has passed meanwhile."),
        ),
      );
      output.result(
        { number: Number(number), ...figures },
        `Account ${number} is open (transaction ${figures.transaction}). It can be used once its note is in the state tree.`,
      );
    }),
  );
}

/** What `show` and `recover` tell of an account. */
async function accountReport(reading: Reading, account: Account): Promise<{ value: object; text: string }> {
  const snapshot = await reading.latest();
  const { note, leafIndex, inserted, changes, secrets } = account;
  const standing = standingOf(note, snapshot);
  const positions = positionsOf(note, snapshot);
  const transitions = changes.filter((change) => change.as === "owner").length;
  const takeOvers = takeOversOf(changes);
  const { chain } = reading.deployed;
  const flag = standingFlags(await chain.auctionEvents(0, await chain.blockNumber())).get(leafIndex);
  const value = {
    number: Number(secrets.number),
    entity: note.entity,
    leafIndex,
    inserted,
    transitions,
    takeOvers,
    flag: flag ?? null,
    epoch: Number(snapshot.epoch),
    cashMicroUsdc: note.cash,
    positions,
    ...standingFigures(standing, snapshot),
  };
  const place = `note at place ${leafIndex}, ${inserted ? "in the state tree" : "waiting in the queue"}`;
  const head = `Account ${secrets.number} of entity ${note.entity}\n${place}; ${transitions} transitions; epoch ${snapshot.epoch}`;
  return {
    value,
    text: [
      head,
      ...takeOverLines(takeOvers),
      ...flagLines(flag),
      "",
      ...positionLines(note, standing, snapshot),
    ].join("\n"),
  };
}

function showCommand(state: RunState): Command {
  const command = withAccount(new Command("show"))
    .summary("cash, positions, equity and margin of an account")
    .description("Shows an account at the latest snapshot, as its secrets and the chain alone give it.")
    .addHelpText("after", examples(["account 1", `solvus account show ${FLAGS} --password-file alder.pass`]));
  return does(command, state, (options: AccountOptions, output) =>
    withReading(options, async (reading) => {
      const secrets = await secretsOf(options, reading.deployed);
      const { value, text } = await accountReport(reading, await accountOf(reading, secrets));
      output.result(value, text);
    }),
  );
}

function recoverCommand(state: RunState): Command {
  const command = withAccount(new Command("recover"))
    .summary("rebuild an account's state file from secrets and chain data")
    .description(
      "Follows the account from its opening through its encrypted changes on the chain, and writes its present state. Needs the keystore and nothing else.",
    )
    .requiredOption("--out <file>", "the state file; it lets its holder read the account, not spend from it")
    .addHelpText(
      "after",
      examples([
        "account 1",
        `solvus account recover ${FLAGS} --password-file alder.pass --out alder.account.json`,
      ]),
    );
  return does(command, state, async (options: AccountOptions & { out: string }, output) => {
    requireWritable(options.out, "--out");
    await withReading(options, async (reading) => {
      const { deployed } = reading;
      const secrets = await secretsOf(options, deployed);
      const account = await accountOf(reading, secrets);
      const { value, text } = await accountReport(reading, account);
      await saveAccount(options.out, { ...scopeOf(deployed), number: secrets.number }, account);
      output.result({ ...value, out: options.out }, `${text}\nWritten to ${options.out}.`);
    });
  });
}

function entityCommand(state: RunState): Command {
  const command = withKeystore(new Command("entity"))
    .summary("the institution's public identity")
    .description(
      "Prints the entity behind a keystore: what the compliance officer lists and auditors know the institution by.",
    )
    .option("--create", "make the keystore, with a new master secret")
    .addHelpText(
      "after",
      examples([
        "a new institution",
        "solvus account entity --keystore alder.json --password-file alder.pass --create",
      ]),
    );
  return does(command, state, async (options: AccountOptions & { create?: boolean }, output) => {
    if (options.create === true) {
      requireWritable(options.keystore, "--keystore");
      await createKeystore(
        options.keystore,
        secretFrom(options.passwordFile, "--password-file", "SOLVUS_PASSWORD"),
      );
    }
    const entity = entityOf(entitySecretOf(await masterOf(options)));
    output.result({ entity }, String(entity));
  });
}
