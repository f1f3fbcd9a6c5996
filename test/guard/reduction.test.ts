import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Leg } from "../../protocol/leg.ts";
import { inputsFromChain } from "../../protocol/marketListing.ts";
import { emptyNote, type Note } from "../../protocol/note.ts";
import type { OptionRecord } from "../../protocol/optionsCsv.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { applyTransition, openRow } from "../../protocol/transition.ts";
import { NOTHING } from "../../services/account/transact.ts";
import { planReduction, type ReductionWish } from "../../services/guard/reduction.ts";
import { mayPayFee } from "../../services/guard/topUpAmount.ts";
import { ruleOf } from "../support/rule.ts";
import { unhashedSnapshot } from "../support/unhashedSnapshot.ts";

const USD = 1_000_000n;
const NOW = Date.UTC(2021, 0, 20);
const PRICES = { BTC: 35_000, ETH: 1_300 };

let snapshot: MarketSnapshot;
/** Spot, perpetual, call and put of each coin. */
let ids: Record<"BTC" | "ETH", { spot: bigint; perpetual: bigint; call: bigint; put: bigint }>;
beforeAll(() => {
  const records = (["BTC", "ETH"] as const).flatMap((underlying) =>
    [true, false].map(
      (call, line): OptionRecord => ({
        line,
        name: `${underlying}-${line}`,
        underlying,
        call,
        strike: PRICES[underlying],
        expiry: Date.UTC(2021, 1, 26, 8),
        time: NOW,
        forward: PRICES[underlying],
        index: PRICES[underlying],
        volatility: 0.9,
        venue: {},
      }),
    ),
  );
  snapshot = unhashedSnapshot(inputsFromChain(records, { realizedVolatilities: { BTC: 1, ETH: 1 } }));
  const idsOf = (name: string) => {
    const listed = snapshot.inputs.underlyings.find((underlying) => underlying.name === name);
    const option = (call: boolean) => listed?.expiries[0]?.options.find((quote) => quote.call === call)?.id;
    return {
      spot: BigInt(listed?.spot?.id ?? 0),
      perpetual: BigInt(listed?.perpetual?.id ?? 0),
      call: BigInt(option(true) ?? 0),
      put: BigInt(option(false) ?? 0),
    };
  };
  ids = { BTC: idsOf("BTC"), ETH: idsOf("ETH") };
});

/** An account with these sizes whose equity is `percent` of its maintenance margin. */
function account(sizes: [bigint, bigint][], percent: bigint): Note {
  const legs = sizes.map(([id, size]): Leg => ({ id, size, fundingIndex: 0n }));
  const empty = emptyNote(1n, 1n, 1n);
  const held = { ...empty, legs: [...legs, ...empty.legs.slice(legs.length)] };
  const { equity, margin } = standingOf(held, snapshot);
  return { ...held, cash: (margin.maintenance * percent + 99n) / 100n - equity };
}

const WISH: ReductionWish = {
  targetRatio: 1.5,
  largestShare: 1,
  concession: 0,
  largestNotional: 10n ** 18n,
  salt: 5n,
};
const noteAfter = (note: Note, wish: ReductionWish) => {
  const reduction = planReduction(note, 0n, snapshot, wish);
  const request = { ...NOTHING, trade: { package: reduction.package, side: 0 as const } };
  return { reduction, transition: applyTransition(note, 0n, snapshot, request) };
};

