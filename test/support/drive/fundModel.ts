/*
 * The insurance fund and the ledger's cash as their rules say them, written apart from the contracts. Amounts in micro-USDC, times in Unix
 * seconds. A verdict is the name of the contract's error, or undefined when the call is admitted.
 */

export interface FundModel {
  /** What the fund may pay. */
  balance: bigint;
  floor: bigint;
  uncovered: bigint;
  /** 0 while the fund is not impaired. */
  impairedSince: bigint;
  rewardEpoch: bigint;
  rewardLeft: bigint;
  /** What impaired withdrawals were not paid. */
  claims: bigint;
  /** Of that, what has been recovered. */
  recovered: bigint;
  /** Cash tokens that the ledger holds. */
  ledgerCash: bigint;
}

export const emptyFund = (floor: bigint): FundModel => ({
  balance: 0n,
  floor,
  uncovered: 0n,
  impairedSince: 0n,
  rewardEpoch: 0n,
  rewardLeft: 0n,
  claims: 0n,
  recovered: 0n,
  ledgerCash: 0n,
});

export const LOCK_SECONDS = 86_400n;
const IMPAIRED_FROM = 1_000n;
const REWARD_SHARE = 10n;

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

const exceeds = (fund: FundModel): boolean => fund.uncovered * IMPAIRED_FROM > fund.ledgerCash;

function recordImpairment(fund: FundModel, now: bigint): void {
  if (fund.impairedSince === 0n && exceeds(fund)) fund.impairedSince = now;
}

function lowerUncovered(fund: FundModel, amount: bigint): void {
  fund.uncovered -= amount;
  if (fund.uncovered === 0n) fund.impairedSince = 0n;
}

/** Until when withdrawals are locked; 0 when they are not. */
export function lockedUntil(fund: FundModel, now: bigint): bigint {
  if (fund.impairedSince !== 0n) return fund.impairedSince + LOCK_SECONDS;
  return exceeds(fund) ? now + LOCK_SECONDS : 0n;
}

/** Why a transition of this mode and withdrawal is refused. */
export function verdictOnTransition(
  fund: FundModel,
  mode: bigint,
  withdrawal: bigint,
  now: bigint,
): string | undefined {
  if (withdrawal !== 0n && now < lockedUntil(fund, now)) return "WithdrawalsLocked";
  return mode === 0n && fund.balance < fund.floor ? "ReduceOnly" : undefined;
}

export function verdictOnPayment(
  fund: FundModel,
  deficit: bigint,
  reward: bigint,
  epoch: bigint,
): string | undefined {
  if (reward === 0n) return undefined;
  if (reward > (fund.balance > deficit ? fund.balance - deficit : 0n)) return "RewardUnfunded";
  const left = epoch > fund.rewardEpoch ? fund.balance / REWARD_SHARE : fund.rewardLeft;
  return reward > left ? "RewardAboveCap" : undefined;
}

/** Pays a take-over; returns what the fund lacked. */
export function applyPayment(
  fund: FundModel,
  deficit: bigint,
  reward: bigint,
  epoch: bigint,
  now: bigint,
): bigint {
  if (deficit === 0n && reward === 0n) return 0n;
  if (epoch > fund.rewardEpoch) {
    fund.rewardEpoch = epoch;
    fund.rewardLeft = fund.balance / REWARD_SHARE;
  }
  fund.rewardLeft -= reward;
  const covered = min(deficit, fund.balance);
  fund.balance -= covered + reward;
  fund.ledgerCash += covered + reward;
  fund.uncovered += deficit - covered;
  recordImpairment(fund, now);
  return deficit - covered;
}

/** Pays cash out of the ledger, in part while the fund is impaired; returns what was paid. */
export function applyPayout(fund: FundModel, amount: bigint, now: bigint): bigint {
  recordImpairment(fund, now);
  if (fund.impairedSince === 0n) {
    fund.ledgerCash -= amount;
    return amount;
  }
  const paid = (amount * fund.ledgerCash) / (fund.ledgerCash + fund.uncovered);
  fund.ledgerCash -= paid;
  if (paid < amount) {
    fund.claims += amount - paid;
    lowerUncovered(fund, min(amount - paid, fund.uncovered));
  }
  return paid;
}

/** Somebody pays into the fund. */
export function applyFundDeposit(fund: FundModel, amount: bigint): void {
  const debt = fund.uncovered + fund.claims;
  const toDebt = min(amount, debt);
  const toDeficit = debt === 0n ? 0n : (toDebt * fund.uncovered) / debt;
  fund.claims -= toDebt - toDeficit;
  fund.recovered += toDebt - toDeficit;
  fund.balance += amount - toDebt;
  fund.ledgerCash += toDeficit;
  if (toDeficit > 0n) lowerUncovered(fund, toDeficit);
}
