import { describe, expect, test } from "vitest";
import { encryptChange } from "../../protocol/accountEscrow.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import { applyTransition, type Transition } from "../../protocol/transition.ts";
import { noteWith, PERPETUAL, smallMarket } from "../support/syntheticMarket.ts";
import { runHistory } from "./padHistory.ts";
import { changePlaintext, collectPads, type Published } from "./publishedPads.ts";

const NOTHING = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
const SNAPSHOT = smallMarket();
const START = noteWith(9_000_000_000n);
const DEPOSIT = { ...NOTHING, deposit: 1_000_000n };
const TRADE = {
  ...NOTHING,
  trade: {
    package: { legs: [{ id: PERPETUAL, size: 3n }], cash: -300_000_000n, salt: 1n },
    side: 0 as const,
  },
};

const published = ({ before, after }: Transition): Published => ({
  words: encryptChange(before, after),
  plaintext: changePlaintext(before, after),
});
const step = (note: Note, place: bigint, request: typeof NOTHING): Transition =>
  applyTransition(note, place, SNAPSHOT, request);

describe("pads", () => {
  test("no pad serves two plaintexts over a long random history", () => {
    const history = runHistory(7, 220);
    expect(history.landed).toBeGreaterThan(100);
    for (const count of [history.tried, history.reorganised, history.restored, history.takeOvers])
      expect(count).toBeGreaterThan(4);
    const { pads, repeated } = collectPads(history.published);
    expect(repeated).toEqual([]);
    expect(pads).toBeGreaterThan(300);
  });

  test("what is tried again, after a failure, a re-org or from a backup, has other pads or the same words", () => {
    const first = step(START, 5n, DEPOSIT);
    const again = step(START, 5n, DEPOSIT);
    const other = step(START, 5n, { ...DEPOSIT, deposit: 1_000_001n });
    const elsewhere = step(START, 6n, DEPOSIT);
    expect(published(again)).toEqual(published(first));
    const { pads, repeated } = collectPads([first, again, other, elsewhere].map(published));
    expect(repeated).toEqual([]);
    expect(pads).toBe(6);
  });

  test("two changes that a re-org puts in the other order end in one note under different pads", () => {
    const one = step(step(START, 5n, DEPOSIT).after, 20n, TRADE);
    const other = step(step(START, 5n, TRADE).after, 20n, DEPOSIT);
    expect(commitmentOf(one.after)).toBe(commitmentOf(other.after));
    expect(collectPads([one, other].map(published)).repeated).toEqual([]);
  });

  test("one change has one decomposition: its words follow from the notes", () => {
    const opened = step(START, 5n, TRADE);
    const closed = step(opened.after, 20n, {
      ...TRADE,
      trade: { ...TRADE.trade, side: 1 as const },
    } as typeof NOTHING);
    expect(closed.after.cash).toBe(START.cash);
    expect(collectPads([opened, closed].map(published))).toEqual({ pads: 4, repeated: [] });
    const [word0, word1] = changePlaintext(opened.after, closed.after) as [bigint, bigint];
    // Emptied at place 0 and nothing else: the closing names no instrument.
    expect(word0).toBe(START.cash + 2n ** 60n + 2n ** 61n);
    expect(word1).toBe(0n);
  });

  test("a pad that is used twice is found", () => {
    const twice = [
      { words: [10n], plaintext: [3n] },
      { words: [12n], plaintext: [5n] },
    ];
    expect(collectPads(twice).repeated).toEqual([7n]);
  });
});
