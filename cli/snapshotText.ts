import { ratioFromQ16 } from "../protocol/fixedPoint.ts";
import type { InstrumentFigures } from "../protocol/instrumentFigures.ts";
import type { SkippedRow } from "../protocol/optionsCsv.ts";
import { SCENARIO_LIST } from "../protocol/scenarios.ts";
import type { MarketSnapshot } from "../protocol/snapshot.ts";
import { rootHex } from "../protocol/snapshotFile.ts";
import { figure, table } from "./table.ts";

/** The head lines of a snapshot: epoch, time, root, parameters, what each underlying has. */
export function snapshotHead(snapshot: MarketSnapshot): string {
  const { inputs } = snapshot;
  const lines = [
    `Epoch ${snapshot.epoch}, ${new Date(inputs.time).toISOString()}`,
    `Root  ${rootHex(snapshot.root)}`,
    `Initial margin ${ratioFromQ16(snapshot.imFactor).toFixed(3)} x maintenance, price band ${ratioFromQ16(snapshot.priceBand)} add-ons`,
  ];
  snapshot.underlyings.forEach(({ name, rows, range }, place) => {
    const price = (inputs.underlyings[place]?.index ?? 0) / 1e6;
    const scan = `scan range -${figure(100 * range.down, 1)}% +${figure(100 * range.up, 1)}%`;
    lines.push(`${name.padEnd(5)} $${figure(price)}, ${scan}, ${rows.length} instruments`);
  });
  return lines.join("\n");
}

/** What `snapshot build` says. */
export function snapshotSummary(snapshot: MarketSnapshot, skipped: readonly SkippedRow[]): string {
  const left = skipped.length === 0 ? "" : ` ${skipped.length} rows of the file are left out.`;
  return `${snapshotHead(snapshot)}\n${snapshot.instruments.length} instruments.${left}`;
}

/** Every instrument in a line: mark and sensitivities for one unit, the worst loss of a long and of a short lot. */
export function snapshotTable(snapshot: MarketSnapshot, figures: readonly InstrumentFigures[]): string {
  const rows = figures.map(({ name, id, kind, lot, markUsd, delta, vegaUsd, lossesUsd }) => [
    name,
    String(id),
    kind,
    String(lot),
    figure(markUsd),
    figure(delta, 4),
    figure(vegaUsd, 3),
    figure(Math.max(0, ...lossesUsd)),
    figure(Math.max(0, ...lossesUsd.map((loss) => -loss))),
  ]);
  const header = [
    "instrument",
    "id",
    "kind",
    "lot",
    "mark $",
    "delta",
    "vega $",
    "worst long $",
    "worst short $",
  ];
  return `${snapshotHead(snapshot)}\n\n${table(header, rows)}\n\nMark, delta and vega for one unit; worst losses of one lot over the sixteen scenarios.`;
}

/** One instrument and its risk array. */
export function instrumentDetails(instrument: InstrumentFigures): string {
  const { name, id, kind, lot, markUsd, delta, gamma, vegaUsd, thetaUsd, lossesUsd } = instrument;
  const losses = lossesUsd.map((loss, scenario) => [
    String(scenario + 1),
    scenarioText(scenario),
    figure(loss),
    figure(-loss),
  ]);
  return [
    `${name} (id ${id}, ${kind}), lot ${lot}`,
    `mark $${figure(markUsd)}, delta ${figure(delta, 4)}, gamma ${figure(gamma, 6)}, vega $${figure(vegaUsd, 3)}, theta $${figure(thetaUsd, 3)} a day (one unit)`,
    `add-ons $${figure(instrument.longAddOnUsd, 4)} long, $${figure(instrument.shortAddOnUsd, 4)} short a lot`,
    "",
    table(["scenario", "move", "long lot loses $", "short lot loses $"], losses),
  ].join("\n");
}

/** `+2/3 range, volatility up`; the extremes say which part of their loss counts. */
function scenarioText(place: number): string {
  const { move, volatility, weight } = SCENARIO_LIST[place] as (typeof SCENARIO_LIST)[number];
  const thirds = Math.round(Math.abs(move) * 3);
  const ranges = thirds % 3 === 0 ? String(thirds / 3) : `${thirds}/3`;
  const price = move === 0 ? "price unchanged" : `price ${move > 0 ? "+" : "-"}${ranges} range`;
  return weight === 1 ? `${price}, volatility ${volatility}` : `${price}, ${weight * 100}% of the loss`;
}
