import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { TakeOverCase } from "./takeOverCases.ts";
import { maintenanceOf } from "./transitionRules.ts";

/* The rules of a take-over once more, written from docs/rulebook.md: sums over instruments, exact fractions, every rule on its own. */

const ONE = 2n ** 16n;
const MOST_CASH = 2n ** 60n;

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
/** The integer below or at a fraction whose denominator is positive. */
const floor = (numerator: bigint, denominator: bigint): bigint =>
  numerator >= 0n ? numerator / denominator : -((-numerator + denominator - 1n) / denominator);

/** Names of all rules that a take-over breaches, as protocol/ names them; empty when it must be accepted. */
export function takeOverBreaches({
  snapshot,
  rows,
  target,
  keeper,
  request,
  listing,
}: TakeOverCase): Set<string> {
  const breaches = new Set<string>();
  const require = (holds: boolean, rule: string): void => {
    if (!holds) breaches.add(rule);
  };
  const rowOf = (id: bigint): RiskRow => rows.find((row) => row.id === id) as RiskRow;
  const underlyingOf = (id: bigint): number => snapshot.tree.locate(id)?.underlying as number;
  const { slice, rate, restoration, fee } = request;
  require(1n <= slice && slice <= ONE, "liquidation.slice");
  require(0n <= rate && rate < ONE, "liquidation.rate");
  require(0n <= restoration && restoration < ONE, "liquidation.restoration");
  require(0n <= fee && fee < 2n ** 40n, "liquidation.fee");
  require(keeper.legs.every(({ size }) => size === 0n), "liquidation.keeperLegs");
  require(keeper.entity !== target.entity, "liquidation.oneself");
  require(listing === "open registry" || listing === "listed", "liquidation.membership");

  // The target before: funding settled, expired legs paid out.
  const before = new Map<bigint, bigint>();
  let cash = target.cash;
  for (const { id, size, fundingIndex } of target.legs) {
    if (size === 0n) continue;
    cash -= size * (rowOf(id).fundingIndex - fundingIndex);
    if (!rowOf(id).settled) before.set(id, size);
  }
  const margin = (holdings: ReadonlyMap<bigint, bigint>): bigint =>
    maintenanceOf(holdings, rowOf, underlyingOf);
  const worth = (holdings: ReadonlyMap<bigint, bigint>, kinds = [1n, 2n, 3n]): bigint =>
    [...holdings].reduce(
      (sum, [id, lots]) => sum + (kinds.includes(rowOf(id).kind) ? lots * rowOf(id).mark : 0n),
      0n,
    );
  const equity = cash + worth(before);
  const maintenance = margin(before);
  require(equity < maintenance, "liquidation.healthy");

  // The slice: what is taken of every leg, what is left, and what it costs whom.
  const taken = new Map<bigint, bigint>();
  const left = new Map<bigint, bigint>();
  for (const [id, lots] of before) {
    const magnitude = -floor(-slice * abs(lots), ONE);
    const cut = lots < 0n ? -magnitude : magnitude;
    if (cut !== 0n) taken.set(id, cut);
    if (cut !== lots) left.set(id, lots - cut);
  }
  const worthNothing = larger(equity, 0n);
  const payment = floor(slice * smaller(rate * maintenance, worthNothing * ONE), ONE * ONE);
  const deficit = floor(slice * larger(-equity, 0n), ONE);
  const reward = floor(
    slice * larger(0n, smaller(rate, 3_276n) * maintenance - worthNothing * ONE),
    ONE * ONE,
  );
  if (maintenance < 2_000_000_000n) {
    require(slice <= ONE, "liquidation.tooMuch");
    require(slice >= ONE, "liquidation.tooLittle");
  } else {
    // f·(1+b−k)·MM and (1+b)·MM − E, both times 2^32.
    const asked = slice * (ONE + restoration - rate) * maintenance;
    const allowed = ONE * ((ONE + restoration) * maintenance - ONE * equity);
    require(asked <= allowed && slice <= ONE, "liquidation.tooMuch");
    require(4n * slice >= ONE || 4n * asked >= allowed, "liquidation.tooLittle");
  }

  for (const [name, paid] of Object.entries({ payment, deficit, reward }))
    require(paid < MOST_CASH, `liquidation.${name}`);
  const targetCash = cash + worth(taken) - payment + deficit;
  const equityAfter = targetCash + worth(left);
  require(equity < 0n || equityAfter * maintenance >= equity * margin(left), "liquidation.ratio");
  require(-MOST_CASH <= targetCash && targetCash < MOST_CASH, "liquidation.targetCash");
  const keeperCash = keeper.cash - worth(taken) + payment + reward - fee;
  require(-MOST_CASH <= keeperCash && keeperCash < MOST_CASH, "liquidation.keeperCash");
  require((keeperCash + worth(taken)) * ONE >= snapshot.imFactor * margin(taken), "liquidation.keeperMargin");
  const owed = new Map([...taken].filter(([, lots]) => lots < 0n));
  const asCash = worth(taken, [2n]) + worth(owed, [3n]);
  require(keeperCash + asCash >= -snapshot.debtLimit, "liquidation.keeperNetCash");
  return breaches;
}

/** Equity of a note after funding, by the rulebook. */
export function equityOf(note: Note, rows: readonly RiskRow[]): bigint {
  let equity = note.cash;
  for (const { id, size, fundingIndex } of note.legs) {
    const row = rows.find((candidate) => candidate.id === id);
    if (row !== undefined) equity += size * (row.mark - row.fundingIndex + fundingIndex);
  }
  return equity;
}
