import { Misuse } from "../../protocol/errors.ts";

/** When something is to happen: either condition suffices. */
export interface Threshold {
  /** Equity over maintenance margin is below this. */
  ratio: number;
  /** The forecast probability of falling below the margin within the horizon is at least this; never unless given. */
  probability?: number;
}

/** What an owner lets the guard deposit. Amounts in micro-USDC. */
export interface TopUpLimits {
  /** In any twenty-four hours of the chain's time. */
  perDay: bigint;
  /** Ever, as far as the guard's record goes back. */
  total: bigint;
  /** Most fee that a relayer is paid for a deposit. */
  maxFee: bigint;
}

/** What an owner lets the guard propose to close. */
export interface ReductionLimits {
  /** Most of a position that one ticket closes, above 0 and at most 1. */
  largestShare: number;
  /** Most notional, micro-USDC at the marks, that tickets of any twenty-four hours close. */
  perDay: bigint;
  /** What is given away to whoever takes the other side, as a part of the add-ons of the lots traded; below the price band. */
  concession: number;
  /** Seconds of the chain's time for which a ticket can be used. */
  lifetime: number;
}

/** What the owner of an account wants done, and how far it may go. */
export interface GuardPolicy {
  horizonHours: number;
  /** The owner is told. */
  warn: Threshold;
  /** The guard acts, as far as it may. */
  act: Threshold;
  /** Ratio of equity to maintenance margin that acting aims at. */
  targetRatio: number;
  /** Without it nothing is deposited. */
  topUp?: TopUpLimits;
  /** Without it no ticket is written. */
  reduce?: ReductionLimits;
  /** Ends a liquidation flag once the account meets its margin again. */
  clears: boolean;
}

function require(condition: boolean, field: string, value: number, expected: string): void {
  if (!condition) throw new Misuse("guard.policy", `${field} is ${value}, expected ${expected}`);
}

/** Returns a policy that makes sense; misuse (`guard.policy`) for any other. */
export function checkPolicy(policy: GuardPolicy): GuardPolicy {
  const { warn, act, targetRatio, horizonHours, reduce } = policy;
  require(act.ratio >= 1 &&
    act.ratio < 16, "act ratio", act.ratio, "at least 1, which is the margin itself, and below 16");
  require(warn.ratio >= act.ratio &&
    warn.ratio < 16, "warn ratio", warn.ratio, `at least the act ratio ${act.ratio}`);
  require(targetRatio > act.ratio &&
    targetRatio < 16, "target ratio", targetRatio, `above the act ratio ${act.ratio}`);
  require(Number.isSafeInteger(horizonHours) &&
    horizonHours >= 1 &&
    horizonHours <= 168, "horizon", horizonHours, "1 to 168 hours");
  for (const [name, { probability }] of Object.entries({ warn, act }))
    require(probability === undefined ||
      (probability > 0 && probability <= 1), `${name} probability`, probability ??
      0, "above 0 and at most 1");
  if (reduce !== undefined) {
    const { largestShare, concession, lifetime } = reduce;
    require(largestShare > 0 && largestShare <= 1, "largest share", largestShare, "above 0 and at most 1");
    require(concession >= 0 && concession <= 1, "concession", concession, "0 to 1 of the add-ons");
    require(Number.isSafeInteger(lifetime) &&
      lifetime >= 60, "ticket lifetime", lifetime, "60 seconds or more");
  }
  return policy;
}

/** Where an account stands, as its guard looks at it. */
export interface Assessed {
  /** Micro-USDC. */
  equity: bigint;
  maintenance: bigint;
  /** Within the horizon; undefined when there is no forecast. */
  probability: number | undefined;
}

/** `below`: under the maintenance margin, so that anybody with the viewing key may flag it. */
export type GuardState = "healthy" | "warning" | "acting" | "below";

/** Equity over margin; infinite for an account without risk that owes nothing. */
export function ratioOf({ equity, maintenance }: Pick<Assessed, "equity" | "maintenance">): number {
  if (maintenance > 0n) return Number(equity) / Number(maintenance);
  return equity >= 0n ? Number.POSITIVE_INFINITY : 0;
}

/** What the policy makes of where an account stands. */
export function stateOf(assessed: Assessed, { warn, act }: GuardPolicy): GuardState {
  const { equity, maintenance, probability } = assessed;
  const reached = (threshold: Threshold): boolean =>
    ratioOf(assessed) < threshold.ratio ||
    (threshold.probability !== undefined &&
      probability !== undefined &&
      probability >= threshold.probability);
  if (equity < maintenance) return "below";
  if (reached(act)) return "acting";
  return reached(warn) ? "warning" : "healthy";
}
