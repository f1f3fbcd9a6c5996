import fc from "fast-check";
import { CASH_BOUND, KIND, NOTE_LEGS, ROW_VALUE_BOUND, SIZE_BOUND } from "../../protocol/constants.ts";
import { EMPTY_LEG, type Leg } from "../../protocol/leg.ts";
import { entityOf, type Note, ownerKeyOf } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import { type MarketSize, SMALL_MARKET, signedAmount } from "./markets.ts";

/** Who holds an account under test. */
export interface Holder {
  spendSecret: bigint;
  entitySecret: bigint;
  rho: bigint;
}

export const OWNER: Holder = { spendSecret: 1_234_567n, entitySecret: 7_654_321n, rho: 99n };
export const KEEPER: Holder = { spendSecret: 31_337n, entitySecret: 73_313n, rho: 4_711n };

/** Legs that do not know their market yet: instruments are counted around it, so that both shrink on their own. */
export const legPartsOf = ({ instruments }: MarketSize) =>
  fc.array(
    fc.record({
      instrument: fc.nat({ max: instruments - 1 }),
      size: signedAmount(SIZE_BOUND, 3_000n, -SIZE_BOUND),
      /** By how much the funding index has moved since the leg's last touch. */
      lag: signedAmount(ROW_VALUE_BOUND, 2_000_000n),
      /** Whether an empty place comes before the leg. */
      gap: fc.boolean(),
    }),
    {
      maxLength: instruments === SMALL_MARKET.instruments ? 5 : instruments,
      ...(instruments > 6 && { size: "max" as const }),
    },
  );
export type LegParts = ReturnType<typeof legPartsOf> extends fc.Arbitrary<infer Parts> ? Parts : never;

/** Places that the circuits read, a tier each: gaps are left as long as every instrument of a market still finds a place. */
const PLACES = [7, 18];

const clamp = (value: bigint, low: bigint, high: bigint): bigint =>
  value < low ? low : value > high ? high : value;

/** Cash within its bounds. */
export function cashOf(value: bigint): bigint {
  return clamp(value, -CASH_BOUND, CASH_BOUND - 1n);
}

/** A valid note with these legs in the market of `rows`: no instrument twice, no spot below 0, no leg of size 0. */
export function noteOf(holder: Holder, cash: bigint, parts: LegParts, rows: readonly RiskRow[]): Note {
  const legs: Leg[] = Array.from({ length: NOTE_LEGS }, () => EMPTY_LEG);
  const held = new Set<bigint>();
  let place = 0;
  let gaps = (PLACES.find((places) => rows.length < places) ?? rows.length) - rows.length;
  for (const { instrument, size, lag, gap } of parts) {
    const row = rows[instrument % rows.length] as RiskRow;
    const lots = row.kind === KIND.spot && size < 0n ? -size - 1n : size;
    if (lots === 0n || held.has(row.id)) continue;
    held.add(row.id);
    if (gap && gaps > 0) {
      gaps--;
      place++;
    }
    const fundingIndex =
      row.kind === KIND.spot ? 0n : clamp(row.fundingIndex - lag, -ROW_VALUE_BOUND, ROW_VALUE_BOUND - 1n);
    legs[place++] = { id: row.id, size: lots, fundingIndex };
  }
  return {
    ownerKey: ownerKeyOf(holder.spendSecret),
    entity: entityOf(holder.entitySecret),
    rho: holder.rho,
    cash: cashOf(cash),
    legs,
  };
}
