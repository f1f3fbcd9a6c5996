import { readFileSync } from "node:fs";
import { OPTION_CHAIN } from "../../cli/demo/market.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { pricesOf, withPrices } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";

/** The demo's option chain with every eighth of its options, as a file holds it. */
export function shortChain(): string {
  const [header, ...options] = readFileSync(OPTION_CHAIN, "utf8").trimEnd().split(/\r?\n/);
  return `${[header, ...options.filter((_, place) => place % 8 === 0)].join("\n")}\n`;
}

/**
 * The first snapshot of the short chain, for tests that do not look at options: an eighth of the hashing, the same margins of everything
 * else.
 */
export function shortSnapshot(): MarketSnapshot {
  const inputs = inputsFromChain(parseOptionsCsv(shortChain()).records);
  return buildSnapshot(withPrices(inputs, pricesOf(inputs)));
}
