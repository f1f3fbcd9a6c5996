import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { type Item, inputCountOf } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";

/*
 * Calldata read as Solidity's ABI has it, written once more from its specification, and what may be done to calldata.
 */

/** Bytes of a call, without 0x, two digits each. */
export type Hex = string;

const WORD = 64;
const word = (value: bigint): Hex => (value & (2n ** 256n - 1n)).toString(16).padStart(WORD, "0");

/** A word at a byte offset into the arguments; undefined when calldata ends before its end. */
function wordAt(data: Hex, offset: bigint): bigint | undefined {
  const start = 8 + 2 * Number(offset);
  const digits = data.slice(start, start + WORD);
  return digits.length === WORD ? BigInt(`0x${digits}`) : undefined;
}

/** A dynamic array of words whose offset stands at `head`. Undefined where the decoder must revert. */
function arrayAt(data: Hex, head: bigint): bigint[] | undefined {
  const offset = wordAt(data, head);
  if (offset === undefined || offset >= 2n ** 64n) return undefined;
  const length = wordAt(data, offset);
  if (length === undefined || length >= 2n ** 64n) return undefined;
  if (8n + 2n * (offset + 32n * (length + 1n)) > BigInt(data.length)) return undefined;
  return Array.from({ length: Number(length) }, (_, index) =>
    wordAt(data, offset + 32n * BigInt(index + 1)),
  ) as bigint[];
}

/** The one item of a call of `verify`. Undefined where the call must revert for its form. */
export function readSingle(data: Hex): Item[] | undefined {
  const head = Array.from({ length: 9 }, (_, index) => wordAt(data, BigInt(32 * index)));
  const inputs = arrayAt(data, 9n * 32n);
  const circuit = CIRCUITS[Number(head[0] ?? 99n)];
  if (circuit === undefined || inputs === undefined || inputs.length !== inputCountOf(circuit))
    return undefined;
  return [{ circuit, proof: head.slice(1) as bigint[], inputs }];
}

/** The items of a call of `verifyBatch`. Undefined where the call must revert for its form. */
export function readBatch(data: Hex): Item[] | undefined {
  let words = arrayAt(data, 0n);
  if (words === undefined || words.length === 0) return undefined;
  const items: Item[] = [];
  while (words.length > 0) {
    const circuit: CircuitName | undefined = CIRCUITS[Number(words[0])];
    if (circuit === undefined || items.length === 16) return undefined;
    const size = 9 + inputCountOf(circuit);
    if (words.length < size) return undefined;
    items.push({ circuit, proof: words.slice(1, 9), inputs: words.slice(9, size) });
    words = words.slice(size);
  }
  return items;
}

const replace = (data: Hex, start: number, digits: Hex): Hex =>
  data.slice(0, start) + digits + data.slice(start + digits.length);
const randomDigits = (random: Random, bytes: number): Hex =>
  Array.from({ length: bytes }, () => random.between(0n, 255n).toString(16).padStart(2, "0")).join("");

/** What may be done to a call whose array's offset stands `head` bytes into the arguments. */
export const MANGLINGS: Record<string, (data: Hex, head: number, random: Random) => Hex> = {
  "cut anywhere": (data, _, random) =>
    data.slice(0, 8 + 2 * Number(random.between(0n, BigInt(data.length / 2 - 5)))),
  "cut by a word": (data) => data.slice(0, -WORD),
  "cut by a byte": (data) => data.slice(0, -2),
  "bytes after the end": (data, _, random) => data + randomDigits(random, Number(random.between(1n, 100n))),
  "bytes before the array, its offset moved": (data, head, random) => {
    const bytes = Number(random.between(1n, 70n));
    const at = 8 + 2 * head;
    const offset = BigInt(`0x${data.slice(at, at + WORD)}`);
    const start = 8 + 2 * Number(offset);
    const moved = replace(data, at, word(offset + BigInt(bytes)));
    return moved.slice(0, start) + randomDigits(random, bytes) + moved.slice(start);
  },
  "another offset": (data, head, random) =>
    replace(
      data,
      8 + 2 * head,
      word(
        random.pick([
          0n,
          1n,
          31n,
          32n,
          64n,
          2n ** 64n - 1n,
          2n ** 64n,
          2n ** 255n,
          -4n,
          -32n,
          -36n,
          2n ** 256n - 1n,
        ]),
      ),
    ),
  "another length": (data, head, random) => {
    const at = 8 + 2 * Number(BigInt(`0x${data.slice(8 + 2 * head, 8 + 2 * head + WORD)}`));
    const length = BigInt(`0x${data.slice(at, at + WORD)}`);
    const lengths = [
      0n,
      1n,
      length - 1n,
      length + 1n,
      2n * length,
      2n ** 59n + length,
      2n ** 64n - 1n,
      2n ** 64n + length,
    ];
    return replace(
      data,
      at,
      word(random.pick([...lengths, 2n ** 251n, 2n ** 251n + length, 2n ** 256n - 1n])),
    );
  },
  "a bit turned": (data, _, random) => {
    const at = 8 + Number(random.between(0n, BigInt(data.length - 9)));
    const digit = Number.parseInt(data[at] as string, 16) ^ Number(random.pick([1n, 2n, 4n, 8n]));
    return replace(data, at, digit.toString(16));
  },
  "a word replaced": (data, _, random) => {
    const words = BigInt((data.length - 8) / WORD);
    const at = 8 + WORD * Number(random.between(0n, words - 1n));
    return replace(data, at, random.pick([word(0n), word(1n), word(-1n), randomDigits(random, 32)]));
  },
  "two words exchanged": (data, _, random) => {
    const words = BigInt((data.length - 8) / WORD);
    const [one, two] = [0, 1].map(() => 8 + WORD * Number(random.between(0n, words - 1n))) as [
      number,
      number,
    ];
    const [first, second] = [data.slice(one, one + WORD), data.slice(two, two + WORD)];
    return replace(replace(data, one, second), two, first);
  },
  "a word left out": (data, _, random) => {
    const words = BigInt((data.length - 8) / WORD);
    const at = 8 + WORD * Number(random.between(0n, words - 1n));
    return data.slice(0, at) + data.slice(at + WORD);
  },
  "a word doubled": (data, _, random) => {
    const words = BigInt((data.length - 8) / WORD);
    const at = 8 + WORD * Number(random.between(0n, words - 1n));
    return data.slice(0, at + WORD) + data.slice(at);
  },
};
