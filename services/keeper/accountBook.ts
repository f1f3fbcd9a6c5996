import { type AccountPosition, decryptSpending } from "../../protocol/accountHistory.ts";
import { type AuctionEvent, revealedNote } from "../../protocol/auctionEvents.ts";
import type { SnapshotSource } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { isInserted, type LedgerEvent, type LedgerHistory } from "../../protocol/ledgerHistory.ts";
import { commitmentOf, emptyNote, type Note, spendOf } from "../../protocol/note.ts";
import { accountTagOf } from "../../protocol/openAccount.ts";
import { decryptOpening } from "../../protocol/openEscrow.ts";
import { type AccountSecrets, firstNote } from "../../prover/secrets.ts";
import type { Log } from "../log.ts";

/*
 * Every account that a keeper can read, at its present note. Each account is told by the nullifier of that note: an event that spends it
 * moves the account on, so that a block costs what happened in it, however many accounts there are.
 */

/** A note of an account, and by what the chain knows it. */
export interface TrackedPosition extends AccountPosition {
  commitment: bigint;
  nullifier: bigint;
}

/** An account. Private: its notes hold rho. */
export interface TrackedAccount {
  /** Stable: from its opening's account tag, or the place at which it was revealed. */
  name: string;
  /** Its last notes, the present one at the end. A re-org goes back along them. */
  trail: TrackedPosition[];
}

/** How a keeper comes to read accounts: with the risk committee's private key, or only what the auction published. */
export type Sight = { committeeKey: bigint } | "revealed";

export interface AccountBook {
  accounts: Map<string, TrackedAccount>;
  byNullifier: Map<bigint, TrackedAccount>;
  /** Accounts whose events did not open. None, unless the endpoint gave false data. */
  unreadable: Set<string>;
}

/** What a book is kept with. */
export interface BookKeeping {
  sight: Sight;
  /** The keeper's own accounts, which it reads whatever its sight. */
  own: readonly AccountSecrets[];
  snapshots: SnapshotSource;
  log: Log;
  /** Asked while openings are decrypted. */
  signal: AbortSignal;
}

/** Notes that an account can be taken back along before it is followed from its beginning again. */
const TRAIL = 8;

export function emptyBook(): AccountBook {
  return { accounts: new Map(), byNullifier: new Map(), unreadable: new Set() };
}

/** The name of an account by its tag. */
export function nameOfTag(accountTag: bigint): string {
  return `tag ${accountTag}`;
}

/** The name of a keeper's own account. */
export function nameOfOwn({ entitySecret, number }: AccountSecrets): string {
  return nameOfTag(accountTagOf(entitySecret, number));
}

export function presentOf({ trail }: TrackedAccount): TrackedPosition {
  return trail.at(-1) as TrackedPosition;
}

export function placed({ note, leafIndex }: AccountPosition): TrackedPosition {
  return { note, leafIndex, commitment: commitmentOf(note), nullifier: spendOf(note, leafIndex).nullifier };
}

/** Adds an account at a position, unless one of that name, or one at the same note, is there. */
export function track(book: AccountBook, name: string, position: TrackedPosition): void {
  if (book.accounts.has(name) || book.byNullifier.has(position.nullifier)) return;
  const account = { name, trail: [position] };
  book.accounts.set(name, account);
  book.byNullifier.set(position.nullifier, account);
}

/** Takes accounts back to the notes that a history still has; those without one are forgotten. */
export function rollBack(book: AccountBook, history: LedgerHistory): void {
  book.byNullifier.clear();
  book.unreadable.clear();
  for (const account of book.accounts.values()) {
    const { name, trail } = account;
    for (let at = trail.at(-1); at !== undefined; at = trail.at(-1)) {
      if (history.leaves.get(at.leafIndex) === at.commitment) break;
      trail.pop();
    }
    if (trail.length === 0) book.accounts.delete(name);
    else book.byNullifier.set(presentOf(account).nullifier, account);
  }
}

/** After this many decryptions of openings, milliseconds each, other work of the process gets its turn. */
const OPENINGS_A_TURN = 16;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Brings a book forward, in place, by events that the history holds already: openings and reveals add accounts, whatever spends a note
 * moves its account on. Events from before are no harm: accounts that are known are left alone. Returns how many accounts changed.
 * Throws what reading snapshots throws, and when it is told to end; the same events may then be given again.
 */
