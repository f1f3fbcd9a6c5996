import { OTHERS, type ParameterSet, SHIPPED } from "./parameterSets.ts";
import { type Breaks, breaksOf, SHOCKS, smallestWhale, thinnestBook } from "./shocks.ts";

/* The smallest shock of each kind that breaks each set of parameters, as a table. Nothing in it is random. */

/** Everything that a set of parameters is tried with. */
export interface SetResult {
  set: ParameterSet;
  /** By name of the shock. */
  breaks: Map<string, Breaks>;
  whale: number | undefined;
  book: number | undefined;
}

/** Tries every shock on every set; `tell` hears of each set that is done. */
export function tryEverything(tell: (line: string) => void = () => {}): SetResult[] {
  return [...SHIPPED, ...OTHERS].map((set) => {
    const began = performance.now();
    const breaks = new Map(SHOCKS.map((shock) => [shock.name, breaksOf(shock, set)]));
    const result = { set, breaks, whale: smallestWhale(set), book: thinnestBook(set) };
    tell(`${set.name}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return result;
  });
}

const percent = (value: number | undefined, most: number): string =>
  value === undefined ? `> ${(100 * most).toFixed(0)}%` : `${(100 * value).toFixed(1)}%`;

/** First bad debt and lock of one shock, such as `15.6% / 16.3%`. */
function cell({ badDebt, lock }: Breaks, most: number): string {
  if (badDebt === undefined) return percent(undefined, most);
  return `${percent(badDebt, most)} / ${percent(lock, most)}`;
}

/** The table as Markdown: a row for each shock, a column for each set, shipped ones first. */
export function tableText(results: readonly SetResult[]): string[] {
  const halves = [true, false].map((shipped) => results.filter(({ set }) => set.shipped === shipped));
  return halves.flatMap((half, place) => {
    const row = (cells: string[]): string => `| ${cells.join(" | ")} |`;
    const lines = [
      row(["shock", ...half.map(({ set }) => set.name)]),
      row(["---", ...half.map(() => "---")]),
      ...SHOCKS.map(({ name, most }) =>
        row([name, ...half.map(({ breaks }) => cell(breaks.get(name) as Breaks, most))]),
      ),
      row([
        "whale, times the threshold",
        ...half.map(({ whale }) => (whale === undefined ? "> 20" : whale.toFixed(1))),
      ]),
      row([
        "thinnest book survived",
        ...half.map(({ book }) => (book === undefined ? "> 100%" : `${(100 * book).toFixed(1)}%`)),
      ]),
    ];
    return place === 0 ? [...lines, ""] : lines;
  });
}
