import { formatDecimal, formatUsdc } from "../protocol/fixedPoint.ts";
import type { Note } from "../protocol/note.ts";
import type { MarketSnapshot } from "../protocol/snapshot.ts";
import type { Standing } from "../protocol/solvency.ts";
import { dollars, table } from "./table.ts";

/** A holding as people read it. */
export interface Position {
  instrument: string;
  id: bigint;
  /** Signed. */
  lots: bigint;
  /** Signed units of the underlying, exact decimal text. */
  units: string;
  /** Dollars for one unit. */
  markUsd: string;
  /** Size times mark, dollars. */
  valueUsd: string;
}

/** Decimal text of `lots · 10^lotExponent`. */
export function unitsText(lots: bigint, lotExponent: number): string {
  return lotExponent < 0
    ? formatDecimal(lots, -lotExponent)
    : formatDecimal(lots * 10n ** BigInt(lotExponent), 0);
}

/** The live legs of a note at a snapshot. */
export function positionsOf(note: Note, snapshot: MarketSnapshot): Position[] {
  return note.legs
    .filter(({ size }) => size !== 0n)
    .map(({ id, size }) => {
      const instrument = snapshot.instruments.find((listed) => listed.id === id)!;
      const at = snapshot.tree.locate(id)!;
      const { mark } = snapshot.tree.row(at.underlying, at.place);
      const perUnit = Number(`${mark}e${-6 - instrument.lotExponent}`);
      return {
        instrument: instrument.name,
        id,
        lots: size,
        units: unitsText(size, instrument.lotExponent),
        markUsd: perUnit.toFixed(2),
        valueUsd: formatUsdc(size * mark),
      };
    });
}

/** What a standing says, in dollars as decimal text, and as ratio of equity to maintenance margin. */
export interface StandingFigures {
  equityUsd: string;
  netCashUsd: string;
  maintenanceMarginUsd: string;
  initialMarginUsd: string;
  /** Equity over maintenance margin; null without margin. */
  ratio: number | null;
}

/** Figures of a standing. The initial margin is rounded up. */
export function standingFigures(
  { equity, netCash, margin }: Standing,
  { imFactor }: Pick<MarketSnapshot, "imFactor">,
): StandingFigures {
  const initial = (imFactor * margin.maintenance + 0xffffn) >> 16n;
  return {
    equityUsd: formatUsdc(equity),
    netCashUsd: formatUsdc(netCash),
    maintenanceMarginUsd: formatUsdc(margin.maintenance),
    initialMarginUsd: formatUsdc(initial),
    ratio: margin.maintenance === 0n ? null : Number(equity) / Number(margin.maintenance),
  };
}

/** An account as lines of text: cash, positions, equity and margins. */
export function positionLines(note: Note, standing: Standing, snapshot: MarketSnapshot): string[] {
  const rows = positionsOf(note, snapshot).map(({ instrument, units, markUsd, valueUsd }) => [
    instrument,
    units,
    markUsd,
    dollars(BigInt(Math.round(Number(valueUsd) * 1e6))),
  ]);
  const holdings =
    rows.length === 0 ? [] : table(["holding", "units", "mark $", "value $"], rows).split("\n");
  const { ratio } = standingFigures(standing, snapshot);
  const initial = (snapshot.imFactor * standing.margin.maintenance + 0xffffn) >> 16n;
  return [
    `cash ${dollars(note.cash)} USDC`,
    ...holdings,
    `equity ${dollars(standing.equity)}, net cash ${dollars(standing.netCash)}`,
    `maintenance margin ${dollars(standing.margin.maintenance)}, initial ${dollars(initial)}`,
    `equity is ${ratio === null ? "free of any margin" : `${ratio.toFixed(2)} x maintenance margin`}`,
  ];
}
