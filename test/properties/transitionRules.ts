import type { RiskRow } from "../../protocol/riskRow.ts";
import { isNotSpot, type TransitionCase } from "./transitionCases.ts";

/*
 * The rules of an owner's transition once more, written from docs/rulebook.md and not from protocol/transition.ts: plain sums over
 * instruments, no places, no groups, every rule on its own. Where model and circuit share a mistake, this third opinion differs from both.
 */

const LOTS = 2n ** 36n;
const MOST_CASH = 2n ** 60n;
const ONE = 2n ** 16n;

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

/** Maintenance margin of some holdings, by the rulebook's formula. */
export function maintenanceOf(
  holdings: ReadonlyMap<bigint, bigint>,
  rowOf: (id: bigint) => RiskRow,
  underlyingOf: (id: bigint) => number,
): bigint {
  const worst = new Map<number, bigint[]>();
  let total = 0n;
  for (const [id, lots] of holdings) {
    const row = rowOf(id);
    const losses = worst.get(underlyingOf(id)) ?? row.losses.map(() => 0n);
    worst.set(
      underlyingOf(id),
      losses.map((loss, s) => loss + lots * (row.losses[s] as bigint)),
    );
    total += abs(lots) * (lots > 0n ? row.longAddOn : row.shortAddOn);
    if (abs(lots) > row.concentrationThreshold)
      total += (abs(lots) - row.concentrationThreshold) * row.concentrationRate;
  }
  for (const losses of worst.values()) {
    let most = 0n;
    for (const loss of losses) if (loss > most) most = loss;
    total += most;
  }
  return total;
}

