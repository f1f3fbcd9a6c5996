import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import type { NonceManager } from "ethers";
import { Misuse, reading as readingInput } from "../../protocol/errors.ts";
import { parseDecimal } from "../../protocol/fixedPoint.ts";
import type { Prover } from "../../prover/prover.ts";
import { type Reading, withReading } from "../../services/chain/reading.ts";
import { registryOf } from "../../services/chain/registryFile.ts";
import { makeTaker } from "../../services/desk/taker.ts";
import { readText } from "../../services/files.ts";
import { historyFromCsv } from "../../services/forecast/history.ts";
import type { GuardConfig } from "../../services/guard/guard.ts";
import { checkPolicy } from "../../services/guard/policy.ts";
import type { GuardDesk } from "../../services/guard/report.ts";
import { guardOnce, startGuard } from "../../services/guard/run.ts";
import { webhook } from "../../services/guard/webhook.ts";
import { type Log, makeLog } from "../../services/log.ts";
import { untilStopped } from "../../services/running.ts";
import { type AccountOptions, secretsOf, senderOf, withAccount, withProver } from "../account/session.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import { cardFrom, deskParts } from "../desk/session.ts";
import { EXIT } from "../exitCode.ts";
import { type GuardFlags, policyOf } from "../guard/flags.ts";
import { reportText } from "../guard/text.ts";
import { wholeNumber } from "../marketFlags.ts";
import type { Output } from "../output.ts";
import { secretFrom } from "../password.ts";

interface GuardOptions extends AccountOptions, GuardFlags {
  relayer?: string;
  maxGasPrice: string;
  data: string;
  prices?: string;
  webhookFile?: string;
  once?: boolean;
  wait: string;
  maker?: string[];
  deskRecord?: string;
  identity?: string;
}

const GWEI_DECIMALS = 9;
const FLAGS = "--deployment dev/deployment.json --keystore alder.json --password-file alder.pass";

/** `solvus guard`: an owner's watch over an account of his own. */
export function guardCommand(state: RunState): Command {
  const command = withAccount(new Command("guard"))
    .summary("watch an account of one's own, warn, and defend it within limits")
    .description(
      "Watches an account with its owner's secrets alone: computes its margin at each epoch and how likely it is to fall below it, warns, and, as far as the owner's limits go, deposits or closes part of its positions by trades that only lower risk. What it spends is on disk before it is spent: neither a restart nor a second run exceeds the limits. Ends a liquidation flag once the account meets its margin again.",
    )
    .option("--horizon <hours>", "how far ahead it looks", "8")
    .option("--warn-ratio <number>", "warns below this ratio of equity to maintenance margin", "1.5")
    .option("--warn-probability <percent>", "warns at this probability of falling below the margin", "5")
    .option("--act-ratio <number>", "acts below this ratio", "1.2")
    .option("--act-probability <percent>", "acts at this probability (default: on the ratio alone)")
    .option("--target-ratio <number>", "the ratio that acting aims at", "1.5")
    .option("--top-up-per-day <usd>", "most USDC that it deposits in 24 hours (default: none)")
    .option("--top-up-total <usd>", "most USDC that it deposits ever (default: that of a day)")
    .option(
      "--max-fee <usd>",
      "most USDC that a relayer is paid for a deposit, or for a half of a trade",
      "1",
    )
    .option(
      "--reduce-per-day <usd>",
      "most notional, at the marks, that it has closed in 24 hours (default: none)",
    )
    .option("--reduce-share <percent>", "most of a position that one trade closes", "50")
    .option("--concession <percent>", "what it gives away to close, of the add-ons of the lots traded", "10")
    .option("--ticket-seconds <n>", "how long a ticket can be used, in the chain's time", "600")
    .option(
      "--maker <card>",
      "asks this maker on the trade desk instead of writing a ticket (repeatable)",
      collect,
    )
    .option("--desk-record <file>", "the signed record of the desk (default: in the data directory)")
    .option("--identity <file>", "file with the desk identity's seed (default: it follows from the keystore)")
    .option("--no-clear", "leaves liquidation flags to the owner")
    .option(
      "--key-file <file>",
      "file with the private key that pays deposits and gas (default: SOLVUS_SENDER_KEY)",
    )
    .option("--max-gas-price <gwei>", "above it, nothing is sent", "200")
    .option("--relayer <url>", "submits deposits for a fee (default: the guard sends them itself)")
    .option("--registry <file>", "the institution's path or the officer's list, unless the registry is open")
    .option("--prices <file>", "recorded hourly prices to look ahead by, continued by the oracle's")
    .option(
      "--webhook-file <file>",
      "file with an address that is told what happens (default: SOLVUS_WEBHOOK)",
    )
    .option("--data <directory>", "where it remembers what it spent, and writes tickets", "guard")
    .option("--once", "looks once, does what is to be done, and ends: code 1 unless the account is healthy")
    .option("--wait <seconds>", "with --once: how long it waits for what it has begun", "120")
    .addHelpText(
      "after",
      examples(
        ["warn only", `solvus guard ${FLAGS}`],
        [
          "deposit at most 5,000 USDC a day and 20,000 in all",
          `solvus guard ${FLAGS} --key-file dev/alice.key --top-up-per-day 5000 --top-up-total 20000`,
        ],
        ["from a scheduler", `solvus guard ${FLAGS} --once --json`],
      ),
    );
  return does(command, state, guard);
}

