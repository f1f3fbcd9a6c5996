import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { GasSummary, StateCounts } from "./summary.ts";

/*
 * The plots of a drill's report as SVG text, made by vega-lite in Node, without a browser or a canvas.
 */

/** A stretch of time, milliseconds since 1970. */
export interface Stretch {
  from: number;
  to: number;
}

export interface PriceDatum {
  /** Milliseconds since 1970. */
  time: number;
  underlying: string;
  /** Dollars. */
  price: number;
}

export interface StateDatum {
  time: number;
  counts: StateCounts;
}

export interface RateDatum {
  time: number;
  /** Percent of the margin taken over. */
  rate: number;
  permitted: number;
  insolvent: boolean;
}

export interface FundDatum {
  time: number;
  /** USDC. */
  balance: number;
  uncovered: number;
}

const INK = "#1f2933";
const MUTED = "#7b8794";
const PALETTE = ["#1864ab", "#c2255c", "#2b8a3e", "#e67700", "#5f3dc4", "#0b7285"];
const STATE_COLOURS: Record<keyof StateCounts, string> = {
  healthy: "#b2d8c0",
  below: "#ffd43b",
  flagged: "#f08c00",
  bankrupt: "#c92a2a",
};
const WIDTH = 820;
const HEIGHT = 230;

const CONFIG = {
  background: "transparent",
  font: "system-ui, -apple-system, 'Segoe UI', sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: MUTED,
    titleColor: INK,
    titleFontWeight: "normal" as const,
    gridColor: "#e4e7eb",
    domainColor: "#cbd2d9",
    tickColor: "#cbd2d9",
    labelFontSize: 11,
    titleFontSize: 12,
  },
  legend: {
    labelColor: INK,
    titleColor: INK,
    labelFontSize: 12,
    labelLimit: 0,
    symbolSize: 120,
    orient: "top" as const,
    title: null,
  },
};

/** What part of time a chart shows, the same for all of a report, and when keepers were away. */
export interface ChartSpan extends Stretch {
  away?: Stretch;
}

/** The time axis; the layers of a chart share its scale, so one of them alone says how far it goes. */
const timeAxis = (span?: Stretch) => ({
  field: "time",
  type: "temporal",
  scale: { type: "utc", ...(span && { domain: [span.from, span.to] }) },
  axis: { title: null, format: "%-d %b %H:%M", labelOverlap: true },
});

