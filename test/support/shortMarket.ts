import { readFileSync } from "node:fs";
import { OPTION_CHAIN } from "../../cli/demo/market.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { pricesOf, withPrices } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";

/**
 * The demo's first snapshot with every eighth of its options, for tests that do not look at options: an eighth of the hashing, the same margins of
 * everything else.
 */
export function shortSnapshot(): MarketSnapshot {
  const { records } = parseOptionsCsv(readFileSync(OPTION_CHAIN, "utf8"));
  const inputs = inputsFromChain(records.filter((_, place) => place % 8 === 0));
  return buildSnapshot(withPrices(inputs, pricesOf(inputs)));
}
