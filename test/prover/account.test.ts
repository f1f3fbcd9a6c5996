import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { followEscrow } from "../../protocol/accountHistory.ts";
import { advanceLedger, readLedger, snapshotsOf } from "../../protocol/chain.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { TakenOverEvent } from "../../protocol/ledgerHistory.ts";
import { type PlacedNote, WHOLE } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";
import { countAccounts, recoverAccount, requireInserted, syncAccount } from "../../prover/account.ts";
import { type AccountSecrets, accountSecrets, firstNote } from "../../prover/secrets.ts";
import {
  type FakeChain,
  fakeChain,
  marketInputs,
  PERPETUAL,
  SECOND_PERPETUAL,
  SPOT,
} from "../support/fakeChain.ts";

const COMMITTEE = 271_828_182n;
const MASTER = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
const USDC = 1_000_000n;

const rule = (name: string) => expect.objectContaining({ rule: name });

/** A trade of side 0 at the marks of the latest snapshot. */
function tradeOf(
  chain: FakeChain,
  legs: { id: bigint; size: bigint }[],
  salt: bigint,
): Partial<TransitionRequest> {
  const { tree } = chain.snapshot();
  const cash = legs.reduce((sum, { id, size }) => {
    const { underlying, place } = tree.locate(id) as { underlying: number; place: number };
    return sum - size * tree.row(underlying, place).mark;
  }, 0n);
  return { trade: { package: { legs, cash, salt }, side: 0 } };
}

let chain: FakeChain;
let secrets: AccountSecrets;
let note: Note;
let leafIndex: bigint;

/** The wallet's own record of what it did, beside the chain's. */
function transact(request: Partial<TransitionRequest>): void {
  const done = chain.transact(note, leafIndex, request);
  note = done.transition.after;
  leafIndex = done.leafIndex;
}

/** Deposits, trades in both underlyings, funding, legs emptied and refilled: over three epochs. */
function live(): void {
  transact({ deposit: 1_000_000n * USDC });
  transact({ asset: SPOT, deposit: 40n });
  transact(
    tradeOf(
      chain,
      [
        { id: PERPETUAL, size: 30n },
        { id: SECOND_PERPETUAL, size: -50n },
      ],
      1n,
    ),
  );
  chain.post(marketInputs(2, 51_000_000_000, 1_500));
  transact(tradeOf(chain, [{ id: PERPETUAL, size: -30n }], 2n));
  transact({ withdrawal: 1_000n * USDC, fee: USDC });
  chain.post(marketInputs(3, 49_000_000_000, -700));
  transact(tradeOf(chain, [{ id: PERPETUAL, size: -7n }], 3n));
}

beforeEach(async () => {
  chain = await fakeChain(committeeKeyOf(COMMITTEE));
  secrets = accountSecrets(MASTER, 1n, chain);
  note = firstNote(secrets);
  chain.post(marketInputs(1));
  // Other institutions come first and between.
  const other = accountSecrets(
    MASTER.map((byte) => byte ^ 1),
    1n,
    chain,
  );
  chain.open(firstNote(other), other.entitySecret, 1n);
  leafIndex = chain.open(note, secrets.entitySecret, 1n);
});

/** Falls below its margin with the price; returns a keeper's account, funded, with its place. */
function fall(): { keeper: PlacedNote; keeperSecrets: AccountSecrets } {
  transact({ deposit: 20_000n * USDC });
  transact(
    tradeOf(
      chain,
      [
        { id: PERPETUAL, size: 200n },
        { id: SECOND_PERPETUAL, size: -70n },
      ],
      1n,
    ),
  );
  const keeperSecrets = accountSecrets(
    MASTER.map((byte) => byte ^ 2),
    1n,
    chain,
  );
  const empty = firstNote(keeperSecrets);
  const opened = chain.open(empty, keeperSecrets.entitySecret, 1n);
  const funded = chain.transact(empty, opened, { deposit: 500_000n * USDC });
  chain.insertAll();
  chain.post(marketInputs(2, 45_000_000_000, 900));
  return { keeper: { note: funded.transition.after, leafIndex: funded.leafIndex }, keeperSecrets };
}

