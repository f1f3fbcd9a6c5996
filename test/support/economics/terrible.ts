import { applyPayout, lockedUntil } from "../drive/fundModel.ts";
import { liveThrough, type Outcome } from "./crash.ts";
import type { ParameterSet } from "./parameterSets.ts";
import { crashOf, SHOCKS, type Shock } from "./shocks.ts";

/* Shocks far beyond what the margins are made for, and how everybody leaves the ledger after them. */

export const TERRIBLE: readonly { shock: string; size: number }[] = [
  { shock: "gap", size: 0.6 },
  { shock: "gap, thin book", size: 0.6 },
  { shock: "fall in 10 min, thin book", size: 0.9 },
  { shock: "coin and tether gap", size: 0.5 },
  { shock: "basis gap", size: 0.1 },
  { shock: "volatility gap", size: 6 },
];

/** What becomes of a shock with a fund of a part of the crowd's margin. */
export function terribly(name: string, size: number, set: ParameterSet, fund: number): Outcome {
  const crash = crashOf(SHOCKS.find((shock) => shock.name === name) as Shock, set, size);
  return liveThrough({ ...crash, surroundings: { ...crash.surroundings, fund } });
}

/** How a locked ledger is left: seconds that everybody waits, and what five withdrawals of a seventh of the cash are paid; micro-USDC. */
export interface Leaving {
  waits: bigint;
  paid: bigint[];
  /** What each would be paid by itself. */
  share: bigint;
}

export function everybodyLeaves({ fund, holdings, uncovered }: Outcome): Leaving {
  const left = { ...fund };
  const until = lockedUntil(left, left.impairedSince);
  const amount = holdings / 7n;
  return {
    waits: until - left.impairedSince,
    paid: Array.from({ length: 5 }, () => applyPayout(left, amount, until)),
    share: (amount * holdings) / (holdings + uncovered),
  };
}
