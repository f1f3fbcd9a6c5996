import { keccak256 } from "ethers";
import { encryptChange } from "../../protocol/accountEscrow.ts";
import type { Point } from "../../protocol/babyJubjub.ts";
import type { Chain } from "../../protocol/chain.ts";
import { readManifest } from "../../protocol/circuitFiles.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import { applyEvents, closedNodes, emptyHistory, type LedgerEvent } from "../../protocol/ledgerHistory.ts";
import {
  applyTakeOver,
  type PlacedNote,
  RESTORATION,
  sliceBounds,
  type TakeOver,
  type TakeOverRequest,
} from "../../protocol/liquidation.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import { commitmentOf, type Note } from "../../protocol/note.ts";
import { accountTagOf } from "../../protocol/openAccount.ts";
import { encryptOpening } from "../../protocol/openEscrow.ts";
import type { PostedSnapshot } from "../../protocol/postedSnapshot.ts";
import { pricesOf } from "../../protocol/pricedInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { encryptKeeperChange, encryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import { tradeTagOf } from "../../protocol/trade.ts";
import { applyTransition, type Transition, type TransitionRequest } from "../../protocol/transition.ts";

export const SPOT = 10n;
export const PERPETUAL = 11n;
export const SECOND_PERPETUAL = 21n;

const HOUR = 3_600_000;
const TIME = Date.UTC(2024, 0, 10);

/** Inputs of an epoch in a market of two underlyings with a spot and two perpetuals; the index in micro-USDC. */
export function marketInputs(epoch: number, index = 50_000_000_000, fundingIndex = 0): MarketInputs {
  const scan = {
    model: "volatile",
    floor: 120_000,
    cap: 350_000,
    realizedVolatility: 500_000,
    previousRange: 0,
  } as const;
  return {
    epoch,
    time: TIME + epoch * HOUR,
    previousTime: 0,
    baseImFactor: 85_197,
    priceBand: 327_680,
    debtLimit: 0,
    underlyings: [
      {
        name: "BTC",
        index,
        scan,
        concentrationUnits: 1_000,
        spot: { id: Number(SPOT), lotExponent: -2 },
        perpetual: { id: Number(PERPETUAL), lotExponent: -2, mark: index, fundingIndex },
        expiries: [],
        settled: [],
      },
      {
        name: "ETH",
        index: index / 20,
        scan,
        concentrationUnits: 1_000,
        perpetual: {
          id: Number(SECOND_PERPETUAL),
          lotExponent: -1,
          mark: index / 20,
          fundingIndex: -fundingIndex,
        },
        expiries: [],
        settled: [],
      },
    ],
    archives: [],
  };
}

/** A request that moves nothing. */
export const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** A chain made of events alone, that accepts what it is given. Every action is a block. */
export interface FakeChain extends Chain {
  events: { block: number; event: LedgerEvent }[];
  posted: PostedSnapshot[];
  /** The latest snapshot. */
  snapshot(): MarketSnapshot;
  post(inputs: MarketInputs): MarketSnapshot;
  /** Opens an account and returns the place of its note. */
  open(note: Note, entitySecret: bigint, number: bigint): bigint;
  /** Applies a transition by the model on the latest snapshot; returns it and the new note's place. */
  transact(
    note: Note,
    leafIndex: bigint,
    request: Partial<TransitionRequest>,
  ): { transition: Transition; leafIndex: bigint };
  /** Applies a take-over by the model on the latest snapshot, of the largest slice unless told; returns it and the place of the target's new note, before the keeper's. */
  takeOver(
    target: PlacedNote,
    keeper: PlacedNote,
    request: Partial<TakeOverRequest>,
  ): { takeOver: TakeOver; leafIndex: bigint };
  /** Seals the open node and inserts all closed ones. */
  insertAll(): void;
}

