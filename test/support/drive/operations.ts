import { expect } from "vitest";
import { encryptChange } from "../../../protocol/accountEscrow.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { openingWords, prepareInsolvency } from "../../../protocol/insolvency.ts";
import {
  checkTakeOver,
  computeTakeOver,
  RESTORATION,
  type TakeOver,
  type TakeOverRequest,
  WHOLE,
} from "../../../protocol/liquidation.ts";
import { commitmentOf, spendOf } from "../../../protocol/note.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { encryptKeeperChange, encryptTargetChange } from "../../../protocol/takeOverEscrow.ts";
import { tierFor } from "../../../protocol/tier.ts";
import { type TradePackage, tradeTagOf } from "../../../protocol/trade.ts";
import {
  applyTransition,
  openRow,
  shapeOf,
  type Transition,
  type TransitionRequest,
} from "../../../protocol/transition.ts";
import {
  applyBid,
  applyFlag,
  type Insolvent,
  verdictOnBid,
  verdictOnClear,
  verdictOnFlag,
  verdictOnReveal,
} from "./auctionModel.ts";
import {
  applyFundDeposit,
  applyPayment,
  applyPayout,
  verdictOnPayment,
  verdictOnTransition,
} from "./fundModel.ts";
import type { Person } from "./people.ts";
import { checkConservation, countRefusal, emit, tick, type World } from "./world.ts";

/*
 * What can be done in a drive. Each operation is judged by the rules, by the model of the contracts, and by the contracts and circuits
 * that are driven beside; all must agree. Returns whether it was admitted.
 */

/** The name of the rule that refuses, or what the computation gives. */
function judged<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
}

const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

function land(world: World, person: Person, transition: Transition): void {
  const { after, nullifier, request } = transition;
  const commitment = commitmentOf(after);
  const { mode, asset, deposit, withdrawal, fee, trade } = request;
  const leafIndex = world.history.tail;
  emit(world, {
    kind: "transitioned",
    nullifier,
    commitment,
    leafIndex,
    snapshotRoot: world.snapshot.root,
    mode,
    asset,
    deposit,
    withdrawal,
    fee,
    tradeTag: trade === undefined ? 0n : tradeTagOf(trade.package),
    escrow: encryptChange(transition.before, after),
  });
  if (asset === 0n) world.fund.ledgerCash += deposit;
  else world.spot.set(asset, (world.spot.get(asset) ?? 0n) + deposit - withdrawal);
  if (asset === 0n && withdrawal > 0n) applyPayout(world.fund, withdrawal, world.now);
  if (fee > 0n) applyPayout(world.fund, fee, world.now);
  person.note = after;
  person.leafIndex = leafIndex;
  world.tally.transitions++;
}

/** Puts one or two transitions before the contracts and, when they are admitted, applies them. */
async function submitAll(
  world: World,
  parts: readonly { person: Person; transition: Transition }[],
): Promise<boolean> {
  const now = tick(world);
  const expected = parts
    .map(({ transition: { request } }) =>
      verdictOnTransition(world.fund, request.mode, request.withdrawal, now),
    )
    .find((verdict) => verdict !== undefined);
  if (world.contracts !== undefined) {
    const items = parts.map(({ transition }) => {
      const { request, nullifier, before, after } = transition;
      const { mode, asset, deposit, withdrawal, fee, trade } = request;
      return {
        tier: tierFor(shapeOf(transition)).name,
        signals: {
          stateRoot: world.history.tree.root,
          snapshotRoot: world.snapshot.root,
          registryRoot: 0n,
          nullifier,
          commitment: commitmentOf(after),
          mode,
          asset,
          deposit,
          withdrawal,
          fee,
          tradeTag: trade === undefined ? 0n : tradeTagOf(trade.package),
          side: BigInt(trade?.side ?? 0),
          escrow: encryptChange(before, after),
        },
      };
    });
    expect(await world.contracts.submit(now, items), "verdict on a transition").toBe(expected);
  }
  if (expected !== undefined) {
    countRefusal(world, expected);
    return false;
  }
  for (const { person, transition } of parts) land(world, person, transition);
  await checkConservation(world);
  return true;
}

/** A deposit or withdrawal, or any other transition that is no trade. */
export async function transact(
  world: World,
  person: Person,
  request: Partial<TransitionRequest>,
): Promise<boolean> {
  const transition = judged(() =>
    applyTransition(person.note, person.leafIndex, world.snapshot, { ...NOTHING, ...request }),
  );
  if (typeof transition === "string") {
    countRefusal(world, transition);
    return false;
  }
  return submitAll(world, [{ person, transition }]);
}