describe("recovery from chain data", () => {
  const sourceOf = async () => ({
    secrets,
    scope: chain,
    view: await readLedger(chain),
    snapshots: snapshotsOf(chain),
  });

  test("gives the present note after deposits, trades, funding and withdrawals", async () => {
    live();
    const recovered = await recoverAccount(await sourceOf());
    expect(recovered.note).toEqual(note);
    expect(recovered.leafIndex).toBe(leafIndex);
    expect(recovered.changes).toHaveLength(6);
    expect(recovered.inserted).toBe(false);
    expect(() => requireInserted(recovered)).toThrow(rule("account.pending"));
    chain.insertAll();
    const inserted = await recoverAccount(await sourceOf());
    expect(inserted.inserted).toBe(true);
    expect(inserted.note).toEqual(note);
    requireInserted(inserted);
  });

  test("gives the note as of an earlier block", async () => {
    const block = await chain.blockNumber();
    live();
    const source = { ...(await sourceOf()), view: await readLedger(chain, block) };
    expect((await recoverAccount(source)).note).toEqual(firstNote(secrets));
    await advanceLedger(chain, source.view);
    expect((await recoverAccount(source)).note).toEqual(note);
  });

  test("refuses an account that was never opened", async () => {
    const source = await sourceOf();
    await expect(recoverAccount({ ...source, secrets: accountSecrets(MASTER, 2n, chain) })).rejects.toEqual(
      rule("account.notOpened"),
    );
  });

  test("counts an institution's accounts", async () => {
    expect(countAccounts(MASTER, chain, await readLedger(chain))).toBe(1n);
    const second = accountSecrets(MASTER, 2n, chain);
    chain.open(firstNote(second), second.entitySecret, 2n);
    expect(countAccounts(MASTER, chain, await readLedger(chain))).toBe(2n);
  });

  test("refuses altered escrow words and names no secret", async () => {
    live();
    const view = await readLedger(chain);
    const [spending] = view.history.spendings.values();
    if (spending?.as === "owner") spending.event.escrow[0]++;
    const error = await recoverAccount({ ...(await sourceOf()), view }).catch((caught) => caught);
    expect(error).toEqual(rule("escrow.mismatch"));
    for (const secret of [secrets.rho, secrets.spendSecret, secrets.entitySecret]) {
      expect(error.message).not.toContain(String(secret));
    }
  });

  test("works for the risk committee, with its private key and nothing else", async () => {
    live();
    const view = await readLedger(chain);
    const accounts = await followEscrow(view.history, COMMITTEE, snapshotsOf(chain));
    expect(accounts).toHaveLength(2);
    expect(accounts[1]?.note).toEqual(note);
    await expect(followEscrow(view.history, COMMITTEE + 1n, snapshotsOf(chain))).rejects.toEqual(
      rule("openEscrow.key"),
    );
  });

  test("goes on through take-overs, for the target, the keeper and the committee", async () => {
    const { keeper, keeperSecrets } = fall();
    const slice = WHOLE / 8n;
    const first = chain.takeOver({ note, leafIndex }, keeper, { slice, rate: WHOLE / 10n, fee: 3n });
    note = first.takeOver.target.after;
    leafIndex = first.leafIndex;
    chain.insertAll();
    chain.post(marketInputs(3, 60_000_000_000, 1_100));
    transact({ deposit: 10n * USDC });

    const followed = await recoverAccount(await sourceOf());
    expect(followed.note).toEqual(note);
    expect(followed.changes.map(({ as }) => as)).toEqual(["owner", "owner", "target", "owner"]);
    expect(followed.changes[2]?.leafIndex).toBe(first.leafIndex);

    const kept = await recoverAccount({ ...(await sourceOf()), secrets: keeperSecrets });
    expect(kept.note).toEqual(first.takeOver.keeper.after);
    expect(kept).toMatchObject({ leafIndex: first.leafIndex + 1n, inserted: true });
    expect(kept.changes.map(({ as }) => as)).toEqual(["owner", "keeper"]);
    // Nothing was lost between the two: sizes add up, and so does cash but for the fee.
    const sizes = (of: Note) => of.legs.map(({ size }) => size);
    const before = first.takeOver.target.before;
    expect(sizes(followed.note).map((size, i) => size + (sizes(kept.note)[i] as bigint))).toEqual(
      sizes(before),
    );

    const accounts = await followEscrow((await readLedger(chain)).history, COMMITTEE, snapshotsOf(chain));
    expect(accounts.map(({ note: seen }) => seen)).toContainEqual(note);
    expect(accounts.map(({ note: seen }) => seen)).toContainEqual(kept.note);
  });

  test.each(["targetEscrow", "keeperEscrow"] as const)("refuses an altered word of %s", async (field) => {
    const { keeper, keeperSecrets } = fall();
    chain.takeOver({ note, leafIndex }, keeper, {});
    // The keeper's word 2 holds ids of places that are empty here, and they say nothing.
    for (const word of field === "targetEscrow" ? [0, 1, 2, 3] : [0, 1, 3, 4, 5]) {
      const view = await readLedger(chain);
      for (const spending of view.history.spendings.values()) {
        if (spending.as === "owner") continue;
        const altered = spending.event[field].map((value, place) => (place === word ? value + 1n : value));
        spending.event = { ...spending.event, [field]: altered };
      }
      const source = { ...(await sourceOf()), view };
      const whose = field === "targetEscrow" ? secrets : keeperSecrets;
      await expect(recoverAccount({ ...source, secrets: whose })).rejects.toEqual(rule("escrow.mismatch"));
      const other = field === "targetEscrow" ? keeperSecrets : secrets;
      await recoverAccount({ ...source, secrets: other });
    }
  });

  describe("with a state file", () => {
    let directory: string;
    let file: string;
    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), "solvus-account-"));
      file = join(directory, "account.json");
    });
    afterAll(() => rm(directory, { recursive: true }));

    test("follows from the saved note, and from the start when the file is lost, damaged or another ledger's", async () => {
      await syncAccount(await sourceOf(), file);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      live();
      const followed = await syncAccount(await sourceOf(), file);
      expect(followed.note).toEqual(note);
      expect(followed.changes).toHaveLength(6);
      // Up to date now: nothing to follow.
      expect((await syncAccount(await sourceOf(), file)).changes).toHaveLength(0);

      const good = await readFile(file, "utf8");
      expect(good).not.toContain(String(secrets.spendSecret));
      expect(good).not.toContain(String(secrets.entitySecret));
      const content = JSON.parse(good);
      for (const bad of [
        "",
        "{}",
        good.replace(/"cash": "/, '"cash": "1'),
        JSON.stringify({ ...content, ledger: `0x${"00".repeat(20)}` }),
        JSON.stringify({ ...content, leafIndex: "0" }),
        JSON.stringify({ ...content, number: "2" }),
        JSON.stringify({ ...content, more: 1 }),
      ]) {
        await writeFile(file, bad);
        const recovered = await syncAccount(await sourceOf(), file);
        expect(recovered.note).toEqual(note);
        expect(recovered.changes).toHaveLength(6);
        expect(await readFile(file, "utf8")).toBe(good);
      }
      await rm(file);
      expect((await syncAccount(await sourceOf(), file)).note).toEqual(note);
    });
  });
});

