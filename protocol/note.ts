import { CASH_BOUND, DOMAIN, NOTE_HEAD_LEGS, NOTE_LEGS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { checkLeg, EMPTY_LEG, type Leg, packLeg } from "./leg.ts";
import { poseidon, poseidonMany } from "./poseidon.ts";

/** The private state of one account. `cash` is signed micro-USDC; `legs` has exactly {@link NOTE_LEGS} places. */
export interface Note {
  ownerKey: bigint;
  entity: bigint;
  rho: bigint;
  cash: bigint;
  legs: Leg[];
}

/** The account's public key: one per spend secret. */
export function ownerKeyOf(spendSecret: bigint): bigint {
  return poseidon(DOMAIN.owner, [spendSecret]);
}

/** The institution's identity, as the compliance registry lists it. */
export function entityOf(entitySecret: bigint): bigint {
  return poseidon(DOMAIN.entity, [entitySecret]);
}

/** An account without cash or legs. */
export function emptyNote(ownerKey: bigint, entity: bigint, rho: bigint): Note {
  return { ownerKey, entity, rho, cash: 0n, legs: Array.from({ length: NOTE_LEGS }, () => EMPTY_LEG) };
}

/** Throws unless every field is within its bounds and no instrument is held twice. */
export function checkNote(note: Note): void {
  ensure(
    note.cash >= -CASH_BOUND && note.cash < CASH_BOUND,
    "note.cash",
    `cash: got ${note.cash} micro-USDC, expected -2^60 to 2^60 - 1`,
  );
  ensure(note.legs.length === NOTE_LEGS, "note.legs", `legs: got ${note.legs.length}, expected ${NOTE_LEGS}`);
  const seen = new Set<bigint>();
  for (const leg of note.legs) {
    checkLeg(leg);
    if (leg.size === 0n) continue;
    ensure(!seen.has(leg.id), "note.distinct", `instrument ${leg.id}: held by two legs, expected one`);
    seen.add(leg.id);
  }
}

/** The hash that the state tree holds: `Poseidon(ownerKey, entity, rho, cash, legs 0..10, tail)`, the tail hashing legs 11..19. */
export function commitmentOf(note: Note): bigint {
  const packed = note.legs.map(packLeg);
  const tail = poseidon(DOMAIN.noteTail, packed.slice(NOTE_HEAD_LEGS));
  return poseidon(DOMAIN.note, [
    note.ownerKey,
    note.entity,
    note.rho,
    note.cash,
    ...packed.slice(0, NOTE_HEAD_LEGS),
    tail,
  ]);
}

/**
 * What spending the note at `leafIndex` yields: its nullifier, and the rho of the account's next note. Both come from one permutation;
 * the leaf index keeps two notes with equal contents apart.
 */
export function spendOf(
  note: Pick<Note, "ownerKey" | "rho">,
  leafIndex: bigint,
): { nullifier: bigint; nextRho: bigint } {
  const [nullifier, nextRho] = poseidonMany(DOMAIN.spend, [note.ownerKey, note.rho, leafIndex], 2) as [
    bigint,
    bigint,
  ];
  return { nullifier, nextRho };
}
