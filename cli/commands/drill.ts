import { Command } from "commander";
import { does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { momentOf } from "../moment.ts";

interface DrillOptions {
  prices: string;
  accounts: string;
  out: string;
  seed: string;
  from?: string;
  to?: string;
  /** False with `--no-outage`. */
  outage: boolean;
}

const JANUARY = "data/btc-eth-1h-2021-01.csv";

/** `solvus drill`: a crash on recorded prices, through all services. */
export function drillCommand(state: RunState): Command {
  const command = new Command("drill")
    .summary("play a crash on recorded prices through all services, and audit the ledger")
    .description(
      "Runs everything that `solvus up` runs, opens accounts that trade through the relayer, and moves the chain's clock along recorded prices: accounts fall below their margin, are flagged, auctioned and taken over; for a part of the time no keeper runs, so that some end with less than nothing and the insurance fund pays. Every proof is real. Ends with a summary, an HTML report with plots, and an audit of the ledger from chain data; exit code 1 if that finds a fault.",
    )
    .requiredOption("--prices <file>", "closes, CSV: a column of times, then one for each underlying")
    .option("--accounts <n>", "accounts in all, two of them the keeper's", "12")
    .option("--out <directory>", "where report.html, summary.json and the services' logs go", "drill")
    .option("--seed <n>", "of the population", "1")
    .option("--from <time>", "first price that is played, UTC (default: the file's greatest fall is found)")
    .option("--to <time>", "last price that is played")
    .option("--no-outage", "keepers run all the time")
    .addHelpText(
      "after",
      examples(
        ["the fall of 11 January 2021", `solvus drill --prices ${JANUARY}`],
        [
          "another day, with more accounts",
          `solvus drill --prices ${JANUARY} --from 2021-01-21 --to 2021-01-22 --accounts 40 --out drill-21`,
        ],
      ),
    );
  return does(command, state, async (options: DrillOptions, output) => {
    const { runDrill } = await import("../drill/drill.ts");
    const { from, to } = options;
    await runDrill(
      {
        prices: options.prices,
        out: options.out,
        accounts: wholeNumber(options.accounts, "--accounts"),
        seed: wholeNumber(options.seed, "--seed"),
        window: {
          outage: options.outage,
          ...(from === undefined ? {} : { from: momentOf(from, "--from").getTime() }),
          ...(to === undefined ? {} : { to: momentOf(to, "--to").getTime() }),
        },
      },
      output,
    );
  });
}