/**
 * A trade at the marks: `person` receives `legs`, `partner` gives them. While only reduction is admitted, `person` asks for mode 1 and
 * `partner` too: both must be safe.
 */
export async function trade(
  world: World,
  person: Person,
  partner: Person,
  legs: readonly { id: bigint; size: bigint }[],
  mode = 0n,
): Promise<boolean> {
  const { snapshot, random } = world;
  const cash = legs.reduce((sum, { id, size }) => sum - size * openRow(snapshot, id).row.mark, 0n);
  const agreed: TradePackage = { legs: [...legs], cash, salt: random.between(1n, 1n << 200n) };
  const sides = judged(() =>
    ([0, 1] as const).map((side) => {
      const who = side === 0 ? person : partner;
      const request = { ...NOTHING, mode, trade: { package: agreed, side } };
      return { person: who, transition: applyTransition(who.note, who.leafIndex, snapshot, request) };
    }),
  );
  if (typeof sides === "string") {
    countRefusal(world, sides);
    return false;
  }
  const admitted = await submitAll(world, sides);
  if (admitted) world.tally.trades++;
  return admitted;
}

function insolvent(world: World, { note, leafIndex }: Person): Insolvent {
  return { leafIndex, nullifier: spendOf(note, leafIndex).nullifier, epoch: world.snapshot.epoch };
}

/** Whether an account's equity is below its margin now. */
export function isBelow(world: World, { note }: Person): boolean {
  const { equity, margin } = standingOf(note, world.snapshot);
  return equity < margin.maintenance;
}

/** Proves that an account is below its margin: a first flag, or a renewal. */
export async function flag(world: World, person: Person): Promise<boolean> {
  const { history, snapshot, auction } = world;
  const note = insolvent(world, person);
  const { root } = history.tree;
  const prepared = judged(() =>
    prepareInsolvency(person.note, person.leafIndex, snapshot, {
      root,
      path: history.tree.path(person.leafIndex),
    }),
  );
  await world.circuits?.insolvency(world, person, prepared);
  if (typeof prepared === "string") {
    countRefusal(world, prepared);
    return false;
  }
  const now = tick(world);
  const expected = verdictOnFlag(auction, note, now);
  if (world.contracts !== undefined) {
    const verdict = await world.contracts.flag(now, prepared);
    expect(verdict, "verdict on a flag").toBe(expected);
  }
  if (expected !== undefined) {
    countRefusal(world, expected);
    return false;
  }
  const clock = auction.flags.get(note.leafIndex)?.clockStart;
  applyFlag(auction, note, now);
  if (auction.flags.get(note.leafIndex)?.clockStart === clock) world.tally.renewals++;
  else world.tally.flags++;
  await world.contracts?.checkFlag(note.leafIndex, auction.flags.get(note.leafIndex));
  return true;
}

/** The owner proves that a flagged account meets its margin again. */
export async function clear(world: World, person: Person): Promise<boolean> {
  const { history, snapshot, auction } = world;
  const { note, leafIndex } = person;
  if (isBelow(world, person)) return false;
  const now = tick(world);
  const expected = verdictOnClear(auction, leafIndex, now);
  if (world.contracts !== undefined) {
    const verdict = await world.contracts.clear(now, {
      stateRoot: history.tree.root,
      snapshotRoot: snapshot.root,
      nullifier: spendOf(note, leafIndex).nullifier,
      leafIndex,
      ratio: 65_536n,
      excess: 0n,
      entity: note.entity,
    });
    expect(verdict, "verdict on a clearing").toBe(expected);
  }
  if (expected !== undefined) {
    countRefusal(world, expected);
    return false;
  }
  auction.flags.delete(leafIndex);
  world.tally.cleared++;
  return true;
}

/** Publishes the opening of a flagged account. */
export async function reveal(world: World, person: Person): Promise<boolean> {
  const { history, snapshot, auction } = world;
  const note = insolvent(world, person);
  if (!isBelow(world, person)) return false;
  const now = tick(world);
  const expected = verdictOnReveal(auction, note, now);
  if (world.contracts !== undefined) {
    const state = { root: history.tree.root, path: history.tree.path(person.leafIndex) };
    const words = openingWords(person.note);
    const verdict = await world.contracts.reveal(now, words, { stateRoot: state.root, ...note }, (point) =>
      prepareInsolvency(person.note, person.leafIndex, snapshot, state, point),
    );
    expect(verdict, "verdict on a reveal").toBe(expected);
  }
  if (expected !== undefined) {
    countRefusal(world, expected);
    return false;
  }
  applyFlag(auction, note, now);
  auction.revealed.add(note.leafIndex);
  world.tally.reveals++;
  return true;
}

