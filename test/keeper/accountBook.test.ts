import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { applyEvents, emptyHistory, type OpenedEvent } from "../../protocol/ledgerHistory.ts";
import { commitmentOf, emptyNote } from "../../protocol/note.ts";
import { committeeKeyOf, encryptOpening } from "../../protocol/openEscrow.ts";
import {
  type AccountBook,
  advanceBook,
  emptyBook,
  presentOf,
  rollBack,
} from "../../services/keeper/accountBook.ts";
import { loadBook, saveBook } from "../../services/keeper/bookFile.ts";
import { makeLog } from "../../services/log.ts";

/* The accounts of a keeper between its runs, and openings that are none. */

const KEY = 77n;
const SCOPE = { chainId: 31337n, ledger: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-book-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const lines: string[] = [];
const keeping = {
  sight: { committeeKey: KEY },
  own: [],
  snapshots: () => Promise.reject(new Error("no snapshot is asked for")),
  log: makeLog("keeper", { write: (line) => void lines.push(line) }),
  signal: new AbortController().signal,
};

const escrows = new Map<bigint, OpenedEvent>();

/** An opening at a place; the escrow of each rho is encrypted once. */
function opening(rho: bigint, leafIndex: bigint): OpenedEvent {
  const known = escrows.get(rho) ?? newOpening(rho);
  escrows.set(rho, known);
  return { ...known, leafIndex };
}

function newOpening(rho: bigint): OpenedEvent {
  const account = { rho, ownerKey: rho + 1n, entity: rho + 2n };
  const commitment = commitmentOf(emptyNote(account.ownerKey, account.entity, rho));
  const escrow = encryptOpening(account, commitment, committeeKeyOf(KEY));
  return { kind: "opened", commitment, accountTag: rho + 3n, leafIndex: 0n, escrow };
}

async function bookOf(
  events: readonly OpenedEvent[],
): Promise<{ book: AccountBook; history: ReturnType<typeof emptyHistory> }> {
  const history = emptyHistory();
  applyEvents(history, events);
  const book = emptyBook();
  await advanceBook(book, history, { events, auctionEvents: [] }, keeping);
  return { book, history };
}

test("what was saved is taken up again, by the same key and on the same chain alone", async () => {
  const { book, history } = await bookOf([opening(100n, 0n), opening(200n, 2n)]);
  const place = { directory, scope: SCOPE, secret: KEY };
  await saveBook(place, book);
  const file = join(directory, "accounts");
  const saved = readFileSync(file, "utf8");
  expect(Buffer.from(saved, "base64").toString("latin1")).not.toContain("legs");

  const again = emptyBook();
  expect(await loadBook(place, again, history)).toBe(2);
  expect([...again.accounts.values()].map(presentOf)).toEqual([...book.accounts.values()].map(presentOf));
  const nothing = async (changes: Partial<typeof place>, of = history): Promise<void> => {
    const none = emptyBook();
    expect(await loadBook({ ...place, ...changes }, none, of)).toBe(0);
    expect(none.byNullifier.size).toBe(0);
  };
  await nothing({ secret: KEY + 1n });
  await nothing({ scope: { ...SCOPE, chainId: 1n } });
  await nothing({}, emptyHistory());
  const altered = Buffer.from(saved, "base64");
  altered[40]! ^= 1;
  writeFileSync(file, altered.toString("base64"));
  await nothing({});
  rmSync(file);
  await nothing({});
});

test("an opening that does not open is left out, told without its contents, and costs the others nothing", async () => {
  const forged = { ...opening(300n, 2n), commitment: 4711n };
  const { book } = await bookOf([opening(100n, 0n), forged, opening(200n, 4n)]);
  expect(book.accounts.size).toBe(2);
  expect(book.unreadable.size).toBe(1);
  expect(lines.join("")).toContain("openEscrow.key");
});

test("a re-org takes an account that was opened in it away, and leaves the others", async () => {
  const first = opening(100n, 0n);
  const { book } = await bookOf([first, opening(200n, 2n)]);
  const shorter = emptyHistory();
  applyEvents(shorter, [first]);
  rollBack(book, shorter);
  expect([...book.accounts.values()].map((account) => presentOf(account).leafIndex)).toEqual([0n]);
  expect(book.byNullifier.size).toBe(1);
});