/** A fake chain whose ledger has the manifest's keys. */
export async function fakeChain(committeeKey: Point): Promise<FakeChain> {
  const manifest = await readManifest();
  const history = emptyHistory();
  const events: FakeChain["events"] = [];
  const posted: PostedSnapshot[] = [];
  const snapshots: MarketSnapshot[] = [];
  let block = 0;
  const emit = (event: LedgerEvent): void => {
    applyEvents(history, [event]);
    events.push({ block, event });
  };
  const snapshot = (): MarketSnapshot => snapshots.at(-1) as MarketSnapshot;

  return {
    chainId: 31_337n,
    ledger: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
    events,
    posted,
    snapshot,
    blockNumber: async () => block,
    blockTime: async (at) => BigInt(TIME) / 1000n + 3600n * BigInt(at),
    ledgerEvents: async (from, to) =>
      events.filter((entry) => entry.block >= from && entry.block <= to).map(({ event }) => event),
    latestSnapshot: async (at) => posted.findLast((entry) => entry.block <= at),
    snapshotOf: async (root, at) => posted.find((entry) => entry.root === root && entry.block <= at),
    keyHash: async (circuit) => manifest.find(({ name }) => name === circuit)?.verifyingKeyHash as string,
    committeeKey: async () => [...committeeKey],
    post(inputs) {
      block++;
      const built = buildSnapshot(inputs);
      const bytes = encodeInputs(inputs);
      snapshots.push(built);
      posted.push({
        epoch: built.epoch,
        time: BigInt(inputs.time) / 1000n,
        root: built.root,
        steady: true,
        inputsHash: keccak256(bytes),
        inputs: bytes,
        ...pricesOf(inputs),
        block,
      });
      return built;
    },
    open(note, entitySecret, number) {
      block++;
      const commitment = commitmentOf(note);
      const accountTag = accountTagOf(entitySecret, number);
      const leafIndex = history.tail;
      const escrow = encryptOpening(note, commitment, committeeKey);
      emit({ kind: "opened", commitment, accountTag, leafIndex, escrow });
      return leafIndex;
    },
    transact(note, leafIndex, request) {
      block++;
      const full = { ...NOTHING, ...request };
      const transition = applyTransition(note, leafIndex, snapshot(), full);
      const { nullifier, after } = transition;
      const commitment = commitmentOf(after);
      const place = history.tail;
      const { mode, asset, deposit, withdrawal, fee, trade } = full;
      emit({
        kind: "transitioned",
        nullifier,
        commitment,
        leafIndex: place,
        snapshotRoot: snapshot().root,
        mode,
        asset,
        deposit,
        withdrawal,
        fee,
        tradeTag: trade === undefined ? 0n : tradeTagOf(trade.package),
        escrow: encryptChange(note, after),
      });
      return { transition, leafIndex: place };
    },
    takeOver(target, keeper, request) {
      block++;
      const terms = { rate: 0n, restoration: RESTORATION, fee: 0n, ...request };
      const { equity, margin } = standingOf(target.note, snapshot());
      const full = { slice: sliceBounds(equity, margin.maintenance, terms).most, ...terms };
      const takeOver = applyTakeOver(target, keeper, snapshot(), full);
      const leafIndex = history.tail;
      emit({
        kind: "takenOver",
        targetNullifier: takeOver.target.nullifier,
        keeperNullifier: takeOver.keeper.nullifier,
        targetLeafIndex: target.leafIndex,
        targetCommitment: commitmentOf(takeOver.target.after),
        keeperCommitment: commitmentOf(takeOver.keeper.after),
        leafIndex,
        snapshotRoot: snapshot().root,
        rate: full.rate,
        deficit: takeOver.deficit,
        reward: takeOver.reward,
        uncovered: 0n,
        cured: takeOver.cured,
        fee: full.fee,
        targetEscrow: encryptTargetChange(target.note, takeOver.target.after),
        keeperEscrow: encryptKeeperChange(keeper.note, takeOver.keeper.after),
      });
      return { takeOver, leafIndex };
    },
    insertAll() {
      block++;
      if (history.tail % 16n !== 0n) emit({ kind: "sealed", nodeIndex: history.tail / 16n });
      for (const { nodeIndex, leaves } of closedNodes(history)) {
        const { newRoot } = history.tree.insertionInput(nodeIndex, leaves);
        emit({ kind: "inserted", nodeIndex: BigInt(nodeIndex), root: newRoot });
      }
    },
  };
}
