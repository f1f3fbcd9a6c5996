import { KIND } from "../../protocol/constants.ts";
import type { Note } from "../../protocol/note.ts";
import { rowIn, type World } from "./world.ts";

/**
 * What an accountant outside the protocol writes down of a sequence of commands: what everybody put in and took out, and what each account
 * has gained by the market, by its trades at the marks, and by take-overs. All in exact integers.
 */
export interface Books {
  /** Micro-USDC that the ledger and the fund hold for the accounts: deposits less withdrawals and fees, and what the fund paid. */
  cash: bigint;
  /** Lots of spot that the ledger holds. */
  spot: bigint;
  /** What each account is worth, micro-USDC. */
  worth: bigint[];
  /** What each account holds: lots by instrument. */
  lots: Map<bigint, bigint>[];
}

export function newBooks(accounts: number): Books {
  return {
    cash: 0n,
    spot: 0n,
    worth: Array.from({ length: accounts }, () => 0n),
    lots: Array.from({ length: accounts }, () => new Map()),
  };
}

/** Adds lots of an instrument to an account, and their value at the mark. */
export function addLots(books: Books, account: number, id: bigint, lots: bigint, mark: bigint): void {
  const held = books.lots[account] as Map<bigint, bigint>;
  held.set(id, (held.get(id) ?? 0n) + lots);
  addWorth(books, account, lots * mark);
}

/** Adds micro-USDC to what an account is worth. */
export function addWorth(books: Books, account: number, value: bigint): void {
  books.worth[account] = (books.worth[account] as bigint) + value;
}

/** A note's equity at the world's snapshot, funding settled: sums over the legs as they stand. */
function worthOf(world: World, note: Note): bigint {
  return note.legs.reduce((sum, { id, size, fundingIndex }) => {
    if (size === 0n) return sum;
    const row = rowIn(world, id);
    return sum + size * (row.mark - row.fundingIndex + fundingIndex);
  }, note.cash);
}

/**
 * Throws an Error when accounts and books differ by a micro-dollar or a lot: every account's worth, each instrument's total (0 but for spot, as
 * long as it lives), and all cash together with what funding has in transit.
 */
export function compare(world: World, books: Books): void {
  const expectSame = (what: string, got: bigint, expected: bigint): void => {
    if (got !== expected) throw new Error(`${what}: ${got} in the accounts, ${expected} in the books`);
  };
  const totals = new Map<bigint, bigint>();
  let cash = 0n;
  world.accounts.forEach(({ note }, k) => {
    expectSame(`worth of account ${k}`, worthOf(world, note), books.worth[k] as bigint);
    cash += note.cash;
    const held = books.lots[k] as Map<bigint, bigint>;
    for (const { id, size, fundingIndex } of note.legs) {
      if (size === 0n) continue;
      const row = rowIn(world, id);
      cash -= size * (row.fundingIndex - fundingIndex);
      totals.set(id, (totals.get(id) ?? 0n) + size);
      if (!row.settled) expectSame(`lots of ${id} in account ${k}`, size, held.get(id) ?? 0n);
    }
  });
  expectSame("cash of all accounts", cash, books.cash);
  for (const [id, total] of totals) {
    const row = rowIn(world, id);
    if (!row.settled) expectSame(`lots of ${id} in all`, total, row.kind === KIND.spot ? books.spot : 0n);
  }
}
