import fc from "fast-check";
import {
  CASH_BOUND,
  ID_BOUND,
  KIND,
  Q16,
  RATIO_BOUND,
  ROW_VALUE_BOUND,
  SCENARIOS,
  SIZE_BOUND,
} from "../../protocol/constants.ts";
import { NULL_ROW, type RiskRow } from "../../protocol/riskRow.ts";
import { commitSnapshot, EPOCH_BOUND, type Snapshot } from "../../protocol/snapshot.ts";

/** A snapshot and its rows in the order in which they were made up. */
export interface Market {
  snapshot: Snapshot;
  rows: RiskRow[];
}

/** An integer from 0 to bound - 1: ordinary ones most of the time, now and then the ends or any other. Shrinks to 0. */
export function amount(bound: bigint, ordinary: bigint): fc.Arbitrary<bigint> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 40, arbitrary: fc.bigInt({ min: 0n, max: ordinary }) },
    { weight: 2, arbitrary: fc.constantFrom(0n, 1n, bound - 1n) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: bound - 1n }) },
  );
}

/** As {@link amount}, of either sign; `least` is the lowest. */
export function signedAmount(bound: bigint, ordinary: bigint, least = 1n - bound): fc.Arbitrary<bigint> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 40, arbitrary: fc.bigInt({ min: -ordinary, max: ordinary }) },
    { weight: 2, arbitrary: fc.constantFrom(0n, 1n, -1n, bound - 1n, least) },
    { weight: 1, arbitrary: fc.bigInt({ min: least, max: bound - 1n }) },
  );
}

/** How large a made-up market is at most: as much as the circuits of a tier can open. */
export interface MarketSize {
  instruments: number;
  underlyings: number;
}

/** Every instrument may be in one account beside an empty place of the small tier; the large tier's places may all be taken. */
export const SMALL_MARKET: MarketSize = { instruments: 6, underlyings: 3 };
export const LARGE_MARKET: MarketSize = { instruments: 18, underlyings: 6 };

/** The first and the last id that there is among them. */
const IDS = [
  11n,
  12n,
  13n,
  70_000n,
  1n,
  ID_BOUND - 1n,
  ...Array.from({ length: 12 }, (_, k) => BigInt(100 + 7 * k)),
];
const UNDERLYING_AT = [0, 9, 63, 1, 31, 62];

const rowPartsOf = (underlyings: number) =>
  fc.record({
    kind: fc.constantFrom(KIND.perpetual, KIND.spot, KIND.option),
    settled: fc.boolean().chain((possible) => (possible ? fc.boolean() : fc.constant(false))),
    underlying: fc.nat({ max: underlyings - 1 }),
    mark: amount(ROW_VALUE_BOUND, 900_000_000n),
    fundingIndex: signedAmount(ROW_VALUE_BOUND, 9_000_000n),
    /** What a long lot loses, a scenario further down: losses in a line, but for some. */
    slope: signedAmount(ROW_VALUE_BOUND / 8n, 10_000_000n),
    odd: fc.array(
      fc.record({
        scenario: fc.nat({ max: SCENARIOS - 1 }),
        loss: signedAmount(ROW_VALUE_BOUND, 300_000_000n),
      }),
      {
        maxLength: 3,
      },
    ),
    longAddOn: amount(ROW_VALUE_BOUND, 5_000_000n),
    shortAddOn: amount(ROW_VALUE_BOUND, 9_000_000n),
    concentrationThreshold: amount(SIZE_BOUND, 2_000n),
    concentrationRate: amount(ROW_VALUE_BOUND, 9_000_000n),
  });
type RowParts = ReturnType<typeof rowPartsOf> extends fc.Arbitrary<infer Parts> ? Parts : never;

function rowOf(id: bigint, parts: RowParts): RiskRow {
  const { kind, mark, slope, odd, longAddOn, shortAddOn, concentrationThreshold, concentrationRate } = parts;
  if (kind !== KIND.spot && parts.settled)
    return { ...NULL_ROW, id, kind, settled: true, fundingIndex: parts.fundingIndex };
  const losses = Array.from({ length: SCENARIOS }, (_, s) => slope * BigInt(8 - s));
  for (const { scenario, loss } of odd) losses[scenario] = loss;
  return {
    id,
    kind,
    settled: false,
    mark,
    fundingIndex: kind === KIND.spot ? 0n : parts.fundingIndex,
    // Eight times a slope of 2^37 is the bound itself.
    losses: losses.map((loss) => (loss >= ROW_VALUE_BOUND ? ROW_VALUE_BOUND - 1n : loss)),
    longAddOn,
    shortAddOn,
    concentrationThreshold,
    concentrationRate,
  };
}

/** Instruments of every kind in several underlyings, with values that are ordinary or at their bounds. */
export function marketsOf({ instruments, underlyings: most }: MarketSize): fc.Arbitrary<Market> {
  return fc
    .record({
      epoch: amount(EPOCH_BOUND, 1_000n),
      imFactor: fc.oneof(
        fc.constantFrom(Q16, (13n * Q16) / 10n, RATIO_BOUND - 1n),
        fc.bigInt({ min: Q16, max: 2n * Q16 }),
      ),
      priceBand: fc.oneof(fc.constantFrom(5n * Q16, 0n, RATIO_BOUND - 1n), fc.bigInt({ min: 0n, max: Q16 })),
      debtLimit: amount(CASH_BOUND, 100_000_000n),
      rows: fc.array(rowPartsOf(most), {
        minLength: 1,
        maxLength: instruments,
        ...(instruments > 6 && { size: "max" as const }),
      }),
    })
    .map(({ epoch, imFactor, priceBand, debtLimit, rows: parts }) => {
      const rows = parts.map((part, k) => rowOf(IDS[k] as bigint, part));
      const underlyings: RiskRow[][] = Array.from({ length: 64 }, () => []);
      parts.forEach(({ underlying }, k) => {
        underlyings[UNDERLYING_AT[underlying] as number]?.push(rows[k] as RiskRow);
      });
      return { snapshot: commitSnapshot(epoch, { imFactor, priceBand, debtLimit }, underlyings), rows };
    });
}
