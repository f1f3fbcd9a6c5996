import { Command } from "commander";
import { reading } from "../../protocol/errors.ts";
import { replayPrices } from "../../protocol/priceReplay.ts";
import { parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { readText } from "../../services/files.ts";
import { does, examples, type RunState } from "../command.ts";
import { replaySummary } from "../oracle/replayText.ts";
import { aggregateCommand, marketCommand, reportCommand } from "../oracle/services.ts";

const PRICES_FILE = "data/btc-4-venues-1m-2023-03-10_12.csv";

const REPLAY_NOTES = `
The file has the time in its first column (UTC), then for each source <venue>_<BASE><QUOTE>_close and <venue>_<BASE><QUOTE>_volume. An
interval with volume 0 or with empty cells is one without a trade. Each source is a reporter, each row an epoch, and the price is what the
oracle's contract would post.

With --json: an array with one object for each row, {time, price, sourcesUsed, sourcesLeftOut: [{source, reason}]}, where price is null and
noPrice says why if there is none, and a last object {worstDeviation}: the largest |price / dollar quote of the row - 1|, a fraction, over
the rows in which a dollar source traded; null if there is none.
`;

/** `solvus oracle`: the oracle's processes, and its price aggregation on recorded prices. */
export function oracleCommand(state: RunState): Command {
  const command = new Command("oracle").description(
    "run reporters and aggregators, or replay recorded prices through the oracle's aggregation",
  );
  for (const make of [reportCommand, aggregateCommand, marketCommand, replayCommand])
    command.addCommand(make(state));
  return command;
}

function replayCommand(state: RunState): Command {
  const command = new Command("replay")
    .summary("one epoch for each row of a file of prices")
    .description(
      "Runs recorded prices of several sources through the oracle's aggregation: the price of each epoch, the sources used, and those left out with the reason.",
    )
    .requiredOption("--prices <file>", "prices and volumes by source, CSV")
    .addHelpText(
      "after",
      REPLAY_NOTES +
        examples(["the weekend on which USDC lost its peg", `solvus oracle replay --prices ${PRICES_FILE}`]),
    );
  return does(command, state, async (options: { prices: string }, output) => {
    const text = readText(options.prices, "--prices");
    const file = reading(() => parsePricesCsv(text));
    const replay = replayPrices(file);
    output.list([...replay.epochs, { worstDeviation: replay.worstDeviation }], () =>
      replaySummary(file, replay),
    );
  });
}
