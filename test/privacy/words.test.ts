import { describe, expect, test } from "vitest";
import { encryptChange } from "../../protocol/accountEscrow.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { Leg } from "../../protocol/leg.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import { encryptKeeperChange, encryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import { tradeTagOf } from "../../protocol/trade.ts";
import { applyTransition } from "../../protocol/transition.ts";
import { randomFrom } from "../support/random.ts";
import { OPTION, PERPETUAL, SPOT, smallMarket } from "../support/syntheticMarket.ts";
import { accountOf } from "./acts.ts";

/*
 * Words that should look random, over many accounts of two kinds that could hardly be more different. In random words each value of a byte comes
 * equally often, so that the chi-squared statistic of a sample's bytes is near its degrees of freedom; and no measure of one kind's words has
 * another mean than that of the other's. Everything is seeded: what passes once passes always.
 */

const SAMPLES = 96;
const MARKET = smallMarket();
const REQUEST = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** The words of a field element's lower 30 bytes: those above it are not uniform, because r is no power of 2. */
const BYTES = 30;
const bytesOf = (word: bigint): number[] =>
  Array.from({ length: BYTES }, (_, k) => Number((word >> BigInt(8 * k)) & 255n));

/** Distance of a sample of bytes from a uniform one in standard deviations. */
function distance(bytes: readonly number[]): number {
  const counts = Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1;
  const expected = bytes.length / 256;
  const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return (chi - 255) / Math.sqrt(2 * 255);
}

/** Difference between two samples' means in standard errors. */
function contrast(one: readonly number[], other: readonly number[]): number {
  const moments = (values: readonly number[]): { mean: number; error: number } => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
    return { mean, error: variance / values.length };
  };
  const [first, second] = [moments(one), moments(other)];
  return (first.mean - second.mean) / Math.sqrt(first.error + second.error);
}

/** Words of one transition or take-over of an account, by name. */
type Words = Record<string, bigint>;

/** An account with hardly anything trades one lot; seeds differ in the secrets alone. */
function poor(seed: number): Words {
  return wordsOf(seed, 900_000_000n, [], [{ id: PERPETUAL, size: 1n }], -100_000_000n);
}

/** One with a book full of the largest numbers trades thousands. */
function rich(seed: number): Words {
  const book = [
    { id: SPOT, size: 2n ** 33n, fundingIndex: 0n },
    { id: OPTION, size: -5_000n, fundingIndex: 0n },
  ];
  const legs = [
    { id: SPOT, size: 40_000n },
    { id: PERPETUAL, size: -60_000n },
    { id: OPTION, size: 4_000n },
  ];
  return wordsOf(seed, 2n ** 58n, book, legs, -2_120_000_000_000n);
}

function wordsOf(
  seed: number,
  cash: bigint,
  book: readonly Leg[],
  legs: { id: bigint; size: bigint }[],
  tradeCash: bigint,
): Words {
  const random = randomFrom(seed);
  const { note } = accountOf(1, cash, book);
  const before: Note = {
    ...note,
    ownerKey: random.between(1n, FIELD_ORDER - 1n),
    rho: random.between(1n, FIELD_ORDER - 1n),
  };
  const trade = {
    package: { legs, cash: tradeCash, salt: random.between(1n, FIELD_ORDER - 1n) },
    side: 0 as const,
  };
  const { after, nullifier } = applyTransition(before, 3n, MARKET, { ...REQUEST, trade });
  const [word0, word1] = encryptChange(before, after);
  const [target, keeper] = [encryptTargetChange(before, after), encryptKeeperChange(before, after)];
  return {
    nullifier,
    commitment: commitmentOf(after),
    tradeTag: tradeTagOf(trade.package),
    "escrow 0": word0,
    "escrow 1": word1,
    ...Object.fromEntries(target.map((word, i) => [`target's escrow ${i}`, word])),
    ...Object.fromEntries(keeper.map((word, i) => [`keeper's escrow ${i}`, word])),
  };
}

const seeds = Array.from({ length: SAMPLES }, (_, index) => index + 1);
const samples = { poor: seeds.map(poor), rich: seeds.map((seed) => rich(seed + SAMPLES)) };

/** Six standard deviations: with some fifty statistics, chance alone gets there once in many millions of sets of seeds. */
const FAR = 6;

describe("words that depend on private values", () => {
  test.each(Object.keys(samples.poor[0] as Words))(
    "%s looks random, of a poor account and of a rich one",
    (name) => {
      const [one, other] = [samples.poor, samples.rich].map((sample) =>
        sample.map((words) => words[name] as bigint),
      ) as [bigint[], bigint[]];
      for (const words of [one, other]) {
        expect(new Set(words).size).toBe(SAMPLES);
        expect(Math.abs(distance(words.flatMap(bytesOf)))).toBeLessThan(FAR);
      }
      const zeros = (word: bigint): number => bytesOf(word).filter((byte) => byte === 0).length;
      const top = (word: bigint): number => Number(word >> 240n);
      const length = (word: bigint): number => String(word).length;
      for (const measure of [zeros, top, length, (word: bigint) => Number(word % 1_009n)]) {
        const [first, second] = [one.map(measure), other.map(measure)];
        if (new Set([...first, ...second]).size > 1)
          expect(Math.abs(contrast(first, second)), name).toBeLessThan(FAR);
      }
    },
  );

  test("without a pad, or with one that many share, they would not", () => {
    const plain = samples.rich.map((_, i) => BigInt(i) + 2n ** 60n);
    expect(Math.abs(distance(plain.flatMap(bytesOf)))).toBeGreaterThan(FAR);
    const shared = samples.rich.map((_, i) => 0x1234567890abcdef1234567890abcdefn * 2n ** 100n + BigInt(i));
    expect(Math.abs(distance(shared.flatMap(bytesOf)))).toBeGreaterThan(FAR);
    expect(Math.abs(contrast([1, 2, 1, 2, 1, 1], [9, 8, 9, 9, 8, 9]))).toBeGreaterThan(FAR);
  });
});
