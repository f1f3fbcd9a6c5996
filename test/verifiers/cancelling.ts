import { concat, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { CIRCUITS } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Forger, inverse } from "../support/forgedProofs.ts";
import { coefficientsOf, type Item, inputCountOf, provenItem } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";

const mod = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;

/** Coefficients as the verifier draws them, were the seed the hash of these words. */
const drawnFrom = (words: readonly bigint[], count: number): bigint[] => {
  const domain = keccak256(toUtf8Bytes("Solvus batch verification coefficients"));
  const seed = keccak256(concat([domain, ...words.map((word) => toBeHex(word, 32))]));
  return Array.from(
    { length: count },
    (_, index) => BigInt(keccak256(concat([seed, toBeHex(index, 32)]))) % 2n ** 128n,
  );
};

/**
 * Coefficients that somebody may hope a batch verifier to draw: errors whose sum, weighted by them, is 0 would pass if it did. The last
 * are those of verifiers that do not hash all of a batch, so that something can be chosen afterwards.
 */
export const GUESSES: Record<string, (items: readonly Item[], keys: Forger["keys"]) => bigint[]> = {
  "all 1": (items) => items.map(() => 1n),
  "1, −1, 1, …": (items) => items.map((_, index) => (index % 2 === 0 ? 1n : FIELD_ORDER - 1n)),
  "1, 2, 3, …": (items) => items.map((_, index) => BigInt(index + 1)),
  "1, 2, 4, …": (items) => items.map((_, index) => 1n << BigInt(index)),
  "powers of a hash": (items) => {
    const base = BigInt(keccak256("0x01")) % FIELD_ORDER;
    let power = 1n;
    return items.map(() => {
      const coefficient = power;
      power = (power * base) % FIELD_ORDER;
      return coefficient;
    });
  },
  "hashes of the places": (items) =>
    items.map((_, index) => BigInt(keccak256(toBeHex(index, 32))) % 2n ** 128n),
  "those of the batch before its proofs were spoiled": coefficientsOf,
  "drawn from the domain alone": (items) => drawnFrom([], items.length),
  "drawn from the public signals alone": (items) =>
    drawnFrom(
      items.flatMap(({ inputs }) => inputs),
      items.length,
    ),
};

/**
 * A batch of which two or more proofs are false by errors (in the exponent) that cancel under guessed coefficients.
 * @returns the batch and the false items' places
 */
export function cancellingBatch(
  forger: Forger,
  random: Random,
  guess: (typeof GUESSES)[string],
): { items: Item[]; places: number[] } {
  const length = Number(random.between(2n, 16n));
  const circuits = random.chance(1, 2) ? CIRCUITS : [random.pick(CIRCUITS)];
  const items = Array.from({ length }, () => provenItem(forger, random.pick(circuits)));
  const first = Number(random.between(0n, BigInt(length - 2)));
  const places = items.map((_, index) => index).filter((index) => index > first && random.chance(1, 2));
  if (places.length === 0) places.push(length - 1);
  const weights = guess(items, forger.keys);
  let sum = 0n;
  for (const index of places) {
    const error = random.between(1n, 2n ** 120n);
    sum += weights[index] * error;
    items[index] = spoiled(forger, items[index], error);
  }
  const balance = mod(-sum * inverse(weights[first]));
  items[first] = spoiled(forger, items[first], balance);
  return { items, places: [first, ...places] };
}

function spoiled(forger: Forger, { circuit, inputs }: Item, error: bigint): Item {
  return { circuit, inputs, proof: forger.forge(circuit, inputs, error) };
}

/** Two valid items of one circuit, whose signals are then moved from one to the other, their sums unchanged modulo r. */
export function movedSignals(forger: Forger, random: Random): Item[] {
  const circuit = random.pick(CIRCUITS);
  const [one, other] = [provenItem(forger, circuit), provenItem(forger, circuit)];
  const index = Number(random.between(0n, BigInt(inputCountOf(circuit) - 1)));
  const amount = random.between(1n, 2n ** 120n);
  return [
    { ...one, inputs: one.inputs.with(index, mod(one.inputs[index] + amount)) },
    { ...other, inputs: other.inputs.with(index, mod(other.inputs[index] - amount)) },
  ];
}

/** Valid items of one circuit whose points C, or A, or whole proofs are passed round: the sums over the batch are unchanged. */
export function passedRound(forger: Forger, random: Random): Item[] {
  const circuit = random.pick(CIRCUITS);
  const items = Array.from({ length: Number(random.between(2n, 6n)) }, () => provenItem(forger, circuit));
  const [start, end] = random.pick([
    [0, 2],
    [6, 8],
    [0, 8],
  ] as const);
  return items.map((item, index) => {
    const next = items[(index + 1) % items.length].proof.slice(start, end);
    return { ...item, proof: item.proof.toSpliced(start, end - start, ...next) };
  });
}
