import { describe, expect, test } from "vitest";
import { percentQ16 } from "../../cli/keeper/percent.ts";
import { takeOverText, watchedTable } from "../../cli/keeper/text.ts";
import { Misuse } from "../../protocol/errors.ts";
import { RESTORATION, REWARD_RATE, sliceBounds, type TakeOver, WHOLE } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { type FundLimits, planTakeOver } from "../../services/keeper/plan.ts";
import { chooseAccount, type WatchedAccount } from "../../services/keeper/watch.ts";
import { keeperNote } from "../support/liquidationCircuit.ts";
import { lumpyAccount, lumpySnapshot } from "../support/lumpyAccount.ts";
import { noteWith, PERPETUAL, smallMarket } from "../support/syntheticMarket.ts";

const USD = 1_000_000n;
const RICH = 1_000_000n * USD;
const LIMITS: FundLimits = { balance: RICH, rewardLeft: RICH };
const LOTS = 10_000n;
const WISH = { rate: REWARD_RATE, restoration: RESTORATION, fee: 0n };

/** A lot of the perpetual is worth $100 and has $10 of margin, whatever its price does. */
const snapshot = smallMarket(
  {},
  {
    perpetual: {
      fundingIndex: 0n,
      losses: Array<bigint>(16).fill(0n),
      longAddOn: 10n * USD,
      shortAddOn: 10n * USD,
    },
  },
);

/** An account of some equity with lots of the perpetual: $10 of margin for each. */
const accountOf = (equity: bigint, size = LOTS): Note =>
  noteWith(equity - size * 100n * USD, [{ id: PERPETUAL, size, fundingIndex: 0n }]);

function plan(equity: bigint, keeperCash: bigint, limits = LIMITS, slice?: bigint, size = LOTS): TakeOver {
  const wish = slice === undefined ? WISH : { ...WISH, slice };
  const target = { note: accountOf(equity, size), leafIndex: 5n };
  return planTakeOver(target, { note: keeperNote(keeperCash), leafIndex: 6n }, snapshot, wish, limits);
}

const rule = (name: string) => expect.objectContaining({ rule: name });
const MARGIN = 10n * LOTS * USD;

describe("without a slice a keeper takes the largest", () => {
  test("that the rules admit, if it is rich", () => {
    const { most } = sliceBounds(60_000n * USD, MARGIN, WISH);
    expect(most).toBeLessThan(WHOLE);
    const taken = plan(60_000n * USD, RICH);
    expect(taken.request.slice).toBe(most);
    expect(() => plan(60_000n * USD, RICH, LIMITS, most + 1n)).toThrow(rule("liquidation.tooMuch"));
  });

  test("that its own margin admits", () => {
    const { least, most } = sliceBounds(60_000n * USD, MARGIN, WISH);
    const { slice } = plan(60_000n * USD, 20_000n * USD).request;
    expect(slice).toBeGreaterThan(least);
    expect(slice).toBeLessThan(most);
    // $20,000 and 5% of the margin taken over are to cover 1.3 of it: 16% of $100,000.
    expect(Number(slice) / Number(WHOLE)).toBeCloseTo(0.16, 3);
    const next = () => plan(60_000n * USD, 20_000n * USD, LIMITS, slice + 1n);
    expect(next).toThrow(rule("liquidation.keeperMargin"));
  });

  test("between the least, which would leave naked what was hedged, and what its margin admits", () => {
    const { note, equity, maintenance } = lumpyAccount(60n, 50n);
    const { least, most } = sliceBounds(equity, maintenance, WISH);
    const planned = (wish: typeof WISH & { slice?: bigint }): TakeOver =>
      planTakeOver(
        { note, leafIndex: 5n },
        { note: keeperNote(8_000n * USD), leafIndex: 6n },
        lumpySnapshot,
        wish,
        LIMITS,
      );
    expect(() => planned({ ...WISH, slice: least })).toThrow(rule("liquidation.ratio"));
    expect(() => planned({ ...WISH, slice: most })).toThrow(rule("liquidation.keeperMargin"));
    const { slice } = planned(WISH).request;
    expect(slice).toBeGreaterThan(least);
    expect(slice).toBeLessThan(most);
  });

  test("whose reward the fund can pay in this epoch", () => {
    const { request, reward } = plan(1_000n * USD, RICH, { balance: RICH, rewardLeft: 2_000n * USD });
    // Of the whole: 5% of $100,000 less $1,000 of equity.
    expect(Number(request.slice) / Number(WHOLE)).toBeCloseTo(0.5, 3);
    expect(reward).toBeLessThanOrEqual(2_000n * USD);
  });

  test("whose reward the fund can pay after the deficit", () => {
    const { request, reward, deficit } = plan(-10_000n * USD, RICH, {
      balance: 12_000n * USD,
      rewardLeft: RICH,
    });
    expect(Number(request.slice) / Number(WHOLE)).toBeCloseTo(0.8, 3);
    expect(deficit + reward).toBeLessThanOrEqual(12_000n * USD);
  });
});

