import { CASH_BOUND, DOMAIN, ID_BOUND, PACKAGE_LEGS, SIZE_BOUND } from "./constants.ts";
import { ensure } from "./errors.ts";
import { packLeg } from "./leg.ts";
import { poseidon } from "./poseidon.ts";

/**
 * What two owners agree on: one to four legs and one net cash flow, written as what side 0 receives (a negative size or cash is what it
 * gives). Side 1 receives the negative of everything. `salt` is secret to the two and hides the contents of the tag.
 */
export interface TradePackage {
  /** Distinct instruments in ascending order of id, sizes in lots, none 0. */
  legs: { id: bigint; size: bigint }[];
  /** Micro-USDC. */
  cash: bigint;
  salt: bigint;
}

export type Side = 0 | 1;

/** Throws `trade.*` unless the package is in its one canonical form. */
export function checkPackage(trade: TradePackage): void {
  const { legs, cash } = trade;
  ensure(
    legs.length >= 1 && legs.length <= PACKAGE_LEGS,
    "trade.legs",
    `package legs: got ${legs.length}, expected 1 to ${PACKAGE_LEGS}`,
  );
  let previous = 0n;
  for (const { id, size } of legs) {
    ensure(
      id > previous && id < ID_BOUND,
      "trade.order",
      `package leg id: got ${id} after ${previous}, expected ascending ids below 2^32`,
    );
    ensure(
      size !== 0n && size >= -SIZE_BOUND && size < SIZE_BOUND,
      "trade.size",
      `package leg size: got ${size} lots, expected -2^36 to 2^36 - 1 and not 0`,
    );
    previous = id;
  }
  ensure(
    cash >= -CASH_BOUND && cash < CASH_BOUND,
    "trade.cash",
    `package cash: got ${cash} micro-USDC, expected -2^60 to 2^60 - 1`,
  );
}

/** The public tag that both sides show: `Poseidon(leg 0..3, cash, salt)`, unused legs 0. */
export function tradeTagOf(trade: TradePackage): bigint {
  const packed = trade.legs.map(({ id, size }) => packLeg({ id, size, fundingIndex: 0n }));
  while (packed.length < PACKAGE_LEGS) packed.push(0n);
  return poseidon(DOMAIN.trade, [...packed, trade.cash, trade.salt]);
}

/** What one side receives: signed sizes in the package's order, and cash. */
export function received(
  trade: TradePackage,
  side: Side,
): { legs: { id: bigint; size: bigint }[]; cash: bigint } {
  const sign = side === 0 ? 1n : -1n;
  return { legs: trade.legs.map(({ id, size }) => ({ id, size: sign * size })), cash: sign * trade.cash };
}
