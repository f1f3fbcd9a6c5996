import { randomBytes } from "node:crypto";
import { Command } from "commander";
import { Misuse, reading as readingInput } from "../../protocol/errors.ts";
import { parseDecimal, USDC_DECIMALS } from "../../protocol/fixedPoint.ts";
import { createPrivateFile } from "../../prover/privateFile.ts";
import { withReading } from "../../services/chain/reading.ts";
import { cardOf, deskSeed, identityOf, SEED_BYTES } from "../../services/desk/identity.ts";
import { judgeRecord } from "../../services/desk/judgement.ts";
import { startMaker } from "../../services/desk/maker.ts";
import { type InquiryResult, makeTaker } from "../../services/desk/taker.ts";
import { readText, requireWritable, writeText } from "../../services/files.ts";
import { makeLog } from "../../services/log.ts";
import { untilStopped } from "../../services/running.ts";
import { parseLeg } from "../account/amounts.ts";
import { masterOf, withProver } from "../account/session.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import { cardFrom, type DeskOptions, deskParts, seedOf, withDesk, withIdentity } from "../desk/session.ts";
import { inquiryText, judgementText } from "../desk/text.ts";
import { EXIT } from "../exitCode.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";
import type { Output } from "../output.ts";

const FLAGS = "--deployment dev/deployment.json --keystore alder.json --password-file alder.pass";

/** `solvus desk`: owners find one another and trade, in private. */
export function deskCommand(state: RunState): Command {
  const command = new Command("desk")
    .description("ask makers for firm quotes, and trade, in private")
    .addHelpText(
      "after",
      `
Owners exchange cards once, files without a secret. A taker asks several makers for a package; firm quotes come back and the best is taken;
both prove their halves and the relayer submits them together. Everything that is said is encrypted from owner to owner: the relayer sees
sealed envelopes of two sizes. Each side keeps a signed record, from which an interrupted trade goes on.
${examples(
  [
    "1. a maker's card",
    "solvus desk identity --keystore birch.json --password-file birch.pass --out birch.card.json",
  ],
  ["2. the maker quotes", "solvus desk quote … --record birch.jsonl --spread-bps 5"],
  [
    "3. a taker asks",
    "solvus desk request … --record alder.jsonl --maker birch.card.json --leg BTC-PERPETUAL=+1",
  ],
  ["4. anybody shown the record", "solvus desk records verify alder.jsonl"],
)}`,
    );
  for (const make of [identityCommand, requestCommand, resumeCommand, quoteCommand, recordsCommand])
    command.addCommand(make(state));
  return command;
}

interface IdentityOptions {
  keystore?: string;
  passwordFile?: string;
  identity?: string;
  create?: boolean;
  name?: string;
  out?: string;
}

function identityCommand(state: RunState): Command {
  const command = withIdentity(new Command("identity"))
    .summary("the card that others know and reach one by")
    .description(
      "Prints or writes the card of a desk identity, which follows from a keystore or from a seed in a file of its own. A card holds no secret.",
    )
    .option("--keystore <file>", "the institution's encrypted master secret")
    .option("--password-file <file>", "file with the keystore's password (default: SOLVUS_PASSWORD)")
    .option("--create", "make the identity's file, with a new seed")
    .option("--name <text>", "a name for people, up to 60 characters")
    .option("--out <file>", "the card's file (default: standard output)")
    .addHelpText(
      "after",
      examples(
        [
          "of a keystore",
          "solvus desk identity --keystore birch.json --password-file birch.pass --out birch.card.json",
        ],
        ["one of its own", "solvus desk identity --identity desk.seed --create --out birch.card.json"],
      ),
    );
  return does(command, state, async (options: IdentityOptions, output) => {
    const { keystore, identity: file, name, out } = options;
    if (out !== undefined) requireWritable(out, "--out");
    if ((keystore === undefined) === (file === undefined))
      throw new Misuse("cli.identity", "--keystore and --identity: expected one of the two");
    if (name !== undefined && (name.length === 0 || name.length > 60))
      throw new Misuse("cli.name", `--name has ${name.length} characters, expected 1 to 60`);
    if (file !== undefined && options.create === true) {
      requireWritable(file, "--identity");
      if (!createPrivateFile(file, `${randomBytes(SEED_BYTES).toString("hex")}\n`))
        throw new Misuse(
          "cli.identity",
          `--identity is ${JSON.stringify(file)}, which exists, expected a new file`,
        );
    }
    const seed =
      file === undefined
        ? deskSeed(await masterOf({ ...options, keystore: keystore as string }))
        : seedOf(file);
    const card = cardOf(identityOf(seed), name);
    const text = JSON.stringify(card, null, 2);
    if (out === undefined) return output.result(card, text);
    writeText(out, `${text}\n`);
    output.result({ ...card, out }, `Card in ${out}: signing key ${card.signingKey}.`);
  });
}