describe("what refuses the least slice is what the keeper is told", () => {
  test("its margin", () => {
    expect(() => plan(60_000n * USD, 1_000n * USD)).toThrow(rule("liquidation.keeperMargin"));
  });

  test("the fund's limit", () => {
    const limits = { balance: RICH, rewardLeft: 100n * USD };
    expect(() => plan(-10_000n * USD, RICH, limits)).toThrow(rule("keeper.reward"));
  });

  test("an account that is healthy, or too small to be taken in part", () => {
    expect(() => plan(MARGIN, RICH)).toThrow(rule("liquidation.healthy"));
    expect(plan(100n * USD, 2_000n * USD, LIMITS, undefined, 100n).request.slice).toBe(WHOLE);
    expect(() => plan(100n * USD, 1_000n * USD, LIMITS, undefined, 100n)).toThrow(
      rule("liquidation.keeperMargin"),
    );
  });
});

test("a take-over is told with both accounts before and after, and who pays", () => {
  const text = takeOverText(plan(60_000n * USD, RICH));
  expect(text).toMatch(/equity +60,000\.00 +57,619\.75 +1,000,000\.00 +1,002,380\.25/);
  expect(text).toContain("rate 5.00% of the maintenance margin");
  expect(text).toContain("meets its margin again");
});

test("percentages become Q16, rounded down", () => {
  expect(percentQ16("100%", "--slice")).toBe(65_536n);
  expect(percentQ16("12.5", "--rate")).toBe(8_192n);
  expect(percentQ16("5", "--rate")).toBe(3_276n);
  for (const text of ["0", "-1", "100.01", "0.001", "x", ""])
    expect(() => percentQ16(text, "--rate")).toThrow(Misuse);
});

describe("the account that an act is about", () => {
  const watched = (equity: bigint, place: bigint, inserted = true): WatchedAccount => {
    const note = accountOf(equity);
    const standing = standingOf(note, snapshot);
    const isBelow = standing.equity < standing.margin.maintenance;
    const account = { note, leafIndex: place, inserted, changes: [] };
    return { account, standing, isBelow, isRevealed: false, state: isBelow ? "below margin" : "healthy" };
  };
  const healthy = watched(2n * MARGIN, 1n);
  const low = watched(60_000n * USD, 2n);
  const lower = watched(1_000n * USD, 3n);

  test("is the only one below its margin, or the one at a place", () => {
    expect(chooseAccount([healthy, low])).toBe(low);
    expect(chooseAccount([healthy, low, lower], 3n)).toBe(lower);
  });

  test("is never guessed", () => {
    expect(() => chooseAccount([healthy, low, lower])).toThrow(/places 2, 3, expected one/);
    expect(() => chooseAccount([healthy])).toThrow(rule("keeper.place"));
    expect(() => chooseAccount([healthy, low], 9n)).toThrow(/place: 9, of places 1, 2/);
    expect(() => chooseAccount([healthy, low], 1n)).toThrow(rule("keeper.healthy"));
    expect(() => chooseAccount([watched(0n, 4n, false)])).toThrow(rule("keeper.pending"));
  });

  test("stands first in the list, which says of a flag what counts", () => {
    const flag = { firstEpoch: 7n, clock: 75n, left: 525n, permittedRate: 8_192n };
    const flagged: WatchedAccount = { ...lower, flag, state: "flagged" };
    const rows = watchedTable([healthy, low, flagged]).split("\n").slice(2);
    expect(rows.map((row) => row.trim().split(/\s+/)[0])).toEqual(["3", "2", "1"]);
    expect(rows[0]).toContain("flagged; clock 1:15, rate up to 12.50%, lapses in 8:45");
  });
});
