import fc from "fast-check";
import { CASH_BOUND, KIND, PACKAGE_LEGS, Q16, SIZE_BOUND } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import { computeTransition, type Transition, type TransitionRequest } from "../../protocol/transition.ts";
import { cashOf, legPartsOf, noteOf, OWNER } from "./accounts.ts";
import {
  amount,
  LARGE_MARKET,
  type Market,
  type MarketSize,
  marketsOf,
  SMALL_MARKET,
  signedAmount,
} from "./markets.ts";
import { readable, readableMarket, readableNote, readableRequest } from "./readable.ts";

/** What the registry says of the account's entity. */
export type Listing = "open registry" | "listed" | "expired" | "not listed";

/** An account, what its owner asks for, and the market in which it is asked. */
export interface TransitionCase {
  snapshot: Snapshot;
  rows: RiskRow[];
  before: Note;
  leafIndex: bigint;
  request: TransitionRequest;
  listing: Listing;
  /** Which lie is tried, when there is one to try: counted around the lies that there are. */
  lie: number;
}

/** How much is traded of an instrument: some lots, or what closes the leg, give or take. */
const tradedLots = fc.oneof(
  fc.record({ closes: fc.constant(true), lots: fc.constantFrom(0n, -1n, 1n) }),
  fc.record({ closes: fc.constant(false), lots: signedAmount(SIZE_BOUND, 400n, -SIZE_BOUND) }),
);

const tradePartsOf = (size: MarketSize) =>
  fc.record({
    legs: fc.array(fc.record({ instrument: fc.nat({ max: size.instruments - 1 }), size: tradedLots }), {
      maxLength: PACKAGE_LEGS,
    }),
    /** Whether settled instruments, and spot that is not held, may be in the package. */
    careless: fc.nat({ max: 7 }).map((roll) => roll === 7),
    side: fc.constantFrom(0 as const, 1 as const),
    /** The cash: fair at the marks, or as much as the price band lets this side give, plus `off`. */
    price: fc.constantFrom("fair", "edge of the band"),
    off: fc.oneof(fc.constantFrom(0n, -1n, 1n), signedAmount(CASH_BOUND, 200_000_000n)),
    /** How the package is written: in its one form most of the time. */
    form: fc.oneof(
      { weight: 30, arbitrary: fc.constant("canonical") },
      { weight: 1, arbitrary: fc.constantFrom("descending", "with a leg twice", "with a leg of 0 lots") },
    ),
  });

/** What an account's cash is set to: so that something just holds, or just does not. */
const cashParts = fc.record({
  so: fc.oneof(
    { withCrossShrink: true },
    { weight: 1, arbitrary: fc.constant("absolute") },
    { weight: 12, arbitrary: fc.constantFrom("maintenance margin", "initial margin", "net cash") },
    { weight: 2, arbitrary: fc.constant("cash of 0") },
    { weight: 1, arbitrary: fc.constantFrom("highest cash", "lowest cash") },
  ),
  off: fc.oneof(
    { withCrossShrink: true },
    { weight: 6, arbitrary: fc.constantFrom(0n, -1n, 1n) },
    { weight: 8, arbitrary: fc.bigInt({ min: 0n, max: 200_000_000_000n }) },
    { weight: 1, arbitrary: signedAmount(CASH_BOUND, 200_000_000n) },
  ),
});

const casePartsOf = (size: MarketSize) =>
  fc.record({
    market: marketsOf(size),
    legs: legPartsOf(size),
    cash: cashParts,
    leafIndex: amount(1n << 28n, 100n),
    mode: fc.oneof(
      { weight: 24, arbitrary: fc.constant(0n) },
      { weight: 12, arbitrary: fc.constantFrom(1n, 2n, 3n) },
      { weight: 1, arbitrary: fc.constantFrom(4n, -1n, 1n << 200n) },
    ),
    flow: fc.option(
      fc.record({
        way: fc.oneof(
          { weight: 30, arbitrary: fc.constantFrom("deposit", "withdrawal") },
          { weight: 1, arbitrary: fc.constantFrom("both", "neither") },
        ),
        /** Cash, an instrument of the market, or its first spot instrument, in whose place cash stands when there is none. */
        of: fc.oneof(
          { weight: 8, arbitrary: fc.constant("cash" as const) },
          { weight: 6, arbitrary: fc.constant("spot" as const) },
          { weight: 1, arbitrary: fc.nat({ max: size.instruments - 1 }) },
        ),
        amount: fc.oneof(
          { withCrossShrink: true },
          { weight: 16, arbitrary: fc.bigInt({ min: 1n, max: 500n }) },
          { weight: 16, arbitrary: fc.bigInt({ min: 1n, max: 50_000_000_000n }) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(SIZE_BOUND - 1n, SIZE_BOUND, CASH_BOUND - 1n, CASH_BOUND, -1n),
          },
        ),
      }),
    ),
    fee: fc.oneof(
      { withCrossShrink: true },
      { weight: 20, arbitrary: fc.bigInt({ min: 0n, max: 5_000_000n }) },
      { weight: 20, arbitrary: fc.constant(0n) },
      { weight: 1, arbitrary: fc.constantFrom((1n << 40n) - 1n, 1n << 40n, -1n) },
    ),
    trade: fc.option(tradePartsOf(size)),
    listing: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<Listing>("open registry", "listed") },
      { weight: 1, arbitrary: fc.constantFrom<Listing>("expired", "not listed") },
    ),
    lie: fc.nat({ max: 59 }),
  });
type CaseParts = ReturnType<typeof casePartsOf> extends fc.Arbitrary<infer Parts> ? Parts : never;

const ceilDivide = (a: bigint, b: bigint): bigint => (a >= 0n ? (a + b - 1n) / b : -(-a / b));