/** A chart as SVG text. Times are shown in UTC. */
async function svgOf(spec: object): Promise<string> {
  const full = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: WIDTH,
    height: HEIGHT,
    config: CONFIG,
    ...spec,
  } as TopLevelSpec;
  const view = new View(parse(compile(full).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** A grey band behind a chart, where keepers were away; nothing when they never were. */
function band(span: ChartSpan): object[] {
  const { away } = span;
  if (away === undefined) return [];
  return [
    {
      data: { values: [away] },
      mark: { type: "rect", color: "#e4e7eb", opacity: 0.7 },
      encoding: {
        x: { ...timeAxis(), field: "from" },
        x2: { field: "to" },
      },
    },
  ];
}

/** Prices in percent of each underlying's first. */
export function pricesChart(data: readonly PriceDatum[], span: ChartSpan): Promise<string> {
  const first = new Map<string, number>();
  for (const { underlying, price } of data) if (!first.has(underlying)) first.set(underlying, price);
  const values = data.map(({ time, underlying, price }) => ({
    time,
    underlying,
    percent: (100 * price) / (first.get(underlying) as number),
  }));
  return svgOf({
    layer: [
      ...band(span),
      {
        data: { values },
        mark: { type: "line", strokeWidth: 2 },
        encoding: {
          x: timeAxis(span),
          y: {
            field: "percent",
            type: "quantitative",
            scale: { zero: false },
            axis: { title: "price, % of the first" },
          },
          color: {
            field: "underlying",
            type: "nominal",
            sort: null,
            scale: { domain: [...first.keys()], range: PALETTE },
          },
        },
      },
    ],
  });
}

/** How many accounts are in which state, stacked, from one look at them to the next. */
export function statesChart(data: readonly StateDatum[], span: ChartSpan): Promise<string> {
  const states = Object.keys(STATE_COLOURS) as (keyof StateCounts)[];
  const values = data.flatMap(({ time, counts }) =>
    states.map((state, order) => ({ time, state, order, accounts: counts[state] })),
  );
  return svgOf({
    layer: [
      ...band(span),
      {
        data: { values },
        mark: { type: "area", interpolate: "step-after" },
        encoding: {
          x: timeAxis(span),
          y: {
            field: "accounts",
            type: "quantitative",
            stack: "zero",
            axis: { title: "accounts", tickMinStep: 1 },
          },
          order: { field: "order" },
          color: {
            field: "state",
            type: "nominal",
            scale: { domain: states, range: states.map((state) => STATE_COLOURS[state]) },
          },
        },
      },
    ],
  });
}

/** The rate of each take-over, with what the auction permitted at the time as a tick above it. */
export function ratesChart(data: readonly RateDatum[], span: ChartSpan): Promise<string> {
  const values = data.map(({ insolvent, ...datum }) => ({
    ...datum,
    account: insolvent ? "equity below 0" : "equity above 0",
  }));
  const y = {
    type: "quantitative",
    scale: { domain: [0, 50] },
    axis: { title: "rate, % of the margin taken over" },
  };
  return svgOf({
    layer: [
      ...band(span),
      {
        data: { values },
        mark: { type: "tick", orient: "horizontal", color: MUTED, thickness: 1.5, size: 14 },
        encoding: { x: timeAxis(), y: { ...y, field: "permitted" } },
      },
      {
        data: { values },
        mark: { type: "point", filled: true, size: 70, opacity: 0.85 },
        encoding: {
          x: timeAxis(span),
          y: { ...y, field: "rate" },
          color: {
            field: "account",
            type: "nominal",
            scale: {
              domain: ["equity above 0", "equity below 0"],
              range: [STATE_COLOURS.flagged, STATE_COLOURS.bankrupt],
            },
          },
        },
      },
    ],
  });
}

/** The fund's balance, and what it could not pay where there is any. */
export function fundChart(data: readonly FundDatum[], span: ChartSpan): Promise<string> {
  const isShort = data.some(({ uncovered }) => uncovered > 0);
  const values = data.flatMap(({ time, balance, uncovered }) => [
    { time, what: "balance", amount: balance },
    ...(isShort ? [{ time, what: "uncovered deficit", amount: uncovered }] : []),
  ]);
  return svgOf({
    layer: [
      ...band(span),
      {
        data: { values },
        mark: { type: "line", interpolate: "step-after", strokeWidth: 2 },
        encoding: {
          x: timeAxis(span),
          y: {
            field: "amount",
            type: "quantitative",
            scale: { zero: isShort },
            axis: { title: "USDC", format: ",.0f" },
          },
          color: {
            field: "what",
            type: "nominal",
            scale: isShort
              ? { domain: ["balance", "uncovered deficit"], range: [PALETTE[0], STATE_COLOURS.bankrupt] }
              : { domain: ["balance"], range: [PALETTE[0]] },
          },
        },
      },
    ],
  });
}

/** Gas by kind of transaction, most first. */
export function gasChart(data: readonly GasSummary[]): Promise<string> {
  const values = data.map(({ what, gas }) => ({ what, gas: gas / 1e6 }));
  return svgOf({
    height: { step: 26 },
    data: { values },
    mark: { type: "bar", color: PALETTE[0], cornerRadiusEnd: 2 },
    encoding: {
      y: {
        field: "what",
        type: "nominal",
        sort: null,
        axis: { title: null, labelLimit: 0, labelColor: INK },
      },
      x: { field: "gas", type: "quantitative", axis: { title: "million gas" } },
    },
  });
}
