import { FIELD_ORDER } from "./constants.ts";

/**
 * `sum of word_i·point^(i+1)` modulo r, i from 0: agrees for two different lists of words at no more points than they have words, so at
 * a point hashed from one of them only if they are equal.
 */
export function disclosureValue(words: readonly bigint[], point: bigint): bigint {
  return words.reduceRight((value, word) => ((value + word) * point) % FIELD_ORDER, 0n);
}
