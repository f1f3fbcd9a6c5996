import type { Replay } from "../../protocol/priceReplay.ts";
import type { PriceFile } from "../../protocol/pricesCsv.ts";
import { figure, table } from "../table.ts";

/** `0.104%`, or a dash where there is nothing to compare. */
const percent = (fraction: number | null): string =>
  fraction === null ? "-" : `${figure(100 * fraction, 3)}%`;

/** How often each source was used and left out, and the epochs without a price: what people read of a replay. */
export function replaySummary(file: PriceFile, { epochs, worstDeviation, worstTime }: Replay): string {
  const unpriced = epochs.filter(({ price }) => price === null);
  const rows = file.sources.map(({ name, currency }) => {
    const reasons = epochs.flatMap(({ sourcesLeftOut }) =>
      sourcesLeftOut.filter(({ source }) => source === name).map(({ reason }) => reason.split(":")[0]),
    );
    const count = (reason: string): string => String(reasons.filter((found) => found === reason).length);
    const used = epochs.filter(({ sourcesUsed }) => sourcesUsed.includes(name)).length;
    const others = reasons.filter((reason) => !["absent", "late", "farOff"].includes(reason ?? "")).length;
    return [name, currency, String(used), count("late"), count("farOff"), count("absent"), String(others)];
  });
  const header = ["source", "quote", "used", "late", "far off", "no trade yet", "other"];
  const lines = [
    `${epochs.length} epochs of ${file.base} from ${epochs[0]?.time} to ${epochs.at(-1)?.time}, ${epochs.length - unpriced.length} with a price.`,
    "",
    table(header, rows),
    "",
    ...unpriced.slice(0, 20).map(({ time, noPrice }) => `${time}  no price: ${noPrice}`),
    ...(unpriced.length > 20
      ? [`… and ${unpriced.length - 20} more epochs without a price (--json has all)`]
      : []),
    worstTime === null
      ? "No row has a dollar quote to compare with."
      : `Worst deviation from the dollar quote: ${percent(worstDeviation)} at ${worstTime}.`,
  ];
  return lines.join("\n");
}
