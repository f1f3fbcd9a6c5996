import fc from "fast-check";
import { CASH_BOUND } from "../../protocol/constants.ts";
import {
  computeTakeOver,
  RESTORATION,
  sliceBounds,
  type TakeOverRequest,
  WHOLE,
} from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { cashOf, KEEPER, legPartsOf, noteOf, OWNER } from "./accounts.ts";
import { amount, marketsOf, SMALL_MARKET, signedAmount } from "./markets.ts";
import { dollars, readable, readableMarket, readableNote } from "./readable.ts";
import type { Listing } from "./transitionCases.ts";

/** An account that somebody wants to take over a slice of, and the keeper who does. */
export interface TakeOverCase {
  snapshot: Snapshot;
  rows: RiskRow[];
  target: Note;
  targetLeafIndex: bigint;
  keeper: Note;
  keeperLeafIndex: bigint;
  request: TakeOverRequest;
  listing: Listing;
  /** Which lie is tried, when there is one to try: counted around the lies that there are. */
  lie: number;
}

const nearOrFar = fc.oneof(
  { withCrossShrink: true },
  { weight: 4, arbitrary: fc.constantFrom(0n, -1n, 1n) },
  { weight: 1, arbitrary: signedAmount(CASH_BOUND, 200_000_000_000n) },
);

const caseParts = fc.record({
  market: marketsOf(SMALL_MARKET),
  legs: legPartsOf(SMALL_MARKET),
  /** Equity of the target as a share of its margin in 65,536ths, from -2 to a little above 1, and what it is off by. */
  equityShare: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom(0n, WHOLE) },
    { weight: 3, arbitrary: fc.bigInt({ min: -2n * WHOLE, max: 0n }) },
    { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: WHOLE }) },
  ),
  equityOff: nearOrFar,
  /** Beyond what the keeper needs for both of its rules, in micro-USDC. */
  keeperSpare: fc.oneof(
    { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: 1_000_000_000_000n }) },
    { weight: 1, arbitrary: nearOrFar },
  ),
  keeperHolds: fc.nat({ max: 19 }).map((roll) => roll === 19),
  sameEntity: fc.nat({ max: 19 }).map((roll) => roll === 19),
  slice: fc.record({
    so: fc.constantFrom("most", "least", "between", "anything"),
    at: fc.bigInt({ min: 1n, max: WHOLE }),
    off: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0n) },
      { weight: 1, arbitrary: fc.constantFrom(-1n, 1n) },
    ),
  }),
  rate: fc.oneof(
    { weight: 8, arbitrary: fc.bigInt({ min: 0n, max: 32_768n }) },
    { weight: 2, arbitrary: fc.constantFrom(0n, 3_276n, 3_277n, WHOLE - 1n) },
    { weight: 1, arbitrary: fc.constantFrom(WHOLE, -1n) },
  ),
  restoration: fc.oneof(
    { weight: 12, arbitrary: fc.constant(RESTORATION) },
    { weight: 3, arbitrary: fc.bigInt({ min: 0n, max: WHOLE - 1n }) },
    { weight: 1, arbitrary: fc.constantFrom(WHOLE, -1n) },
  ),
  fee: fc.oneof(
    { weight: 20, arbitrary: fc.bigInt({ min: 0n, max: 5_000_000n }) },
    { weight: 1, arbitrary: fc.constantFrom((1n << 40n) - 1n, 1n << 40n, -1n) },
  ),
  leafIndex: amount((1n << 28n) - 8n, 100n),
  listing: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom<Listing>("open registry", "listed") },
    { weight: 1, arbitrary: fc.constantFrom<Listing>("expired", "not listed") },
  ),
  lie: fc.nat({ max: 59 }),
});
type CaseParts = typeof caseParts extends fc.Arbitrary<infer Parts> ? Parts : never;

