import { expect } from "vitest";
import type { Point } from "../../../protocol/babyJubjub.ts";
import { KIND } from "../../../protocol/constants.ts";
import {
  applyEvents,
  closedNodes,
  emptyHistory,
  isInserted,
  type LedgerEvent,
  type LedgerHistory,
} from "../../../protocol/ledgerHistory.ts";
import type { MarketInputs } from "../../../protocol/marketInputs.ts";
import { commitmentOf } from "../../../protocol/note.ts";
import { accountTagOf } from "../../../protocol/openAccount.ts";
import { encryptOpening } from "../../../protocol/openEscrow.ts";
import { buildSnapshot, type MarketSnapshot } from "../../../protocol/snapshot.ts";
import { openRow } from "../../../protocol/transition.ts";
import type { Random } from "../random.ts";
import { type AuctionModel, emptyAuction } from "./auctionModel.ts";
import type { CircuitSide } from "./circuits.ts";
import type { ContractSide } from "./contracts.ts";
import { emptyFund, type FundModel } from "./fundModel.ts";
import type { Person } from "./people.ts";

/** What happened in a drive. Amounts in micro-USDC. */
export interface Tally {
  epochs: number;
  transitions: number;
  trades: number;
  flags: number;
  renewals: number;
  cleared: number;
  reveals: number;
  takeOvers: number;
  cured: number;
  /** Take-overs of the whole account. */
  whole: number;
  /** Take-overs that paid a deficit, and how many of these took no leg. */
  writeOffs: number;
  writeOffsWithoutLegs: number;
  deficits: bigint;
  rewards: bigint;
  uncovered: bigint;
  /** Refusals by rule or by contract, by name. */
  refused: Map<string, number>;
  /** Statements that the circuits judged, of those what they refused with the model. */
  circuitStatements: number;
  circuitRefusals: number;
}

/** A ledger and its market in one drive: the reference model, and what is driven beside it. */
export interface World {
  random: Random;
  committeeKey: Point;
  people: Person[];
  /** The ledger as the model's own events make it. */
  history: LedgerHistory;
  snapshot: MarketSnapshot;
  /** Time of the next call, Unix seconds. */
  now: bigint;
  auction: AuctionModel;
  fund: FundModel;
  /** Lots of spot that were deposited, less those withdrawn, by asset. */
  spot: Map<bigint, bigint>;
  contracts?: ContractSide;
  circuits?: CircuitSide;
  tally: Tally;
}

export function newWorld(
  random: Random,
  people: Person[],
  inputs: MarketInputs,
  options: Pick<World, "committeeKey" | "contracts" | "circuits"> & { floor: bigint },
): World {
  const { floor, ...sides } = options;
  return {
    random,
    people,
    history: emptyHistory(),
    snapshot: buildSnapshot(inputs),
    now: BigInt(inputs.time) / 1000n,
    auction: emptyAuction(),
    fund: emptyFund(floor),
    spot: new Map(),
    tally: {
      epochs: 0,
      transitions: 0,
      trades: 0,
      flags: 0,
      renewals: 0,
      cleared: 0,
      reveals: 0,
      takeOvers: 0,
      cured: 0,
      whole: 0,
      writeOffs: 0,
      writeOffsWithoutLegs: 0,
      deficits: 0n,
      rewards: 0n,
      uncovered: 0n,
      refused: new Map(),
      circuitStatements: 0,
      circuitRefusals: 0,
    },
    ...sides,
  };
}

/** Seconds from one call to the next: up to two proofs are declared in blocks of their own before it. */
export const CALL_SECONDS = 3n;

/** Gives the next call its time. */
export function tick(world: World): bigint {
  world.now += CALL_SECONDS;
  return world.now;
}

export function emit(world: World, event: LedgerEvent): void {
  applyEvents(world.history, [event]);
}

export function countRefusal(world: World, name: string): void {
  world.tally.refused.set(name, (world.tally.refused.get(name) ?? 0) + 1);
}

/** An account's note is in the state tree, so that it can be spent or flagged. */
export const isReady = (world: World, { leafIndex }: Person): boolean => isInserted(world.history, leafIndex);

/** Posts the snapshot of new inputs. */
export async function post(world: World, inputs: MarketInputs): Promise<void> {
  world.snapshot = buildSnapshot(inputs);
  world.now = BigInt(Math.ceil(inputs.time / 1000)) + 1n;
  world.tally.epochs++;
  await world.contracts?.post(world.now, world.snapshot);
}

/** Opens a person's account. */
export async function openAccount(world: World, person: Person): Promise<void> {
  const { secrets, note } = person;
  const commitment = commitmentOf(note);
  const accountTag = accountTagOf(secrets.entitySecret, 1n);
  const escrow = encryptOpening(note, commitment, world.committeeKey);
  const now = tick(world);
  const verdict = await world.contracts?.open(now, {
    stateRoot: world.history.tree.root,
    registryRoot: 0n,
    epoch: world.snapshot.epoch,
    commitment,
    accountTag,
    escrow,
  });
  expect(verdict).toBeUndefined();
  person.leafIndex = world.history.tail;
  emit(world, { kind: "opened", commitment, accountTag, leafIndex: person.leafIndex, escrow });
}

/** Seals the open node once it is old enough, and writes every closed one. */
export async function writeQueue(world: World): Promise<void> {
  const { history, contracts } = world;
  if (history.tail % 16n !== 0n) {
    world.now += 31n;
    await contracts?.seal(world.now);
    emit(world, { kind: "sealed", nodeIndex: history.tail / 16n });
  }
  for (const { nodeIndex, leaves } of closedNodes(history)) {
    const insertion = history.tree.insertionInput(nodeIndex, leaves);
    await contracts?.insert(tick(world), insertion);
    emit(world, { kind: "inserted", nodeIndex: BigInt(nodeIndex), root: insertion.newRoot });
  }
}

/**
 * Conservation of every asset. In the model: what the accounts own of cash, with pending funding counted, is what the ledger holds and what
 * is uncovered; positions of each perpetual and unsettled option sum to zero; spot legs are what was deposited. On the chain: the
 * contracts hold exactly the tokens that the model says.
 */
export async function checkConservation(world: World): Promise<void> {
  const { people, snapshot, fund, spot } = world;
  let owned = 0n;
  const sizes = new Map<bigint, bigint>();
  for (const { note } of people) {
    owned += note.cash;
    for (const { id, size, fundingIndex } of note.legs) {
      if (size === 0n) continue;
      owned -= size * (openRow(snapshot, id).row.fundingIndex - fundingIndex);
      sizes.set(id, (sizes.get(id) ?? 0n) + size);
    }
  }
  expect(owned, "cash of all accounts").toBe(fund.ledgerCash + fund.uncovered);
  for (const [id, total] of sizes) {
    const { row } = openRow(snapshot, id);
    // A settled leg stays in a note until its next touch.
    if (row.settled) continue;
    expect(total, `instrument ${id}`).toBe(row.kind === KIND.spot ? (spot.get(id) ?? 0n) : 0n);
  }
  await world.contracts?.checkHoldings(world);
}
