import { CASH_BOUND, Q16, SIZE_BOUND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { EMPTY_LEG, type Leg } from "./leg.ts";
import { covers, type Margin, marginOf, type Position } from "./margin.ts";
import { netCashValue } from "./netCash.ts";
import { checkNote, type Note, spendOf } from "./note.ts";
import type { RiskRow } from "./riskRow.ts";
import type { Snapshot } from "./snapshot.ts";
import { openRow } from "./transition.ts";

/*
 * A take-over: a keeper takes the same fraction of every leg of an insolvent account, at the marks, and is paid for it (docs/rulebook.md).
 * All ratios are Q16. One formula serves accounts with equity above and below 0.
 */

/** Bound of rates, restoration and slices: 1 in Q16. */
export const WHOLE = Q16;

/** Highest rate that the fund's reward counts with: 5%, floored to Q16. */
export const REWARD_RATE = 3276n;

/** Below this maintenance margin, 2,000 USDC in micro-USDC, an account is taken whole. */
export const WHOLE_BELOW = 2_000_000_000n;

/** By how much an account may be restored beyond its maintenance margin when the auction says nothing else: 10%, floored to Q16. */
export const RESTORATION = 6553n;

/** What a keeper asks for. */
export interface TakeOverRequest {
  /** Fraction of every leg, 1 to 65,536. */
  slice: bigint;
  /** The keeper's share of the margin taken over: at most what the auction permits now. */
  rate: bigint;
  /** The ledger's restoration parameter b. */
  restoration: bigint;
  /** Micro-USDC out of the keeper's cash, to the relayer. */
  fee: bigint;
}

/** A note and its place in the state tree. */
export interface PlacedNote {
  note: Note;
  leafIndex: bigint;
}

/** One leg place of the target. Sizes in lots, signed. */
export interface SlicedLeg {
  id: bigint;
  row: RiskRow;
  underlying: number;
  place: number;
  oldSize: bigint;
  oldFundingIndex: bigint;
  /** Size once a settled leg has been paid out and emptied. */
  live: bigint;
  /** What the keeper takes. */
  taken: bigint;
}

/** A take-over as computed, whether the rules admit it or not; amounts in micro-USDC. */
export interface TakeOver {
  target: { before: Note; after: Note; leafIndex: bigint; nullifier: bigint };
  keeper: { before: Note; after: Note; leafIndex: bigint; nullifier: bigint };
  request: TakeOverRequest;
  legs: SlicedLeg[];
  /** Of the target before, after funding and expiry are settled. */
  equity: bigint;
  margin: Margin;
  /** What the target pays the keeper. */
  payment: bigint;
  /** What the fund credits the target. */
  deficit: bigint;
  /** What the fund pays the keeper. */
  reward: bigint;
  equityAfter: bigint;
  marginAfter: Margin;
  /** Whether the target meets its maintenance margin afterwards. */
  cured: boolean;
  keeperEquity: bigint;
  keeperNetCash: bigint;
  keeperMargin: Margin;
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const ceilDivide = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;

/** `sign·ceil(slice·|size|)`: what a slice takes of one leg. */
export function sliceOf(size: bigint, slice: bigint): bigint {
  const taken = ceilDivide(slice * (size < 0n ? -size : size), Q16);
  return size < 0n ? -taken : taken;
}

/**
 * What a slice of an account costs whom, in micro-USDC, from its equity and margin. All three are floored: the keeper receives exactly
 * what the target pays, and a payment rounded up could make the target's ratio fall by the rounding alone.
 */
export function takeOverPayments(
  equity: bigint,
  maintenance: bigint,
  { slice, rate }: Pick<TakeOverRequest, "slice" | "rate">,
): { payment: bigint; deficit: bigint; reward: bigint } {
  const positive = max(equity, 0n);
  const rewarded = max(0n, min(rate, REWARD_RATE) * maintenance - Q16 * positive);
  return {
    payment: (slice * min(rate * maintenance, Q16 * positive)) / (Q16 * Q16),
    deficit: (slice * (positive - equity)) / Q16,
    reward: (slice * rewarded) / (Q16 * Q16),
  };
}

/** The two sides of the bound on a slice, `f·(1+b−k)·MM <= (1+b)·MM − E`, both scaled by 2^32. */
function restorationBound(
  equity: bigint,
  maintenance: bigint,
  { rate, restoration }: Pick<TakeOverRequest, "rate" | "restoration">,
): { perSlice: bigint; most: bigint } {
  return {
    perSlice: (Q16 + restoration - rate) * maintenance,
    most: Q16 * ((Q16 + restoration) * maintenance - Q16 * equity),
  };
}

/** The slices that the rules admit of an account with this equity and margin, least to most; equal where it must be taken whole. */
export function sliceBounds(
  equity: bigint,
  maintenance: bigint,
  terms: Pick<TakeOverRequest, "rate" | "restoration">,
): { least: bigint; most: bigint } {
  if (maintenance < WHOLE_BELOW) return { least: WHOLE, most: WHOLE };
  const { perSlice, most } = restorationBound(equity, maintenance, terms);
  return {
    least: min(WHOLE / 4n, ceilDivide(most, 4n * perSlice)),
    most: min(WHOLE, most / perSlice),
  };
}

/** What the request makes of both notes under the snapshot. {@link checkTakeOver} is the judge. */
export function computeTakeOver(
  target: PlacedNote,
  keeper: PlacedNote,
  snapshot: Snapshot,
  request: TakeOverRequest,
): TakeOver {
  let settledCash = target.note.cash;
  const legs = target.note.legs.map((leg): SlicedLeg => {
    const at = openRow(snapshot, leg.id);
    settledCash -= leg.size * (at.row.fundingIndex - leg.fundingIndex);
    const live = at.row.settled ? 0n : leg.size;
    return {
      id: leg.id,
      ...at,
      oldSize: leg.size,
      oldFundingIndex: leg.fundingIndex,
      live,
      taken: sliceOf(live, request.slice),
    };
  });
  const positions = (size: (leg: SlicedLeg) => bigint): Position[] =>
    legs.map((leg) => ({ size: size(leg), row: leg.row, underlying: leg.underlying }));
  const noteLegs = (size: (leg: SlicedLeg) => bigint): Leg[] =>
    legs.map((leg) =>
      size(leg) === 0n ? EMPTY_LEG : { id: leg.id, size: size(leg), fundingIndex: leg.row.fundingIndex },
    );

  const margin = marginOf(positions(({ live }) => live));
  const equity = settledCash + margin.value;
  const { payment, deficit, reward } = takeOverPayments(equity, margin.maintenance, request);
  const remaining = ({ live, taken }: SlicedLeg): bigint => live - taken;
  const takenOver = ({ taken }: SlicedLeg): bigint => taken;
  const keeperMargin = marginOf(positions(takenOver));
  const marginAfter = marginOf(positions(remaining));
  const targetCash = settledCash + keeperMargin.value - payment + deficit;
  const keeperCash = keeper.note.cash - keeperMargin.value + payment + reward - request.fee;
  const targetSpend = spendOf(target.note, target.leafIndex);
  const keeperSpend = spendOf(keeper.note, keeper.leafIndex);
  const equityAfter = targetCash + marginAfter.value;
  return {
    target: {
      before: target.note,
      after: { ...target.note, rho: targetSpend.nextRho, cash: targetCash, legs: noteLegs(remaining) },
      leafIndex: target.leafIndex,
      nullifier: targetSpend.nullifier,
    },
    keeper: {
      before: keeper.note,
      after: { ...keeper.note, rho: keeperSpend.nextRho, cash: keeperCash, legs: noteLegs(takenOver) },
      leafIndex: keeper.leafIndex,
      nullifier: keeperSpend.nullifier,
    },
    request,
    legs,
    equity,
    margin,
    payment,
    deficit,
    reward,
    equityAfter,
    marginAfter,
    cured: equityAfter >= marginAfter.maintenance,
    keeperEquity: keeperCash + keeperMargin.value,
    keeperNetCash: keeperCash + netCashValue(positions(takenOver)),
    keeperMargin,
  };
}

function checkRequest({ slice, rate, restoration, fee }: TakeOverRequest): void {
  ensure(
    slice >= 1n && slice <= WHOLE,
    "liquidation.slice",
    `slice: got ${slice}, expected Q16 from 1 to 65536`,
  );
  for (const [name, ratio] of [
    ["rate", rate],
    ["restoration", restoration],
  ] as const) {
    ensure(
      ratio >= 0n && ratio < WHOLE,
      `liquidation.${name}`,
      `${name}: got ${ratio}, expected Q16 from 0 to 65535`,
    );
  }
  ensure(
    fee >= 0n && fee < 1n << 40n,
    "liquidation.fee",
    `fee: got ${fee} micro-USDC, expected 0 to 2^40 - 1`,
  );
}

/** Throws a {@link SolvusError} whose `rule` names what a computed take-over breaches; returns it when every rule holds. */
export function checkTakeOver(takeOver: TakeOver, snapshot: Snapshot): TakeOver {
  const { target, keeper, request, equity, margin, equityAfter, marginAfter } = takeOver;
  const { maintenance } = margin;
  checkNote(target.before);
  checkNote(keeper.before);
  checkRequest(request);
  ensure(
    equity < maintenance,
    "liquidation.healthy",
    `equity of the target: ${equity} micro-USDC, expected below the maintenance margin ${maintenance}`,
  );
  ensure(
    keeper.before.legs.every(({ size }) => size === 0n),
    "liquidation.keeperLegs",
    "keeper's account: holds legs, expected none",
  );
  ensure(
    keeper.before.entity !== target.before.entity,
    "liquidation.oneself",
    "keeper's entity: the target's own, expected another",
  );

  // How much: at most what restores 1 + b, at least a quarter of that or of the whole; a small account whole.
  const { slice } = request;
  const { least, most } = sliceBounds(equity, maintenance, request);
  ensure(slice <= most, "liquidation.tooMuch", `slice: ${slice}, expected at most ${most}`);
  ensure(slice >= least, "liquidation.tooLittle", `slice: ${slice}, expected at least ${least}`);
  ensure(
    equity < 0n || equityAfter * maintenance >= equity * marginAfter.maintenance,
    "liquidation.ratio",
    `equity over margin of the target: ${equityAfter}/${marginAfter.maintenance}, expected at least ${equity}/${maintenance}`,
  );

  // A loss of a trillion dollars has no proof: the circuit holds what is paid to the bound of cash.
  for (const name of ["payment", "deficit", "reward"] as const) {
    ensure(
      takeOver[name] < CASH_BOUND,
      `liquidation.${name}`,
      `${name}: ${takeOver[name]} micro-USDC, expected below 2^60`,
    );
  }
  for (const [name, { after }] of [
    ["target", target],
    ["keeper", keeper],
  ] as const) {
    ensure(
      after.cash >= -CASH_BOUND && after.cash < CASH_BOUND,
      `liquidation.${name}Cash`,
      `cash of the ${name}: ${after.cash} micro-USDC, expected -2^60 to 2^60 - 1`,
    );
    for (const { id, size } of after.legs) {
      ensure(
        size >= -SIZE_BOUND && size < SIZE_BOUND,
        `liquidation.${name}Size`,
        `size of ${id}: ${size} lots, expected -2^36 to 2^36 - 1`,
      );
    }
  }

  ensure(
    covers(takeOver.keeperEquity, snapshot.imFactor, takeOver.keeperMargin.maintenance),
    "liquidation.keeperMargin",
    `equity of the keeper: ${takeOver.keeperEquity} micro-USDC, expected at least the initial margin of ${takeOver.keeperMargin.maintenance}`,
  );
  ensure(
    takeOver.keeperNetCash >= -snapshot.debtLimit,
    "liquidation.keeperNetCash",
    `net cash of the keeper: ${takeOver.keeperNetCash} micro-USDC, expected at least ${-snapshot.debtLimit}`,
  );
  return takeOver;
}

/** Computes and checks. Throws a {@link SolvusError} whose `rule` (`liquidation.*`, `note.*`, `snapshot.*`) names what was breached. */
export function applyTakeOver(
  target: PlacedNote,
  keeper: PlacedNote,
  snapshot: Snapshot,
  request: TakeOverRequest,
): TakeOver {
  return checkTakeOver(computeTakeOver(target, keeper, snapshot, request), snapshot);
}

/** Places used and underlyings opened, which decide the smallest tier whose circuit can prove the take-over. */
export function takeOverShape({ legs }: TakeOver): { legs: number; underlyings: number } {
  const used = legs.filter(({ id }) => id !== 0n);
  return {
    legs: legs.findLastIndex(({ id }) => id !== 0n) + 1,
    underlyings: new Set(used.map(({ underlying }) => underlying)).size,
  };
}
