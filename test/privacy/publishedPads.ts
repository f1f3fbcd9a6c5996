import { CASH_BOUND, SIZE_BOUND } from "../../protocol/constants.ts";
import type { Leg } from "../../protocol/leg.ts";
import type { Note } from "../../protocol/note.ts";
import { toField } from "../../protocol/poseidon.ts";

/*
 * What an observer with two publications could do if they shared a pad: subtract one from the other. The plaintexts are written down here from
 * the documented layouts, apart from the code that encrypts, so that word − plaintext is the pad whatever it is computed from.
 */

/** One publication: words as they stand on the chain, in the mempool or with a relayer, and what they hide. */
export interface Published {
  words: readonly bigint[];
  plaintext: readonly bigint[];
}

/** What a transition's two words hide: cash, emptied places, and up to five resized legs with the highest place first. */
export function changePlaintext(before: Note, after: Note): bigint[] {
  const resized = after.legs
    .map((leg, place) => ({ ...leg, place, old: before.legs[place] as Leg }))
    .filter(({ size, old }) => size !== 0n && size !== old.size)
    .reverse()
    .map(({ id, size, place }) => BigInt(place) + id * 2n ** 5n + (size + SIZE_BOUND) * 2n ** 37n);
  const entry = (index: number): bigint => resized[index] ?? 0n;
  const emptied = after.legs.reduce(
    (mask, { size }, place) =>
      size === 0n && (before.legs[place] as Leg).size !== 0n ? mask + 2n ** BigInt(place) : mask,
    0n,
  );
  return [
    after.cash + CASH_BOUND + emptied * 2n ** 61n + entry(0) * 2n ** 81n + entry(1) * 2n ** 155n,
    entry(2) + entry(3) * 2n ** 74n + entry(4) * 2n ** 148n,
  ];
}

/** Six shifted sizes a word, for eighteen places. */
function sizes(legs: readonly Leg[]): bigint[] {
  return [0, 6, 12].map((first) =>
    legs
      .slice(first, first + 6)
      .reduce((sum, { size }, j) => sum + (size + SIZE_BOUND) * 2n ** BigInt(37 * j), 0n),
  );
}

/** What the four words of a take-over's target hide. */
export function targetPlaintext(after: Note): bigint[] {
  return [after.cash + CASH_BOUND, ...sizes(after.legs)];
}

/** What the six words of a take-over's keeper hide. */
export function keeperPlaintext(after: Note): bigint[] {
  const ids = (first: number, count: number): bigint =>
    after.legs.slice(first, first + count).reduce((sum, { id }, j) => sum + id * 2n ** BigInt(32 * j), 0n);
  return [after.cash + CASH_BOUND + ids(14, 4) * 2n ** 61n, ids(0, 7), ids(7, 7), ...sizes(after.legs)];
}

/** Distinct pads of all publications, and those that lie over two different words. */
export function collectPads(publications: readonly Published[]): { pads: number; repeated: bigint[] } {
  const wordOf = new Map<bigint, bigint>();
  const repeated: bigint[] = [];
  for (const { words, plaintext } of publications) {
    words.forEach((word, i) => {
      const pad = toField(word - (plaintext[i] as bigint));
      const known = wordOf.get(pad);
      if (known !== undefined && known !== word) repeated.push(pad);
      wordOf.set(pad, word);
    });
  }
  return { pads: wordOf.size, repeated };
}
