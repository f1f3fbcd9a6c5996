import type { AuctionEvent } from "../../protocol/auctionEvents.ts";
import { MODE } from "../../protocol/constants.ts";
import type { FundAccounts } from "../../protocol/fundHistory.ts";
import type { LedgerAudit } from "../../verifier/ledgerAudit.ts";
import type { ChainRecord, Timed } from "./chainRecord.ts";
import type { Look, Seen } from "./look.ts";
import type { Drill } from "./play.ts";
import type { AccountRow, ReportData, TakeOverRow } from "./report.ts";
import type { DrillCounts, DrillSummary, PriceSummary } from "./summary.ts";

/*
 * What a drill comes to: the summary and the data of the report, from the chain's record, the owners' looks and the audit.
 */

/** What a summary is made of. */
export interface Findings {
  file: string;
  drill: Drill;
  record: ChainRecord;
  audit: LedgerAudit;
  seconds: DrillSummary["seconds"];
  report: string;
}

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

const percentOf = (q16: bigint): number => Number(q16) / 655.36;

/** Flags that began, as opposed to those proven again: a flag's first epoch is its own. */
function flagCounts(
  auction: readonly Timed<AuctionEvent>[],
): Pick<DrillCounts, "flags" | "renewals" | "cleared" | "revealed"> {
  const count = (isCounted: (event: AuctionEvent) => boolean): number =>
    auction.filter(({ event }) => isCounted(event)).length;
  return {
    flags: count((event) => event.kind === "flagged" && event.epoch === event.firstEpoch),
    renewals: count((event) => event.kind === "flagged" && event.epoch !== event.firstEpoch),
    cleared: count(({ kind }) => kind === "cleared"),
    revealed: count(({ kind }) => kind === "revealed"),
  };
}

function countsOf({ epochs, ledger, auction, takeOvers }: ChainRecord): DrillCounts {
  const transitions = ledger.flatMap(({ event }) => (event.kind === "transitioned" ? [event] : []));
  const tags = new Set(transitions.flatMap(({ tradeTag }) => (tradeTag === 0n ? [] : [tradeTag])));
  return {
    epochs: epochs.length,
    openings: ledger.filter(({ event }) => event.kind === "opened").length,
    transitions: transitions.length,
    trades: tags.size,
    deposits: transitions.filter(({ deposit, mode }) => deposit > 0n && mode === MODE.normal).length,
    ...flagCounts(auction),
    takeOvers: takeOvers.length,
    cured: takeOvers.filter(({ cured }) => cured).length,
    insolvencies: takeOvers.filter(({ deficit }) => deficit > 0n).length,
  };
}

/** Prices within the window; of a file without steps, of all epochs. */
function pricesOf({ epochs }: ChainRecord, underlyings: readonly string[], from: number): PriceSummary[] {
  const inside = epochs.filter(({ time }) => time * 1000 >= from);
  return underlyings.map((underlying) => {
    const prices = inside.map((epoch) => epoch.prices[underlying] ?? 0);
    return {
      underlying,
      first: prices[0] ?? 0,
      lowest: Math.min(...prices),
      highest: Math.max(...prices),
      last: prices.at(-1) ?? 0,
    };
  });
}

const NO_FUND: Pick<FundAccounts, "balance" | "covered" | "rewards" | "uncovered"> = {
  balance: 0n,
  covered: 0n,
  rewards: 0n,
  uncovered: 0n,
};

function stateText({ account, standing, state, isFlagged }: Seen): string {
  if (state === "bankrupt") return isFlagged ? "bankrupt, flagged" : "bankrupt";
  if (account.note.legs.every(({ size }) => size === 0n)) return "no positions";
  if (state !== "healthy") return state;
  const { equity, margin } = standing;
  return margin.maintenance === 0n
    ? "healthy"
    : `${(Number(equity) / Number(margin.maintenance)).toFixed(1)} × its margin`;
}

const STYLE_TEXT = { maker: "takes the other side", keeper: "takes over" } as const;

