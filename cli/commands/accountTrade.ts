import { Command } from "commander";
import { getAddress } from "ethers";
import { Misuse, reading as readingInput } from "../../protocol/errors.ts";
import { parseDecimal, USDC_DECIMALS } from "../../protocol/fixedPoint.ts";
import { checkPackage, type Side, type TradePackage, tradeTagOf } from "../../protocol/trade.ts";
import { formatTicket, parseTicket, type TradeTicket } from "../../protocol/tradeTicket.ts";
import { formatHalf, halfSchema, provenOf } from "../../services/account/half.ts";
import { relayedTerms, requireOnChain } from "../../services/account/relayed.ts";
import { randomFieldElement } from "../../services/account/secrets.ts";
import { NOTHING, proveTransition, submitTrade } from "../../services/account/transact.ts";
import { chainTime, type Deployed } from "../../services/chain/deployment.ts";
import { type ChainPlace, withReading } from "../../services/chain/reading.ts";
import { registryForTrade } from "../../services/chain/registryFile.ts";
import { cashAtMarks } from "../../services/desk/pricing.ts";
import { readJson, readText, requireWritable, writeText } from "../../services/files.ts";
import { parseLeg } from "../account/amounts.ts";
import { type ModeName, modeOf, modeOption } from "../account/mode.ts";
import {
  mostFeeOf,
  type RelayerOptions,
  relayedFigures,
  relayerOf,
  withRelayer,
} from "../account/relayer.ts";
import {
  type AccountOptions,
  secretsOf,
  senderOf,
  spendableAccount,
  withAccount,
  withChain,
  withProver,
} from "../account/session.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { dollars } from "../table.ts";

const CHAIN = "--deployment dev/deployment.json";

/** `solvus account trade`: two owners agree on a ticket, each proves a half, anybody submits the two. */
export function tradeCommand(state: RunState): Command {
  const command = new Command("trade").description("trade with another account, in private").addHelpText(
    "after",
    `
One owner proposes a ticket and gives the file to the other. Each proves its own half, on the same epoch; a half shows nothing of the
trade. Whoever has both halves submits them before the epoch is over, and they are accepted together or not at all.
${examples(
  ["1. agree", `solvus account trade propose ${CHAIN} --leg BTC-PERPETUAL=+1 --out ticket.json`],
  [
    "2. the proposer, who receives the legs as written",
    "solvus account trade prove … --ticket ticket.json --side 0 --out first.json",
  ],
  [
    "3. the other, who receives the opposite",
    "solvus account trade prove … --ticket ticket.json --side 1 --out second.json",
  ],
  ["4. anybody", `solvus account trade submit ${CHAIN} --key-file dev/alice.key first.json second.json`],
)}`,
  );
  command.addCommand(proposeCommand(state));
  command.addCommand(proveCommand(state));
  command.addCommand(submitCommand(state));
  return command;
}

interface ProposeOptions extends ChainPlace {
  leg: string[];
  cash?: string;
  lifetime: string;
  out: string;
}

function proposeCommand(state: RunState): Command {
  const command = withChain(new Command("propose"))
    .summary("write a trade ticket")
    .description(
      "Writes a ticket: up to four legs as side 0 receives them, and the cash it receives. Give it to the counterparty alone.",
    )
    .requiredOption(
      "--leg <INSTRUMENT=UNITS>",
      "what side 0 receives; negative: what it gives (repeatable)",
      collect,
    )
    .option(
      "--cash <usd>",
      "USDC that side 0 receives; negative: what it pays (default: the legs at their marks)",
    )
    .option("--lifetime <seconds>", "how long the ticket can be used, in the chain's time", "600")
    .requiredOption("--out <file>", "the ticket")
    .addHelpText(
      "after",
      examples([
        "buy a call spread",
        `solvus account trade propose ${CHAIN} --leg BTC-26JUN20-10000-C=+1 --leg BTC-26JUN20-12000-C=-1 --out ticket.json`,
      ]),
    );
  return does(command, state, async (options: ProposeOptions, output) => {
    requireWritable(options.out, "--out");
    await withReading(options, async ({ deployed, latest }) => {
      const snapshot = await latest();
      const legs = options.leg.map((leg) => parseLeg(leg, snapshot));
      legs.sort((one, other) => (one.id < other.id ? -1 : 1));
      const { cash: wanted } = options;
      const cash =
        wanted === undefined
          ? cashAtMarks(legs, snapshot)
          : readingInput(() => parseDecimal(wanted, USDC_DECIMALS, "--cash"));
      const trade: TradePackage = { legs, cash, salt: randomFieldElement() };
      readingInput(() => checkPackage(trade));
      const deadline = BigInt((await chainTime(deployed)) + wholeNumber(options.lifetime, "--lifetime", 1));
      const { chainId, ledger } = deployed.chain;
      writeText(options.out, formatTicket({ chainId, ledger, package: trade, deadline }), { secret: true });
      output.result(
        { out: options.out, legs, cash, deadline, tradeTag: tradeTagOf(trade) },
        `Ticket in ${options.out}: side 0 ${cash < 0n ? "pays" : "receives"} ${dollars(cash < 0n ? -cash : cash)} USDC. Its salt is a secret of the two parties.`,
      );
    });
  });
}

interface ProveOptions extends AccountOptions, RelayerOptions {
  mode: ModeName;
  ticket: string;
  side: string;
  out: string;
}

