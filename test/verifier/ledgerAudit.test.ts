import { beforeEach, expect, test } from "vitest";
import { type AuctionEvent, revealedNote, standingFlags } from "../../protocol/auctionEvents.ts";
import type { AuditedChain } from "../../protocol/chain.ts";
import type { CustodyEvent } from "../../protocol/custodyHistory.ts";
import type { FundEvent } from "../../protocol/fundHistory.ts";
import { openingWords } from "../../protocol/insolvency.ts";
import { commitmentOf, type Note, spendOf } from "../../protocol/note.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import { openRow } from "../../protocol/transition.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import {
  type FakeChain,
  fakeChain,
  marketInputs,
  PERPETUAL,
  SECOND_PERPETUAL,
  SPOT,
} from "../support/fakeChain.ts";

const USDC = 1_000_000n;
const UNIT = 1_000_000n;
const FIRST = 1_000n * USDC;
const MASTER = Uint8Array.from({ length: 32 }, (_, i) => 5 * i + 2);

const rule = (name: string) => expect.objectContaining({ rule: name });

let chain: FakeChain;
let custody: CustodyEvent[];
let auction: AuctionEvent[];
let fund: FundEvent[];
let balances: Record<string, bigint>;
/** A note that was revealed before it was taken over. */
let revealed: { note: Note; leafIndex: bigint };

/** The chain with what an audit reads besides. */
const audited = (changes: Partial<AuditedChain> = {}): AuditedChain => ({
  ...chain,
  custodyEvents: async () => custody,
  auctionEvents: async () => auction,
  fundEvents: async () => fund,
  snapshots: async () => chain.posted,
  balanceOf: async (token, holder) => balances[`${token} ${holder}`] ?? 0n,
  ...changes,
});

/** Two accounts, a trade between them, a bankruptcy and a keeper: an honest history. */
beforeEach(async () => {
  chain = await fakeChain(committeeKeyOf(271_828_182n));
  chain.post(marketInputs(1));
  const [one, other, keeper] = [1, 2, 3].map((number) => {
    const secrets = accountSecrets(
      MASTER.map((byte) => byte ^ number),
      1n,
      chain,
    );
    const note = firstNote(secrets);
    return { note, leafIndex: chain.open(note, secrets.entitySecret, 1n) };
  }) as [typeof revealed, typeof revealed, typeof revealed];
  const transact = (account: typeof revealed, request: Parameters<FakeChain["transact"]>[2]): void => {
    const { transition, leafIndex } = chain.transact(account.note, account.leafIndex, request);
    Object.assign(account, { note: transition.after, leafIndex });
  };
  transact(one, { deposit: 20_000n * USDC });
  transact(other, { deposit: 400_000n * USDC });
  transact(keeper, { deposit: 500_000n * USDC });
  transact(other, { asset: SPOT, deposit: 40n });
  const legs = [
    { id: PERPETUAL, size: 200n },
    { id: SECOND_PERPETUAL, size: -70n },
  ];
  const cash = legs.reduce((sum, { id, size }) => sum - size * openRow(chain.snapshot(), id).row.mark, 0n);
  const trade = { legs, cash, salt: 5n };
  transact(one, { trade: { package: trade, side: 0 } });
  transact(other, { trade: { package: trade, side: 1 } });
  transact(other, { withdrawal: 70n * USDC, fee: USDC });
  chain.insertAll();
  // Down by 40%: the first account's equity is below 0.
  chain.post(marketInputs(2, 30_000_000_000, 700));
  revealed = { ...one };
  const { takeOver } = chain.takeOver(one, keeper, { fee: 2n * USDC });
  chain.insertAll();

  expect(takeOver.deficit).toBeGreaterThan(FIRST);
  expect(takeOver.reward).toBe(0n);
  const covered = FIRST;
  const uncoveredPart = takeOver.deficit - covered;
  const last = chain.events.findLast(({ event }) => event.kind === "takenOver");
  if (last?.event.kind === "takenOver") last.event.uncovered = uncoveredPart;
  fund = [
    { kind: "deposited", amount: FIRST, toDeficit: 0n, toClaims: 0n },
    { kind: "takeOverPaid", covered, uncoveredPart, reward: 0n },
    { kind: "deposited", amount: 5n * USDC, toDeficit: 5n * USDC, toClaims: 0n },
  ];
  custody = [
    { kind: "listed", asset: 0n, token: "usdc", unit: 1n },
    { kind: "listed", asset: SPOT, token: "wbtc", unit: UNIT },
    { kind: "owed", asset: 0n, amount: 70n * USDC },
  ];
  const { nullifier } = spendOf(revealed.note, revealed.leafIndex);
  auction = [
    { kind: "flagged", leafIndex: revealed.leafIndex, nullifier, epoch: 1n, firstEpoch: 1n, clockStart: 9n },
    { kind: "revealed", leafIndex: revealed.leafIndex, nullifier, words: openingWords(revealed.note) },
  ];
  // Deposits, less withdrawal (which is owed) and fees, and what came from the fund.
  balances = {
    "usdc ledger": (920_000n - 1n - 2n) * USDC + covered + 5n * USDC,
    "usdc fund": 0n,
    "wbtc ledger": 40n * UNIT,
  };
});

