import { clearContext, disclosurePoint } from "../../contracts/auction.ts";
import type { Terms } from "../../contracts/signing.ts";
import {
  insolvencyInputs,
  solvencyInputs,
  TIER,
  type TransitionSignals,
} from "../../contracts/statements.ts";
import { encryptChange } from "../../protocol/accountEscrow.ts";
import { NOTE_LEGS } from "../../protocol/constants.ts";
import { openingWords } from "../../protocol/insolvency.ts";
import { EMPTY_LEG, type Leg } from "../../protocol/leg.ts";
import {
  computeTakeOver,
  type PlacedNote,
  RESTORATION,
  type TakeOverRequest,
} from "../../protocol/liquidation.ts";
import { commitmentOf, spendOf } from "../../protocol/note.ts";
import { accountTagOf } from "../../protocol/openAccount.ts";
import { encryptOpening } from "../../protocol/openEscrow.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { encryptKeeperChange, encryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import { tierFor } from "../../protocol/tier.ts";
import { type TradePackage, tradeTagOf } from "../../protocol/trade.ts";
import { applyTransition, shapeOf, type TransitionRequest } from "../../protocol/transition.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { batchArguments, COMMITTEE_KEY, type LedgerFixture } from "../support/ledgerFixture.ts";
import type { Receipt } from "./observer.ts";

/*
 * What accounts do on a chain with the ideal verifier: the statements are those of the reference model, of real notes, so that whatever depends on
 * private values depends on them here too.
 */

/** One act of a history; its receipt is what the chain keeps of it. */
export type Act = (fixture: LedgerFixture) => Promise<Receipt>;

const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** An account of institution `who`: its secrets' first note with this cash and these legs, at a place of the tree. */
export function accountOf(who: number, cash: bigint, legs: readonly Leg[] = [], leafIndex = 3n): PlacedNote {
  const secrets = accountSecrets(new Uint8Array(32).fill(who), 1n, { chainId: 31337n, ledger: "0x01" });
  const places = Array.from({ length: NOTE_LEGS }, (_, place) => legs[place] ?? EMPTY_LEG);
  return { note: { ...firstNote(secrets), cash, legs: places }, leafIndex };
}

/** What a request makes of an account: the model's signals, and the account afterwards at its next place. */
export function moved(
  { note, leafIndex }: PlacedNote,
  snapshot: Snapshot,
  asked: Partial<TransitionRequest>,
): { signals: Partial<TransitionSignals>; tier: "small" | "large"; after: PlacedNote } {
  const request = { ...NOTHING, ...asked };
  const transition = applyTransition(note, leafIndex, snapshot, request);
  const { nullifier, after } = transition;
  const { trade, ...amounts } = request;
  return {
    signals: {
      ...amounts,
      nullifier,
      commitment: commitmentOf(after),
      tradeTag: trade === undefined ? 0n : tradeTagOf(trade.package),
      side: BigInt(trade?.side ?? 0),
      escrow: encryptChange(note, after),
    },
    tier: tierFor(shapeOf(transition)).name,
    after: { note: after, leafIndex: leafIndex + 100n },
  };
}

/** Terms with a deadline that does not depend on when a history is played. */
const DEADLINE = 4_000_000_000n;

/** An account makes a transition that is no trade. Alice sends and pays. */
export function transacts(
  account: PlacedNote,
  snapshot: Snapshot,
  asked: Partial<TransitionRequest>,
  {
    terms = {},
    signals = async () => ({}),
  }: {
    terms?: Partial<Terms>;
    signals?: (fixture: LedgerFixture) => Promise<Partial<TransitionSignals>>;
  } = {},
): Act {
  return async (fixture) => {
    const { signals: own, tier } = moved(account, snapshot, asked);
    const { alice } = fixture;
    const all = {
      payer: alice.address,
      ...(asked.withdrawal !== undefined && { recipient: alice.address }),
      deadline: DEADLINE,
      ...terms,
    };
    const proven = await fixture.transition({ ...own, ...(await signals(fixture)) }, all, tier);
    return (await fixture.as(alice).submit(proven)).wait();
  };
}

/** Two accounts trade a package. */
export function trades(one: PlacedNote, other: PlacedNote, snapshot: Snapshot, agreed: TradePackage): Act {
  return async (fixture) => {
    const sides = [];
    for (const [side, account] of [one, other].entries()) {
      const trade = { package: agreed, side: side as 0 | 1 };
      const { signals, tier } = moved(account, snapshot, { trade });
      sides.push(await fixture.transition(signals, { deadline: DEADLINE }, tier));
    }
    const [first, second] = sides as [(typeof sides)[number], (typeof sides)[number]];
    return (await fixture.as(fixture.alice).submitTrade(first, second)).wait();
  };
}

/** An institution opens its account of this number. */
export function opens(who: number, number: bigint): Act {
  return async (fixture) => {
    const scope = { chainId: fixture.chainId, ledger: fixture.addresses.ledger };
    const secrets = accountSecrets(new Uint8Array(32).fill(who), number, scope);
    const note = firstNote(secrets);
    const commitment = commitmentOf(note);
    const signals = {
      commitment,
      accountTag: accountTagOf(secrets.entitySecret, number),
      escrow: encryptOpening(note, commitment, COMMITTEE_KEY),
    };
    return (
      await fixture.as(fixture.alice).open(...(await fixture.opening(signals, { deadline: DEADLINE })))
    ).wait();
  };
}

