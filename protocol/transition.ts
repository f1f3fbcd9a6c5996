import { CASH_BOUND, KIND, MODE, Q16, SIZE_BOUND } from "./constants.ts";
import { ensure, SolvusError } from "./errors.ts";
import { EMPTY_LEG, type Leg } from "./leg.ts";
import { addOnOf, covers, type Margin, marginOf, type Position } from "./margin.ts";
import { netCashValue, tradedNetCash } from "./netCash.ts";
import { checkNote, type Note, spendOf } from "./note.ts";
import { NULL_ROW, type RiskRow } from "./riskRow.ts";
import type { Snapshot } from "./snapshot.ts";
import { checkPackage, received, type Side, type TradePackage } from "./trade.ts";

/** What an owner asks for. Amounts are unsigned; `asset` 0 is cash in micro-USDC, another asset is a spot instrument in lots. */
export interface TransitionRequest {
  mode: bigint;
  asset: bigint;
  deposit: bigint;
  withdrawal: bigint;
  /** Micro-USDC, paid to the relayer. */
  fee: bigint;
  trade?: { package: TradePackage; side: Side };
}

/** The owner's part of a transition that the rules accept, and what the rules required of it. */
export interface Transition {
  before: Note;
  after: Note;
  leafIndex: bigint;
  nullifier: bigint;
  request: TransitionRequest;
  /** Sizes per leg place before anything, and the instrument that the place holds before or after (0: neither). */
  slots: Slot[];
  /** Equity after the transition and the margin it was compared with. */
  equity: bigint;
  netCash: bigint;
  margin: Margin;
  /** A trade that enlarges and flips nothing, does not raise MM, and gives away at the marks at most the margin that it frees. */
  safe: boolean;
  /** What the trade does to net cash when it is safe ({@link tradedNetCash}), micro-USDC. 0 without a trade. */
  tradeNetCash: bigint;
  requiresInitialMargin: boolean;
  requiresMembership: boolean;
}

/** One place of the note while a transition works on it. Sizes in lots. */
export interface Slot {
  id: bigint;
  row: RiskRow;
  underlying: number;
  place: number;
  oldSize: bigint;
  oldFundingIndex: bigint;
  /** What the trade adds. */
  traded: bigint;
  /** What a deposit or withdrawal of spot adds. */
  flow: bigint;
  /** Old size, trade and flow; before a settled or wound-down leg is emptied. */
  touched: bigint;
  newSize: bigint;
}

/** The row of an instrument and where the snapshot's tree holds it; the null row for id 0. Throws `snapshot.unknownInstrument`. */
export function openRow(snapshot: Snapshot, id: bigint): { row: RiskRow; underlying: number; place: number } {
  if (id === 0n) return { row: NULL_ROW, underlying: 0, place: 0 };
  const at = snapshot.tree.locate(id);
  if (at === undefined)
    throw new SolvusError(
      "snapshot.unknownInstrument",
      `instrument ${id}: no row in the snapshot of epoch ${snapshot.epoch}`,
    );
  return { ...at, row: snapshot.tree.row(at.underlying, at.place) };
}

function checkRequest(request: TransitionRequest): void {
  const { mode, asset, deposit, withdrawal, fee, trade } = request;
  ensure(mode >= 0n && mode <= 3n, "transition.mode", `mode: got ${mode}, expected 0 to 3`);
  const bound = asset === 0n ? CASH_BOUND : SIZE_BOUND;
  for (const [name, amount] of [
    ["deposit", deposit],
    ["withdrawal", withdrawal],
  ] as const) {
    ensure(
      amount >= 0n && amount < bound,
      "transition.amount",
      `${name}: got ${amount}, expected 0 to ${bound - 1n}`,
    );
  }
  ensure(
    deposit === 0n || withdrawal === 0n,
    "transition.oneFlow",
    `deposit ${deposit} and withdrawal ${withdrawal}: expected at most one that is not 0`,
  );
  ensure(
    asset === 0n || deposit + withdrawal > 0n,
    "transition.asset",
    `asset: got ${asset} without a deposit or withdrawal, expected 0`,
  );
  ensure(
    fee >= 0n && fee < 1n << 40n,
    "transition.fee",
    `fee: got ${fee} micro-USDC, expected 0 to 2^40 - 1`,
  );
  if (trade !== undefined) checkPackage(trade.package);
}

