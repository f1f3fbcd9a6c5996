import { inLine } from "./plainText.ts";

/** Rows of text as aligned columns; columns whose cells look like numbers are set flush right. A cell is of one line, whatever is in it. */
export function table(header: readonly string[], cells: readonly (readonly string[])[]): string {
  const rows = cells.map((row) => row.map(inLine));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const numeric = header.map((_, column) =>
    rows.every((row) => /^(-?[\d,.]+%?|-|)$/.test(row[column] ?? "")),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** A number with thousands separators and a fixed number of decimal places. */
export function figure(value: number, places = 2): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}

/** Micro-USDC as dollars with cents, `-1,234.50`. */
export function dollars(micro: bigint): string {
  const sign = micro < 0n ? "-" : "";
  const cents = ((micro < 0n ? -micro : micro) + 5_000n) / 10_000n;
  const whole = (cents / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${whole}.${(cents % 100n).toString().padStart(2, "0")}`;
}