function landTakeOver(world: World, target: Person, keeper: Person, takeOver: TakeOver): void {
  const { tally, fund, auction, snapshot, history } = world;
  const { deficit, reward, request, cured } = takeOver;
  const uncovered = applyPayment(fund, deficit, reward, snapshot.epoch, world.now);
  if (request.fee > 0n) applyPayout(fund, request.fee, world.now);
  const leafIndex = history.tail;
  applyBid(auction, target.leafIndex, leafIndex, cured, world.now);
  emit(world, {
    kind: "takenOver",
    targetNullifier: takeOver.target.nullifier,
    keeperNullifier: takeOver.keeper.nullifier,
    targetLeafIndex: target.leafIndex,
    targetCommitment: commitmentOf(takeOver.target.after),
    keeperCommitment: commitmentOf(takeOver.keeper.after),
    leafIndex,
    snapshotRoot: snapshot.root,
    rate: request.rate,
    deficit,
    reward,
    uncovered,
    cured,
    fee: request.fee,
    targetEscrow: encryptTargetChange(target.note, takeOver.target.after),
    keeperEscrow: encryptKeeperChange(keeper.note, takeOver.keeper.after),
  });
  Object.assign(target, { note: takeOver.target.after, leafIndex });
  Object.assign(keeper, { note: takeOver.keeper.after, leafIndex: leafIndex + 1n });
  tally.takeOvers++;
  if (cured) tally.cured++;
  if (request.slice === WHOLE) tally.whole++;
  if (deficit > 0n) {
    tally.writeOffs++;
    if (takeOver.legs.every(({ live }) => live === 0n)) tally.writeOffsWithoutLegs++;
  }
  tally.deficits += deficit;
  tally.rewards += reward;
  tally.uncovered += uncovered;
}

/** A keeper's bid for a slice of an account. */
export async function takeOver(
  world: World,
  target: Person,
  keeper: Person,
  asked: Omit<TakeOverRequest, "restoration">,
): Promise<boolean> {
  const { snapshot, history } = world;
  const request = { ...asked, restoration: RESTORATION };
  const computed = computeTakeOver(target, keeper, snapshot, request);
  const checked = judged(() => checkTakeOver(computed, snapshot));
  await world.circuits?.takeOver(world, keeper, computed, typeof checked === "string" ? checked : undefined);
  if (typeof checked === "string") {
    countRefusal(world, checked);
    return false;
  }
  const now = tick(world);
  const expected =
    verdictOnBid(world.auction, insolvent(world, target), request.rate, now) ??
    verdictOnPayment(world.fund, checked.deficit, checked.reward, snapshot.epoch);
  if (world.contracts !== undefined) {
    const verdict = await world.contracts.takeOver(now, checked, {
      stateRoot: history.tree.root,
      snapshotRoot: snapshot.root,
      registryRoot: 0n,
      targetNullifier: checked.target.nullifier,
      targetLeafIndex: target.leafIndex,
      targetCommitment: commitmentOf(checked.target.after),
      keeperNullifier: checked.keeper.nullifier,
      keeperCommitment: commitmentOf(checked.keeper.after),
      rate: request.rate,
      deficit: checked.deficit,
      reward: checked.reward,
      cured: checked.cured ? 1n : 0n,
      fee: request.fee,
      targetEscrow: encryptTargetChange(target.note, checked.target.after),
      keeperEscrow: encryptKeeperChange(keeper.note, checked.keeper.after),
    });
    expect(verdict, "verdict on a take-over").toBe(expected);
  }
  if (expected !== undefined) {
    countRefusal(world, expected);
    return false;
  }
  landTakeOver(world, target, keeper, checked);
  await world.contracts?.checkFlag(target.leafIndex, world.auction.flags.get(target.leafIndex));
  await checkConservation(world);
  return true;
}

/** Somebody pays into the insurance fund. */
export async function fundDeposit(world: World, amount: bigint): Promise<void> {
  await world.contracts?.fundDeposit(tick(world), amount);
  applyFundDeposit(world.fund, amount);
  await checkConservation(world);
}
