import {
  BASE8,
  COFACTOR,
  hasPrimeOrder,
  isOnCurve,
  multiply,
  type Point,
  SUBGROUP_ORDER,
} from "./babyJubjub.ts";
import { DOMAIN, FIELD_ORDER } from "./constants.ts";
import { ensure } from "./errors.ts";
import { commitmentOf, emptyNote } from "./note.ts";
import { poseidon, poseidonMany, toField } from "./poseidon.ts";

/*
 * The escrow of `open`: what the risk committee needs to follow an account from its first note on, encrypted to its Baby Jubjub key.
 * circuits/lib/escrowToCommittee.circom proves the same.
 */

/** What the escrow of `open` holds. */
export interface EscrowedAccount {
  rho: bigint;
  ownerKey: bigint;
  entity: bigint;
}

/** x and y of the ephemeral key, then rho, ownerKey and entity, each plus its pad. */
export type OpenEscrow = [bigint, bigint, bigint, bigint, bigint];

/** Bits of the hash that make the ephemeral scalar. */
const SCALAR_BITS = 248n;
/** The circuit compares a hash with the field order by the bits from this one on. */
const COMPARED_FROM = 192n;

/** Public key of the risk committee. Throws `openEscrow.privateKey` unless 0 < privateKey < SUBGROUP_ORDER. */
export function committeeKeyOf(privateKey: bigint): Point {
  ensure(
    privateKey > 0n && privateKey < SUBGROUP_ORDER,
    "openEscrow.privateKey",
    "committee's private key: out of range, expected 1 to the subgroup's order - 1",
  );
  return multiply(BASE8, privateKey);
}

/**
 * The ephemeral scalar of an account: 2^249 + 2f + 1, where f is the low 248 bits of a hash of rho and ownerKey. It is odd and in
 * [2^249, 2^250), so never 0 modulo the subgroup's order. Throws `openEscrow.scalar` for one rho in 2^61, whose hash the circuit's
 * decomposition does not take: another rho is needed.
 */
export function ephemeralScalar({ rho, ownerKey }: Pick<EscrowedAccount, "rho" | "ownerKey">): bigint {
  const hash = poseidon(DOMAIN.ephemeral, [rho, ownerKey]);
  ensure(
    hash >> COMPARED_FROM < FIELD_ORDER >> COMPARED_FROM,
    "openEscrow.scalar",
    "rho: its ephemeral scalar is too close to the field order, expected another rho",
  );
  return (1n << (SCALAR_BITS + 1n)) + 2n * (hash & ((1n << SCALAR_BITS) - 1n)) + 1n;
}

/** Encrypts an account to the committee. Throws `openEscrow.committeeKey` for a key that is not of prime order. */
export function encryptOpening(
  account: EscrowedAccount,
  commitment: bigint,
  committeeKey: Point,
): OpenEscrow {
  ensure(
    hasPrimeOrder(committeeKey),
    "openEscrow.committeeKey",
    `committee key (${committeeKey}): expected a point of Baby Jubjub's subgroup other than the neutral element`,
  );
  const scalar = ephemeralScalar(account);
  const pads = padsOf(multiply(committeeKey, COFACTOR * scalar), commitment);
  const words = [account.rho, account.ownerKey, account.entity].map((word, i) =>
    toField(word + (pads[i] as bigint)),
  );
  return [...multiply(BASE8, scalar), ...words] as OpenEscrow;
}

/**
 * Decrypts the escrow of an opened account with the committee's private key, and checks it against the commitment. Throws
 * `openEscrow.key` when it does not open to that commitment, that is, when the key is another one or a word was altered.
 */
export function decryptOpening(
  escrow: readonly bigint[],
  commitment: bigint,
  privateKey: bigint,
): EscrowedAccount {
  const [x, y, ...words] = escrow as OpenEscrow;
  ensure(
    isOnCurve([x, y]),
    "openEscrow.ephemeralKey",
    `ephemeral key (${x},${y}): expected a point of Baby Jubjub`,
  );
  const pads = padsOf(multiply([x, y], COFACTOR * privateKey), commitment);
  const [rho, ownerKey, entity] = words.map((word, i) => toField(word - (pads[i] as bigint))) as [
    bigint,
    bigint,
    bigint,
  ];
  ensure(
    commitmentOf(emptyNote(ownerKey, entity, rho)) === commitment,
    "openEscrow.key",
    `escrow of commitment ${commitment}: does not open with this key, expected the committee's`,
  );
  return { rho, ownerKey, entity };
}

function padsOf(shared: Point, commitment: bigint): bigint[] {
  return poseidonMany(DOMAIN.openPad, [...shared, commitment], 3);
}
