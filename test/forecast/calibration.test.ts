import { beforeAll, describe, expect, test } from "vitest";
import { DECAY } from "../../services/forecast/filter.ts";
import { reliability, scoresOf, skillOf } from "../../services/forecast/scores.ts";
import { type Calibration, calibrate } from "../support/calibration.ts";

/*
 * The forecast against what then happened, in the second half of January 2021, with everything fitted in the first. The seed is fixed: the
 * figures are those of one experiment, smaller than the benchmark's.
 */

let calibration: Calibration;
beforeAll(() => {
  calibration = calibrate({ every: 8, accounts: 10, paths: 200, seed: 2 });
}, 60_000);

test("the filter's decay is the one that the training part chooses", () => {
  expect(calibration.trainingHours).toBeGreaterThan(350);
  expect(calibration.testingHours).toBeGreaterThan(350);
  expect(calibration.decay).toBe(DECAY);
});

test("the forecast is better than saying the base rate, at every horizon", () => {
  for (const { forecast, baseRate, horizonHours, portfolio } of calibration.rows) {
    expect(forecast.rate).toBeGreaterThan(0.02);
    // Options also fall by rises of volatility, which the forecast is not told of: within an hour it may be no better for them.
    if (portfolio === "options" && horizonHours === 1) continue;
    expect(skillOf(forecast.brier, baseRate.brier)).toBeGreaterThan(horizonHours === 1 ? 0.03 : 0.1);
    if (portfolio === "linear") expect(forecast.log).toBeLessThan(baseRate.log);
  }
});

test("it is better than constant normal returns over all, and at the longest horizon", () => {
  const { total, rows } = calibration;
  expect(skillOf(total.forecast.brier, total.normal.brier)).toBeGreaterThan(0.01);
  const longest = rows.find(({ horizonHours, portfolio }) => horizonHours === 12 && portfolio === "all");
  expect(skillOf(longest?.forecast.brier ?? 1, longest?.normal.brier ?? 0)).toBeGreaterThan(0.01);
});

test("what was said happened about as often as was said", () => {
  const common = calibration.reliability.filter(({ count }) => count >= 100);
  expect(common.length).toBeGreaterThanOrEqual(5);
  for (const { said, happened } of common) expect(Math.abs(said - happened)).toBeLessThan(0.1);
});

describe("scores", () => {
  const verdicts = [
    { probability: 0.5, happened: true },
    { probability: 0.5, happened: false },
    { probability: 0.9, happened: true },
    { probability: 0, happened: false },
  ];

  test("are the means of squared distance and surprise", () => {
    const { count, rate, brier, log } = scoresOf(verdicts);
    expect([count, rate]).toEqual([4, 0.5]);
    expect(brier).toBeCloseTo((0.25 + 0.25 + 0.01 + 0) / 4, 12);
    expect(log).toBeCloseTo((2 * Math.LN2 - Math.log(0.9) - Math.log(1 - 1 / 4_000)) / 4, 12);
  });

  test("punish certainty that was wrong by a finite amount", () => {
    expect(scoresOf([{ probability: 0, happened: true }]).log).toBeCloseTo(Math.log(4_000), 9);
    expect(scoresOf([{ probability: 1, happened: false }]).brier).toBe(1);
  });

  test("give skill by what is saved of a baseline", () => {
    expect(skillOf(0.1, 0.2)).toBe(0.5);
    expect(skillOf(0.3, 0.2)).toBeCloseTo(-0.5, 12);
  });

  test("bin each verdict once", () => {
    const bins = reliability([
      ...verdicts,
      { probability: 1, happened: true },
      { probability: 0.2, happened: false },
    ]);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    expect(bins.find(({ from }) => from === 0.2)).toMatchObject({
      to: 0.4,
      count: 1,
      said: 0.2,
      happened: 0,
    });
    expect(bins.at(-1)).toMatchObject({ from: 0.95, count: 1, said: 1, happened: 1 });
  });
});