async function guard(options: GuardOptions, output: Output): Promise<number> {
  const policy = checkPolicy(policyOf(options));
  const wait = wholeNumber(options.wait, "--wait");
  const maxGasPrice = readingInput(() => parseDecimal(options.maxGasPrice, GWEI_DECIMALS, "--max-gas-price"));
  const pays = hasKey(options);
  if (policy.topUp !== undefined && !pays)
    throw new Misuse(
      "cli.secret",
      "--key-file is absent, expected one, or SOLVUS_SENDER_KEY: deposits are paid with it",
    );
  if (options.maker !== undefined && options.relayer === undefined)
    throw new Misuse(
      "cli.relayer",
      "--relayer is absent, expected one: --maker is asked through its mailboxes",
    );
  const history =
    options.prices === undefined
      ? undefined
      : readingInput(() => historyFromCsv(readText(options.prices as string, "--prices")));
  // With --once the log goes where progress goes.
  const log =
    options.once === true
      ? makeLog("guard", { write: (line) => output.log(line.trimEnd()) })
      : makeLog("guard");
  const notify = webhookOf(options, log);
  return withReading(options, (reading) =>
    withProver(reading.deployed, async (prover) => {
      const { deployed } = reading;
      const secrets = await secretsOf(options, deployed);
      const { desk, close } = await deskOf(options, reading, prover, log);
      const config: GuardConfig = {
        deployed,
        secrets,
        policy,
        prover,
        // The guard counts transactions itself.
        ...(pays ? { payer: (senderOf(options, deployed) as NonceManager).signer } : {}),
        maxGasPrice,
        ...(options.relayer === undefined ? {} : { relayer: options.relayer }),
        registry: () => registryOf(deployed, options.registry),
        dataDirectory: options.data,
        ...(desk === undefined ? {} : { desk }),
        ...(history === undefined ? {} : { prices: history }),
        ...(notify === undefined ? {} : { notify }),
        log,
      };
      try {
        if (options.once !== true) {
          await untilStopped(startGuard(config), log);
          return EXIT.done;
        }
        const report = await guardOnce(config, wait * 1000);
        const { acts, ...standing } = report;
        output.result(
          { account: Number(secrets.number), ...standing, acts },
          reportText(secrets.number, report),
        );
        const isWell = report.state === "healthy" && !report.flagged && !report.pending;
        return isWell ? EXIT.done : EXIT.refused;
      } finally {
        close();
      }
    }),
  );
}

const hasKey = ({ keyFile }: GuardOptions): boolean =>
  keyFile !== undefined || (process.env.SOLVUS_SENDER_KEY ?? "") !== "";

function webhookOf({ webhookFile }: GuardOptions, log: Log): GuardConfig["notify"] {
  if (webhookFile === undefined && (process.env.SOLVUS_WEBHOOK ?? "") === "") return undefined;
  return webhook(secretFrom(webhookFile, "--webhook-file", "SOLVUS_WEBHOOK"), log);
}

/** Seconds of the chain's time for which makers' answers are waited for. */
const ANSWER_SECONDS = 20;

/** The desk with the makers that the options name. */
async function deskOf(
  options: GuardOptions,
  reading: Reading,
  prover: Prover,
  log: Log,
): Promise<{ desk?: GuardDesk; close: () => void }> {
  const { maker, relayer, data, deskRecord = join(data, "desk.jsonl") } = options;
  if (maker === undefined || relayer === undefined) return { close: () => {} };
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const makers = maker.map((file) => cardFrom(file, "--maker"));
  const parts = await deskParts({ ...options, relayer, record: deskRecord }, "taker", reading, prover, log);
  const taker = makeTaker(parts);
  const stopping = new AbortController();
  const { signal } = stopping;
  return {
    desk: {
      async ask(legs, worst) {
        return taker.pursue(await taker.ask({ makers, legs, worst, answerSeconds: ANSWER_SECONDS }), signal);
      },
      async resume() {
        const outcomes = [];
        for (const requestId of taker.unfinished()) outcomes.push(await taker.pursue(requestId, signal));
        return outcomes;
      },
      stop: () => stopping.abort(),
    },
    close: () => parts.record.close(),
  };
}
