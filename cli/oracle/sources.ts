import type { Command } from "commander";
import { Misuse, reading } from "../../protocol/errors.ts";
import { parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { readText } from "../../services/files.ts";
import type { Log } from "../../services/log.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import { DERIBIT, deribitSource } from "../../services/oracle/deribitSource.ts";
import type { PriceSource } from "../../services/oracle/source.ts";
import { venueSource } from "../../services/oracle/venueSource.ts";
import { collect } from "../command.ts";

/** Where a reporter sees prices, as options say it. */
export interface SourceOptions {
  prices?: string;
  venue?: string[];
  shiftSeconds?: string;
  deribit?: string | true;
  underlying?: string[];
  option?: string[];
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
    )
    .option(
      "--deribit [url]",
      `instead of a recording the exchange Deribit, by its public WebSocket interface (${DERIBIT})`,
    )
    .option("--underlying <name>", "at Deribit: an underlying; once for each (default: BTC and ETH)", collect)
    .option(
      "--option <name>",
      "at Deribit: an option by the venue's name, such as BTC-30SEP22-60000-C; once for each",
      collect,
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
export function sourcesOf(options: SourceOptions, count: number, log: Log): PriceSource[] {
  const { prices, deribit } = options;
  if ((prices === undefined) === (deribit === undefined))
    throw new Misuse("cli.source", "expected either --prices with a file of recorded prices, or --deribit");
  return prices === undefined ? deribitSources(options, count, log) : recordedSources(options, count, prices);
}

/** One connection for all: they are of one process. */
function deribitSources(options: SourceOptions, count: number, log: Log): PriceSource[] {
  const { deribit, underlying = ["BTC", "ETH"], option = [] } = options;
  if (deribit !== true && deribit !== undefined && !/^wss?:\/\//.test(deribit))
    throw new Misuse("cli.source", "--deribit is not a URL that begins with ws:// or wss://, expected one");
  for (const name of underlying)
    if (!/^[A-Z]{2,8}$/.test(name))
      throw new Misuse(
        "cli.source",
        `--underlying is ${JSON.stringify(name)}, expected the venue's name, such as BTC`,
      );
  const source = deribitSource({
    underlyings: underlying,
    options: option,
    log,
    ...(typeof deribit === "string" && { url: deribit }),
  });
  return Array.from({ length: count }, () => source);
}

function recordedSources(options: SourceOptions, count: number, prices: string): PriceSource[] {
  const { venue: venues } = options;
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
