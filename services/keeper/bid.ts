import { Q16 } from "../../protocol/constants.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import {
  type PlacedNote,
  REWARD_RATE,
  type TakeOver,
  takeOverPayments,
  WHOLE,
} from "../../protocol/liquidation.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { BriefStanding } from "./bulkMargin.ts";
import { type FundLimits, planTakeOver } from "./plan.ts";

/** What a keeper is willing to do. Money in micro-USDC. */
export interface KeeperLimits {
  /** Most maintenance margin that its accounts together may carry after a take-over. */
  maxMarginInventory: bigint;
  /** Least that a take-over must earn after fee and gas. */
  minimumProfit: bigint;
  /** Most wei for a unit of gas; above it, nothing is sent. */
  maxGasPrice: bigint;
  /** Highest rate asked, Q16; the auction's own by default. */
  maxRate?: bigint;
  /** Largest slice taken of an account, Q16; by default all that can be had. An account that must be taken whole is then left to others. */
  maxSlice?: bigint;
  /** Takes over accounts without positions and with negative cash, which earns nothing, at the price of the gas. */
  writeOffs: boolean;
  /** Publishes accounts that nobody took over in the first round. */
  reveals: boolean;
}

/** What a take-over is bid with, at one moment. */
export interface BidTerms {
  /** Highest rate that the auction permits, Q16. */
  permitted: bigint;
  /** The auction's restoration parameter, Q16. */
  restoration: bigint;
  fund: FundLimits;
  /** To the relayer, out of the keeper's account, micro-USDC. */
  fee: bigint;
  /** What sending costs the keeper, micro-USDC. */
  gasCost: bigint;
  limits: KeeperLimits;
  /** Maintenance margin that the keeper's other accounts carry, micro-USDC. */
  inventory: bigint;
}

/** A take-over within the limits. */
export interface Bid {
  plan: TakeOver;
  /** Micro-USDC: what target and fund pay the keeper, less fee and gas. */
  profit: bigint;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Without legs, an account has no margin, and nothing is earned on it. */
export function isWriteOff({ equity, maintenance }: BriefStanding): boolean {
  return maintenance === 0n && equity < 0n;
}

/** At least the profit of any bid for an account: what the whole of it would earn at the highest rate. Cheap. */
export function profitBound({ equity, maintenance }: BriefStanding, terms: BidTerms): bigint {
  const rate = highestRate(terms);
  const { payment, reward } = takeOverPayments(equity, maintenance, { slice: WHOLE, rate });
  return payment + reward - terms.fee - terms.gasCost;
}

function highestRate({ permitted, limits }: BidTerms): bigint {
  return limits.maxRate === undefined ? permitted : least(permitted, limits.maxRate);
}

/**
 * The rates worth asking: the highest; and where the fund could not pay the reward that comes with it, the highest whose reward for the
 * whole account it can pay.
 */
function ratesFor({ equity, maintenance }: BriefStanding, terms: BidTerms): bigint[] {
  const highest = highestRate(terms);
  if (maintenance === 0n) return [highest];
  const positive = most(equity, 0n);
  const { balance, rewardLeft } = terms.fund;
  const payable = most(0n, least(rewardLeft, balance - (positive - equity)));
  const affordable = (Q16 * (payable + positive)) / maintenance;
  return affordable < least(highest, REWARD_RATE) ? [highest, affordable] : [highest];
}

/**
 * The bid for an account that earns most of those within the limits. Throws what stands in the way of the last one tried: `liquidation.*`,
 * `keeper.reward`, `keeper.inventory` (the margin taken over), `keeper.slice`, `keeper.profit`.
 */
export function chooseBid(
  target: PlacedNote,
  standing: BriefStanding,
  keeper: PlacedNote,
  snapshot: Snapshot,
  terms: BidTerms,
): Bid {
  const { restoration, fee, fund, limits, inventory } = terms;
  const withinLimits = ({ keeperMargin, request }: TakeOver): void => {
    const margin = inventory + keeperMargin.maintenance;
    ensure(
      margin <= limits.maxMarginInventory,
      "keeper.inventory",
      `margin inventory: ${margin} micro-USDC after the take-over, expected at most ${limits.maxMarginInventory}`,
    );
    ensure(
      limits.maxSlice === undefined || request.slice <= limits.maxSlice,
      "keeper.slice",
      `slice: ${request.slice}, expected at most ${limits.maxSlice}`,
    );
  };
  let refusal: SolvusError | undefined;
  let best: Bid | undefined;
  for (const rate of ratesFor(standing, terms)) {
    try {
      const plan = planTakeOver(target, keeper, snapshot, { rate, restoration, fee }, fund, withinLimits);
      const profit = plan.payment + plan.reward - fee - terms.gasCost;
      if (best === undefined || profit > best.profit) best = { plan, profit };
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      refusal = error;
    }
  }
  if (best === undefined) throw refusal as SolvusError;
  ensure(
    best.profit >= limits.minimumProfit || (limits.writeOffs && isWriteOff(standing)),
    "keeper.profit",
    `profit: ${best.profit} micro-USDC, expected at least ${limits.minimumProfit}; the auction's rate grows with time`,
  );
  return best;
}
