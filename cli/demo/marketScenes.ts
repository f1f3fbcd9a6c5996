import { findInstrument } from "../../protocol/instrument.ts";
import { type InstrumentFigures, instrumentFigures } from "../../protocol/instrumentFigures.ts";
import type { OptionRecord } from "../../protocol/optionsCsv.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { rootHex } from "../../protocol/snapshotFile.ts";
import type { LocalChain } from "../chain/localChain.ts";
import { figure, table } from "../table.ts";
import { firstSnapshot, type Market, makeMarket, OPTION_CHAIN_NAME } from "./market.ts";
import type { Narrator } from "./narrator.ts";
import { type ListedAsset, listSpotAssets, QUORUM, REPORTERS, type Stage } from "./stage.ts";

/** The market once its first snapshot is on the chain. */
export interface FirstMarket {
  market: Market;
  records: OptionRecord[];
}

/** Instruments whose figures are shown beside the venue's. */
const SHOWN = ["BTC-29MAY20-9000-P", "BTC-26JUN20-10000-C", "BTC-26JUN20-12000-C", "BTC-25DEC20-20000-C"];

/** Publishes the snapshot of the real option chain. */
export function openMarket(narrator: Narrator, stage: Stage): Promise<FirstMarket> {
  return narrator.step("Publish the risk snapshot of a real option chain", async (note) => {
    const { records, quoted, snapshot } = firstSnapshot();
    const market = makeMarket(stage, snapshot);
    const { gasUsed, signatures } = await market.open();
    narrator.say(
      `${OPTION_CHAIN_NAME}: ${records.length} live options; with spot, perpetual and another stablecoin ${snapshot.instruments.length} instruments.`,
    );
    narrator.say(
      `Epoch ${snapshot.epoch}, root ${rootHex(snapshot.root)}, signed by ${signatures} of ${REPORTERS} reporters (any ${REPORTERS - QUORUM} may be faulty).`,
    );
    narrator.say(`\n${venueTable(quoted, records)}`);
    narrator.say(
      "\nThese are at the forward of each quote, for comparison with the venue; the snapshot has one forward for each expiry, the median of the reporters'. Each row also holds the loss of one lot in sixteen scenarios; anyone can recompute all of it.",
    );
    note({ epoch: snapshot.epoch, root: rootHex(snapshot.root), instruments: snapshot.instruments.length });
    note({ options: records.length, signatures, reporters: REPORTERS, gas: Number(gasUsed) });
    return { market, records };
  });
}

function venueTable(quoted: MarketSnapshot, records: readonly OptionRecord[]): string {
  const figures = instrumentFigures(quoted);
  const rows = SHOWN.map((name) => {
    const { markUsd, delta, vegaUsd, lossesUsd } = figures.find(
      (candidate) => candidate.name === name,
    ) as InstrumentFigures;
    const venue = records.find((record) => record.name === name)?.venue;
    return [
      name,
      figure(markUsd),
      figure(delta, 5),
      figure(venue?.delta ?? Number.NaN, 5),
      figure(vegaUsd, 4),
      figure(venue?.vega ?? Number.NaN, 4),
      figure(Math.max(...lossesUsd)),
      figure(Math.max(...lossesUsd.map((loss) => -loss))),
    ];
  });
  const header = [
    "option",
    "mark $",
    "delta",
    "venue's",
    "vega $",
    "venue's",
    "worst long $",
    "worst short $",
  ];
  return table(header, rows);
}

/** Lists the spot instruments, so that they can be deposited as collateral. */
export function listAssets(
  narrator: Narrator,
  local: LocalChain,
  stage: Stage,
  { market }: FirstMarket,
): Promise<ListedAsset[]> {
  return narrator.step("List the assets that the ledger holds", async (note) => {
    const assets = await listSpotAssets(local, stage, market.snapshot);
    narrator.say("USDC is cash. As collateral:");
    for (const { id, name, unitsPerLot, decimals } of assets)
      narrator.say(`${name}, asset ${id}: one lot is ${Number(unitsPerLot) / 10 ** decimals} ${name}`);
    note({ assets: assets.map(({ id, name }) => ({ id, name })) });
    return assets;
  });
}

/** The id and mark (micro-USDC a lot) of a listed instrument. */
export function instrumentAt(snapshot: MarketSnapshot, name: string): { id: bigint; mark: bigint } {
  const { id } = findInstrument(snapshot.instruments, name);
  const at = snapshot.tree.locate(id);
  if (at === undefined) throw new Error(`${name} has no row`);
  return { id, mark: snapshot.tree.row(at.underlying, at.place).mark };
}
