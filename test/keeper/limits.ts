import type { KeeperLimits } from "../../services/keeper/bid.ts";

export const USD = 1_000_000n;

/** Limits that let everything pass. */
export const GENEROUS: KeeperLimits = {
  maxMarginInventory: 10n ** 15n,
  minimumProfit: 0n,
  maxGasPrice: 10n ** 12n,
  writeOffs: true,
  reveals: true,
};
