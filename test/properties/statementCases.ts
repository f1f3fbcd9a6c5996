import fc from "fast-check";
import { CASH_BOUND, FIELD_ORDER, Q16, RATIO_BOUND } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { cashOf, legPartsOf, noteOf, OWNER } from "./accounts.ts";
import { amount, marketsOf, SMALL_MARKET, signedAmount } from "./markets.ts";
import { dollars, readable, readableMarket, readableNote } from "./readable.ts";

/** An account of which somebody claims that it is solvent, and somebody that it is not. */
export interface StatementCase {
  snapshot: Snapshot;
  rows: RiskRow[];
  note: Note;
  leafIndex: bigint;
  /** The claim of solvency: Q16, and micro-USDC. */
  ratio: bigint;
  excess: bigint;
  /** Where the claim of insolvency discloses the opening; 0 discloses nothing. */
  disclosurePoint: bigint;
  lie: number;
}

const caseParts = fc.record({
  market: marketsOf(SMALL_MARKET),
  legs: legPartsOf(SMALL_MARKET),
  leafIndex: amount(1n << 28n, 100n),
  ratio: fc.oneof(
    { weight: 6, arbitrary: fc.constant(Q16) },
    { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 4n * Q16 }) },
    { weight: 1, arbitrary: fc.constantFrom(RATIO_BOUND - 1n, RATIO_BOUND, -1n) },
  ),
  excess: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0n) },
    { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: 1_000_000_000n }) },
    { weight: 1, arbitrary: fc.constantFrom(CASH_BOUND - 1n, CASH_BOUND, -1n) },
  ),
  /** What the cash makes the equity meet just so, and by how much it is off. */
  meets: fc.constantFrom("maintenance margin", "ratio", "excess", "nothing"),
  off: fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: fc.constantFrom(0n, -1n, 1n) },
    { weight: 3, arbitrary: signedAmount(CASH_BOUND, 200_000_000_000n) },
  ),
  disclosurePoint: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: FIELD_ORDER - 1n })),
  lie: fc.nat({ max: 59 }),
});
type CaseParts = typeof caseParts extends fc.Arbitrary<infer Parts> ? Parts : never;

function readableStatement(found: StatementCase): string {
  const { snapshot, rows, note, ratio, excess } = found;
  const held = new Set(note.legs.map(({ id }) => id));
  const { equity, margin } = standingOf(note, snapshot);
  return readable({
    account: readableNote(note),
    stands: `equity ${dollars(equity)}, maintenance margin ${dollars(margin.maintenance)}`,
    claims: `ratio ${ratio}/2^16, excess ${dollars(excess)}`,
    market: readableMarket(
      snapshot,
      rows.filter(({ id }) => held.has(id)),
    ),
    "leaf index": String(found.leafIndex),
    "disclosure point": String(found.disclosurePoint),
  });
}

function caseOf({ market, legs, meets, off, ...rest }: CaseParts): StatementCase {
  const { snapshot, rows } = market;
  const penniless = noteOf(OWNER, 0n, legs, rows);
  const { equity, margin } = standingOf(penniless, snapshot);
  const goals: Record<typeof meets, bigint> = {
    "maintenance margin": margin.maintenance,
    ratio: (rest.ratio * margin.maintenance + Q16 - 1n) / Q16,
    excess: margin.maintenance + rest.excess,
    nothing: 0n,
  };
  const note = { ...penniless, cash: cashOf((goals[meets] as bigint) - equity + off) };
  const found: StatementCase = { snapshot, rows, note, ...rest };
  return Object.defineProperty(found, fc.toStringMethod, {
    value: () => readableStatement(found),
    enumerable: false,
  });
}

/** Accounts on the edges of a claim of solvency, and of the line between solvency and insolvency. */
export const statementCases: fc.Arbitrary<StatementCase> = caseParts.map(caseOf);
