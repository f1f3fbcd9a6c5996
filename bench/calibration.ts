import { skillOf } from "../services/forecast/scores.ts";
import { type Calibration, type CalibrationRow, calibrate } from "../test/support/calibration.ts";
import type { Benchmark } from "./benchmark.ts";

/** One experiment serves all figures. */
let experiment: Calibration | undefined;
const measured = (): Calibration => {
  experiment ??= calibrate({ every: 2, accounts: 20, paths: 1_000, seed: 1 });
  return experiment;
};

/** The better of the two baselines, by its Brier score. */
const baselineOf = ({ normal, baseRate }: CalibrationRow): number => Math.min(normal.brier, baseRate.brier);

/**
 * How good the forecast of breaches is on hours that it has not seen (1, 4 and 12 hours together); the baseline is the better one of the base rate
 * and constant normal returns.
 */
export const benchmarks: Benchmark[] = [
  { name: "keeper.calibration.brier", unit: "Brier score", run: () => measured().total.forecast.brier },
  { name: "keeper.calibration.brier_baseline", unit: "Brier score", run: () => baselineOf(measured().total) },
  {
    name: "keeper.calibration.skill",
    unit: "part of the baseline's score saved",
    run: () => skillOf(measured().total.forecast.brier, baselineOf(measured().total)),
  },
];

/** Scores by horizon and kind of account, and how often what was said happened. */
function calibrationTable(): Promise<string> {
  const { trainingHours, testingHours, decay, rows, total, ...bins } = measured();
  const columns = [
    "hours",
    "accounts",
    "forecasts",
    "breaches",
    "Brier",
    "normal",
    "base rate",
    "skill v. normal",
    "v. base rate",
    "log score",
    "normal",
    "base rate",
  ];
  const lines = [...rows, total].map(({ horizonHours, portfolio, forecast, normal, baseRate }) => [
    horizonHours === 0 ? "all" : String(horizonHours),
    portfolio,
    String(forecast.count),
    percent(forecast.rate),
    ...[forecast, normal, baseRate].map(({ brier }) => brier.toFixed(4)),
    ...[normal, baseRate].map(({ brier }) => percent(skillOf(forecast.brier, brier))),
    ...[forecast, normal, baseRate].map(({ log }) => log.toFixed(3)),
  ]);
  const binsText = (title: string, of: Calibration["reliability"]): string[] => [
    "",
    title,
    "",
    ...aligned([
      ["said", "forecasts", "mean said", "happened"],
      ...of.map(({ from, to, count, said, happened }) => [
        `${percent(from)} to ${percent(to)}`,
        String(count),
        percent(said),
        percent(happened),
      ]),
    ]),
  ];
  return Promise.resolve(
    [
      `Breach of maintenance margin: ${trainingHours} hours of January 2021 to fit (decay ${decay}), the ${testingHours} after them to test.`,
      "Options are priced at volatilities that rise by twice what prices fall; no forecast is told.",
      "",
      ...aligned([columns, ...lines]),
      ...binsText("Reliability of the forecast:", bins.reliability),
      ...binsText("Of the forecast for accounts without options:", bins.linearReliability),
      ...binsText("Of constant normal returns:", bins.normalReliability),
    ].join("\n"),
  );
}

/** Tables to read. */
export const tables = { calibration: calibrationTable };

const percent = (value: number): string => `${(value * 100).toFixed(1)}%`;

/** Rows of cells as lines, columns flushed right. */
function aligned(rows: string[][]): string[] {
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] as number)).join("  "));
}
