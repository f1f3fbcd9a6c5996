import { CASH_BITS, CASH_BOUND, DOMAIN, NOTE_LEGS, SIZE_BITS, SIZE_BOUND } from "./constants.ts";
import { ensure, SolvusError } from "./errors.ts";
import { checkLeg, EMPTY_LEG, type Leg } from "./leg.ts";
import { commitmentOf, type Note, spendOf } from "./note.ts";
import { poseidonMany, toField } from "./poseidon.ts";

/*
 * Every transition publishes what changed, encrypted under pads that only a holder of the account's rho can compute. The plaintext is a
 * function of the old and the new note, and so are the pads, so that one pair of pads never covers two plaintexts. (rho alone does not
 * name the old note: a re-org may put the same changes in another order, through another note with the same rho.)
 *
 *   word 0 = (cash + 2^60) + 2^61·emptied + 2^81·entry 0 + 2^155·entry 1        (229 bits)
 *   word 1 = entry 2 + 2^74·entry 3 + 2^148·entry 4                             (222 bits)
 *   entry  = slot + 2^5·id + 2^37·(size + 2^36)                                 (74 bits)
 *
 * `emptied` has bit i set when leg i was live and is empty now. Entries are the legs that are live now with another size than before,
 * the highest slot first: at most four from a package and one from a deposit or withdrawal.
 */
const MASK_SHIFT = CASH_BITS + 1n;
const ENTRY_BITS = 74n;
const WORD_0_ENTRIES = MASK_SHIFT + BigInt(NOTE_LEGS);
const MAX_ENTRIES = 5;
const ENTRY_ID_SHIFT = 5n;
const ENTRY_SIZE_SHIFT = 37n;

const low = (value: bigint, bits: bigint): bigint => value & ((1n << bits) - 1n);

function padsOf(before: Note, newCommitment: bigint): [bigint, bigint] {
  return poseidonMany(DOMAIN.pad, [before.rho, commitmentOf(before), newCommitment], 2) as [bigint, bigint];
}

function plaintextOf(before: Note, after: Note): [bigint, bigint] {
  let emptied = 0n;
  const entries: bigint[] = [];
  after.legs.forEach((leg, slot) => {
    const old = before.legs[slot] as Leg;
    if (old.size !== 0n && leg.size === 0n) emptied |= 1n << BigInt(slot);
    if (leg.size !== 0n && leg.size !== old.size) {
      entries.unshift(
        BigInt(slot) + (leg.id << ENTRY_ID_SHIFT) + ((leg.size + SIZE_BOUND) << ENTRY_SIZE_SHIFT),
      );
    }
  });
  ensure(
    entries.length <= MAX_ENTRIES,
    "escrow.entries",
    `changed legs: got ${entries.length}, expected at most ${MAX_ENTRIES}`,
  );
  while (entries.length < MAX_ENTRIES) entries.push(0n);
  const [e0, e1, e2, e3, e4] = entries as [bigint, bigint, bigint, bigint, bigint];
  return [
    after.cash +
      CASH_BOUND +
      (emptied << MASK_SHIFT) +
      (e0 << WORD_0_ENTRIES) +
      (e1 << (WORD_0_ENTRIES + ENTRY_BITS)),
    e2 + (e3 << ENTRY_BITS) + (e4 << (2n * ENTRY_BITS)),
  ];
}

/** The two escrow words of the transition from `before` to `after`. */
export function encryptChange(before: Note, after: Note): [bigint, bigint] {
  const pads = padsOf(before, commitmentOf(after));
  const [word0, word1] = plaintextOf(before, after);
  return [toField(word0 + pads[0]), toField(word1 + pads[1])];
}

/** What a follower reads off the chain about one transition. */
export interface PublishedChange {
  /** Place in the state tree of the note that was spent. */
  leafIndex: bigint;
  commitment: bigint;
  escrow: readonly [bigint, bigint];
}

/**
 * The account's next note from its last one and a published transition, for anyone who knows the last note.
 *
 * `fundingIndexOf` gives an instrument's funding index in the transition's snapshot. Throws `escrow.mismatch` when the words do not open
 * the commitment: another account's transition, the wrong snapshot, or altered data.
 */
export function decryptChange(
  before: Note,
  change: PublishedChange,
  fundingIndexOf: (id: bigint) => bigint,
): Note {
  const mismatch = new SolvusError(
    "escrow.mismatch",
    `escrow of commitment ${change.commitment}: does not open with this account's rho`,
  );
  const pads = padsOf(before, change.commitment);
  const word0 = toField(change.escrow[0] - pads[0]);
  const word1 = toField(change.escrow[1] - pads[1]);
  if (word0 >> (WORD_0_ENTRIES + 2n * ENTRY_BITS) !== 0n || word1 >> (3n * ENTRY_BITS) !== 0n) throw mismatch;

  const emptied = low(word0 >> MASK_SHIFT, BigInt(NOTE_LEGS));
  const entries = [low(word0 >> WORD_0_ENTRIES, ENTRY_BITS), word0 >> (WORD_0_ENTRIES + ENTRY_BITS)];
  for (let shift = 0n; shift < 3n; shift++) entries.push(low(word1 >> (shift * ENTRY_BITS), ENTRY_BITS));

  const sizes = before.legs.map(({ id, size }, slot) =>
    (emptied >> BigInt(slot)) & 1n ? { id: 0n, size: 0n } : { id, size },
  );
  for (const entry of entries) {
    if (entry === 0n) continue;
    const slot = Number(low(entry, ENTRY_ID_SHIFT));
    if (slot >= NOTE_LEGS) throw mismatch;
    const id = low(entry >> ENTRY_ID_SHIFT, 32n);
    sizes[slot] = { id, size: low(entry >> ENTRY_SIZE_SHIFT, SIZE_BITS + 1n) - SIZE_BOUND };
  }
  const legs = sizes.map(
    ({ id, size }): Leg => (size === 0n ? EMPTY_LEG : { id, size, fundingIndex: fundingIndexOf(id) }),
  );
  const after: Note = {
    ownerKey: before.ownerKey,
    entity: before.entity,
    rho: spendOf(before, change.leafIndex).nextRho,
    cash: low(word0, MASK_SHIFT) - CASH_BOUND,
    legs,
  };
  if (commitmentOf(after) !== change.commitment) throw mismatch;
  for (const leg of legs) checkLeg(leg);
  return after;
}