/** Names of all rules that the case breaches, as protocol/ names them; empty when the transition must be accepted. */
export function breachesOf({ snapshot, rows, before, request, listing }: TransitionCase): Set<string> {
  const breaches = new Set<string>();
  const require = (holds: boolean, rule: string): void => {
    if (!holds) breaches.add(rule);
  };
  const rowOf = (id: bigint): RiskRow => rows.find((row) => row.id === id) as RiskRow;
  const underlyingOf = (id: bigint): number => snapshot.tree.locate(id)?.underlying as number;
  const { mode, asset, deposit, withdrawal, fee, trade } = request;
  const leaving = mode === 2n || mode === 3n;

  // The request's own form.
  require([0n, 1n, 2n, 3n].includes(mode), "transition.mode");
  const most = asset === 0n ? MOST_CASH : LOTS;
  for (const flow of [deposit, withdrawal]) require(0n <= flow && flow < most, "transition.amount");
  require(deposit === 0n || withdrawal === 0n, "transition.oneFlow");
  require(asset === 0n || deposit !== 0n || withdrawal !== 0n, "transition.asset");
  require(0n <= fee && fee < 2n ** 40n, "transition.fee");
  const legs = trade?.package.legs ?? [];
  if (trade !== undefined) {
    require(legs.length >= 1 && legs.length <= 4, "trade.legs");
    require(legs.every(({ size }) => size !== 0n && -LOTS <= size && size < LOTS), "trade.size");
    require(legs.every(({ id }, j) => id > (legs[j - 1]?.id ?? 0n)), "trade.order");
    require(-MOST_CASH <= trade.package.cash && trade.package.cash < MOST_CASH, "trade.cash");
  }

  // What happens, in the rulebook's order: funding, the trade, the flow, expiry and wind-down, the fee.
  const sign = trade?.side === 1 ? -1n : 1n;
  let cash = before.cash + sign * (trade?.package.cash ?? 0n) - fee;
  const old = new Map<bigint, bigint>();
  for (const { id, size, fundingIndex } of before.legs) {
    if (size === 0n) continue;
    old.set(id, size);
    cash -= size * (rowOf(id).fundingIndex - fundingIndex);
  }
  const held = new Map(old);
  const bought = new Map<bigint, bigint>();
  for (const { id, size } of legs) bought.set(id, sign * size);
  for (const [id, lots] of bought) held.set(id, (held.get(id) ?? 0n) + lots);
  if (asset === 0n) cash += deposit - withdrawal;
  else held.set(asset, (held.get(asset) ?? 0n) + deposit - withdrawal);
  for (const [id, lots] of held) {
    require(-LOTS <= lots && lots < LOTS, "transition.size");
    require(rowOf(id).kind !== 1n || lots >= 0n, "transition.spot");
    if (mode === 3n && isNotSpot(rowOf(id))) cash += lots * rowOf(id).mark;
    if (rowOf(id).settled || (mode === 3n && isNotSpot(rowOf(id)))) held.set(id, 0n);
  }

  // What must hold of it.
  require([...bought].every(([id, lots]) => lots === 0n || !rowOf(id).settled), "transition.settledTrade");
  require(asset === 0n || deposit === withdrawal || rowOf(asset).kind === 1n, "transition.spotFlow");
  require(-MOST_CASH <= cash && cash < MOST_CASH, "transition.cash");
  require(mode !== 2n || [...old.keys()].every((id) => !isNotSpot(rowOf(id))), "transition.exit");
  if (trade !== undefined) {
    let inBand = sign * trade.package.cash * ONE;
    for (const [id, lots] of bought) {
      const { mark, longAddOn, shortAddOn } = rowOf(id);
      inBand += lots * mark * ONE + snapshot.priceBand * abs(lots) * (lots > 0n ? longAddOn : shortAddOn);
    }
    require(inBand >= 0n, "transition.priceBand");
  }
  if (leaving) {
    require(trade === undefined, "transition.modeTrade");
    require(deposit === 0n, "transition.modeDeposit");
    require(cash >= 0n, "transition.leavingCash");
  }

  // Its class. Safe: nothing bought ends long, nothing sold ends short, MM not above what it was, and at the marks no more given away
  // than the margin so freed.
  const marginBefore = maintenanceOf(old, rowOf, underlyingOf);
  const marginAfter = maintenanceOf(held, rowOf, underlyingOf);
  const lessens = [...bought].every(([id, lots]) =>
    lots > 0n ? (held.get(id) ?? 0n) <= 0n : (held.get(id) ?? 0n) >= 0n,
  );
  let received = sign * (trade?.package.cash ?? 0n);
  // Net cash has perpetuals at their marks, and options where they are owed.
  const asCash = (id: bigint, lots: bigint): bigint =>
    rowOf(id).kind === 2n || (rowOf(id).kind === 3n && lots < 0n) ? lots * rowOf(id).mark : 0n;
  let receivedNetCash = received;
  for (const [id, lots] of bought) {
    received += lots * rowOf(id).mark;
    const now = held.get(id) ?? 0n;
    receivedNetCash += asCash(id, now) - asCash(id, now - lots);
  }
  const freed = marginBefore - marginAfter;
  const safe = trade !== undefined && lessens && freed >= 0n && received + freed >= 0n;
  const otherTrade = trade !== undefined && !safe;
  const initial = withdrawal !== 0n || otherTrade || (safe && deposit !== 0n);
  let equity = cash;
  let netCash = cash;
  for (const [id, lots] of held) {
    equity += lots * rowOf(id).mark;
    netCash += asCash(id, lots);
  }
  if (!leaving) {
    require(mode !== 1n || !initial, "transition.reduceOnly");
    require(equity >= marginAfter, "transition.maintenanceMargin");
    require(!initial || equity * ONE >= snapshot.imFactor * marginAfter, "transition.initialMargin");
    const floor = withdrawal !== 0n ? 0n : -snapshot.debtLimit;
    require(!(initial || fee !== 0n || receivedNetCash < 0n) || netCash >= floor, "transition.netCash");
  }
  const memberOnly = deposit !== 0n || otherTrade;
  require(!memberOnly || listing === "open registry" || listing === "listed", "transition.membership");
  return breaches;
}