/** The places that a transition works on: the note's live legs, and the first empty places for instruments that it does not hold yet. */
function assignSlots(before: Note, snapshot: Snapshot, request: TransitionRequest): Slot[] {
  const slots = before.legs.map(
    (leg): Slot => ({
      id: leg.id,
      ...openRow(snapshot, leg.id),
      oldSize: leg.size,
      oldFundingIndex: leg.fundingIndex,
      traded: 0n,
      flow: 0n,
      touched: leg.size,
      newSize: 0n,
    }),
  );
  const slotOf = (id: bigint): Slot => {
    const held = slots.find((slot) => slot.id === id);
    if (held !== undefined) return held;
    const empty = slots.find((slot) => slot.id === 0n);
    if (empty === undefined)
      throw new SolvusError("transition.full", `instrument ${id}: the account has no empty leg for it`);
    Object.assign(empty, { id, ...openRow(snapshot, id) });
    return empty;
  };
  if (request.trade !== undefined) {
    for (const leg of received(request.trade.package, request.trade.side).legs)
      slotOf(leg.id).traded = leg.size;
  }
  const flow = request.deposit - request.withdrawal;
  if (request.asset !== 0n) slotOf(request.asset).flow = flow;
  return slots;
}

const positionsOf = (slots: readonly Slot[], size: "oldSize" | "newSize" | "traded"): Position[] =>
  slots.map((slot) => ({ size: slot[size], row: slot.row, underlying: slot.underlying }));

/** Nothing enlarged and nothing flipped: every traded leg moves towards zero and stops there. */
function shrinksEveryLeg(slots: readonly Slot[]): boolean {
  return slots.every(({ traded, newSize }) => traded === 0n || (traded > 0n ? newSize <= 0n : newSize >= 0n));
}

/** What this side of a trade receives, its legs at their marks. Micro-USDC. */
function valueReceived(slots: readonly Slot[], cash: bigint): bigint {
  return slots.reduce((value, { traded, row }) => value + traded * row.mark, cash);
}

/**
 * The price band: `cash + sum size·mark + priceBand·sum |size|·addOn >= 0` over what this side receives (the add-on is that of the
 * sign received, without concentration). Scaled by 2^16 because the band is Q16.
 */
function checkPriceBand(slots: readonly Slot[], cash: bigint, snapshot: Snapshot): void {
  const value = valueReceived(slots, cash);
  let room = 0n;
  for (const { traded, row } of slots) {
    room += addOnOf({ size: traded, row: { ...row, concentrationRate: 0n }, underlying: 0 });
  }
  ensure(
    value * Q16 + snapshot.priceBand * room >= 0n,
    "transition.priceBand",
    `trade value received: ${value} micro-USDC at the marks, expected at least -${(snapshot.priceBand * room) / Q16}`,
  );
}

/**
 * What `request` makes of the note at `leafIndex` under `snapshot`, whether the rules admit it or not. Order: settle funding, apply trade
 * and flow, pay out and empty what is settled or wound down, take the fee. {@link checkTransition} is the judge.
 */
export function computeTransition(
  before: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  request: TransitionRequest,
): Transition {
  const { mode, asset, deposit, withdrawal, fee, trade } = request;
  const slots = assignSlots(before, snapshot, request);
  const tradeCash = trade === undefined ? 0n : received(trade.package, trade.side).cash;
  let cash = before.cash + tradeCash - fee + (asset === 0n ? deposit - withdrawal : 0n);
  for (const slot of slots) {
    const { row } = slot;
    cash -= slot.oldSize * (row.fundingIndex - slot.oldFundingIndex);
    slot.touched = slot.oldSize + slot.traded + slot.flow;
    const woundDown = mode === MODE.windDown && isNotSpot(row);
    if (woundDown) cash += slot.touched * row.mark;
    slot.newSize = row.settled || woundDown ? 0n : slot.touched;
  }

  const { nullifier, nextRho } = spendOf(before, leafIndex);
  const legs = slots.map(
    ({ id, row, newSize }): Leg =>
      newSize === 0n ? EMPTY_LEG : { id, size: newSize, fundingIndex: row.fundingIndex },
  );
  const after: Note = { ownerKey: before.ownerKey, entity: before.entity, rho: nextRho, cash, legs };

  const positions = positionsOf(slots, "newSize");
  const margin = marginOf(positions);
  const marginBefore = marginOf(positionsOf(slots, "oldSize"));
  const freed = marginBefore.maintenance - margin.maintenance;
  const safe =
    trade !== undefined &&
    shrinksEveryLeg(slots) &&
    freed >= 0n &&
    valueReceived(slots, tradeCash) + freed >= 0n;
  return {
    before,
    after,
    leafIndex,
    nullifier,
    request,
    slots,
    equity: cash + margin.value,
    netCash: cash + netCashValue(positions),
    margin,
    safe,
    tradeNetCash: tradedNetCash(tradeCash, positionsOf(slots, "traded")),
    requiresInitialMargin: withdrawal > 0n || (trade !== undefined && !(safe && deposit === 0n)),
    requiresMembership: deposit > 0n || (trade !== undefined && !safe),
  };
}