/** The summary and the report's data. */
export function conclude({ file, drill, record, audit, seconds, report }: Findings): ReportData {
  const { window, underlyings, people, looks, names, local } = drill;
  const { points, outage } = window;
  const last = looks.at(-1) as Look;
  const from = (points[0] as { time: number }).time;
  const to = Math.max(last.time, (points.at(-1) as { time: number }).time);
  const fundBefore = record.fund.findLast(({ time }) => time * 1000 < from)?.accounts ?? NO_FUND;
  const fundAfter = record.fund.at(-1)?.accounts ?? NO_FUND;
  const away =
    outage === undefined
      ? undefined
      : {
          from: (points[outage.from] as { time: number }).time,
          to: (points[outage.to] as { time: number }).time,
        };
  const roles = (wanted: string): number => people.filter(({ member }) => member.role === wanted).length;
  const restarts = ["chain", "reporters", "aggregator", "relayer", "keeper"].map((name): [string, number] => [
    name,
    local.supervisor.restartsOf(name),
  ]);
  const summary: DrillSummary = {
    prices: {
      file,
      from: iso(from),
      to: iso(to),
      steps: points.length,
      underlyings: pricesOf(record, underlyings, from),
    },
    accounts: {
      opened: people.length,
      traders: roles("trader"),
      makers: roles("maker"),
      keepers: roles("keeper"),
      atTheEnd: last.counts,
    },
    keepersAway: away === undefined ? null : { from: iso(away.from), to: iso(away.to) },
    counts: countsOf(record),
    fund: {
      before: String(fundBefore.balance),
      after: String(fundAfter.balance),
      deficits: String(fundAfter.covered),
      rewards: String(fundAfter.rewards),
      uncovered: String(fundAfter.uncovered),
    },
    gas: record.gas,
    audit: {
      accepted: audit.accepted,
      block: audit.block,
      checks: audit.checks.map(({ name, passed, found }) => ({ name, passed, found })),
    },
    refusals: Object.fromEntries([...drill.refusals].sort()),
    restarts: Object.fromEntries(restarts.filter(([, count]) => count > 0)),
    seconds,
    report,
  };
  const nameAt = (place: bigint): string => names.get(place) ?? `place ${place}`;
  const takeOvers = record.takeOvers.map((one): TakeOverRow => {
    // The account goes on at its new place, where the next take-over finds it.
    const account = nameAt(one.place);
    if (!names.has(one.newPlace)) names.set(one.newPlace, account);
    const { time, rate, deficit, reward, cured } = one;
    return { time: time * 1000, account, rate: percentOf(rate), deficit, reward, cured };
  });
  const accounts = last.seen.map((one): AccountRow => {
    const { member, deposited } = one.person;
    const { equity, margin } = one.standing;
    return {
      name: member.name,
      style: member.role === "trader" ? (member.style?.name ?? "") : STYLE_TEXT[member.role],
      deposited,
      equity,
      margin: margin.maintenance,
      state: stateText(one),
      takeOvers: takeOvers.filter(({ account }) => account === member.name).length,
    };
  });
  const inside = <T extends { time: number }>(list: readonly T[]): T[] =>
    list.filter(({ time }) => time * 1000 >= from);
  const usdc = (micro: bigint): number => Number(micro) / 1e6;
  const fundPoints = inside(record.fund).map(({ time, accounts: { balance, uncovered } }) => ({
    time: time * 1000,
    balance: usdc(balance),
    uncovered: usdc(uncovered),
  }));
  return {
    summary,
    span: { from, to, ...(away === undefined ? {} : { away }) },
    prices: inside(record.epochs).flatMap(({ time, prices }) =>
      underlyings.map((underlying) => ({ time: time * 1000, underlying, price: prices[underlying] ?? 0 })),
    ),
    // Of two looks at one time the second counts.
    states: [...new Map(looks.map(({ time, counts }) => [time, { time, counts }])).values()],
    rates: record.takeOvers.map(({ time, rate, permitted, deficit }) => ({
      time: time * 1000,
      rate: percentOf(rate),
      permitted: percentOf(permitted),
      insolvent: deficit > 0n,
    })),
    fund: [
      { time: from, balance: usdc(fundBefore.balance), uncovered: usdc(fundBefore.uncovered) },
      ...fundPoints,
      { time: to, balance: usdc(fundAfter.balance), uncovered: usdc(fundAfter.uncovered) },
    ],
    accounts,
    takeOvers,
  };
}