/** Several transitions go as a batch, in this order; one that is named twice is skipped the second time. */
export function batches(
  snapshot: Snapshot,
  accounts: readonly [PlacedNote, Partial<TransitionRequest>][],
): Act {
  return async (fixture) => {
    const transitions = [];
    for (const [account, asked] of accounts) {
      const { signals, tier } = moved(account, snapshot, asked);
      transitions.push(await fixture.transition(signals, { deadline: DEADLINE }, tier));
    }
    return (await fixture.as(fixture.alice).submitBatch(...batchArguments({ transitions }))).wait();
  };
}

const latestRoot = async ({ oracle }: LedgerFixture): Promise<bigint> => (await oracle.latest())[0];

/** Somebody proves that an account is below its margin. */
export function flags({ note, leafIndex }: PlacedNote): Act {
  return async (fixture) => {
    const { auction, ledger } = fixture;
    const { nullifier } = spendOf(note, leafIndex);
    const signals = {
      ...{
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: await latestRoot(fixture),
        nullifier,
        leafIndex,
      },
    };
    const inputs = insolvencyInputs({ ...signals, disclosurePoint: 0n, disclosureValue: 0n });
    return (await auction.flag(TIER.small, await fixture.prove("insolvency.small", inputs), signals)).wait();
  };
}

/** The owner proves that it is not. */
export function clears({ note, leafIndex }: PlacedNote): Act {
  return async (fixture) => {
    const { auction, ledger, chainId } = fixture;
    const { nullifier } = spendOf(note, leafIndex);
    const signals = {
      ...{
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: await latestRoot(fixture),
        nullifier,
        leafIndex,
      },
      ...{ ratio: 65_536n, excess: 0n, entity: note.entity },
    };
    const context = clearContext(chainId, await auction.getAddress());
    const proof = await fixture.prove("solvency.small", solvencyInputs({ ...signals, context }));
    return (await auction.clear(TIER.small, proof, signals)).wait();
  };
}

/** The account's opening is published, fifteen minutes after its flag. */
export function reveals({ note, leafIndex }: PlacedNote): Act {
  return async (fixture) => {
    const { auction, ledger, chainId } = fixture;
    for (const minutes of [1, 8, 8]) {
      await fixture.advance(60 * minutes);
      await fixture.postSnapshot();
      await flags({ note, leafIndex })(fixture);
    }
    const words = openingWords(note);
    const { nullifier } = spendOf(note, leafIndex);
    const signals = {
      ...{
        stateRoot: await ledger.stateRoot(),
        snapshotRoot: await latestRoot(fixture),
        nullifier,
        leafIndex,
      },
    };
    const point = disclosurePoint(chainId, await auction.getAddress(), signals, words);
    const disclosed = { disclosurePoint: point, disclosureValue: wordsDigest(words, point) };
    const proof = await fixture.prove("insolvency.small", insolvencyInputs({ ...signals, ...disclosed }));
    return (await auction.reveal(TIER.small, proof, signals, words)).wait();
  };
}

/** A keeper takes over a slice of a flagged account, an epoch after the flag. */
export function takesOver(
  target: PlacedNote,
  keeper: PlacedNote,
  snapshot: Snapshot,
  asked: Partial<TakeOverRequest> = {},
): Act {
  return async (fixture) => {
    const request = { slice: 16_384n, rate: 3_276n, restoration: RESTORATION, fee: 0n, ...asked };
    const taken = computeTakeOver(target, keeper, snapshot, request);
    const signals = {
      targetNullifier: taken.target.nullifier,
      targetLeafIndex: target.leafIndex,
      targetCommitment: commitmentOf(taken.target.after),
      keeperNullifier: taken.keeper.nullifier,
      keeperCommitment: commitmentOf(taken.keeper.after),
      rate: request.rate,
      deficit: taken.deficit,
      reward: taken.reward,
      cured: taken.cured ? 1n : 0n,
      targetEscrow: encryptTargetChange(target.note, taken.target.after),
      keeperEscrow: encryptKeeperChange(keeper.note, taken.keeper.after),
    };
    const proven = await fixture.flaggedTakeOver(signals, { deadline: DEADLINE });
    return (await fixture.as(fixture.alice).takeOver(proven)).wait();
  };
}

/** The reporters post an epoch. */
export function posts(steady = true): Act {
  return async (fixture) => {
    const { oracle, ethers } = fixture;
    await fixture.postSnapshot({ steady });
    const [log] = await oracle.queryFilter(oracle.filters.SnapshotPosted!(), "latest");
    return (await ethers.provider.getTransactionReceipt(
      (log as { transactionHash: string }).transactionHash,
    ))!;
  };
}

/** An act some minutes later. */
export function later(minutes: number, act: Act): Act {
  return async (fixture) => {
    await fixture.advance(60 * minutes);
    return act(fixture);
  };
}
