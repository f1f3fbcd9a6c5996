import { Q16 } from "../../protocol/constants.ts";
import { ensure } from "../../protocol/errors.ts";
import { q16Ceil } from "../../protocol/fixedPoint.ts";

/** What a top-up is worked out from, in micro-USDC. */
export interface TopUpNeed {
  equity: bigint;
  maintenance: bigint;
  targetRatio: number;
  /** Paid to the relayer out of the account. */
  fee: bigint;
  /** Left of the owner's limits. */
  leftToday: bigint;
  leftInTotal: bigint;
  /** In the owner's wallet. */
  balance: bigint;
}

const least = (...values: bigint[]): bigint =>
  values.reduce((one: bigint, other: bigint) => (one < other ? one : other));

/**
 * The deposit that brings equity to the target, or as near to it as limits and wallet allow. Throws `guard.limits` when that is nothing, or
 * would leave the account below its margin, which the ledger refuses.
 */
export function topUpAmount(need: TopUpNeed): bigint {
  const { equity, maintenance, targetRatio, fee, leftToday, leftInTotal, balance } = need;
  const target = (maintenance * q16Ceil(targetRatio) + Q16 - 1n) / Q16;
  const wanted = target - equity + fee;
  const amount = least(wanted, leftToday, leftInTotal, balance);
  const needed = maintenance > equity ? maintenance - equity + fee : fee + 1n;
  ensure(
    amount >= needed,
    "guard.limits",
    `top-up: ${amount} micro-USDC at most (${leftToday} left today, ${leftInTotal} in total, ${balance} in the wallet), expected at least ${needed}`,
  );
  return amount;
}

/**
 * Whether an account may pay a fee out of a deposit, micro-USDC: the rules refuse every fee after which net cash is below the debt limit, as it may
 * be of an account that owes options, or a perpetual's losses, against spot.
 */
export function mayPayFee(
  { netCash, debtLimit }: { netCash: bigint; debtLimit: bigint },
  { deposit, fee }: { deposit: bigint; fee: bigint },
): boolean {
  return fee === 0n || netCash + deposit - fee >= -debtLimit;
}
