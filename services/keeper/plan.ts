import { ensure, SolvusError } from "../../protocol/errors.ts";
import {
  applyTakeOver,
  computeTakeOver,
  type PlacedNote,
  sliceBounds,
  type TakeOver,
  type TakeOverRequest,
} from "../../protocol/liquidation.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";

/** What the insurance fund may pay now, micro-USDC. */
export interface FundLimits {
  balance: bigint;
  /** Left for rewards in the snapshot's epoch. */
  rewardLeft: bigint;
}

/** What a keeper wants; without a slice as much as can be had. */
export type TakeOverWish = Omit<TakeOverRequest, "slice"> & { slice?: bigint };

/** Throws `keeper.reward` when the fund would refuse a take-over's reward, and with it the take-over. */
function checkReward({ reward, deficit }: TakeOver, { balance, rewardLeft }: FundLimits): void {
  const afterDeficit = balance > deficit ? balance - deficit : 0n;
  const limit = afterDeficit < rewardLeft ? afterDeficit : rewardLeft;
  ensure(
    reward === 0n || reward <= limit,
    "keeper.reward",
    `reward: ${reward} micro-USDC, expected at most ${limit}, which the insurance fund can pay in this epoch; ask for a lower rate or a smaller slice`,
  );
}

/** Slices that are tried, at even distances, where the least one is refused for the target's sake. */
const TRIALS = 512n;

/**
 * The take-over of a wish: of the slice that it names, or else of the largest that the rules, the keeper's margin and the fund admit, found
 * by bisection: the next larger one is refused. Legs are taken in whole lots, so that one within a lot above that may be admitted again.
 * Where the least slice takes hedges whole and leaves naked what they hedged (`liquidation.ratio`), larger ones may not: the largest of
 * 512 between the bounds that is admitted. Throws `liquidation.*` and `keeper.reward`: of a wish without a slice, what refuses the least one. `limit` throws for
 * a take-over that the keeper does not want: of two slices that the rules admit it must refuse the larger one if it refuses the smaller one.
 */
export function planTakeOver(
  target: PlacedNote,
  keeper: PlacedNote,
  snapshot: Snapshot,
  wish: TakeOverWish,
  fund: FundLimits,
  limit: (takeOver: TakeOver) => void = () => {},
): TakeOver {
  const attempt = (slice: bigint): TakeOver => {
    const takeOver = applyTakeOver(target, keeper, snapshot, { ...wish, slice });
    checkReward(takeOver, fund);
    limit(takeOver);
    return takeOver;
  };
  if (wish.slice !== undefined) return attempt(wish.slice);
  const { equity, margin } = computeTakeOver(target, keeper, snapshot, { ...wish, slice: 1n });
  const { least, most } = sliceBounds(equity, margin.maintenance, wish);
  const tried = (slice: bigint): TakeOver | SolvusError => {
    try {
      return attempt(slice);
    } catch (error) {
      if (error instanceof SolvusError) return error;
      throw error;
    }
  };
  const admitted = (slice: bigint): TakeOver | undefined => {
    const result = tried(slice);
    return result instanceof SolvusError ? undefined : result;
  };
  const whole = admitted(most);
  if (whole !== undefined) return whole;
  const smallest = tried(least);
  if (smallest instanceof SolvusError && smallest.rule === "liquidation.ratio") {
    for (let trial = TRIALS - 1n; trial > 0n; trial--) {
      const takeOver = admitted(least + ((most - least) * trial) / TRIALS);
      if (takeOver !== undefined) return takeOver;
    }
  }
  if (smallest instanceof SolvusError) throw smallest;
  let best = smallest;
  let tooMuch = most;
  while (best.request.slice + 1n < tooMuch) {
    const middle = (best.request.slice + tooMuch) / 2n;
    const takeOver = admitted(middle);
    if (takeOver === undefined) tooMuch = middle;
    else best = takeOver;
  }
  return best;
}
