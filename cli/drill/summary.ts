import { dollars, figure, table } from "../table.ts";

/*
 * What a drill ends with: plain data, amounts in micro-USDC as decimal strings, times in ISO 8601 of the chain's clock.
 */

/** One underlying's prices, dollars, as the oracle posted them. */
export interface PriceSummary {
  underlying: string;
  first: number;
  lowest: number;
  highest: number;
  last: number;
}

/** Transactions of one kind. */
export interface GasSummary {
  what: string;
  transactions: number;
  /** What the transactions were about: notes, flags, epochs. */
  items: number;
  gas: number;
}

export interface DrillCounts {
  epochs: number;
  openings: number;
  /** Changes of accounts by their owners, of which trade sides and deposits. */
  transitions: number;
  trades: number;
  deposits: number;
  flags: number;
  /** Flags proven again. */
  renewals: number;
  cleared: number;
  revealed: number;
  takeOvers: number;
  /** Take-overs that left the account above its margin. */
  cured: number;
  /** Take-overs of accounts with equity below 0, which the fund paid for. */
  insolvencies: number;
}

export interface FundSummary {
  before: string;
  after: string;
  deficits: string;
  rewards: string;
  uncovered: string;
}

export interface StateCounts {
  healthy: number;
  /** Below the maintenance margin and not flagged. */
  below: number;
  flagged: number;
  /** Equity below 0, flagged or not; counted nowhere else. */
  bankrupt: number;
}

export interface DrillSummary {
  prices: { file: string; from: string; to: string; steps: number; underlyings: PriceSummary[] };
  accounts: { opened: number; traders: number; makers: number; keepers: number; atTheEnd: StateCounts };
  /** While keepers were away; null when they never were. */
  keepersAway: { from: string; to: string } | null;
  counts: DrillCounts;
  fund: FundSummary;
  gas: GasSummary[];
  /** The ledger's conservation and all else that follows from chain data. */
  audit: { accepted: boolean; block: number; checks: { name: string; passed: boolean; found: string }[] };
  /** What rules, contracts or the relayer refused to owners, by rule: mostly proofs that an epoch overtook. */
  refusals: Record<string, number>;
  /** Processes that ended and were started again, by name. */
  restarts: Record<string, number>;
  seconds: { settingUp: number; playing: number; total: number };
  report: string;
}

const money = (micro: string): string => dollars(BigInt(micro));

/** The summary as tables for people. */
export function summaryText(summary: DrillSummary): string {
  const { prices, accounts, counts, fund, gas, audit, keepersAway, seconds } = summary;
  const priceRows = prices.underlyings.map(({ underlying, first, lowest, highest, last }) => [
    underlying,
    figure(first),
    figure(highest),
    figure(lowest),
    figure(last),
    `${figure((100 * last) / first - 100, 1)}%`,
  ]);
  const { atTheEnd } = accounts;
  const countRows: [string, string][] = [
    ["accounts opened", String(accounts.opened)],
    ["epochs posted", String(counts.epochs)],
    ["transitions by owners", String(counts.transitions)],
    ["  of which deposits", String(counts.deposits)],
    ["  trades, two sides each", String(counts.trades)],
    ["accounts flagged", String(counts.flags)],
    ["flags renewed", String(counts.renewals)],
    ["flags cleared by owners", String(counts.cleared)],
    ["openings revealed", String(counts.revealed)],
    ["take-overs", String(counts.takeOvers)],
    ["  that cured the account", String(counts.cured)],
    ["  of insolvent accounts", String(counts.insolvencies)],
    ["accounts at the end: healthy", String(atTheEnd.healthy)],
    ["  below margin", String(atTheEnd.below)],
    ["  flagged", String(atTheEnd.flagged)],
    ["  bankrupt", String(atTheEnd.bankrupt)],
  ];
  const fundRows: [string, string][] = [
    ["before", money(fund.before)],
    ["paid for deficits", money(fund.deficits)],
    ["paid to keepers as rewards", money(fund.rewards)],
    ["after", money(fund.after)],
    ["deficits that it could not cover", money(fund.uncovered)],
  ];
  const gasRows = gas.map(({ what, transactions, items, gas: used }) => [
    what,
    figure(transactions, 0),
    figure(items, 0),
    figure(used, 0),
    figure(items === 0 ? 0 : used / items, 0),
  ]);
  const checkRows = audit.checks.map(({ name, passed, found }) => [
    passed ? "passed" : "FAILED",
    name,
    found,
  ]);
  const away =
    keepersAway === null
      ? "Keepers were never away."
      : `Keepers were away from ${keepersAway.from} to ${keepersAway.to}.`;
  return [
    `${prices.file}, ${prices.from} to ${prices.to} in ${prices.steps} steps. ${away}`,
    table(["prices, $", "first", "highest", "lowest", "last", "change"], priceRows),
    table(["what happened", "count"], countRows),
    table(["insurance fund", "USDC"], fundRows),
    table(["gas", "transactions", "items", "gas", "per item"], gasRows),
    table(["audit", "check", "found"], checkRows),
    `Audit at block ${audit.block}: ${audit.accepted ? "accepted" : "REFUSED"}. ${figure(seconds.total, 0)} s in all, ${figure(seconds.settingUp, 0)} of them to open accounts.`,
    `Report: ${summary.report}`,
  ].join("\n\n");
}
