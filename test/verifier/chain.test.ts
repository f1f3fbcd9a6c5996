import { beforeAll, describe, expect, test } from "vitest";
import { connectChain } from "../../contracts/chain.ts";
import { makePosting } from "../../contracts/posting.ts";
import {
  AUCTION_READER,
  CUSTODY_READER,
  FUND_READER,
  LEDGER_READER,
  ORACLE_READER,
} from "../../contracts/readers.ts";
import { encryptChange } from "../../protocol/accountEscrow.ts";
import { type Chain, latestSnapshot, readLedger, snapshotsOf } from "../../protocol/chain.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import { closedNodes } from "../../protocol/ledgerHistory.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import { accountTagOf } from "../../protocol/openAccount.ts";
import { encryptOpening } from "../../protocol/openEscrow.ts";
import { pricesOf } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { applyTransition, type TransitionRequest } from "../../protocol/transition.ts";
import { recoverAccount } from "../../prover/account.ts";
import { type AccountSecrets, accountSecrets, firstNote } from "../../prover/secrets.ts";
import { marketInputs, NOTHING } from "../support/fakeChain.ts";
import { COMMITTEE_KEY, type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";

const USDC = 1_000_000n;
const rule = (name: string) => expect.objectContaining({ rule: name });

/** The contracts, with proofs declared instead of made: what is read is what the ledger really emits. */
describe("a ledger on a chain", () => {
  let fixture: LedgerFixture;
  let chain: Chain;
  let snapshot: MarketSnapshot;
  let secrets: AccountSecrets;
  let note: Note;
  let leafIndex: bigint;

  async function post(epoch: number, index: number): Promise<void> {
    const inputs = { ...marketInputs(epoch, index), time: Number((await fixture.now()) + 1n) * 1000 + 250 };
    snapshot = buildSnapshot(inputs);
    const { chainId, addresses } = fixture;
    const posting = await makePosting(
      [fixture.admin],
      chainId,
      addresses.oracle,
      {
        epoch: BigInt(epoch),
        time: BigInt(inputs.time) / 1000n,
        snapshotRoot: snapshot.root,
        steady: true,
        inputs: encodeInputs(inputs),
      },
      pricesOf(inputs),
    );
    await (await fixture.oracle.post(...posting)).wait();
  }

  async function transact(request: Partial<TransitionRequest>): Promise<void> {
    const full = { ...NOTHING, ...request };
    const { after, nullifier } = applyTransition(note, leafIndex, snapshot, full);
    const { mode, asset, deposit, withdrawal, fee } = full;
    const terms = { payer: fixture.alice.address, recipient: fixture.alice.address };
    const proven = await fixture.transition(
      {
        nullifier,
        commitment: commitmentOf(after),
        mode,
        asset,
        deposit,
        withdrawal,
        fee,
        escrow: encryptChange(note, after),
      },
      terms,
    );
    leafIndex = (await fixture.ledger.queue())[0];
    await (await fixture.as(fixture.alice).submit(proven)).wait();
    note = after;
  }

  async function insertAll(): Promise<void> {
    await fixture.advance(31);
    await (await fixture.ledger.seal()).wait();
    const { history } = await readLedger(chain);
    for (const { nodeIndex, leaves } of closedNodes(history)) {
      const { newRoot } = history.tree.insertionInput(nodeIndex, leaves);
      const values = await fixture.insertion(BigInt(nodeIndex), leaves, newRoot);
      await (await fixture.ledger.insert(...values)).wait();
      history.tree.insertNode(nodeIndex, leaves);
    }
  }

  beforeAll(async () => {
    fixture = await ledgerFixture();
    chain = await connectChain(fixture.ethers.provider, fixture.addresses.ledger, { blocksPerQuery: 5 });
    await post(2, 50_000_000_000);
    secrets = accountSecrets(
      Uint8Array.from({ length: 32 }, (_, i) => i),
      1n,
      chain,
    );
    note = firstNote(secrets);
    leafIndex = 0n;
    const commitment = commitmentOf(note);
    const accountTag = accountTagOf(secrets.entitySecret, 1n);
    const escrow = encryptOpening(note, commitment, COMMITTEE_KEY);
    await (await fixture.ledger.open(...(await fixture.opening({ commitment, accountTag, escrow })))).wait();
    await insertAll();
    await transact({ deposit: 5_000n * USDC });
    await post(3, 51_000_000_000);
    await transact({ withdrawal: 70n * USDC, fee: USDC });
  });

  const recover = async (block?: number) =>
    recoverAccount({
      secrets,
      scope: chain,
      view: await readLedger(chain, block),
      snapshots: snapshotsOf(chain),
    });

  test("gives its state root, and the account's note from secrets and events alone", async () => {
    const { history } = await readLedger(chain);
    expect(history.tree.root).toBe(await fixture.ledger.stateRoot());
    expect(history.tail).toBe((await fixture.ledger.queue())[0]);
    const waiting = await recover();
    expect(waiting.note).toEqual(note);
    expect(waiting.inserted).toBe(false);
    await insertAll();
    const account = await recover();
    expect(account).toMatchObject({ note, leafIndex, inserted: true });
    expect((await readLedger(chain)).history.tree.root).toBe(await fixture.ledger.stateRoot());
  });

  test("gives its snapshots, recomputed, at each block", async () => {
    const now = await chain.blockNumber();
    expect((await latestSnapshot(chain)).root).toBe(snapshot.root);
    const posted = await chain.snapshotOf(snapshot.root, now);
    expect(posted?.epoch).toBe(3n);
    expect(await chain.snapshotOf(snapshot.root, (posted?.block as number) - 1)).toBeUndefined();
    expect(await chain.snapshotOf(123n, now)).toBeUndefined();
    expect((await chain.latestSnapshot((posted?.block as number) - 1))?.epoch).toBe(2n);
    expect(await chain.latestSnapshot(0)).toBeUndefined();
    await expect(latestSnapshot(chain, 0)).rejects.toEqual(rule("snapshot.none"));
    expect(await chain.blockTime(now)).toBe(await fixture.now());
  });

  test("gives committee key and key hashes", async () => {
    expect(await chain.committeeKey()).toEqual(COMMITTEE_KEY);
    expect(await chain.keyHash("open")).toBe(await fixture.ledger.keyHash(0));
    await expect(chain.keyHash("other")).rejects.toEqual(rule("chain.circuit"));
  });

  test("reads a batch like single calls: what was skipped left no leaf, a take-over spent two notes", async () => {
    await fixture.flag(0n, 77n);
    await post(4, 51_100_000_000);
    const { history: before } = await readLedger(chain);
    const [proof, signals, terms] = await fixture.opening();
    const single = await fixture.transition();
    const twice = await fixture.transition({ nullifier: single.signals.nullifier });
    const [first, second] = await fixture.trade();
    const takeOver = await fixture.takeOver({ targetLeafIndex: 0n, targetNullifier: 77n, rate: 0n });
    const receipt = await fixture.submitBatch({
      openings: [{ proof, signals, terms }],
      transitions: [single, twice, first, second],
      takeOvers: [takeOver],
    });
    expect(fixture.skips(receipt)).toMatchObject([{ index: 1n, reason: "NullifierSpent" }]);

    const { history } = await readLedger(chain);
    const { targetCommitment, keeperCommitment, keeperNullifier } = takeOver.signals;
    expect([...history.leaves.values()].slice(before.leaves.size)).toEqual([
      signals.commitment,
      signals.accountTag,
      ...[single, first, second].map((transition) => transition.signals.commitment),
      targetCommitment,
      keeperCommitment,
    ]);
    expect(history.tail).toBe((await fixture.ledger.queue())[0]);
    expect(history.openings.get(signals.accountTag)?.leafIndex).toBe(before.tail);
    expect(history.spendings.get(77n)).toMatchObject({ as: "target", leafIndex: before.tail + 5n });
    expect(history.spendings.get(keeperNullifier)).toMatchObject({
      as: "keeper",
      leafIndex: before.tail + 6n,
    });
    await insertAll();
    expect((await readLedger(chain)).history.tree.root).toBe(await fixture.ledger.stateRoot());
  });

  test("is refused where there is none", async () => {
    await expect(connectChain(fixture.ethers.provider, `0x${"11".repeat(20)}`)).rejects.toEqual(
      rule("chain.noLedger"),
    );
  });

  test("emits what the readers' interfaces declare", () => {
    for (const [reader, contract] of [
      [LEDGER_READER, fixture.ledger],
      [CUSTODY_READER, fixture.ledger],
      [ORACLE_READER, fixture.oracle],
      [AUCTION_READER, fixture.auction],
      [FUND_READER, fixture.fund],
    ] as const) {
      reader.forEachEvent((event) => {
        expect(contract.interface.getEvent(event.name)?.format("full")).toBe(event.format("full"));
      });
      reader.forEachFunction(({ name, selector }) => {
        expect(contract.interface.getFunction(name)?.selector).toBe(selector);
      });
    }
  });
});