test("an honest ledger passes, with tokens held to the last unit", async () => {
  const { accepted, checks } = await auditLedger(audited());
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(accepted).toBe(true);
  expect(checks.map(({ name }) => name)).toEqual([
    "history",
    "snapshots",
    "references",
    "reveals",
    "fund",
    "takeOvers",
    "assets",
    "holdings of cash",
    `holdings of asset ${SPOT}`,
    "holdings of the fund",
  ]);
});

test("is audited as of an earlier block", async () => {
  const { checks, accepted } = await auditLedger(
    audited({ fundEvents: async () => [], auctionEvents: async () => [] }),
    1,
  );
  expect(checks[0]?.found).toContain("0 notes spent");
  expect(accepted).toBe(true);
  await expect(auditLedger(audited(), 10_000)).rejects.toEqual(rule("audit.block"));
});

const alter = <T extends { kind: string }>(events: T[], kind: string, change: object): void => {
  const index = events.findIndex((event) => event.kind === kind);
  events[index] = { ...events[index], ...change } as T;
};

test.each<[string, () => void]>([
  ["history", () => chain.events.splice(3, 1)],
  ["snapshots", () => Object.assign(chain.posted[1] as object, { root: 5n })],
  [
    "snapshots",
    () => chain.posted.splice(0, 1, { ...(chain.posted[0] as FakeChain["posted"][0]), epoch: 4n }),
  ],
  ["references", () => chain.posted.splice(0, 1)],
  ["reveals", () => alter(auction, "revealed", { words: openingWords({ ...revealed.note, cash: 1n }) })],
  ["reveals", () => alter(auction, "revealed", { nullifier: 5n })],
  ["reveals", () => alter(auction, "revealed", { leafIndex: 0n })],
  ["fund", () => alter(fund, "deposited", { amount: FIRST - 1n })],
  ["takeOvers", () => alter(fund, "takeOverPaid", { covered: FIRST - 1n })],
  ["takeOvers", () => fund.splice(1, 2)],
  ["assets", () => custody.splice(1, 1)],
  [
    "holdings of cash",
    () => {
      balances["usdc ledger"] = (balances["usdc ledger"] as bigint) - 1n;
    },
  ],
  [
    "holdings of cash",
    () => fund.splice(2, 1, { kind: "deposited", amount: 6n * USDC, toDeficit: 6n * USDC, toClaims: 0n }),
  ],
  [
    `holdings of asset ${SPOT}`,
    () => {
      balances["wbtc ledger"] = 40n * UNIT - 1n;
    },
  ],
  [
    "holdings of the fund",
    () => fund.unshift({ kind: "deposited", amount: 1n, toDeficit: 0n, toClaims: 0n }),
  ],
])("names the check %s that a false history fails", async (name, falsify) => {
  falsify();
  const { accepted, checks } = await auditLedger(audited());
  expect(accepted).toBe(false);
  expect(checks.filter(({ passed }) => !passed).map((check) => check.name)).toContain(name);
});

test("a revealed note is read back from its words, negative values and all", () => {
  const { note } = revealed;
  expect(note.legs.some(({ size }) => size < 0n)).toBe(true);
  expect(note.cash).toBeLessThan(0n);
  expect(revealedNote(openingWords(note), commitmentOf(note))).toEqual(note);
  expect(() => revealedNote(openingWords(note).slice(1), commitmentOf(note))).toThrow(rule("reveal.words"));
  expect(() => revealedNote(openingWords(note), 5n)).toThrow(rule("reveal.words"));
});

test("flags stand until they are cleared or their note is cured, and move to a note that is not", () => {
  const flagged = {
    kind: "flagged",
    leafIndex: 3n,
    nullifier: 9n,
    epoch: 7n,
    firstEpoch: 6n,
    clockStart: 100n,
  } as const;
  const reveal = { kind: "revealed", leafIndex: 3n, nullifier: 9n, words: [] } as AuctionEvent;
  const moved = (cured: boolean): AuctionEvent => ({
    kind: "flagMoved",
    leafIndex: 3n,
    newLeafIndex: 8n,
    cured,
  });
  const flag = { firstEpoch: 6n, clockStart: 100n };
  expect(standingFlags([flagged])).toEqual(new Map([[3n, { ...flag, revealed: false }]]));
  expect(standingFlags([flagged, reveal, flagged])).toEqual(new Map([[3n, { ...flag, revealed: true }]]));
  expect(standingFlags([flagged, reveal, moved(false)])).toEqual(
    new Map([[8n, { ...flag, revealed: false }]]),
  );
  expect(standingFlags([flagged, moved(true)])).toEqual(new Map());
  expect(standingFlags([flagged, { kind: "cleared", leafIndex: 3n, nullifier: 9n, epoch: 8n }])).toEqual(
    new Map(),
  );
});