/** Throws a {@link SolvusError} whose `rule` names what a computed transition breaches; returns it when every rule holds. */
export function checkTransition(transition: Transition, snapshot: Snapshot): Transition {
  const { before, after, slots, request, margin, equity } = transition;
  const { netCash, tradeNetCash, requiresInitialMargin } = transition;
  const { mode, deposit, withdrawal, fee, trade } = request;
  const { cash } = after;
  checkNote(before);
  checkRequest(request);
  for (const { id, row, oldSize, touched, traded, flow } of slots) {
    ensure(
      traded === 0n || !row.settled,
      "transition.settledTrade",
      `package leg ${id}: settled, expected an unsettled instrument`,
    );
    ensure(
      flow === 0n || row.kind === KIND.spot,
      "transition.spotFlow",
      `asset ${id}: kind ${row.kind}, expected a spot instrument`,
    );
    ensure(
      touched >= -SIZE_BOUND && touched < SIZE_BOUND,
      "transition.size",
      `size of ${id}: ${touched} lots, expected -2^36 to 2^36 - 1`,
    );
    ensure(
      row.kind !== KIND.spot || touched >= 0n,
      "transition.spot",
      `spot ${id}: ${touched} lots, expected at least 0`,
    );
    ensure(
      mode !== MODE.exit || oldSize === 0n || !isNotSpot(row),
      "transition.exit",
      `leg ${id}: not spot, expected spot legs only in mode 2`,
    );
  }
  ensure(
    cash >= -CASH_BOUND && cash < CASH_BOUND,
    "transition.cash",
    `cash: ${cash} micro-USDC, expected -2^60 to 2^60 - 1`,
  );
  if (trade !== undefined) checkPriceBand(slots, received(trade.package, trade.side).cash, snapshot);

  // An account that leaves is solvent at any price: it keeps spot and cash that is not negative.
  if (mode === MODE.exit || mode === MODE.windDown) {
    ensure(trade === undefined, "transition.modeTrade", `mode ${mode}: a trade, expected none`);
    ensure(deposit === 0n, "transition.modeDeposit", `mode ${mode}: deposit ${deposit}, expected 0`);
    ensure(
      cash >= 0n,
      "transition.leavingCash",
      `mode ${mode}: cash ${cash} micro-USDC, expected at least 0`,
    );
    return transition;
  }

  ensure(
    mode !== MODE.reduceOnly || !requiresInitialMargin,
    "transition.reduceOnly",
    "mode 1: expected a safe trade or a deposit",
  );
  ensure(
    covers(equity, Q16, margin.maintenance),
    "transition.maintenanceMargin",
    `equity: ${equity} micro-USDC, expected at least the maintenance margin ${margin.maintenance}`,
  );
  if (requiresInitialMargin) {
    ensure(
      covers(equity, snapshot.imFactor, margin.maintenance),
      "transition.initialMargin",
      `equity: ${equity} micro-USDC, expected at least the initial margin ${ceilQ16(snapshot.imFactor * margin.maintenance)}`,
    );
  }
  // A fee is cash that leaves: without this, fees paid to oneself would withdraw option value five dollars at a time. So is what a safe
  // trade pays: without this, two accounts would borrow the ledger's cash by a sale and a purchase of one option.
  if (requiresInitialMargin || fee > 0n || tradeNetCash < 0n) {
    const floor = withdrawal > 0n ? 0n : -snapshot.debtLimit;
    ensure(
      netCash >= floor,
      "transition.netCash",
      `net cash: ${netCash} micro-USDC, expected at least ${floor}`,
    );
  }
  return transition;
}

/** The transition function: computes and checks. Throws a {@link SolvusError} whose `rule` names what was breached. */
export function applyTransition(
  before: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  request: TransitionRequest,
): Transition {
  return checkTransition(computeTransition(before, leafIndex, snapshot, request), snapshot);
}

const isNotSpot = (row: RiskRow): boolean => row.kind === KIND.perpetual || row.kind === KIND.option;

const ceilQ16 = (value: bigint): bigint => (value + Q16 - 1n) / Q16;

/** Places used and groups needed, which decide the smallest tier whose circuit can prove the transition. */
export function shapeOf({ slots }: Transition): { legs: number; underlyings: number } {
  const used = slots.filter(({ id }) => id !== 0n);
  return {
    legs: slots.findLastIndex(({ id }) => id !== 0n) + 1,
    underlyings: new Set(used.map(({ underlying }) => underlying)).size,
  };
}