describe("a reduction", () => {
  test("closes as much of a position as the target asks, and no more", () => {
    const note = account([[ids.BTC.perpetual, 1_000n]], 120n);
    const { reduction, transition } = noteAfter(note, WISH);
    expect(transition.safe).toBe(true);
    expect(reduction.ratio).toBeGreaterThanOrEqual(1.5);
    // From 1.2 to 1.5 a fifth must go; parts are of a thirty-second.
    expect(reduction.package.legs).toEqual([{ id: ids.BTC.perpetual, size: -218n }]);
    expect(reduction.conceded).toBe(0n);
  });

  test("lifts an account from below its margin", () => {
    const note = account([[ids.BTC.perpetual, -1_000n]], 80n);
    const { reduction, transition } = noteAfter(note, WISH);
    expect(reduction.ratio).toBeGreaterThanOrEqual(1.5);
    expect(transition.safe).toBe(true);
  });

  test("never closes a hedge alone", () => {
    const note = account(
      [
        [ids.BTC.perpetual, 1_000n],
        [ids.BTC.put, 1_000n],
      ],
      110n,
    );
    const { reduction } = noteAfter(note, WISH);
    const put = reduction.package.legs.find(({ id }) => id === ids.BTC.put);
    const perpetual = reduction.package.legs.find(({ id }) => id === ids.BTC.perpetual);
    expect(perpetual).toBeDefined();
    expect((put?.size ?? 0n) >= (perpetual?.size ?? 0n)).toBe(true);
  });

  test("goes as near as the owner's limits let it", () => {
    const note = account([[ids.BTC.perpetual, 1_000n]], 105n);
    const { reduction } = noteAfter(note, { ...WISH, largestShare: 0.1 });
    expect(reduction.package.legs).toEqual([{ id: ids.BTC.perpetual, size: -100n }]);
    const { mark } = openRow(snapshot, ids.BTC.perpetual).row;
    const { reduction: small } = noteAfter(note, { ...WISH, largestNotional: 50n * mark });
    expect(small.notional).toBeLessThanOrEqual(50n * mark);
    expect(small.notional).toBeGreaterThan(40n * mark);
    expect(ruleOf(() => planReduction(note, 0n, snapshot, { ...WISH, largestNotional: 0n }))).toBe(
      "guard.reduction",
    );
  });

  test("gives the counterparty what the owner concedes, of the add-ons", () => {
    const note = account([[ids.BTC.perpetual, 1_000n]], 120n);
    const { reduction, transition } = noteAfter(note, { ...WISH, concession: 0.5 });
    const { row } = openRow(snapshot, ids.BTC.perpetual);
    const lots = -(reduction.package.legs[0]?.size ?? 0n);
    expect(reduction.conceded).toBe((lots * row.shortAddOn) / 2n);
    expect(reduction.package.cash).toBe(lots * row.mark - reduction.conceded);
    const { equity } = standingOf(note, snapshot);
    expect(transition.equity).toBe(equity - reduction.conceded);
  });

  test("concedes nothing where net cash is below the debt limit, since a trade that pays would borrow", () => {
    // The perpetual's losses are owed against spot.
    const note = account(
      [
        [ids.BTC.perpetual, 1_000n],
        [ids.BTC.spot, 1_000n],
      ],
      120n,
    );
    expect(standingOf(note, snapshot).netCash).toBeLessThan(0n);
    const { reduction, transition } = noteAfter(note, { ...WISH, concession: 0.5 });
    expect(transition.safe).toBe(true);
    expect(reduction.conceded).toBe(0n);
    expect(reduction.package.legs.map(({ id }) => id)).toEqual([ids.BTC.perpetual]);
  });

  test("buys back options that it owes at their mark, however little cash it has", () => {
    const note = account(
      [
        [ids.BTC.call, -1_000n],
        [ids.ETH.spot, 20_000n],
      ],
      120n,
    );
    expect(standingOf(note, snapshot).netCash).toBeLessThan(0n);
    const { reduction, transition } = noteAfter(note, { ...WISH, concession: 0.5 });
    expect(transition.safe).toBe(true);
    expect(reduction.conceded).toBe(0n);
    expect(reduction.package.legs.map(({ id }) => id)).toEqual([ids.BTC.call]);
  });

  test("has nothing to close of cash and spot", () => {
    const note = { ...account([[ids.BTC.spot, 10n]], 100n) };
    expect(ruleOf(() => planReduction(note, 0n, snapshot, WISH))).toBe("guard.reduction");
  });

  test("is safe, within the limits and a help, whatever the account holds", () => {
    const size = fc.bigInt({ min: -900n, max: 900n }).filter((lots) => lots !== 0n);
    const held = fc.uniqueArray(
      fc.record({
        coin: fc.constantFrom("BTC" as const, "ETH" as const),
        kind: fc.constantFrom("perpetual" as const, "call" as const, "put" as const),
        size,
      }),
      { minLength: 1, maxLength: 6, selector: ({ coin, kind }) => `${coin} ${kind}` },
    );
    let planned = 0;
    fc.assert(
      fc.property(
        held,
        fc.bigInt({ min: 70n, max: 140n }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (legs, percent, share) => {
          const sizes = legs.map(({ coin, kind, size: lots }): [bigint, bigint] => [ids[coin][kind], lots]);
          const note = account(sizes, percent);
          const wish = { ...WISH, largestShare: share, largestNotional: 200_000n * USD };
          if (ruleOf(() => planReduction(note, 0n, snapshot, wish)) !== undefined) return;
          planned++;
          const { reduction, transition } = noteAfter(note, wish);
          const { equity, margin } = standingOf(note, snapshot);
          expect(transition.safe && !transition.requiresInitialMargin && !transition.requiresMembership).toBe(
            true,
          );
          expect(reduction.notional).toBeLessThanOrEqual(wish.largestNotional);
          expect(reduction.ratio).toBeGreaterThan(Number(equity) / Number(margin.maintenance) - 1e-12);
          for (const { id, size: lots } of reduction.package.legs) {
            const before = Number(note.legs.find((leg) => leg.id === id)?.size);
            expect(Math.abs(Number(lots))).toBeLessThanOrEqual(Math.abs(before) * share + 1e-9);
          }
        },
      ),
      { numRuns: 6, seed: 7 },
    );
    expect(planned).toBeGreaterThan(3);
  });
});

test("a deposit pays a fee as far as the rules let it: not while what options owe is more than the account's cash", () => {
  const note = account(
    [
      [ids.BTC.call, -1_000n],
      [ids.ETH.spot, 20_000n],
    ],
    120n,
  );
  const { netCash } = standingOf(note, snapshot);
  const { debtLimit } = snapshot;
  expect(netCash).toBeLessThan(-debtLimit);
  const missing = -debtLimit - netCash;
  const refusal = (deposit: bigint, fee: bigint): string | undefined =>
    ruleOf(() => applyTransition(note, 0n, snapshot, { ...NOTHING, mode: 1n, deposit, fee }));
  for (const deposit of [USD, missing - 1n, missing, missing + 1n]) {
    for (const fee of [0n, 1n, 2n]) {
      const admitted = mayPayFee({ netCash, debtLimit }, { deposit, fee });
      expect(admitted).toBe(fee === 0n || deposit - fee >= missing);
      expect(refusal(deposit, fee)).toBe(admitted ? undefined : "transition.netCash");
    }
  }
});