/** The slice asked for: at a bound where there is one, else anywhere. */
function sliceOf(parts: CaseParts, target: Note): bigint {
  const { so, at, off } = parts.slice;
  const { equity, margin } = standingOf(target, parts.market.snapshot);
  const terms = { rate: parts.rate, restoration: parts.restoration };
  const sensible = 0n <= parts.rate && parts.rate < WHOLE && 0n <= parts.restoration;
  if (so === "anything" || equity >= margin.maintenance || !sensible) return at + off;
  const { least, most } = sliceBounds(equity, margin.maintenance, terms);
  if (so === "most") return most + off;
  // No slice is admitted of an account that lacks next to nothing, when it may not be restored beyond its margin.
  if (so === "least" || most < least) return least + off;
  return least + (at % (most - least + 1n));
}

/** Cash with which the keeper just meets initial margin and net cash after the take-over. */
function keeperNeeds(parts: CaseParts, target: Note, request: TakeOverRequest): bigint {
  const { snapshot, rows } = parts.market;
  const { keeperEquity, keeperNetCash, keeperMargin } = computeTakeOver(
    { note: target, leafIndex: 0n },
    { note: noteOf(KEEPER, 0n, [], rows), leafIndex: 1n },
    snapshot,
    request,
  );
  const forMargin = (snapshot.imFactor * keeperMargin.maintenance + WHOLE - 1n) / WHOLE - keeperEquity;
  const forNetCash = -snapshot.debtLimit - keeperNetCash;
  return forMargin > forNetCash ? forMargin : forNetCash;
}

/** What a failing case prints. */
export function readableTakeOver(found: TakeOverCase): string {
  const { snapshot, rows, target, keeper, request, listing } = found;
  const held = new Set(target.legs.map(({ id }) => id));
  const { equity, margin } = standingOf(target, snapshot);
  return readable({
    target: [
      ...readableNote(target),
      `equity ${dollars(equity)}, maintenance margin ${dollars(margin.maintenance)}`,
    ],
    keeper: readableNote(keeper),
    asks: [
      `a slice of ${request.slice}/2^16 at rate ${request.rate}/2^16, restoration ${request.restoration}/2^16, fee ${dollars(request.fee)}`,
    ],
    market: readableMarket(
      snapshot,
      rows.filter(({ id }) => held.has(id)),
    ),
    "leaf indexes": `${found.targetLeafIndex} and ${found.keeperLeafIndex}`,
    registry: listing,
  });
}

function caseOf(parts: CaseParts): TakeOverCase {
  const { market, legs, equityShare, equityOff, rate, restoration, fee, leafIndex, listing, lie } = parts;
  const { snapshot, rows } = market;
  const penniless = noteOf(OWNER, 0n, legs, rows);
  const { equity, margin } = standingOf(penniless, snapshot);
  const wanted = (equityShare * margin.maintenance) / WHOLE + equityOff;
  const target: Note = { ...penniless, cash: cashOf(wanted - equity) };
  const request: TakeOverRequest = { slice: sliceOf(parts, target), rate, restoration, fee };

  const cash = keeperNeeds(parts, target, request) + parts.keeperSpare;
  const keeper = noteOf(KEEPER, cash, parts.keeperHolds ? legs.slice(0, 1) : [], rows);
  if (parts.sameEntity) keeper.entity = target.entity;
  const found: TakeOverCase = {
    snapshot,
    rows,
    target,
    targetLeafIndex: leafIndex,
    keeper,
    keeperLeafIndex: leafIndex + 1n + BigInt(lie % 7),
    request,
    // At epoch 0 nothing has expired yet.
    listing: listing === "expired" && snapshot.epoch === 0n ? "listed" : listing,
    lie,
  };
  return Object.defineProperty(found, fc.toStringMethod, {
    value: () => readableTakeOver(found),
    enumerable: false,
  });
}

/** Take-overs of accounts around the edge of insolvency, by slices around the edges of what is permitted. */
export const takeOverCases: fc.Arbitrary<TakeOverCase> = caseParts.map(caseOf);
