import { Command } from "commander";
import { Misuse, reading } from "../../protocol/errors.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import { instrumentFigures } from "../../protocol/instrumentFigures.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { nextInputs } from "../../protocol/nextEpoch.ts";
import { parseOptionsCsv, type SkippedRow } from "../../protocol/optionsCsv.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { formatSnapshotFile, rootHex, snapshotFile } from "../../protocol/snapshotFile.ts";
import { readText, requireWritable, writeText } from "../../services/files.ts";
import { collect, does, examples, type RunState } from "../command.ts";
import { numbersByName, wholeNumber } from "../marketFlags.ts";
import { readSnapshot } from "../snapshotInput.ts";
import { instrumentDetails, snapshotSummary, snapshotTable } from "../snapshotText.ts";

const CHAIN_FILE = "data/deribit-btc-options-2020-05-21.csv";

const BUILD_NOTES = `
Mark, delta and vega are for one unit of the underlying, as venues quote them; vega is for one point (0.01) of volatility. Losses are
what one long lot loses in each of the sixteen scenarios. The file has everything that is needed to recompute the snapshot; whoever
reads it does.
`;

/** `solvus snapshot`: risk snapshots from market data. */
export function snapshotCommand(state: RunState): Command {
  const command = new Command("snapshot").description("build a risk snapshot from market data, or show one");
  command.addCommand(buildCommand(state));
  command.addCommand(showCommand(state));
  return command;
}

interface BuildOptions {
  options: string;
  out?: string;
  epoch?: string;
  price?: string[];
  realizedVolatility?: string[];
  previous?: string;
  movePrice?: string[];
  moveVolatility?: string[];
}

function buildCommand(state: RunState): Command {
  const command = new Command("build")
    .summary("a snapshot from an option chain in CSV")
    .description(
      "Builds the risk snapshot of an epoch from an option chain in CSV (columns as in data/README.md): spot, perpetual and every live option of each underlying, and further underlyings given by price.",
    )
    .requiredOption("--options <file>", "the option chain, CSV")
    .option("--out <file>", "write the snapshot file here")
    .option("--epoch <number>", "epoch of the snapshot (default: 1, or the one after --previous)")
    .option(
      "--price <NAME=USD>",
      "price of a further underlying, or of one of the chain (repeatable; default: USDT=1)",
      collect,
    )
    .option(
      "--realized-volatility <NAME=NUMBER>",
      "realized yearly volatility, such as BTC=0.8 or BTC=80% (repeatable)",
      collect,
    )
    .option(
      "--previous <file>",
      "snapshot file of an earlier epoch: listed instruments keep their ids and lots",
    )
    .option(
      "--move-price <NAME=PERCENT>",
      "then move an underlying's prices, such as BTC=-12% (repeatable)",
      collect,
    )
    .option(
      "--move-volatility <NAME=PERCENT>",
      "then move its volatilities, such as BTC=+25% (repeatable)",
      collect,
    )
    .addHelpText(
      "after",
      BUILD_NOTES +
        examples(
          [
            "the real option chain of 21 May 2020",
            `solvus snapshot build --options ${CHAIN_FILE} --out snapshot.json`,
          ],
          [
            "a stress snapshot of one's own: 12% down, volatilities a quarter up",
            `solvus snapshot build --options ${CHAIN_FILE} --move-price BTC=-12% --move-volatility BTC=+25% --out stress.json`,
          ],
        ),
    );
  return does(command, state, async (options: BuildOptions, output) => {
    if (options.out !== undefined) requireWritable(options.out, "--out");
    const { snapshot, skipped } = buildFromChain(options);
    for (const { line, name, reason } of skipped) output.log(`line ${line}: ${name} left out: ${reason}`);
    if (options.out !== undefined) writeText(options.out, formatSnapshotFile(snapshot));
    const { inputs: _, ...file } = snapshotFile(snapshot);
    const written = options.out === undefined ? "" : `\nWritten to ${options.out}.`;
    output.result(
      { ...file, skipped, out: options.out ?? null },
      snapshotSummary(snapshot, skipped) + written,
    );
  });
}

function buildFromChain(options: BuildOptions): { snapshot: MarketSnapshot; skipped: SkippedRow[] } {
  const text = readText(options.options, "--options");
  const { previous: previousFile } = options;
  const previous =
    previousFile === undefined ? undefined : readSnapshot(readText(previousFile, "--previous")).inputs;
  return reading(() => {
    const { records, skipped } = parseOptionsCsv(text);
    const inputs = inputsFromChain(records, {
      ...(options.epoch === undefined ? {} : { epoch: wholeNumber(options.epoch, "--epoch") }),
      ...(options.price === undefined ? {} : { prices: numbersByName(options.price, "--price") }),
      realizedVolatilities: numbersByName(options.realizedVolatility ?? [], "--realized-volatility"),
      ...(previous === undefined ? {} : { previous }),
    });
    const moved = movedInputs(inputs, options);
    return { snapshot: buildSnapshot(moved), skipped };
  });
}

/** The inputs after the moves that the options ask for, in the same epoch, a millisecond later. */
function movedInputs(inputs: ReturnType<typeof inputsFromChain>, options: BuildOptions) {
  const prices = factors(numbersByName(options.movePrice ?? [], "--move-price"));
  const volatilities = factors(numbersByName(options.moveVolatility ?? [], "--move-volatility"));
  const named = [...Object.keys(prices), ...Object.keys(volatilities)];
  if (named.length === 0) return inputs;
  const unknown = named.find((name) => !inputs.underlyings.some((underlying) => underlying.name === name));
  if (unknown !== undefined)
    throw new Misuse("cli.underlying", `underlying is ${unknown}, expected one that the snapshot lists`);
  return nextInputs(inputs, { time: inputs.time + 1, epoch: inputs.epoch, prices, volatilities });
}

const factors = (moves: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(moves).map(([name, move]) => [name, 1 + move]));

function showCommand(state: RunState): Command {
  const command = new Command("show")
    .summary("a snapshot file as a table")
    .description("Recomputes a snapshot file from its inputs, compares, and shows its instruments.")
    .argument("<file>", "a snapshot file")
    .option("--instrument <name>", "one instrument, by name or id, with its sixteen losses")
    .addHelpText(
      "after",
      examples(
        ["every instrument", "solvus snapshot show snapshot.json"],
        ["one of them", "solvus snapshot show snapshot.json --instrument BTC-PERPETUAL"],
      ),
    );
  return does(command, state, async (options: { instrument?: string }, output, [file]) => {
    const text = readText(file, "<file>");
    const snapshot = readSnapshot(text);
    const figures = instrumentFigures(snapshot);
    if (options.instrument === undefined) {
      const { inputs: _, ...shown } = snapshotFile(snapshot);
      output.result(shown, snapshotTable(snapshot, figures));
      return;
    }
    const { instrument: wanted } = options;
    const { id } = reading(() => findInstrument(snapshot.instruments, wanted));
    const found = figures.find((candidate) => BigInt(candidate.id) === id)!;
    const { epoch, root } = { epoch: Number(snapshot.epoch), root: rootHex(snapshot.root) };
    output.result({ epoch, root, instruments: [found] }, instrumentDetails(found));
  });
}
