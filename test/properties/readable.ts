import { KIND, Q16 } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";

/* What a failing property prints: an account, a market and a request that somebody can work through by hand. */

const KIND_NAMES = new Map<bigint, string>(Object.entries(KIND).map(([name, kind]) => [kind, name]));

/** Dollars and micro-dollars: `-12.000001 USDC`. */
export function dollars(micro: bigint): string {
  const magnitude = micro < 0n ? -micro : micro;
  const sign = micro < 0n ? "-" : "";
  return `${sign}${magnitude / 1_000_000n}.${String(magnitude % 1_000_000n).padStart(6, "0")} USDC`;
}

const ratio = (value: bigint): string => `${value}/2^16 (${(Number(value) / Number(Q16)).toFixed(4)})`;

/** Each row's own words; fields that are 0 are left out. */
export function readableRow(row: RiskRow, underlying: number): string {
  const parts = [`instrument ${row.id}: ${KIND_NAMES.get(row.kind)} of underlying ${underlying}`];
  if (row.settled) parts.push("settled");
  const add = (name: string, value: bigint): void => {
    if (value !== 0n) parts.push(`${name} ${dollars(value)}`);
  };
  add("mark", row.mark);
  add("funding index", row.fundingIndex);
  add("add-on of a long lot", row.longAddOn);
  add("add-on of a short lot", row.shortAddOn);
  if (row.concentrationRate !== 0n)
    parts.push(`${dollars(row.concentrationRate)} for each lot beyond ${row.concentrationThreshold}`);
  const losses = row.losses.flatMap((loss, s) => (loss === 0n ? [] : [`${s + 1}: ${dollars(loss)}`]));
  if (losses.length > 0) parts.push(`losses in scenario ${losses.join(", ")}`);
  return parts.join(", ");
}

/** Parameters and the rows that somebody has to look at. */
export function readableMarket(snapshot: Snapshot, rows: readonly RiskRow[]): string[] {
  const { epoch, imFactor, priceBand, debtLimit } = snapshot;
  return [
    `epoch ${epoch}, initial margin factor ${ratio(imFactor)}, price band ${ratio(priceBand)}, debt limit ${dollars(debtLimit)}`,
    ...rows.map((row) => readableRow(row, snapshot.tree.locate(row.id)?.underlying as number)),
  ];
}

/** Cash and live legs, one a line. */
export function readableNote(note: Note): string[] {
  const legs = note.legs.flatMap(({ id, size, fundingIndex }, place) =>
    size === 0n
      ? []
      : [`place ${place}: ${size} lots of ${id}, last touched at funding index ${dollars(fundingIndex)}`],
  );
  return [`cash ${dollars(note.cash)}`, ...legs];
}

/** What is asked for, without what is not. */
export function readableRequest(request: TransitionRequest): string[] {
  const { mode, asset, deposit, withdrawal, fee, trade } = request;
  const quantity = (value: bigint): string => (asset === 0n ? dollars(value) : `${value} lots of ${asset}`);
  const lines = [`mode ${mode}, fee ${dollars(fee)}`];
  if (deposit !== 0n) lines.push(`deposits ${quantity(deposit)}`);
  if (withdrawal !== 0n) lines.push(`withdraws ${quantity(withdrawal)}`);
  if (asset !== 0n && deposit === 0n && withdrawal === 0n) lines.push(`names asset ${asset}`);
  if (trade !== undefined) {
    const legs = trade.package.legs.map(({ id, size }) => `${size} lots of ${id}`);
    lines.push(
      `side ${trade.side} of a package of ${legs.join(", ") || "nothing"} and ${dollars(trade.package.cash)}`,
    );
  }
  return lines;
}

/** Titled, indented paragraphs. */
export function readable(parts: Record<string, string | string[]>): string {
  return Object.entries(parts)
    .map(
      ([title, lines]) =>
        `\n  ${title}:${[lines]
          .flat()
          .map((line) => `\n    ${line}`)
          .join("")}`,
    )
    .join("");
}
