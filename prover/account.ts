import {
  type AccountPosition,
  type FollowedAccount,
  followAccount,
  openedPosition,
} from "../protocol/accountHistory.ts";
import type { LedgerView, SnapshotSource } from "../protocol/chain.ts";
import { SolvusError } from "../protocol/errors.ts";
import { commitmentOf, ownerKeyOf } from "../protocol/note.ts";
import { accountTagOf } from "../protocol/openAccount.ts";
import { loadAccount, saveAccount } from "./accountFile.ts";
import { type AccountSecrets, accountSecrets, firstNote, type LedgerScope } from "./secrets.ts";

/** An account of one's own at its present note, with what spends from it. */
export interface Account extends FollowedAccount {
  secrets: AccountSecrets;
  scope: LedgerScope;
}

/** Where an account comes from, and what it is followed through. */
export interface AccountSource {
  secrets: AccountSecrets;
  scope: LedgerScope;
  view: LedgerView;
  snapshots: SnapshotSource;
}

/** The account's present note from its secrets and chain data alone. Throws `account.notOpened`. */
export async function recoverAccount({ secrets, scope, view, snapshots }: AccountSource): Promise<Account> {
  const opened = openedPosition(view.history, firstNote(secrets));
  return { secrets, scope, ...(await followAccount(opened, view.history, snapshots)) };
}

/**
 * The account's present note, followed from the position in its state file, which is written anew. A file that is missing, damaged or
 * not of this ledger's history is replaced by what {@link recoverAccount} finds.
 */
export async function syncAccount(source: AccountSource, file: string): Promise<Account> {
  const { secrets, scope, view, snapshots } = source;
  const name = { ...scope, number: secrets.number };
  const saved = await loadAccount(file, name);
  const account =
    saved !== undefined && isCurrent(saved, source)
      ? { secrets, scope, ...(await followAccount(saved, view.history, snapshots)) }
      : await recoverAccount(source);
  await saveAccount(file, name, account);
  return account;
}

/** Whether the account was at this position in this ledger's history. */
function isCurrent({ note, leafIndex }: AccountPosition, { secrets, view }: AccountSource): boolean {
  return (
    note.ownerKey === ownerKeyOf(secrets.spendSecret) &&
    view.history.leaves.get(leafIndex) === commitmentOf(note)
  );
}

/** How many accounts the institution of a master secret has opened on a ledger: the next one's number is one more. */
export function countAccounts(master: Uint8Array, scope: LedgerScope, { history }: LedgerView): bigint {
  for (let number = 1n; ; number++) {
    const { entitySecret } = accountSecrets(master, number, scope);
    if (!history.openings.has(accountTagOf(entitySecret, number))) return number - 1n;
  }
}

/** Throws `account.pending` unless the account's note is in the state tree, where proofs can refer to it. */
export function requireInserted(account: Account): void {
  if (account.inserted) return;
  throw new SolvusError(
    "account.pending",
    `note at place ${account.leafIndex}: waits in the queue, expected in the state tree; seal and insert its node first`,
  );
}