function packageOf(
  parts: NonNullable<CaseParts["trade"]>,
  note: Note,
  { rows, snapshot }: Market,
): TradePackage {
  const sign = parts.side === 0 ? 1n : -1n;
  const lots = new Map<bigint, bigint>();
  for (const { instrument, size } of parts.legs) {
    const { id, kind, settled } = rows[instrument % rows.length] as RiskRow;
    const held = note.legs.find((leg) => leg.id === id)?.size ?? 0n;
    let received = size.closes ? -held + size.lots : size.lots;
    if (!parts.careless && settled) continue;
    if (!parts.careless && kind === KIND.spot && held + received < 0n)
      received = held === 0n ? -received : -held;
    if (received !== 0n) lots.set(id, sign * received);
  }
  let legs = [...lots].map(([id, size]) => ({ id, size })).sort((a, b) => (a.id < b.id ? -1 : 1));
  if (parts.form === "descending") legs.reverse();
  if (parts.form === "with a leg twice") legs = legs.flatMap((leg) => [leg, leg]).slice(0, PACKAGE_LEGS);
  if (parts.form === "with a leg of 0 lots")
    legs = legs.map((leg, j) => (j === 0 ? { ...leg, size: 0n } : leg));

  let value = 0n;
  let room = 0n;
  for (const { id, size } of legs) {
    const row = rows.find((candidate) => candidate.id === id) as RiskRow;
    value += sign * size * row.mark;
    room += sign * size >= 0n ? sign * size * row.longAddOn : -sign * size * row.shortAddOn;
  }
  const least = parts.price === "fair" ? -value : ceilDivide(-snapshot.priceBand * room, Q16) - value;
  return { legs, cash: sign * (least + parts.off), salt: 77n };
}

function assetOf({ market: { rows }, flow }: CaseParts): bigint {
  if (flow === null || flow.of === "cash") return 0n;
  if (flow.of === "spot") return rows.find(({ kind }) => kind === KIND.spot)?.id ?? 0n;
  return (rows[flow.of % rows.length] as RiskRow).id;
}

function requestOf(parts: CaseParts, note: Note): TransitionRequest {
  const { market, mode, flow, fee } = parts;
  // A package that came out empty is no trade, unless it was to be.
  const agreed = parts.trade === null ? undefined : packageOf(parts.trade, note, market);
  const isDeposit = flow?.way === "deposit" || flow?.way === "both";
  const isWithdrawal = flow?.way === "withdrawal" || flow?.way === "both";
  return {
    mode,
    asset: assetOf(parts),
    deposit: isDeposit ? flow.amount : 0n,
    withdrawal: isWithdrawal ? flow.amount : 0n,
    fee,
    ...(parts.trade !== null &&
      agreed !== undefined &&
      (agreed.legs.length > 0 || parts.trade.careless) && {
        trade: { package: agreed, side: parts.trade.side },
      }),
  };
}

/** The cash with which the request meets what `so` says exactly, plus what it is to be off by. */
function aimedCash({ so, off }: CaseParts["cash"], transition: Transition, snapshot: Snapshot): bigint {
  const { after, equity, netCash, margin, request } = transition;
  const { maintenance } = margin;
  const goals: Record<string, bigint> = {
    absolute: 0n,
    "maintenance margin": maintenance - equity,
    "initial margin": ceilDivide(snapshot.imFactor * maintenance, Q16) - equity,
    "net cash": (request.withdrawal > 0n ? 0n : -snapshot.debtLimit) - netCash,
    "cash of 0": -after.cash,
    "highest cash": CASH_BOUND - 1n - after.cash,
    "lowest cash": -CASH_BOUND - after.cash,
  };
  return cashOf((goals[so] as bigint) + off);
}

/** A readable account, market and request. */
export function readableCase(found: TransitionCase): string {
  const { snapshot, rows, before, leafIndex, request, listing } = found;
  const named = new Set([
    request.asset,
    ...before.legs.map(({ id }) => id),
    ...(request.trade?.package.legs.map(({ id }) => id) ?? []),
  ]);
  return readable({
    "account before": readableNote(before),
    asks: readableRequest(request),
    market: readableMarket(
      snapshot,
      rows.filter(({ id }) => named.has(id)),
    ),
    "leaf index": String(leafIndex),
    registry: listing,
  });
}

function caseOf(parts: CaseParts): TransitionCase {
  const { market, legs, leafIndex, listing, lie } = parts;
  const { snapshot, rows } = market;
  const penniless = noteOf(OWNER, 0n, legs, rows);
  const request = requestOf(parts, penniless);
  const cash = aimedCash(parts.cash, computeTransition(penniless, leafIndex, snapshot, request), snapshot);
  const found: TransitionCase = {
    snapshot,
    rows,
    before: { ...penniless, cash },
    leafIndex,
    request,
    // At epoch 0 nothing has expired yet.
    listing: listing === "expired" && snapshot.epoch === 0n ? "listed" : listing,
    lie,
  };
  return Object.defineProperty(found, fc.toStringMethod, {
    value: () => readableCase(found),
    enumerable: false,
  });
}

/** Transitions of every class and mode, near what the account can bear, sometimes malformed. They shrink to an account with little in it. */
export const transitionCases: fc.Arbitrary<TransitionCase> = casePartsOf(SMALL_MARKET).map(caseOf);

/** As {@link transitionCases}, of accounts with up to eighteen instruments in six underlyings. */
export const largeTransitionCases: fc.Arbitrary<TransitionCase> = casePartsOf(LARGE_MARKET).map(caseOf);

/** Whether a row may be anything but spot. */
export const isNotSpot = (row: RiskRow): boolean => row.kind === KIND.perpetual || row.kind === KIND.option;