interface RequestOptions extends DeskOptions {
  maker: string[];
  leg: string[];
  worst?: string;
  answerSeconds: string;
}

/** Progress for people, of which nothing is secret. */
const STAGES: Record<string, string> = {
  asked: "Asked. Waiting for quotes…",
  quoted: "A quote came in.",
  accepted: "The best quote is taken. Waiting for its maker…",
  confirmed: "The maker has confirmed.",
  round: "A snapshot is named, on which both prove.",
  proving: "Proving this half…",
  submitted: "This half is with the relayer.",
};

const progress = (output: Output) => (stage: string) => {
  const line = STAGES[stage];
  if (line !== undefined) output.log(line);
};

const quiet = makeLog("desk", { write: () => {} });

function requestCommand(state: RunState): Command {
  const command = withDesk(new Command("request"))
    .summary("ask makers for quotes, take the best, trade")
    .description(
      "Asks makers for firm quotes on a package of up to four legs, takes the best, proves this side's half and waits until the trade is on the chain. What is interrupted goes on with `desk resume`.",
    )
    .requiredOption("--maker <card>", "card of a maker to ask (repeatable)", collect)
    .requiredOption(
      "--leg <INSTRUMENT=UNITS>",
      "what you receive; negative: what you give (repeatable)",
      collect,
    )
    .option("--worst <usd>", "least USDC that you receive; negative: most that you pay (default: any)")
    .option("--answer-seconds <n>", "how long to wait for quotes, in the chain's time", "20")
    .addHelpText(
      "after",
      examples([
        "buy one bitcoin perpetual for at most 9,100 USDC",
        `solvus desk request ${FLAGS} --record alder.jsonl --maker birch.card.json --maker cedar.card.json --leg BTC-PERPETUAL=+1 --worst -9100`,
      ]),
    );
  return does(command, state, async (options: RequestOptions, output) => {
    const makers = options.maker.map((file) => cardFrom(file, "--maker"));
    const { worst: worstText } = options;
    const worst =
      worstText === undefined
        ? undefined
        : readingInput(() => parseDecimal(worstText, USDC_DECIMALS, "--worst"));
    const answerSeconds = wholeNumber(options.answerSeconds, "--answer-seconds", 1);
    return dealt(options, output, async (taker, snapshot) => {
      const legs = options.leg.map((leg) => parseLeg(leg, snapshot));
      return [await taker.ask({ makers, legs, answerSeconds, ...(worst === undefined ? {} : { worst }) })];
    });
  });
}

function resumeCommand(state: RunState): Command {
  const command = withDesk(new Command("resume"))
    .summary("go on with what was interrupted")
    .description("Goes on with every request in the record that has neither ended nor led to a trade.")
    .addHelpText("after", examples(["after a crash", `solvus desk resume ${FLAGS} --record alder.jsonl`]));
  return does(command, state, (options: DeskOptions, output) =>
    dealt(options, output, async (taker) => taker.unfinished()),
  );
}

/** Pursues requests to their ends and tells of them; exit code 1 unless each led to a trade. */
async function dealt(
  options: DeskOptions,
  output: Output,
  begin: (taker: ReturnType<typeof makeTaker>, snapshot: Parameters<typeof parseLeg>[1]) => Promise<string[]>,
): Promise<number> {
  return withReading(options, (reading) =>
    withProver(reading.deployed, async (prover) => {
      const parts = await deskParts(options, "taker", reading, prover, quiet);
      try {
        const taker = makeTaker({ ...parts, onStage: progress(output) });
        const requestIds = await begin(taker, await reading.latest());
        const results: InquiryResult[] = [];
        for (const requestId of requestIds) results.push(await taker.pursue(requestId));
        output.result(
          { requests: results },
          results.map(inquiryText).join("\n\n") || "Nothing in the record is unfinished.",
        );
        return results.every(({ outcome }) => outcome === "landed") ? EXIT.done : EXIT.refused;
      } finally {
        parts.record.close();
      }
    }),
  );
}

