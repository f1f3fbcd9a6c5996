import { describe, expect, test, vi } from "vitest";
import { type ReportData, reportHtml } from "../../cli/drill/report.ts";
import { type DrillSummary, summaryText } from "../../cli/drill/summary.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2021, 0, 10, 8);
const at = (hour: number): number => START + hour * HOUR;

/** What a drill left, with names that HTML must not take for its own. */
const SUMMARY: DrillSummary = {
  prices: {
    file: "<btc & eth>.csv",
    from: new Date(at(0)).toISOString(),
    to: new Date(at(36)).toISOString(),
    steps: 37,
    underlyings: [
      { underlying: "BTC", first: 40_978.57, lowest: 31_580, highest: 41_000, last: 32_254.62 },
      { underlying: "ETH", first: 1_344.7, lowest: 963.55, highest: 1_344.7, last: 984.41 },
    ],
  },
  accounts: {
    opened: 16,
    traders: 11,
    makers: 3,
    keepers: 2,
    atTheEnd: { healthy: 13, below: 1, flagged: 1, bankrupt: 1 },
  },
  keepersAway: { from: new Date(at(15)).toISOString(), to: new Date(at(33)).toISOString() },
  counts: {
    epochs: 90,
    openings: 16,
    transitions: 70,
    trades: 24,
    deposits: 17,
    flags: 9,
    renewals: 3,
    cleared: 1,
    revealed: 0,
    takeOvers: 12,
    cured: 5,
    insolvencies: 4,
  },
  fund: {
    before: "250000000000",
    after: "229500000000",
    deficits: "20000000000",
    rewards: "500000000",
    uncovered: "0",
  },
  gas: [
    { what: "ledger: items in batches", transactions: 40, items: 98, gas: 12_000_000 },
    { what: "oracle: epochs", transactions: 90, items: 90, gas: 27_000_000 },
  ],
  audit: {
    accepted: true,
    block: 1_234,
    checks: [{ name: "holdings of cash", passed: true, found: "12 token units held for 12 units" }],
  },
  refusals: { "ledger.SnapshotStale": 2 },
  restarts: {},
  seconds: { settingUp: 150, playing: 310, total: 460 },
  report: "drill/report.html",
};

const DATA: ReportData = {
  summary: SUMMARY,
  span: { from: at(0), to: at(36), away: { from: at(15), to: at(33) } },
  prices: [0, 12, 24, 36].flatMap((hour) => [
    { time: at(hour), underlying: "BTC", price: 41_000 - hour * 240 },
    { time: at(hour), underlying: "ETH", price: 1_345 - hour * 10 },
  ]),
  states: [
    { time: at(0), counts: { healthy: 16, below: 0, flagged: 0, bankrupt: 0 } },
    { time: at(33), counts: { healthy: 12, below: 0, flagged: 2, bankrupt: 2 } },
    { time: at(36), counts: SUMMARY.accounts.atTheEnd },
  ],
  rates: [
    { time: at(10), rate: 9.5, permitted: 10, insolvent: false },
    { time: at(33.1), rate: 5, permitted: 6.7, insolvent: true },
  ],
  fund: [
    { time: at(0), balance: 250_000, uncovered: 0 },
    { time: at(33.1), balance: 229_500, uncovered: 0 },
    { time: at(36), balance: 229_500, uncovered: 0 },
  ],
  accounts: [
    {
      name: "trader 1",
      style: "long <leveraged>",
      deposited: 20_000_000_000n,
      equity: -1_500_000_000n,
      margin: 9_000_000_000n,
      state: "bankrupt, flagged",
      takeOvers: 2,
    },
  ],
  takeOvers: [
    {
      time: at(33.1),
      account: "trader 1",
      rate: 5,
      deficit: 20_000_000_000n,
      reward: 500_000_000n,
      cured: false,
    },
  ],
};

describe("the report of a drill", () => {
  test("has a plot of prices, states, rates, fund and gas, and needs nothing from elsewhere", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const html = await reportHtml(DATA);
    expect(warn.mock.calls).toEqual([]);
    warn.mockRestore();
    expect(html.match(/<svg/g)).toHaveLength(5);
    expect(html).not.toMatch(/<script|<link|\bsrc=|@import|url\((?!#)/);
    const addresses = html.match(/https?:\/\/[^"' )]+/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
    for (const shown of [
      "BTC",
      "ETH",
      "bankrupt",
      "equity below 0",
      "balance",
      "oracle: epochs",
      "20,000.00",
      "-1,500.00",
    ])
      expect(html).toContain(shown);
  });

  test("shows names as text, not as markup", async () => {
    const html = await reportHtml(DATA);
    expect(html).not.toContain("<btc");
    expect(html).not.toContain("<leveraged>");
    expect(html).toContain("&#60;btc &#38; eth&#62;.csv");
  });

  test("does without take-overs, an outage and a shortfall", async () => {
    const { away: _, ...span } = DATA.span;
    const calm: ReportData = {
      ...DATA,
      span,
      rates: [],
      takeOvers: [],
      summary: { ...SUMMARY, keepersAway: null },
    };
    const html = await reportHtml(calm);
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).toContain("Nobody was taken over");
    expect(html).not.toContain("uncovered deficit</text>");
  });

  test("draws what the fund could not pay", async () => {
    const short = { ...DATA, fund: DATA.fund.map((datum) => ({ ...datum, uncovered: 1_000 })) };
    expect(await reportHtml(short)).toContain("uncovered deficit");
  });

  test("says when the audit refused", async () => {
    const audit = {
      accepted: false,
      block: 9,
      checks: [{ name: "fund", passed: false, found: "too little" }],
    };
    const html = await reportHtml({ ...DATA, summary: { ...SUMMARY, audit } });
    expect(html).toContain("REFUSED");
    expect(html).toMatch(/class="failed">FAILED/);
  });
});

describe("the summary of a drill", () => {
  test("is told in tables with prices, counts, fund, gas and checks", () => {
    const text = summaryText(SUMMARY);
    expect(text).toMatch(/ETH +1,344\.70 +1,344\.70 +963\.55 +984\.41 +-26\.8%/);
    expect(text).toMatch(/of insolvent accounts +4/);
    expect(text).toMatch(/paid for deficits +20,000\.00/);
    expect(text).toMatch(/ledger: items in batches +40 +98 +12,000,000 +122,449/);
    expect(text).toMatch(/passed +holdings of cash/);
    expect(text).toContain("Audit at block 1234: accepted.");
  });
});
