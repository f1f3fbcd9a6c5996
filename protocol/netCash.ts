import { KIND } from "./constants.ts";
import type { Position } from "./margin.ts";

/**
 * What net cash N counts besides cash, in micro-USDC: perpetuals at their marks, since what they have gained or lost is cash as soon as funding
 * or a trade settles it, and options that are owed (size below 0). Options that are held count for nothing: they are not cash before they are
 * sold or settled.
 */
export function netCashValue(positions: readonly Position[]): bigint {
  return positions
    .filter(({ size, row }) => row.kind === KIND.perpetual || (row.kind === KIND.option && size < 0n))
    .reduce((sum, { size, row }) => sum + size * row.mark, 0n);
}

/**
 * What a trade that shrinks legs does to N at the marks, in micro-USDC: its cash, its perpetuals, and the options bought, which cancel what was
 * owed. Options sold were held, and counted for nothing. `traded` holds the lots received.
 */
export function tradedNetCash(cash: bigint, traded: readonly Position[]): bigint {
  return traded
    .filter(({ size, row }) => row.kind === KIND.perpetual || (row.kind === KIND.option && size > 0n))
    .reduce((sum, { size, row }) => sum + size * row.mark, cash);
}
