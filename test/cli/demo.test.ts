import { expect, test } from "vitest";
import { positionLines, positionsOf, standingFigures } from "../../cli/accountText.ts";
import { roundedClaim } from "../../cli/demo/audit.ts";
import { firstSnapshot } from "../../cli/demo/market.ts";
import { makeNarrator } from "../../cli/demo/narrator.ts";
import { packageOf } from "../../cli/demo/play.ts";
import { Q16 } from "../../protocol/constants.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import { covers } from "../../protocol/margin.ts";
import { emptyNote } from "../../protocol/note.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { checkPackage } from "../../protocol/trade.ts";

const { snapshot } = firstSnapshot();
const perpetual = findInstrument(snapshot.instruments, "BTC-PERPETUAL");
const call = findInstrument(snapshot.instruments, "BTC-26JUN20-10000-C");

/** An account of 60,000 USDC, less what ten bitcoin of the perpetual cost. */
const note = emptyNote(1n, 2n, 3n);
note.cash = 60_000_000_000n - 90_816_300_000n;
note.legs[0] = { id: perpetual.id, size: 100n, fundingIndex: 0n };
const standing = standingOf(note, snapshot);

test("a claim is rounded down to what holds", () => {
  const { ratio, excess } = roundedClaim(standing);
  expect(covers(standing.equity, ratio, standing.margin.maintenance)).toBe(true);
  expect(covers(standing.equity, ratio + Q16 / 8n, standing.margin.maintenance)).toBe(false);
  const spare = standing.equity - standing.margin.maintenance;
  expect(excess).toBeLessThanOrEqual(spare);
  expect(excess + 1_000_000_000n).toBeGreaterThan(spare);
});

test("packages are canonical whatever the order of their legs", () => {
  const legs = [
    { id: call.id, size: 5n },
    { id: perpetual.id, size: -1n },
  ];
  const agreed = packageOf(legs, 7n);
  expect(() => checkPackage(agreed)).not.toThrow();
  expect(agreed.salt).not.toBe(packageOf(legs, 7n).salt);
});

test("an account reads in units and dollars", () => {
  expect(positionsOf(note, snapshot)).toEqual([
    {
      instrument: "BTC-PERPETUAL",
      id: perpetual.id,
      lots: 100n,
      units: "10",
      markUsd: "9081.63",
      valueUsd: "90816.30",
    },
  ]);
  expect(standingFigures(standing, snapshot).equityUsd).toBe("60000.00");
  const lines = positionLines(note, standing, snapshot).join("\n");
  expect(lines).toContain("cash -30,816.30 USDC");
  expect(lines).toContain("equity 60,000.00, net cash 60,000.00");
});

test("an account without margin has no ratio", () => {
  const empty = emptyNote(1n, 2n, 3n);
  expect(standingFigures(standingOf(empty, snapshot), snapshot).ratio).toBeNull();
});

test("steps are numbered and timed, and their facts survive as JSON", async () => {
  const lines: string[] = [];
  const narrator = makeNarrator((line) => lines.push(line));
  const result = await narrator.step("First", async (record) => {
    narrator.say("a line");
    record({ amount: 2n ** 70n });
    return 1;
  });
  expect(result).toBe(1);
  expect(narrator.steps).toMatchObject([{ step: 1, title: "First", facts: { amount: String(2n ** 70n) } }]);
  expect(lines[0]).toBe("\n 1. First");
  expect(lines.at(-1)).toMatch(/\d\.\d s$/);
});
