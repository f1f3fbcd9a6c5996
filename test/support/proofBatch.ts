import { keccak256, toUtf8Bytes } from "ethers";
import { CIRCUITS, type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { BASE_FIELD_ORDER } from "../../protocol/groth16.ts";
import { type Forger, standInSecrets } from "./forgedProofs.ts";
import { randomElement } from "./ledgerFixture.ts";
import type { Random } from "./random.ts";

/** One proof of a batch. */
export interface Item {
  circuit: CircuitName;
  /** Eight words. */
  proof: bigint[];
  inputs: bigint[];
}

/** Number of a circuit's public signals, as the stand-in keys have it. */
export function inputCountOf(circuit: CircuitName): number {
  return standInSecrets(circuit).ic.length - 1;
}

/** An item with random public signals and a proof of them, valid unless an `error` is given. */
export function provenItem(forger: Forger, circuit: CircuitName, error?: bigint): Item {
  const inputs = Array.from({ length: inputCountOf(circuit) }, randomElement);
  return { circuit, inputs, proof: forger.forge(circuit, inputs, error) };
}

/** A batch as `verifyBatch` takes it. */
export function wordsOf(items: readonly Item[]): bigint[] {
  return items.flatMap(({ circuit, proof, inputs }) => [circuitIndex(circuit), ...proof, ...inputs]);
}

/** What `verifyBatch` hashes before the items. */
const COEFFICIENT_DOMAIN = keccak256(toUtf8Bytes("Solvus batch verification coefficients"));

const hashOfWords = (words: readonly bigint[]): bigint =>
  BigInt(keccak256(`0x${words.map((word) => word.toString(16).padStart(64, "0")).join("")}`));

/** The coefficients that the verifier draws for a batch. */
export function coefficientsOf(items: readonly Item[], keys: Forger["keys"]): bigint[] {
  const transcript = items.flatMap(({ circuit, proof, inputs }) => [
    BigInt(keccak256(keys[circuit])),
    ...proof,
    ...inputs,
  ]);
  const seed = hashOfWords([BigInt(COEFFICIENT_DOMAIN), ...transcript]);
  return items.map((_, index) => hashOfWords([seed, BigInt(index)]) % 2n ** 128n || 1n);
}

/** The circuit of the same statement in its other size. */
function otherTier(circuit: CircuitName): CircuitName {
  const [statement, tier] = circuit.split(".");
  if (tier === undefined) return circuit;
  return `${statement}.${tier === "small" ? "large" : "small"}` as CircuitName;
}

const [A, B, C] = [0, 2, 6];
const replaceProof = (item: Item, start: number, words: readonly bigint[]): Item => ({
  ...item,
  proof: item.proof.toSpliced(start, words.length, ...words),
});

/**
 * What an attacker may do to a batch of valid items: each changes the items from a place on. Some change nothing that matters, as
 * reordering whole items; what a batch is worth afterwards, the single verifications say.
 */
export const SPOILS: Record<string, (items: Item[], place: number, random: Random) => Item[]> = {
  "an input raised by one": (items, place, random) => {
    const item = items[place];
    const index = Number(random.between(0n, BigInt(item.inputs.length - 1)));
    const inputs = item.inputs.with(index, (item.inputs[index] + 1n) % FIELD_ORDER);
    return items.with(place, { ...item, inputs });
  },
  "two inputs exchanged": (items, place) => {
    const item = items[place];
    const [first, second, ...rest] = item.inputs;
    return items.with(place, { ...item, inputs: [second, first, ...rest] });
  },
  "the other tier's circuit": (items, place) =>
    items.with(place, { ...items[place], circuit: otherTier(items[place].circuit) }),
  "the proof of another item": (items, place, random) => {
    const other = random.pick(items);
    return items.with(place, { ...items[place], proof: other.proof });
  },
  "the proofs of two items exchanged": (items, place, random) => {
    const other = Number(random.between(0n, BigInt(items.length - 1)));
    const [one, two] = [items[place], items[other]];
    return items.with(place, { ...one, proof: two.proof }).with(other, { ...two, proof: one.proof });
  },
  "two whole items exchanged": (items, place, random) => {
    const other = Number(random.between(0n, BigInt(items.length - 1)));
    return items.with(place, items[other]).with(other, items[place]);
  },
  "an item repeated": (items, place, random) => items.with(place, random.pick(items)),
  "a word of the proof raised by one": (items, place, random) => {
    const index = Number(random.between(0n, 7n));
    return items.with(place, replaceProof(items[place], index, [items[place].proof[index] + 1n]));
  },
  "a coordinate raised by q": (items, place, random) => {
    const index = Number(random.between(0n, 7n));
    const word = items[place].proof[index] + BASE_FIELD_ORDER;
    return items.with(place, replaceProof(items[place], index, [word]));
  },
  "A at infinity": (items, place) => items.with(place, replaceProof(items[place], A, [0n, 0n])),
  "B at infinity": (items, place) => items.with(place, replaceProof(items[place], B, [0n, 0n, 0n, 0n])),
  "C at infinity": (items, place) => items.with(place, replaceProof(items[place], C, [0n, 0n])),
  "A negated": (items, place) => {
    const y = BASE_FIELD_ORDER - items[place].proof[A + 1];
    return items.with(place, replaceProof(items[place], A + 1, [y]));
  },
  "C negated": (items, place) => {
    const y = BASE_FIELD_ORDER - items[place].proof[C + 1];
    return items.with(place, replaceProof(items[place], C + 1, [y]));
  },
  "A and B negated, the same product": (items, place) => {
    const [ax, ay, bxi, bxr, byi, byr] = items[place].proof;
    const negated = [ay, byi, byr].map((y) => BASE_FIELD_ORDER - y);
    return items.with(
      place,
      replaceProof(items[place], A, [ax, negated[0], bxi, bxr, negated[1], negated[2]]),
    );
  },
  "A and C exchanged": (items, place) => {
    const [ax, ay, bxi, bxr, byi, byr, cx, cy] = items[place].proof;
    return items.with(place, { ...items[place], proof: [cx, cy, bxi, bxr, byi, byr, ax, ay] });
  },
  "an input raised by r": (items, place, random) => {
    const item = items[place];
    const index = Number(random.between(0n, BigInt(item.inputs.length - 1)));
    return items.with(place, {
      ...item,
      inputs: item.inputs.with(index, item.inputs[index] + FIELD_ORDER),
    });
  },
};

/** 1 to 16 valid items of random circuits. */
export function randomItems(forger: Forger, random: Random, most = 16): Item[] {
  const length = Number(random.between(1n, BigInt(most)));
  const circuits = random.chance(1, 2) ? CIRCUITS : [random.pick(CIRCUITS), random.pick(CIRCUITS)];
  return Array.from({ length }, () => provenItem(forger, random.pick(circuits)));
}
