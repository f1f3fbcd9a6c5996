import { CASH_BITS, CASH_BOUND, DOMAIN, ID_BITS, NOTE_LEGS, SIZE_BITS, SIZE_BOUND } from "./constants.ts";
import { SolvusError } from "./errors.ts";
import { checkLeg, EMPTY_LEG, type Leg } from "./leg.ts";
import { commitmentOf, type Note, spendOf } from "./note.ts";
import { poseidonMany, toField } from "./poseidon.ts";

/*
 * A take-over publishes what both accounts become, each encrypted under pads that only a holder of that account's rho can compute. The
 * plaintexts are functions of the old and new notes alone, so that one set of pads never covers two plaintexts.
 *
 *   sizes  = sum over six places of (size + 2^36)·2^37j: three words for the eighteen places of the largest tier    (222 bits)
 *   target: cash + 2^60; sizes
 *   keeper: (cash + 2^60) + 2^61·(ids of places 14 to 17); ids of places 0 to 6; ids of places 7 to 13; sizes       (224 bits)
 */
const PLACES = 18;
const SIZES_A_WORD = 6;
const IDS_A_WORD = 7;
const SIZE_FIELD = SIZE_BITS + 1n;
const CASH_FIELD = CASH_BITS + 1n;

/** Words that a take-over publishes for the target, and for the keeper. */
export const TARGET_ESCROW_WORDS = 4;
export const KEEPER_ESCROW_WORDS = 6;

function pack(values: readonly bigint[], bits: bigint): bigint {
  return values.reduce((sum, value, j) => sum + (value << (bits * BigInt(j))), 0n);
}

/** Undoes {@link pack}; undefined when the word holds more than `count` values. */
function unpack(word: bigint, count: number, bits: bigint): bigint[] | undefined {
  if (word >> (bits * BigInt(count)) !== 0n) return undefined;
  return Array.from({ length: count }, (_, j) => (word >> (bits * BigInt(j))) & ((1n << bits) - 1n));
}

function sizeWords(legs: readonly Leg[]): bigint[] {
  const shifted = legs.slice(0, PLACES).map(({ size }) => size + SIZE_BOUND);
  return [0, 1, 2].map((word) =>
    pack(shifted.slice(word * SIZES_A_WORD, (word + 1) * SIZES_A_WORD), SIZE_FIELD),
  );
}

/** The pads of a note that a take-over replaces, from its rho and the commitment of the note that replaces it. */
function padsOf(rho: bigint, commitment: bigint, words: number): bigint[] {
  const blocks = [poseidonMany(DOMAIN.takeOverPad, [rho, commitment, 0n], 4)];
  if (words > 4) blocks.push(poseidonMany(DOMAIN.takeOverPad, [rho, commitment, 1n], words - 4));
  return blocks.flat();
}

function encrypt(before: Note, after: Note, words: readonly bigint[]): bigint[] {
  const pads = padsOf(before.rho, commitmentOf(after), words.length);
  return words.map((word, i) => toField(word + (pads[i] as bigint)));
}

/** The four words that publish the target's new note. */
export function encryptTargetChange(before: Note, after: Note): bigint[] {
  return encrypt(before, after, [after.cash + CASH_BOUND, ...sizeWords(after.legs)]);
}

/** The six words that publish the keeper's new note. */
export function encryptKeeperChange(before: Note, after: Note): bigint[] {
  const ids = after.legs.slice(0, PLACES).map(({ id }) => id);
  const cash = after.cash + CASH_BOUND;
  return encrypt(before, after, [
    cash + (pack(ids.slice(2 * IDS_A_WORD), ID_BITS) << CASH_FIELD),
    pack(ids.slice(0, IDS_A_WORD), ID_BITS),
    pack(ids.slice(IDS_A_WORD, 2 * IDS_A_WORD), ID_BITS),
    ...sizeWords(after.legs),
  ]);
}

/** What a follower reads off the chain about an account's part in a take-over. */
export interface PublishedTakeOver {
  /** Place in the state tree of the note that was spent. */
  leafIndex: bigint;
  /** Of the note that replaces it. */
  commitment: bigint;
  /** Four words for the target, six for the keeper. */
  escrow: readonly bigint[];
}

/**
 * The account's next note, from its decrypted words. Throws `escrow.mismatch` when the words do not open the commitment, or are not
 * those that the notes give.
 */
function open(
  before: Note,
  change: PublishedTakeOver,
  cashField: bigint | undefined,
  ids: readonly bigint[] | undefined,
  sizes: readonly bigint[],
  fundingIndexOf: (id: bigint) => bigint,
  encryptChange: (before: Note, after: Note) => bigint[],
): Note {
  const mismatch = new SolvusError(
    "escrow.mismatch",
    `escrow of commitment ${change.commitment}: does not open with this account's rho`,
  );
  const words = sizes.map((word) => unpack(word, SIZES_A_WORD, SIZE_FIELD));
  if (cashField === undefined || ids === undefined || words.some((word) => word === undefined))
    throw mismatch;
  const published = words.flat() as bigint[];
  const legs = Array.from({ length: NOTE_LEGS }, (_, place): Leg => {
    const size = place < PLACES ? (published[place] as bigint) - SIZE_BOUND : 0n;
    const id = ids[place] ?? 0n;
    if (size === 0n) return EMPTY_LEG;
    if (id === 0n) throw mismatch;
    return { id, size, fundingIndex: fundingIndexOf(id) };
  });
  const after: Note = {
    ...before,
    rho: spendOf(before, change.leafIndex).nextRho,
    cash: cashField - CASH_BOUND,
    legs,
  };
  if (commitmentOf(after) !== change.commitment) throw mismatch;
  for (const leg of legs) checkLeg(leg);
  if (encryptChange(before, after).some((word, i) => word !== change.escrow[i])) throw mismatch;
  return after;
}

function decrypt(before: Note, change: PublishedTakeOver): bigint[] {
  const pads = padsOf(before.rho, change.commitment, change.escrow.length);
  return change.escrow.map((word, i) => toField(word - (pads[i] as bigint)));
}

/**
 * The target's next note, for whoever knows its last one. `fundingIndexOf` gives an instrument's funding index in the take-over's
 * snapshot. Throws `escrow.mismatch` when the words do not open the commitment.
 */
export function decryptTargetChange(
  before: Note,
  change: PublishedTakeOver,
  fundingIndexOf: (id: bigint) => bigint,
): Note {
  const [cash, ...sizes] = decrypt(before, change) as [bigint, ...bigint[]];
  const cashField = unpack(cash, 1, CASH_FIELD)?.[0];
  return open(
    before,
    change,
    cashField,
    before.legs.map(({ id }) => id),
    sizes,
    fundingIndexOf,
    encryptTargetChange,
  );
}

/** The keeper's next note, for whoever knows its last one; as {@link decryptTargetChange}. */
export function decryptKeeperChange(
  before: Note,
  change: PublishedTakeOver,
  fundingIndexOf: (id: bigint) => bigint,
): Note {
  const [first, low, middle, ...sizes] = decrypt(before, change) as [bigint, bigint, bigint, ...bigint[]];
  const parts = [
    unpack(low, IDS_A_WORD, ID_BITS),
    unpack(middle, IDS_A_WORD, ID_BITS),
    unpack(first >> CASH_FIELD, PLACES - 2 * IDS_A_WORD, ID_BITS),
  ];
  const ids = parts.some((part) => part === undefined) ? undefined : (parts.flat() as bigint[]);
  const cashField = first & ((1n << CASH_FIELD) - 1n);
  return open(before, change, cashField, ids, sizes, fundingIndexOf, encryptKeeperChange);
}