describe("a ledger's history", () => {
  test.each([
    ["history.queue", "opened", { leafIndex: 1n }],
    ["history.queue", "transitioned", { leafIndex: 8n }],
    ["history.leaf", "transitioned", { commitment: 0n }],
    ["history.leaf", "opened", { accountTag: FIELD_ORDER }],
    ["history.root", "transitioned", { commitment: 5n }],
    ["history.root", "opened", { accountTag: 5n }],
    ["history.root", "inserted", { root: 5n }],
    ["history.insertion", "inserted", { nodeIndex: 1n }],
    ["history.seal", "sealed", { nodeIndex: 7n }],
  ])("refuses %s of an altered %s event", async (name, kind, change) => {
    live();
    chain.insertAll();
    const entry = chain.events.find(({ event }) => event.kind === kind);
    if (entry !== undefined) entry.event = { ...entry.event, ...change } as never;
    await expect(readLedger(chain)).rejects.toEqual(rule(name));
  });

  test.each(["opened", "transitioned"])(
    "refuses a missing %s event, by the gap in the queue",
    async (kind) => {
      live();
      const index = chain.events.findIndex(({ event }) => event.kind === kind);
      chain.events.splice(index, 1);
      await expect(readLedger(chain)).rejects.toEqual(rule("history.queue"));
    },
  );

  test.each([
    ["history.queue", { leafIndex: 9n }],
    ["history.leaf", { keeperCommitment: 0n }],
    ["history.root", { targetCommitment: 5n }],
    ["history.root", { keeperCommitment: 5n }],
    ["history.target", { targetLeafIndex: 1_000n }],
  ])("refuses %s of an altered take-over", async (name, change) => {
    const { keeper } = fall();
    chain.takeOver({ note, leafIndex }, keeper, {});
    chain.insertAll();
    const entry = chain.events.find(({ event }) => event.kind === "takenOver");
    if (entry !== undefined) entry.event = { ...entry.event, ...change } as never;
    await expect(readLedger(chain)).rejects.toEqual(rule(name));
  });

  test("refuses a take-over of a note that waits in the queue, or was spent", async () => {
    const { keeper } = fall();
    const { takeOver, leafIndex: place } = chain.takeOver({ note, leafIndex }, keeper, {});
    const entry = chain.events.find(({ event }) => event.kind === "takenOver");
    const good = entry?.event as TakenOverEvent;
    for (const [name, change] of [
      ["history.target", { targetLeafIndex: place }],
      ["history.nullifier", { keeperNullifier: takeOver.target.nullifier }],
      ["history.nullifier", { targetNullifier: takeOver.keeper.nullifier }],
    ] as const) {
      if (entry !== undefined) entry.event = { ...good, ...change };
      await expect(readLedger(chain)).rejects.toEqual(rule(name));
    }
  });

  test("refuses an account tag used twice", async () => {
    const entries = chain.events.filter(({ event }) => event.kind === "opened");
    const [first, second] = entries as [(typeof entries)[0], (typeof entries)[0]];
    second.event = {
      ...second.event,
      accountTag: (first.event as { accountTag: bigint }).accountTag,
    } as never;
    await expect(readLedger(chain)).rejects.toEqual(rule("history.opening"));
  });

  test("shows the committee both of two accounts that were opened on one commitment", async () => {
    chain.open(note, secrets.entitySecret, 2n);
    const { history } = await readLedger(chain);
    const accounts = await followEscrow(history, COMMITTEE, snapshotsOf(chain));
    expect(accounts.map(({ leafIndex: place }) => place)).toEqual([0n, 2n, 4n]);
    expect(accounts[2]?.note).toEqual(accounts[1]?.note);
  });

  test("refuses a nullifier spent twice", async () => {
    live();
    const entries = chain.events.filter(({ event }) => event.kind === "transitioned");
    const [first, second] = entries as [(typeof entries)[0], (typeof entries)[0]];
    second.event = { ...second.event, nullifier: (first.event as { nullifier: bigint }).nullifier } as never;
    await expect(readLedger(chain)).rejects.toEqual(rule("history.nullifier"));
  });

  test("refuses a snapshot whose published inputs give another root, epoch, time or hash", async () => {
    live();
    const view = await readLedger(chain);
    const posted = chain.posted[0] as (typeof chain.posted)[0];
    const good = { ...posted };
    const recover = () => recoverAccount({ secrets, scope: chain, view, snapshots: snapshotsOf(chain) });
    for (const [name, change] of [
      ["snapshot.epoch", { epoch: 9n }],
      ["snapshot.time", { time: 9n }],
      ["snapshot.inputsHash", { inputs: good.inputs.with(20, 99) }],
    ] as const) {
      Object.assign(posted, good, change);
      await expect(recover()).rejects.toEqual(rule(name));
    }
    Object.assign(posted, good, { root: 77n });
    await expect(recover()).rejects.toEqual(rule("snapshot.unknown"));
    await expect(snapshotsOf(chain)(77n)).rejects.toEqual(rule("snapshot.root"));
  });
});
