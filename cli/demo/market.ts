import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { type MarketMove, nextInputs, settleExpiry } from "../../protocol/nextEpoch.ts";
import { type OptionRecord, parseOptionsCsv } from "../../protocol/optionsCsv.ts";
import { pricesOf, withPrices } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { isSteady } from "../../protocol/steadiness.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { chainTime } from "../../services/chain/deployment.ts";
import { publishSnapshot } from "../../services/chain/snapshots.ts";
import { QUORUM, type Stage } from "./stage.ts";

/** The real option chain that local oracles publish. */
export const OPTION_CHAIN = join(ROOT, "data/deribit-btc-options-2020-05-21.csv");
export const OPTION_CHAIN_NAME = "data/deribit-btc-options-2020-05-21.csv";

/** The first snapshot of a local oracle, and where it comes from. */
export interface FirstSnapshot {
  /** The option chain's records. */
  records: OptionRecord[];
  /** Each option at the forward that was observed with it, as the venue prices it. */
  quoted: MarketSnapshot;
  /** The snapshot of epoch 1: one forward for each expiry, as the oracle aggregates them. */
  snapshot: MarketSnapshot;
}

/** The snapshot of epoch 1 that follows from the option chain. */
export function firstSnapshot(): FirstSnapshot {
  const { records } = parseOptionsCsv(readFileSync(OPTION_CHAIN, "utf8"));
  const inputs = inputsFromChain(records);
  const snapshot = buildSnapshot(withPrices(inputs, pricesOf(inputs)));
  return { records, quoted: buildSnapshot(inputs), snapshot };
}

/** The local oracle: a quorum of reporters that publishes epoch after epoch. */
export interface Market {
  readonly snapshot: MarketSnapshot;
  /** Publishes the first snapshot. */
  open(): Promise<{ gasUsed: bigint; signatures: number }>;
  /** Publishes the next epoch, at the chain's present time, after a move of the market (none by default). */
  next(move?: Omit<MarketMove, "time" | "epoch">): Promise<MarketSnapshot>;
  /** Publishes the next epoch, nothing moved, when the latest is older than `seconds`. */
  keepFresh(seconds?: number): Promise<void>;
}

const EPOCH_SECONDS = 60;

/** An oracle that starts with `first`. */
export function makeMarket(stage: Stage, first: MarketSnapshot): Market {
  let snapshot = first;
  const publish = (steady: boolean) =>
    publishSnapshot(stage.deployed, snapshot, stage.reporters.slice(0, QUORUM), stage.relayer, steady);
  const market: Market = {
    get snapshot() {
      return snapshot;
    },
    open: () => publish(true),
    async next(move = {}) {
      const time = (await chainTime(stage.deployed)) * 1000;
      const moved = nextInputs(settled(snapshot, time), { ...move, time });
      const before = snapshot;
      snapshot = buildSnapshot(moved);
      try {
        await publish(isSteady(before.inputs, snapshot.inputs));
      } catch (error) {
        snapshot = before;
        throw error;
      }
      return snapshot;
    },
    async keepFresh(seconds = EPOCH_SECONDS) {
      if ((await chainTime(stage.deployed)) * 1000 - snapshot.inputs.time > seconds * 1000)
        await market.next();
    },
  };
  return market;
}

/** The inputs with every expiry that `time` (milliseconds) has passed settled at the index. */
function settled({ inputs }: MarketSnapshot, time: number): MarketSnapshot["inputs"] {
  let result = inputs;
  for (const { name, index, expiries } of inputs.underlyings) {
    for (const { expiry } of expiries)
      if (expiry <= time) result = settleExpiry(result, name, expiry, index / 1e6);
  }
  return result;
}
