import { ensure } from "./errors.ts";

/** An event of the insurance fund, in the order of the chain. Amounts in micro-USDC. */
export type FundEvent =
  /** Of `amount`, `toDeficit` went to the ledger and `toClaims` to the holders of claims. */
  | { kind: "deposited"; amount: bigint; toDeficit: bigint; toClaims: bigint }
  | { kind: "takeOverPaid"; covered: bigint; uncoveredPart: bigint; reward: bigint }
  /** What a withdrawal in a shortfall was not paid. */
  | { kind: "claimAdded"; amount: bigint }
  | { kind: "recoveryCollected"; amount: bigint }
  | { kind: "released"; amount: bigint };

/** The insurance fund as its events leave it, in micro-USDC. */
export interface FundAccounts {
  /** What it may pay. */
  balance: bigint;
  /** Deficits of bankrupt accounts that nobody has paid yet. */
  uncovered: bigint;
  /** Claims that are not recovered. */
  claims: bigint;
  /** Recovered and not collected. */
  collectable: bigint;
  /** All that it has paid for deficits and for rewards. */
  covered: bigint;
  rewards: bigint;
  /** All that it could not pay. */
  everUncovered: bigint;
}

/** Adds up a fund's events. Throws `fund.*` when it paid, recovered or released more than there was. */
export function fundAccounts(events: Iterable<FundEvent>): FundAccounts {
  const fund: FundAccounts = {
    balance: 0n,
    uncovered: 0n,
    claims: 0n,
    collectable: 0n,
    covered: 0n,
    rewards: 0n,
    everUncovered: 0n,
  };
  for (const event of events) {
    switch (event.kind) {
      case "deposited":
        fund.balance += event.amount - event.toDeficit - event.toClaims;
        fund.uncovered -= event.toDeficit;
        fund.claims -= event.toClaims;
        fund.collectable += event.toClaims;
        break;
      case "takeOverPaid":
        fund.balance -= event.covered + event.reward;
        fund.uncovered += event.uncoveredPart;
        fund.covered += event.covered;
        fund.rewards += event.reward;
        fund.everUncovered += event.uncoveredPart;
        break;
      case "claimAdded":
        fund.claims += event.amount;
        fund.uncovered -= event.amount < fund.uncovered ? event.amount : fund.uncovered;
        break;
      case "recoveryCollected":
        fund.collectable -= event.amount;
        break;
      case "released":
        fund.balance -= event.amount;
    }
    for (const name of ["balance", "uncovered", "claims", "collectable"] as const) {
      ensure(fund[name] >= 0n, `fund.${name}`, `${name} of the fund: ${fund[name]}, expected at least 0`);
    }
  }
  return fund;
}