export async function advanceBook(
  book: AccountBook,
  history: LedgerHistory,
  { events, auctionEvents }: { events: readonly LedgerEvent[]; auctionEvents: readonly AuctionEvent[] },
  keeping: BookKeeping,
): Promise<number> {
  let changed = await addOpened(book, events, keeping);
  if (keeping.sight === "revealed") changed += addRevealed(book, history, auctionEvents, keeping);
  for (const event of events) {
    if (event.kind === "transitioned") changed += await moveOn(book, history, event.nullifier, keeping);
    if (event.kind !== "takenOver") continue;
    changed += await moveOn(book, history, event.targetNullifier, keeping);
    changed += await moveOn(book, history, event.keeperNullifier, keeping);
  }
  return changed;
}

async function addOpened(
  book: AccountBook,
  events: readonly LedgerEvent[],
  { sight, own, log, signal }: BookKeeping,
): Promise<number> {
  const secretsOf = new Map(own.map((secrets) => [nameOfOwn(secrets), secrets]));
  let added = 0;
  for (const event of events) {
    if (event.kind !== "opened") continue;
    const name = nameOfTag(event.accountTag);
    if (book.accounts.has(name) || book.unreadable.has(name)) continue;
    const secrets = secretsOf.get(name);
    const { leafIndex } = event;
    if (secrets !== undefined) track(book, name, placed({ note: firstNote(secrets), leafIndex }));
    else if (sight !== "revealed") {
      try {
        const { ownerKey, entity, rho } = decryptOpening(event.escrow, event.commitment, sight.committeeKey);
        track(book, name, placed({ note: emptyNote(ownerKey, entity, rho), leafIndex }));
      } catch (error) {
        lose(book, name, error, log);
      }
      if (++added % OPENINGS_A_TURN === 0) {
        await turn();
        signal.throwIfAborted();
      }
      continue;
    } else continue;
    added++;
  }
  return added;
}

function addRevealed(
  book: AccountBook,
  history: LedgerHistory,
  events: readonly AuctionEvent[],
  { log }: BookKeeping,
): number {
  let added = 0;
  for (const event of events) {
    if (event.kind !== "revealed") continue;
    const { leafIndex, nullifier, words } = event;
    const name = `revealed at ${leafIndex}`;
    if (book.accounts.has(name) || book.byNullifier.has(nullifier) || book.unreadable.has(name)) continue;
    try {
      const note: Note = revealedNote(words, history.leaves.get(leafIndex) ?? 0n);
      track(book, name, placed({ note, leafIndex }));
      added++;
    } catch (error) {
      lose(book, name, error, log);
    }
  }
  return added;
}

/** Moves on the account whose note a nullifier spends, if it is one of the book's; returns how many it moved. */
async function moveOn(
  book: AccountBook,
  history: LedgerHistory,
  nullifier: bigint,
  { snapshots, log }: BookKeeping,
): Promise<number> {
  const account = book.byNullifier.get(nullifier);
  const spending = history.spendings.get(nullifier);
  if (account === undefined || spending === undefined) return 0;
  const before = presentOf(account);
  const snapshot = await snapshots(spending.event.snapshotRoot);
  try {
    const note = decryptSpending(before.note, before.leafIndex, spending, snapshot);
    const next = placed({ note, leafIndex: spending.leafIndex });
    account.trail.push(next);
    if (account.trail.length > TRAIL) account.trail.shift();
    book.byNullifier.delete(nullifier);
    // An account that was revealed again later on, or one of the keeper's own: it is the same.
    const same = book.byNullifier.get(next.nullifier);
    if (same !== undefined) book.accounts.delete(same.name);
    book.byNullifier.set(next.nullifier, account);
  } catch (error) {
    book.byNullifier.delete(nullifier);
    book.accounts.delete(account.name);
    lose(book, account.name, error, log);
  }
  return 1;
}

function lose(book: AccountBook, name: string, error: unknown, log: Log): void {
  if (!(error instanceof SolvusError)) throw error;
  book.unreadable.add(name);
  log.error({ account: name, rule: error.rule }, "an account cannot be read");
}

/** Whether the present note of an account is in the state tree, so that a proof can refer to it. */
export function isPlaced(account: TrackedAccount, history: LedgerHistory): boolean {
  return isInserted(history, presentOf(account).leafIndex);
}
