import type { StandingFlag } from "../protocol/auctionEvents.ts";
import { Q16 } from "../protocol/constants.ts";
import { formatUsdc } from "../protocol/fixedPoint.ts";
import type { Spending } from "../protocol/ledgerHistory.ts";

/** A take-over that an account met, as people read it. */
export interface TakeOverFigures {
  /** `target` lost a slice of its positions, `keeper` received it. */
  as: "target" | "keeper";
  /** Place of the account's new note. */
  leafIndex: bigint;
  /** The auction's rate, percent of the maintenance margin. */
  ratePercent: number;
  /** What the insurance fund owed the target for negative equity, and what of that it lacked, dollars. */
  deficitUsd: string;
  uncoveredUsd: string;
  /** What the insurance fund paid the keeper, dollars. */
  rewardUsd: string;
  /** Equity of at least the maintenance margin after it. */
  cured: boolean;
}

/** The take-overs among an account's changes, in order. */
export function takeOversOf(changes: readonly Spending[]): TakeOverFigures[] {
  return changes.flatMap((change) => {
    if (change.as === "owner") return [];
    const { rate, deficit, uncovered, reward, cured } = change.event;
    return {
      as: change.as,
      leafIndex: change.leafIndex,
      ratePercent: Math.round((Number(rate) / Number(Q16)) * 10_000) / 100,
      deficitUsd: formatUsdc(deficit),
      uncoveredUsd: formatUsdc(uncovered),
      rewardUsd: formatUsdc(reward),
      cured,
    };
  });
}

/** A line for each take-over. */
export function takeOverLines(takeOvers: readonly TakeOverFigures[]): string[] {
  return takeOvers.map(({ as, leafIndex, ratePercent, cured, deficitUsd, uncoveredUsd, rewardUsd }) => {
    const head =
      as === "keeper"
        ? "took over another account's positions"
        : `TAKEN OVER by a keeper, equity ${cured ? "above" : "still below"} the maintenance margin after it`;
    const fund = [
      ...(Number(deficitUsd) > 0 ? [`a deficit of ${deficitUsd} USDC was written off`] : []),
      ...(Number(uncoveredUsd) > 0 ? [`the fund lacked ${uncoveredUsd} USDC of it`] : []),
      ...(Number(rewardUsd) > 0 ? [`the fund paid the keeper ${rewardUsd} USDC`] : []),
    ];
    return `${head}; note at place ${leafIndex}, rate ${ratePercent}%${fund.map((part) => `; ${part}`).join("")}`;
  });
}

/** A line that warns of a flag on the account's present note; none without one. */
export function flagLines(flag: StandingFlag | undefined): string[] {
  if (flag === undefined) return [];
  const { firstEpoch, clockStart, revealed } = flag;
  const since = new Date(Number(clockStart) * 1000).toISOString();
  const published = revealed ? "; its contents were published" : "";
  return [
    `FLAGGED for liquidation at epoch ${firstEpoch}, auction since ${since}${published} (a flag lapses ten minutes after its last proof)`,
  ];
}
