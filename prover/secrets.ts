import { hkdfSync } from "node:crypto";
import { FIELD_ORDER } from "../protocol/constants.ts";
import { ensure } from "../protocol/errors.ts";
import { emptyNote, entityOf, type Note, ownerKeyOf } from "../protocol/note.ts";
import { ACCOUNT_NUMBER_BOUND } from "../protocol/openAccount.ts";

/*
 * All of an institution's secrets follow from one master secret of 32 bytes: HKDF-SHA-256 with a label for each use, 48 bytes reduced
 * modulo r - 1 (a bias below 2^-128) and 1 added, so that none is 0. The entity secret serves every account and ledger. Spend secret and
 * first rho belong to one account on one ledger: no commitment is ever seen twice, and no pad of one ledger serves on another.
 */

/** The ledger that an account lives on. */
export interface LedgerScope {
  chainId: bigint;
  /** Address, 0x… */
  ledger: string;
}

/** What spends from an account and reads it. */
export interface AccountSecrets {
  /** The institution's number for the account: 1, 2, … */
  number: bigint;
  spendSecret: bigint;
  entitySecret: bigint;
  /** Viewing secret of the account's first note. */
  rho: bigint;
}

export const MASTER_SECRET_BYTES = 32;
const DERIVED_BYTES = 48;
const SALT = "solvus";

function derive(master: Uint8Array, label: string): bigint {
  ensure(
    master.length === MASTER_SECRET_BYTES,
    "secrets.master",
    `master secret: ${master.length} bytes, expected ${MASTER_SECRET_BYTES}`,
  );
  const bytes = Buffer.from(hkdfSync("sha256", master, SALT, label, DERIVED_BYTES));
  return (BigInt(`0x${bytes.toString("hex")}`) % (FIELD_ORDER - 1n)) + 1n;
}

/** The institution's secret behind its entity. */
export function entitySecretOf(master: Uint8Array): bigint {
  return derive(master, "v1/entity");
}

/** Secrets of the institution's account `number` on a ledger. Throws `secrets.number` unless 1 <= number <= 2^32. */
export function accountSecrets(master: Uint8Array, number: bigint, scope: LedgerScope): AccountSecrets {
  ensure(
    number >= 1n && number <= ACCOUNT_NUMBER_BOUND,
    "secrets.number",
    `account number: got ${number}, expected 1 to 2^32`,
  );
  const account = `${scope.chainId}/${scope.ledger.toLowerCase()}/${number}`;
  return {
    number,
    spendSecret: derive(master, `v1/spend/${account}`),
    entitySecret: entitySecretOf(master),
    rho: derive(master, `v1/rho/${account}`),
  };
}

/** The account's first note: what `open` commits to. */
export function firstNote({ spendSecret, entitySecret, rho }: AccountSecrets): Note {
  return emptyNote(ownerKeyOf(spendSecret), entityOf(entitySecret), rho);
}
