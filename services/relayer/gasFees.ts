import type { EngineContext } from "./context.ts";

/** Wei per gas. */
export interface Fees {
  maxFee: bigint;
  priorityFee: bigint;
}

const DEFAULT_PRIORITY_FEE = 1_000_000_000n;

/** What a transaction bids at first: room for the base fee to double, within the rules' limit. */
export async function startingFees({ deployed, rules, within }: EngineContext): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await within(() => deployed.provider.getFeeData());
  const maxFee = least(maxFeePerGas ?? gasPrice ?? rules.maxFeePerGas, rules.maxFeePerGas);
  return { maxFee, priorityFee: least(maxPriorityFeePerGas ?? DEFAULT_PRIORITY_FEE, maxFee) };
}

/** Fees that replace others: at least `percent` above both of them, and at least what a new transaction would bid. */
export function raised(before: Fees, now: Fees, percent: number): Fees {
  const above = (fee: bigint): bigint => (fee * BigInt(1000 + Math.ceil(percent * 10))) / 1000n + 1n;
  const maxFee = greatest(above(before.maxFee), now.maxFee);
  return { maxFee, priorityFee: least(greatest(above(before.priorityFee), now.priorityFee), maxFee) };
}

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);
const greatest = (one: bigint, other: bigint): bigint => (one > other ? one : other);
