import { afterAll, beforeAll, expect, test } from "vitest";
import { disclosurePoint } from "../../contracts/auction.ts";
import { NOBODY, proofContext, type Terms } from "../../contracts/signing.ts";
import { type TakeOver, TIER, type Transition } from "../../contracts/statements.ts";
import { KIND } from "../../protocol/constants.ts";
import { openingWords, prepareInsolvency } from "../../protocol/insolvency.ts";
import { applyTakeOver, type PlacedNote, RESTORATION, sliceBounds } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { commitmentOf, type Note, spendOf } from "../../protocol/note.ts";
import { prepareOpen } from "../../protocol/openAccount.ts";
import { commitSnapshot, type Snapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { decryptKeeperChange, decryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import { applyTransition, openRow, type TransitionRequest } from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import type { Prover, Statement } from "../../prover/prover.ts";
import { insertionStatement, openStatement } from "../../prover/statements.ts";
import { forgingProver } from "../support/forgingProver.ts";
import {
  COMMITTEE_KEY,
  type LedgerFixture,
  ledgerFixture,
  type Opening,
  randomElement,
} from "../support/ledgerFixture.ts";
import { linearRow, PARAMETERS, PERPETUAL } from "../support/syntheticMarket.ts";

/*
 * The life of a position, judged by the real circuits and verified under the generated keys: batches open, fund and trade accounts; the market falls, one of them is flagged,
 * taken over by a keeper, its flag inherited, its opening revealed.
 */

const USD = 1_000_000n;
const PRICE = 100n * USD;

interface Owner {
  spendSecret: bigint;
  entitySecret: bigint;
  at: PlacedNote;
}

let fixture: LedgerFixture;
let prover: Prover;
let tree: StateTree;
let snapshot: Snapshot;
/** Leaves that wait for an insertion, in the order of the queue. */
let pending: bigint[] = [];

beforeAll(async () => {
  fixture = await ledgerFixture({ verifier: "generated", fundDeposit: 1_000_000n * USD });
  prover = await forgingProver();
  tree = new StateTree();
});

afterAll(async () => {
  await prover?.close();
});

const prove = async (statement: Statement): Promise<bigint[]> => [...(await prover.prove(statement)).proof];

async function termsOf(terms: Partial<Terms> = {}): Promise<{ terms: Terms; context: bigint }> {
  const deadline = (await fixture.now()) + 36_000n;
  const all = { payer: NOBODY, recipient: NOBODY, relayer: NOBODY, deadline, ...terms };
  return { terms: all, context: proofContext(fixture.chainId, fixture.addresses.ledger, all) };
}

/** Posts the snapshot of a market in which the perpetual stands at a price. */
async function market(mark: bigint, fundingIndex: bigint): Promise<void> {
  const [, { epoch }] = await fixture.oracle.latest();
  const row = linearRow(PERPETUAL, KIND.perpetual, mark, { fundingIndex });
  snapshot = commitSnapshot(epoch + 1n, PARAMETERS, [[row]]);
  await fixture.postSnapshot({ snapshotRoot: snapshot.root });
}

/** Seals the open node and inserts it. */
async function insert(): Promise<void> {
  await fixture.advance(31);
  const { tail, inserted } = await fixture.ledger.queue();
  if (tail % 16n !== 0n) await fixture.ledger.seal();
  const leaves = [...pending, ...Array<bigint>(16 - pending.length).fill(0n)];
  const insertion = tree.insertionInput(Number(inserted), leaves);
  const proof = await prove(insertionStatement(insertion));
  await fixture.ledger.insert(inserted, leaves, insertion.newRoot, proof);
  tree.insertNode(Number(inserted), leaves);
  pending = [];
  expect(await fixture.ledger.stateRoot()).toBe(tree.root);
}

async function opening(): Promise<{ item: Opening; owner: Omit<Owner, "at">; note: Note }> {
  const { terms, context } = await termsOf();
  const owner = { spendSecret: randomElement(), entitySecret: randomElement() };
  const prepared = prepareOpen({
    ...owner,
    rho: randomElement(),
    number: 1n,
    stateRoot: tree.root,
    epoch: snapshot.epoch,
    committeeKey: [...COMMITTEE_KEY],
    context,
  });
  const { stateRoot, registryRoot, epoch, commitment, accountTag, escrow } = prepared.input;
  const signals = { stateRoot, registryRoot, epoch, commitment, accountTag, escrow };
  return {
    item: { proof: await prove(openStatement(prepared)), signals, terms },
    owner,
    note: prepared.note,
  };
}

/** A proven transition of an owner, and the note that it leaves. */
async function transition(
  owner: Owner,
  asked: Partial<TransitionRequest>,
  termsAsked: Partial<Terms> = {},
): Promise<{ item: Transition; note: Note }> {
  const { terms, context } = await termsOf(termsAsked);
  const request = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n, ...asked };
  const applied = applyTransition(owner.at.note, owner.at.leafIndex, snapshot, request);
  const prepared = prepareTransition(applied, snapshot, {
    spendSecret: owner.spendSecret,
    state: { root: tree.root, path: tree.path(owner.at.leafIndex) },
    context,
  });
  const { context: _, ...signals } = prepared.signals;
  const item = { tier: TIER.small, proof: await prove(prepared), signals, terms, payerSignature: "0x" };
  return { item, note: applied.after };
}

test("open, deposit and trade in batches, then flag, take over, inherit and reveal, verified by the real keys", {
  timeout: 300_000,
}, async () => {
  const { ledger, auction, fund, alice, usdc, addresses } = fixture;
  await market(PRICE, 0n);

  // Three accounts in one batch.
  const opened = [await opening(), await opening(), await opening()];
  await fixture.submitBatch({ openings: opened.map(({ item }) => item) });
  const owners = opened.map(
    ({ owner, note }, i): Owner => ({ ...owner, at: { note, leafIndex: BigInt(2 * i) } }),
  );
  pending = opened.flatMap(({ item }) => [item.signals.commitment, item.signals.accountTag]);
  await insert();

  // Their deposits in one, and a proof that is wrong sinks the whole of it.
  await market(PRICE, 0n);
  const amounts = [30_000n * USD, 500_000n * USD, 400_000n * USD];
  const deposits = [];
  for (const [i, owner] of owners.entries()) {
    deposits.push(await transition(owner, { deposit: amounts[i] }, { payer: alice.address }));
  }
  const items = deposits.map(({ item }) => item);
  const spoiled = items.with(1, { ...(items[1] as Transition), proof: (items[0] as Transition).proof });
  await expect(fixture.submitBatch({ transitions: spoiled }, alice)).rejects.toThrow(/BatchProofRejected/);
  await fixture.submitBatch({ transitions: items }, alice);
  expect(await usdc.balanceOf(addresses.ledger)).toBe(amounts.reduce((sum, amount) => sum + amount, 0n));
  for (const [i, owner] of owners.entries()) {
    owner.at = { note: (deposits[i] as { note: Note }).note, leafIndex: 16n + BigInt(i) };
  }
  pending = items.map(({ signals }) => signals.commitment);
  await insert();

  // The first buys 2,000 lots of the second.
  await market(PRICE, 10n);
  const [target, seller, keeper] = owners as [Owner, Owner, Owner];
  const trade = {
    legs: [{ id: PERPETUAL, size: 2_000n }],
    cash: -2_000n * PRICE,
    salt: randomElement(),
  };
  const sides = [
    await transition(target, { trade: { package: trade, side: 0 } }),
    await transition(seller, { trade: { package: trade, side: 1 } }),
  ];
  await fixture.submitBatch({ transitions: sides.map(({ item }) => item) });
  target.at = { note: (sides[0] as { note: Note }).note, leafIndex: 32n };
  pending = sides.map(({ item }) => item.signals.commitment);
  await insert();

  // The market falls by 8%: $14,000 of equity against $19,320 of margin.
  await market(92n * USD, 20n);
  const standing = standingOf(target.at.note, snapshot);
  expect(standing.equity).toBe(30_000n * USD - 2_000n * 8n * USD - 2_000n * 10n);
  const insolvency = async (point = 0n, at = target.at) => {
    const state = { root: tree.root, path: tree.path(at.leafIndex) };
    const prepared = prepareInsolvency(at.note, at.leafIndex, snapshot, state, point);
    const { stateRoot, snapshotRoot, nullifier, leafIndex } = prepared.signals;
    return { signals: { stateRoot, snapshotRoot, nullifier, leafIndex }, proof: await prove(prepared) };
  };
  const flag = await insolvency();
  await auction.flag(TIER.small, flag.proof, flag.signals);
  expect(await auction.isFlagged(flag.signals.nullifier)).toBe(true);

  // A keeper takes a slice at a later epoch.
  await fixture.advance(340);
  await market(92n * USD, 20n);
  const terms = { rate: 8_000n, restoration: RESTORATION, fee: 1_000n };
  const slice = sliceBounds(standing.equity, standing.margin.maintenance, terms).least;
  const applied = applyTakeOver(target.at, keeper.at, snapshot, { ...terms, slice });
  const { terms: takeOverTerms, context } = await termsOf();
  const prepared = prepareTakeOver(applied, snapshot, {
    spendSecret: keeper.spendSecret,
    state: {
      root: tree.root,
      targetPath: tree.path(target.at.leafIndex),
      keeperPath: tree.path(keeper.at.leafIndex),
    },
    context,
  });
  const { restoration, context: _, ...signals } = prepared.signals;
  expect(restoration).toBe(await auction.restoration());
  const takeOver: TakeOver = {
    tier: TIER.small,
    proof: await prove(prepared),
    signals,
    terms: takeOverTerms,
  };
  const fundBefore = await fund.balance();
  await ledger.takeOver(takeOver);
  expect(await fund.balance()).toBe(fundBefore - applied.reward - applied.deficit);

  // Both accounts are followed through it by what is on chain.
  const indexOf = (id: bigint): bigint => openRow(snapshot, id).row.fundingIndex;
  const targetAfter = decryptTargetChange(
    target.at.note,
    {
      leafIndex: target.at.leafIndex,
      commitment: signals.targetCommitment,
      escrow: signals.targetEscrow,
    },
    indexOf,
  );
  expect(targetAfter).toEqual(applied.target.after);
  expect(
    decryptKeeperChange(
      keeper.at.note,
      { leafIndex: keeper.at.leafIndex, commitment: signals.keeperCommitment, escrow: signals.keeperEscrow },
      indexOf,
    ),
  ).toEqual(applied.keeper.after);
  expect(commitmentOf(targetAfter)).toBe(signals.targetCommitment);
  pending = [signals.targetCommitment, signals.keeperCommitment];
  await insert();

  // The rest falls further; its flag and clock are inherited, so it is revealed fifteen minutes after the first flag, and within ten of
  // the take-over, which proved E < MM last.
  const rest: PlacedNote = { note: targetAfter, leafIndex: 48n };
  expect((await auction.flagOf(rest.leafIndex)).clockStart).not.toBe(0n);
  await fixture.advance(560);
  await market(85n * USD, 20n);
  const words = openingWords(rest.note);
  const about = {
    stateRoot: tree.root,
    snapshotRoot: snapshot.root,
    nullifier: spendOf(rest.note, rest.leafIndex).nullifier,
    leafIndex: rest.leafIndex,
  };
  const point = disclosurePoint(fixture.chainId, await auction.getAddress(), about, words);
  const reveal = await insolvency(point, rest);
  const altered = words.with(3, (words[3] as bigint) + 1n);
  await expect(auction.reveal(TIER.small, reveal.proof, reveal.signals, altered)).rejects.toThrow(
    /ProofRejected/,
  );
  await auction.reveal(TIER.small, reveal.proof, reveal.signals, words);
  expect(await auction.isRevealed(rest.leafIndex)).toBe(true);
});