interface QuoteOptions extends DeskOptions {
  spreadBps: string;
  maxNotional: string;
  maxPosition: string;
  cushion: string;
  quoteSeconds: string;
  settleSeconds: string;
  taker?: string[];
}

function quoteCommand(state: RunState): Command {
  const command = withDesk(new Command("quote"))
    .summary("quote as a maker, until it is stopped")
    .description(
      "Answers requests with firm quotes at the marks and a spread, within limits, and settles what is taken. Its log goes to standard output; it ends with Ctrl-C, and goes on where it was when started again.",
    )
    .option("--spread-bps <n>", "hundredths of a percent of the package's gross value", "10")
    .option("--max-notional <usd>", "most gross value of a package", "100000")
    .option("--max-position <usd>", "most value of the own position in one instrument afterwards", "500000")
    .option("--cushion <usd>", "what the account keeps above initial margin, whatever is taken", "0")
    .option("--quote-seconds <n>", "how long a quote can be taken, in the chain's time", "30")
    .option("--settle-seconds <n>", "how long both have to prove after that, in the chain's time", "300")
    .option(
      "--taker <card>",
      "card of one who may ask (repeatable; default: whoever has this one's card)",
      collect,
    )
    .addHelpText(
      "after",
      examples([
        "five basis points, for two takers",
        `solvus desk quote ${FLAGS} --record birch.jsonl --spread-bps 5 --taker alder.card.json --taker cedar.card.json`,
      ]),
    );
  return does(command, state, async (options: QuoteOptions) => {
    const takers = options.taker?.map((file) => cardFrom(file, "--taker").signingKey);
    const rules = {
      spreadBasisPoints: BigInt(wholeNumber(options.spreadBps, "--spread-bps")),
      maxNotional: usdcAmount(options.maxNotional, "--max-notional"),
      maxPosition: usdcAmount(options.maxPosition, "--max-position"),
      cushion: usdcAmount(options.cushion, "--cushion"),
      quoteSeconds: wholeNumber(options.quoteSeconds, "--quote-seconds", 1),
      settleSeconds: wholeNumber(options.settleSeconds, "--settle-seconds", 1),
      ...(takers === undefined ? {} : { takers }),
    };
    const log = makeLog("desk");
    await withReading(options, (reading) =>
      withProver(reading.deployed, async (prover) => {
        const parts = await deskParts(options, "maker", reading, prover, log);
        const maker = startMaker({ ...parts, rules });
        log.info({ signingKey: parts.identity.signing.key }, "quoting");
        prover.warm(["transition.small"]).catch((error) => log.error({ err: error }, "keys not loaded"));
        await untilStopped(maker, log);
      }),
    );
  });
}

function recordsCommand(state: RunState): Command {
  const command = new Command("records").description("check signed records of quotes");
  command.addCommand(verifyCommand(state));
  return command;
}

function verifyCommand(state: RunState): Command {
  const command = new Command("verify")
    .summary("check a record, and whether the best quotes were taken")
    .description(
      "Checks that a record is unbroken, that its owner signed each entry and the speakers each message, and, in a taker's, that each quote that was taken was the best of those that could be. Ends with 1 if anything does not hold.",
    )
    .argument("<record>", "the record's file")
    .option("--known <hash>", "hash of an entry that was shown before: it must still be there")
    .addHelpText("after", examples(["best execution", "solvus desk records verify alder.jsonl"]));
  return does(command, state, async (options: { known?: string }, output, [file]) => {
    const judgement = judgeRecord(readText(file as string, "<record>"), options.known);
    output.result(judgement, judgementText(judgement));
    return judgement.requests.every(({ best }) => best !== false) ? EXIT.done : EXIT.refused;
  });
}
