import type { Command } from "commander";
import { Misuse, reading } from "../../protocol/errors.ts";
import { parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { readText } from "../../services/files.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import type { PriceSource } from "../../services/oracle/source.ts";
import { venueSource } from "../../services/oracle/venueSource.ts";
import { collect } from "../command.ts";

/** Where a reporter sees prices, as options say it. */
export interface SourceOptions {
  prices?: string;
  venue?: string[];
  shiftSeconds?: string;
}

/** Adds the options that name a source of prices. */
export function withSource(command: Command): Command {
  return command
    .option("--prices <file>", "recorded prices, CSV: closes of underlyings, or closes and volumes of venues")
    .option(
      "--venue <name>",
      "of a file of venues the one to report, such as kraken_BTCUSDC; once, or once for each key",
      collect,
    )
    .option(
      "--shift-seconds <number>",
      "seconds from the chain's time to the recording's, negative for a recording of before",
      "0",
    );
}

function secondsOf(text: string): number {
  if (!/^-?\d{1,12}$/.test(text))
    throw new Misuse(
      "cli.integer",
      `--shift-seconds is ${JSON.stringify(text)}, expected a whole number of seconds`,
    );
  return Number(text);
}

/** The sources of `count` reporters. Misuse (`cli.source`, `closesCsv.*`, `pricesCsv.*`) for options that name none. */
export function sourcesOf(options: SourceOptions, count: number): PriceSource[] {
  const { prices, venue: venues } = options;
  if (prices === undefined)
    throw new Misuse("cli.source", "--prices is absent, expected a file of recorded prices");
  const text = readText(prices, "--prices");
  const shiftSeconds = secondsOf(options.shiftSeconds ?? "0");
  if (venues === undefined) {
    const closes = reading(() => parseClosesCsv(text));
    return Array.from({ length: count }, () => closesSource(closes, { shiftSeconds }));
  }
  if (venues.length !== 1 && venues.length !== count)
    throw new Misuse(
      "cli.source",
      `--venue is there ${venues.length} times, expected once or ${count} times, once for each --key-file`,
    );
  const file = reading(() => parsePricesCsv(text));
  return Array.from({ length: count }, (_, place) =>
    reading(() => venueSource(file, (venues[place] ?? venues[0]) as string, { shiftSeconds })),
  );
}
