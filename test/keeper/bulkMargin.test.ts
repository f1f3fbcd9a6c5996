import { expect, test } from "vitest";
import type { Leg } from "../../protocol/leg.ts";
import type { Note } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { standingsOf } from "../../services/keeper/bulkMargin.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { noteWith, PERPETUAL, randomMarket, randomNote, smallMarket } from "../support/syntheticMarket.ts";

/* Margins in bulk are those of the rulebook's model, to the last micro-USDC. */

function expectEqual(notes: readonly Note[], snapshot: Snapshot): void {
  const expected = notes.map((note) => {
    const { equity, margin } = standingOf(note, snapshot);
    return { equity, maintenance: margin.maintenance };
  });
  expect(standingsOf(notes, snapshot)).toEqual(expected);
}

/** A note whose sizes are anything up to their bound, so that sums pass 2^53 for most. */
function enormousNote(random: Random, rows: readonly RiskRow[]): Note {
  const size = (): bigint => random.pick([1n, -1n]) * random.between(1n, 1n << random.between(1n, 36n)) || 1n;
  const bounded = (value: bigint): bigint => (value >= 1n << 36n ? (1n << 36n) - 1n : value);
  const legs = rows
    .slice(0, 12)
    .map(
      ({ id }): Leg => ({ id, size: bounded(size()), fundingIndex: random.between(-(1n << 39n), 1n << 39n) }),
    );
  return noteWith(random.between(-(1n << 59n), 1n << 59n), legs);
}

test("equity and margin of ordinary accounts equal the model's", () => {
  const random = randomFrom(20260);
  for (let market = 0; market < 2; market++) {
    const { snapshot, rows } = randomMarket(random, 4);
    const notes = Array.from({ length: 100 }, () => randomNote(random, rows, 12));
    expectEqual(notes, snapshot);
    // The same instruments at other values: what was remembered of the notes is of no market.
    expectEqual(notes.slice(0, 20), randomMarket(random, 4).snapshot);
  }
});

test("equity and margin beyond what doubles hold exactly equal the model's", () => {
  const random = randomFrom(20261);
  const { snapshot, rows } = randomMarket(random, 3);
  expectEqual(
    Array.from({ length: 200 }, () => enormousNote(random, rows)),
    snapshot,
  );
});

test("on both sides of the bound, and of the concentration threshold", () => {
  const snapshot = smallMarket();
  const sizes = [1n, 999_999n, 1_000_000n, 1_000_001n, 30_000_000n, 45_000_001n, (1n << 36n) - 1n];
  const notes = sizes.flatMap((size) =>
    [size, -size].map((signed) => noteWith(-1n, [{ id: PERPETUAL, size: signed, fundingIndex: -7n }])),
  );
  expectEqual([noteWith(0n), noteWith(-5n), noteWith((1n << 60n) - 1n), ...notes], snapshot);
});

test("an account with an instrument that the snapshot does not list is not priced, and the others are", () => {
  const snapshot = smallMarket();
  const unknown = noteWith(5n, [{ id: 999n, size: 1n, fundingIndex: 0n }]);
  const known = noteWith(7n);
  expect(standingsOf([unknown, known], snapshot)).toEqual([undefined, { equity: 7n, maintenance: 0n }]);
});
