import { FIELD_ORDER } from "./constants.ts";

/**
 * The digest `sum of word_i·point^(i+1)` modulo r, i from 0, as the circuits' `WordsDigest` and the contracts compute it. Two different
 * lists of n words agree at n points at most, so at a point hashed from one of them they agree only if they are equal.
 */
export function wordsDigest(words: readonly bigint[], point: bigint): bigint {
  return words.reduceRight((value, word) => ((value + word) * point) % FIELD_ORDER, 0n);
}
