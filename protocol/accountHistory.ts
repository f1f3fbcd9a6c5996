import { decryptChange } from "./accountEscrow.ts";
import type { SnapshotSource } from "./chain.ts";
import { SolvusError } from "./errors.ts";
import { isInserted, type LedgerHistory, type OpenedEvent, type Spending } from "./ledgerHistory.ts";
import { commitmentOf, emptyNote, type Note, spendOf } from "./note.ts";
import { decryptOpening } from "./openEscrow.ts";
import type { MarketSnapshot } from "./snapshot.ts";
import { decryptKeeperChange, decryptTargetChange } from "./takeOverEscrow.ts";
import { openRow } from "./transition.ts";

/*
 * Following accounts through a ledger's history. The owner starts from the account's secrets, the risk committee from the escrow of
 * its opening; from there the way is the same, because every transition and take-over publishes the change under pads that the note's
 * rho gives. An account meets a take-over as its target or as the keeper.
 */

/** An account's present note and its place in the queue. Private: it holds rho. */
export interface AccountPosition {
  note: Note;
  leafIndex: bigint;
}

/** An account followed to the end of a history. */
export interface FollowedAccount extends AccountPosition {
  /** In the state tree, so that a proof can spend it; otherwise it waits for an insertion. */
  inserted: boolean;
  /** What spent its notes since the position that it was followed from, in order. */
  changes: Spending[];
}

/** The first position of an opened account. Throws `account.notOpened` when the history has no such opening. */
export function openedPosition(history: LedgerHistory, empty: Note): AccountPosition {
  const commitment = commitmentOf(empty);
  const opened = [...history.openings.values()].find((opening) => opening.commitment === commitment);
  if (opened === undefined) {
    throw new SolvusError(
      "account.notOpened",
      "account: not opened on this ledger, expected its Opened event",
    );
  }
  return { note: empty, leafIndex: opened.leafIndex };
}

/** Follows an account from a position to its present one. Throws `escrow.*` and `snapshot.*` for a history that does not open. */
export async function followAccount(
  from: AccountPosition,
  history: LedgerHistory,
  snapshots: SnapshotSource,
): Promise<FollowedAccount> {
  let { note, leafIndex } = from;
  const changes: Spending[] = [];
  for (;;) {
    const spending = history.spendings.get(spendOf(note, leafIndex).nullifier);
    if (spending === undefined) break;
    note = decryptSpending(note, leafIndex, spending, await snapshots(spending.event.snapshotRoot));
    leafIndex = spending.leafIndex;
    changes.push(spending);
  }
  return { note, leafIndex, inserted: isInserted(history, leafIndex), changes };
}

/** The account's note after what spent the one at `leafIndex`, under the snapshot that the spending names. Throws `escrow.*`. */
export function decryptSpending(
  before: Note,
  leafIndex: bigint,
  spending: Spending,
  snapshot: MarketSnapshot,
): Note {
  const { commitment } = spending;
  // An instrument without a row comes of words that do not open: the commitment refuses them.
  const fundingIndexOf = (id: bigint): bigint =>
    snapshot.tree.locate(id) === undefined ? 0n : openRow(snapshot, id).row.fundingIndex;
  switch (spending.as) {
    case "owner":
      return decryptChange(before, { leafIndex, commitment, escrow: spending.event.escrow }, fundingIndexOf);
    case "target":
      return decryptTargetChange(
        before,
        { leafIndex, commitment, escrow: spending.event.targetEscrow },
        fundingIndexOf,
      );
    case "keeper":
      return decryptKeeperChange(
        before,
        { leafIndex, commitment, escrow: spending.event.keeperEscrow },
        fundingIndexOf,
      );
  }
}

/** An account as the risk committee sees it. */
export interface EscrowedAccountHistory extends FollowedAccount {
  opening: OpenedEvent;
}

/** Follows every account of a ledger with the committee's private key. Throws `openEscrow.*` for a key that is not the committee's. */
export async function followEscrow(
  history: LedgerHistory,
  privateKey: bigint,
  snapshots: SnapshotSource,
): Promise<EscrowedAccountHistory[]> {
  const accounts: EscrowedAccountHistory[] = [];
  for (const opening of history.openings.values()) {
    const { ownerKey, entity, rho } = decryptOpening(opening.escrow, opening.commitment, privateKey);
    const from = { note: emptyNote(ownerKey, entity, rho), leafIndex: opening.leafIndex };
    accounts.push({ opening, ...(await followAccount(from, history, snapshots)) });
  }
  return accounts;
}