/** The ticket of a file; misuse when it is malformed or of another ledger. */
function ticketFor({ ticket: file }: ProveOptions, { chain }: Deployed): TradeTicket {
  const ticket = readingInput(() => parseTicket(readText(file, "--ticket")));
  if (ticket.chainId !== chain.chainId || getAddress(ticket.ledger) !== chain.ledger)
    throw new Misuse(
      "ticket.ledger",
      `ticket is for ledger ${ticket.ledger} on chain ${ticket.chainId}, expected ${chain.ledger} on ${chain.chainId}`,
    );
  return ticket;
}

function proveCommand(state: RunState): Command {
  const command = withRelayer(withAccount(new Command("prove")))
    .summary("prove one half of a ticket")
    .description("Proves that one side of a ticket follows the margin rules, and writes the half to submit.")
    .requiredOption("--ticket <file>", "the ticket that both parties have")
    .requiredOption("--side <0|1>", "0 receives the legs as written, 1 the opposite")
    .requiredOption("--out <file>", "the proven half")
    .option("--registry <file>", "the compliance officer's list, unless the registry is open")
    .option("--wait <seconds>", "how long to wait for the account's note to be in the state tree", "120")
    .addOption(modeOption("normal", "reduce-only"))
    .addHelpText(
      "after",
      examples([
        "the proposer's half",
        `solvus account trade prove ${CHAIN} --keystore alder.json --password-file alder.pass --ticket ticket.json --side 0 --out first.json`,
      ]),
    );
  return does(command, state, async (options: ProveOptions, output) => {
    requireWritable(options.out, "--out");
    if (options.side !== "0" && options.side !== "1")
      throw new Misuse("cli.side", `--side is ${JSON.stringify(options.side)}, expected 0 or 1`);
    const side: Side = options.side === "0" ? 0 : 1;
    const mostFee = mostFeeOf(options);
    await withReading(options, async (reading) => {
      const { deployed } = reading;
      const ticket = ticketFor(options, deployed);
      const secrets = await secretsOf(options, deployed);
      const account = await spendableAccount(reading, secrets, options, output);
      const registry = await registryForTrade(deployed, options.registry);
      const { ready, epoch } = await withProver(deployed, async (prover) => {
        await prover.warm(["transition.small"]);
        const snapshot = await reading.latest();
        output.log(`Proving side ${side} at epoch ${snapshot.epoch}…`);
        const relayer = relayerOf(options);
        const terms = relayer && (await relayedTerms(relayer, deployed, mostFee));
        const fee = terms?.fee ?? 0n;
        const request = { ...NOTHING, mode: modeOf(options), fee, trade: { package: ticket.package, side } };
        const { deadline } = ticket;
        const proven = await proveTransition(deployed, prover, account, request, {
          snapshot,
          registry,
          deadline,
          ...(terms && { relayer: terms.relayer }),
        });
        return { ready: proven, epoch: snapshot.epoch };
      });
      writeText(options.out, formatHalf(ready.proven));
      output.result(
        { out: options.out, side, epoch: Number(epoch), proveSeconds: ready.proveSeconds },
        `Half of side ${side} in ${options.out}, proven at epoch ${epoch}.`,
      );
    });
  });
}

interface SubmitOptions extends ChainPlace, RelayerOptions {
  keyFile?: string;
}

function submitCommand(state: RunState): Command {
  const command = withRelayer(withChain(new Command("submit")))
    .summary("submit the two halves of a trade")
    .description(
      "Submits two proven halves, which the ledger accepts together or not at all. A relayer takes one alone and waits for the other: each party hands in its own.",
    )
    .argument("<halves...>", "the two proven halves; with --relayer one may do")
    .option("--key-file <file>", "file with the private key that sends (default: SOLVUS_SENDER_KEY)")
    .addHelpText(
      "after",
      examples(
        [
          "both halves",
          `solvus account trade submit ${CHAIN} --key-file dev/alice.key first.json second.json`,
        ],
        ["one's own half", `solvus account trade submit ${CHAIN} --relayer http://127.0.0.1:9420 first.json`],
      ),
    );
  return does(command, state, async (options: SubmitOptions, output, files) => {
    const relayer = relayerOf(options);
    if (files.length > 2 || (relayer === undefined && files.length < 2))
      throw new Misuse("cli.halves", `<halves> are ${files.length}, expected 2, or 1 or 2 with --relayer`);
    const halves = files.map((file) => provenOf(readJson(file, "<halves>", halfSchema)));
    await withReading(options, async ({ deployed }) => {
      if (relayer === undefined) {
        const sender = senderOf(options, deployed);
        const { hash, gasUsed } = await submitTrade(deployed, sender, halves[0]!, halves[1]!);
        output.result(
          { transaction: hash, gas: Number(gasUsed) },
          `The trade is done (transaction ${hash}).`,
        );
        return;
      }
      await relayedTerms(relayer, deployed);
      const before = await deployed.provider.getBlockNumber();
      const ids: string[] = [];
      for (const transition of halves)
        ids.push((await relayer.submit({ kind: "transition", transition })).id);
      output.log("The relayer has it next…");
      const relayed = await relayer.wait(ids[0]!);
      await requireOnChain(deployed, { kind: "transition", transition: halves[0]! }, before);
      output.result(relayedFigures(relayed), `The trade is done (transaction ${relayed.transaction}).`);
    });
  });
}
