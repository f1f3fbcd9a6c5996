import { dollars, figure } from "../table.ts";
import {
  type ChartSpan,
  type FundDatum,
  fundChart,
  gasChart,
  type PriceDatum,
  pricesChart,
  type RateDatum,
  ratesChart,
  type StateDatum,
  statesChart,
} from "./charts.ts";
import type { DrillSummary } from "./summary.ts";

/** One account of the drill as its owner knows it. Amounts in micro-USDC. */
export interface AccountRow {
  name: string;
  style: string;
  deposited: bigint;
  equity: bigint;
  margin: bigint;
  /** In words. */
  state: string;
  takeOvers: number;
}

/** One take-over as the report lists it. Amounts in micro-USDC, rates in percent. */
export interface TakeOverRow {
  /** Milliseconds since 1970. */
  time: number;
  account: string;
  rate: number;
  deficit: bigint;
  reward: bigint;
  cured: boolean;
}

/** Everything that a report shows. */
export interface ReportData {
  summary: DrillSummary;
  span: ChartSpan;
  prices: PriceDatum[];
  states: StateDatum[];
  rates: RateDatum[];
  fund: FundDatum[];
  accounts: AccountRow[];
  takeOvers: TakeOverRow[];
}

const STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: #1f2933; background: #fff; max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem; }
p { max-width: 46rem; margin: .4rem 0; } .lead { color: #52606d; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; margin: 1.2rem 0; }
.figures div { border: 1px solid #e4e7eb; border-radius: 6px; padding: .5rem .8rem; }
.figures b { display: block; font-size: 1.35rem; font-weight: 600; } .figures span { color: #52606d; font-size: .85rem; }
svg { max-width: 100%; height: auto; } .wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; margin: .5rem 0; } th, td { text-align: left; padding: .22rem .9rem .22rem 0; border-bottom: 1px solid #e4e7eb; vertical-align: top; }
th { font-weight: 600; color: #52606d; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.passed { color: #2b8a3e; } .failed { color: #c92a2a; font-weight: 600; }
`;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);

/** A cell that is set flush right when it is a number. */
interface Cell {
  text: string;
  className?: string;
}

const number = (text: string): Cell => ({ text, className: "n" });
const text = (value: string): Cell => ({ text: value });

function htmlTable(header: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  const cell = (tag: string, { text: content, className }: Cell): string =>
    `<${tag}${className === undefined ? "" : ` class="${className}"`}>${escaped(content)}</${tag}>`;
  const line = (tag: string, cells: readonly Cell[]): string =>
    `<tr>${cells.map((entry) => cell(tag, entry)).join("")}</tr>`;
  return `<div class="wide"><table><thead>${line("th", header)}</thead><tbody>${rows.map((row) => line("td", row)).join("\n")}</tbody></table></div>`;
}

const stamp = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 16).replace("T", " ");
const percent = (value: number): string => `${figure(value, 1)}%`;

function figures({ counts, accounts, fund, audit }: DrillSummary): string {
  const drawn = BigInt(fund.deficits) + BigInt(fund.rewards);
  const entries: [string, string][] = [
    [String(accounts.opened), "accounts"],
    [String(counts.trades), "trades"],
    [String(counts.flags), "accounts flagged"],
    [String(counts.takeOvers), "take-overs"],
    [String(counts.insolvencies), "of insolvent accounts"],
    [dollars(drawn), "USDC drawn from the fund"],
    [audit.accepted ? "accepted" : "REFUSED", "audit of the ledger"],
  ];
  return `<div class="figures">${entries.map(([value, what]) => `<div><b>${escaped(value)}</b><span>${escaped(what)}</span></div>`).join("")}</div>`;
}

function accountsTable(accounts: readonly AccountRow[]): string {
  const header = [
    text("account"),
    text("how it trades"),
    number("deposited"),
    number("equity at the end"),
    number("maintenance margin"),
    text("state"),
    number("take-overs"),
  ];
  const rows = accounts.map(({ name, style, deposited, equity, margin, state, takeOvers }) => [
    text(name),
    text(style),
    number(dollars(deposited)),
    number(dollars(equity)),
    number(dollars(margin)),
    text(state),
    number(String(takeOvers)),
  ]);
  return htmlTable(header, rows);
}

function takeOversTable(takeOvers: readonly TakeOverRow[]): string {
  if (takeOvers.length === 0) return "<p>There was none.</p>";
  const header = [
    text("time, UTC"),
    text("account"),
    number("rate"),
    number("deficit"),
    number("reward"),
    text("cured"),
  ];
  const rows = takeOvers.map(({ time, account, rate, deficit, reward, cured }) => [
    text(stamp(time)),
    text(account),
    number(percent(rate)),
    number(dollars(deficit)),
    number(dollars(reward)),
    text(cured ? "yes" : "no"),
  ]);
  return htmlTable(header, rows);
}

function gasTable({ gas }: DrillSummary): string {
  const header = [
    text("transactions"),
    number("count"),
    number("items"),
    number("gas"),
    number("gas per item"),
  ];
  const rows = gas.map(({ what, transactions, items, gas: used }) => [
    text(what),
    number(figure(transactions, 0)),
    number(figure(items, 0)),
    number(figure(used, 0)),
    number(items === 0 ? "" : figure(used / items, 0)),
  ]);
  return htmlTable(header, rows);
}

function auditTable({ audit }: DrillSummary): string {
  const rows = audit.checks.map(({ name, passed, found }) => [
    { text: passed ? "passed" : "FAILED", className: passed ? "passed" : "failed" },
    text(name),
    text(found),
  ]);
  return htmlTable([text(""), text("check"), text("found")], rows);
}

/** The report as one HTML document that needs nothing else: no script, no font, no network. */
export async function reportHtml(data: ReportData): Promise<string> {
  const { summary, span } = data;
  const { prices, keepersAway } = summary;
  const away =
    keepersAway === null
      ? "Keepers ran all the time."
      : `Keepers were away from ${stamp(Date.parse(keepersAway.from))} to ${stamp(Date.parse(keepersAway.to))}, shown in grey.`;
  const charts = {
    prices: await pricesChart(data.prices, span),
    states: await statesChart(data.states, span),
    rates: data.rates.length === 0 ? "<p>Nobody was taken over.</p>" : await ratesChart(data.rates, span),
    fund: await fundChart(data.fund, span),
    gas: await gasChart(summary.gas),
  };
  const changes = prices.underlyings
    .map(({ underlying, first, lowest, last }) => {
      const low = percent((100 * lowest) / first - 100);
      return `${underlying} ${figure(first)} to ${figure(last)} (lowest ${low})`;
    })
    .join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Solvus crash drill</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Solvus crash drill</h1>
<p class="lead">${escaped(`${prices.file}: ${stamp(span.from)} to ${stamp(span.to)} UTC in ${prices.steps} steps. ${changes}. ${away}`)}</p>
${figures(summary)}
<h2>Prices</h2>
<p>As the oracle posted them, epoch by epoch, in percent of each underlying's first.</p>
${charts.prices}
<h2>Accounts by state</h2>
<p>Below: under its maintenance margin, and nobody has flagged it. Bankrupt: equity below 0, flagged or not.</p>
${charts.states}
<h2>Auctions</h2>
<p>What keepers asked of each account that they took over; the tick above is what the auction's clock permitted.</p>
${charts.rates}
${takeOversTable(data.takeOvers)}
<h2>Insurance fund</h2>
${charts.fund}
<h2>Gas</h2>
${charts.gas}
${gasTable(summary)}
<h2>Accounts</h2>
<p>The public sees none of this: each owner knows its own account, and the risk committee all of them.</p>
${accountsTable(data.accounts)}
<h2>Audit</h2>
<p>${escaped(`Recomputed from chain data alone at block ${summary.audit.block}: ${summary.audit.accepted ? "accepted" : "refused"}.`)}</p>
${auditTable(summary)}
</body>
</html>
`;
}
