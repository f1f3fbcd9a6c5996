import { expect } from "vitest";
import { KIND, MODE } from "../../../protocol/constants.ts";
import { RESTORATION, sliceBounds, WHOLE } from "../../../protocol/liquidation.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { openRow } from "../../../protocol/transition.ts";
import { activeFlag, permittedRate } from "./auctionModel.ts";
import { lockedUntil } from "./fundModel.ts";
import { inputsAt, SETTLES_IN_THE_FALL } from "./market.ts";
import { clear, flag, fundDeposit, isBelow, reveal, takeOver, trade, transact } from "./operations.ts";
import { KEEPER_CASH, liveLegs, MAKER_CASH, type Person, traderStart } from "./people.ts";
import { checkConservation, isReady, openAccount, post, type World, writeQueue } from "./world.ts";

const USDC = 1_000_000n;
const MINUTE_MS = 60_000;
const PACKAGE_LEGS = 4;

/** From one epoch to the next while some account is flagged or below its margin, and while none is. */
const BUSY_MS = 6 * MINUTE_MS;
const QUIET_MS = 60 * MINUTE_MS;
/** Seconds after which a set-up takes the next epoch's snapshot. */
const FRESH_SECONDS = 100n;

const byRole = (world: World, role: Person["role"]): Person[] =>
  world.people.filter((person) => person.role === role);

/** Time of the present epoch, milliseconds since 1970. */
const timeOf = ({ snapshot }: World): number => snapshot.inputs.time;

/** Lets the market go on to a time and posts it; accounts that are below their margin are noted. */
async function goTo(world: World, time: number): Promise<void> {
  await post(world, inputsAt(world.snapshot.inputs, time, world.random));
  for (const person of world.people) {
    if (!isBelow(world, person)) person.belowSince = undefined;
    else person.belowSince ??= time;
  }
  await checkConservation(world);
}

/** Posts another epoch a minute later when the present one is about to become stale. */
async function stayFresh(world: World): Promise<void> {
  const next = Math.ceil((Number(world.now) * 1000) / MINUTE_MS) * MINUTE_MS;
  if (world.now * 1000n > BigInt(timeOf(world)) + FRESH_SECONDS * 1000n) await goTo(world, next);
}

/** A random maker whose note can be spent now. */
function readyMaker(world: World, except?: Person): Person | undefined {
  const makers = byRole(world, "maker").filter((maker) => maker !== except && isReady(world, maker));
  return makers.length === 0 ? undefined : world.random.pick(makers);
}

/** Opens every account, funds it, and gives the traders their portfolios, as far as the rules let them. */
export async function settleIn(world: World, fundStart: bigint): Promise<void> {
  await post(world, world.snapshot.inputs);
  for (const person of world.people) {
    await stayFresh(world);
    await openAccount(world, person);
  }
  if (fundStart > 0n) await fundDeposit(world, fundStart);
  const starts = new Map(
    byRole(world, "trader").map((trader, index) => [
      trader,
      traderStart(world.random, world.snapshot, index),
    ]),
  );
  const waiting = async (work: (person: Person) => Promise<void>, people: Person[]): Promise<void> => {
    await writeQueue(world);
    for (const person of people) {
      await stayFresh(world);
      await work(person);
    }
  };
  await waiting(
    async (person) => {
      const cash = starts.get(person)?.cash ?? (person.role === "maker" ? MAKER_CASH : KEEPER_CASH);
      await transact(world, person, { deposit: cash });
    },
    [...world.people],
  );
  const holders = byRole(world, "trader").filter((trader) => (starts.get(trader)?.spot.length ?? 0) > 0);
  for (let place = 0; place < 2; place++) {
    await waiting(async (person) => {
      const spot = starts.get(person)?.spot[place];
      if (spot !== undefined) await transact(world, person, { asset: spot.id, deposit: spot.size });
    }, holders);
  }
  let left = byRole(world, "trader").filter((trader) => (starts.get(trader)?.wants.length ?? 0) > 0);
  while (left.length > 0) {
    await writeQueue(world);
    await stayFresh(world);
    const rest: Person[] = [];
    for (const trader of left) {
      const maker = readyMaker(world);
      if (maker === undefined) rest.push(trader);
      else await trade(world, trader, maker, (starts.get(trader)?.wants ?? []).slice(0, PACKAGE_LEGS));
    }
    left = rest;
  }
  await writeQueue(world);
}

/** Closes up to four legs of an account, `share` hundredths of each, with a maker. */
async function reduce(world: World, person: Person, share: bigint): Promise<boolean> {
  const maker = readyMaker(world, person);
  const legs = liveLegs(person.note)
    .filter(({ id }) => !openRow(world.snapshot, id).row.settled)
    .map(({ id, size }) => ({ id, size: -((size * share) / 100n || size) }))
    .sort((a, b) => Number(a.id - b.id))
    .slice(0, PACKAGE_LEGS);
  if (maker === undefined || legs.length === 0) return false;
  const mode = world.fund.balance < world.fund.floor ? 1n : 0n;
  return trade(world, person, maker, legs, mode);
}

/** What traders do: answer a margin call by a deposit or by closing, take profits out, buy the dip. */
async function tradersAct(world: World): Promise<void> {
  const { random, snapshot, fund } = world;
  const mode = fund.balance < fund.floor ? 1n : 0n;
  for (const trader of byRole(world, "trader")) {
    if (!isReady(world, trader)) continue;
    const { equity, margin } = standingOf(trader.note, snapshot);
    const { maintenance } = margin;
    if (maintenance === 0n) continue;
    if (equity * 100n < maintenance * 115n && trader.attentive && random.chance(1, 4)) {
      if (random.chance(1, 2))
        await transact(world, trader, { mode, deposit: maintenance - (equity < 0n ? equity : 0n) });
      else await reduce(world, trader, random.pick([40n, 70n, 100n]));
    } else if (equity > 3n * maintenance && random.chance(1, 40)) {
      const withdrawal = (equity - 2n * maintenance) / 2n;
      await transact(world, trader, { withdrawal, fee: random.between(0n, 2n * USDC) });
    } else if (equity > 2n * maintenance && random.chance(1, 60)) {
      const maker = readyMaker(world);
      const legs = liveLegs(trader.note)
        .filter(({ id }) => openRow(snapshot, id).row.kind === KIND.perpetual)
        .map(({ id, size }) => ({ id, size: size / 3n || size }))
        .sort((a, b) => Number(a.id - b.id));
      if (maker !== undefined && legs.length > 0)
        await trade(world, trader, maker, legs.slice(0, PACKAGE_LEGS), mode);
    }
  }
}

/** Watchers flag what they see below its margin and renew flags before they lapse; owners clear them when they can. */
async function watchersAct(world: World): Promise<void> {
  const { auction, random, now } = world;
  for (const trader of byRole(world, "trader")) {
    if (!isReady(world, trader)) continue;
    const active = activeFlag(auction, trader.leafIndex, now);
    if (trader.belowSince === undefined) {
      if (active !== undefined && active.nullifier !== 0n) await clear(world, trader);
      continue;
    }
    const seen = timeOf(world) >= trader.belowSince + trader.unseenFor;
    // Now and then a watcher sleeps, and flags lapse.
    if (!seen || !random.chance(11, 12)) continue;
    if (active !== undefined && random.chance(1, 6)) await reveal(world, trader);
    else await flag(world, trader);
  }
}

/** Keepers bid where the rate is worth it to them, and pass on what they took. */
async function keepersAct(world: World): Promise<void> {
  const { auction, random, snapshot } = world;
  const flagged = byRole(world, "trader").filter(
    (trader) => activeFlag(auction, trader.leafIndex, world.now) !== undefined,
  );
  for (const keeper of byRole(world, "keeper")) {
    // A keeper looks at the market every few epochs: auctions go on for a while.
    if (!isReady(world, keeper) || random.chance(3, 5)) continue;
    if (liveLegs(keeper.note).length > 0) {
      await reduce(world, keeper, 100n);
      continue;
    }
    const targets = flagged.filter((trader) => isReady(world, trader) && isBelow(world, trader));
    if (targets.length === 0) continue;
    const target = random.pick(targets);
    const active = activeFlag(auction, target.leafIndex, world.now);
    const permitted = permittedRate(world.now - (active?.clockStart ?? world.now));
    // At the epoch of the flag only who does not know better bids.
    const tooEarly = active?.firstEpoch === snapshot.epoch && !random.chance(1, 8);
    if (permitted < keeper.leastRate || tooEarly) continue;
    await bid(world, target, keeper, permitted);
  }
}

/** The highest rate at which the fund can pay the reward for a slice of an account now; Q16. */
function fundedRate(world: World, equity: bigint, maintenance: bigint, slice: bigint): bigint {
  const { fund, snapshot } = world;
  const solvent = equity > 0n ? equity : 0n;
  const balance = fund.balance - (slice * (solvent - equity)) / WHOLE;
  const left = snapshot.epoch > fund.rewardEpoch ? fund.balance / 10n : fund.rewardLeft;
  const room = balance < 0n ? 0n : balance < left ? balance : left;
  return maintenance === 0n ? 0n : ((room * WHOLE * WHOLE) / slice + WHOLE * solvent) / maintenance;
}

/** A bid of one keeper for one account, at most at the permitted rate; now and then one that must be refused. */
async function bid(world: World, target: Person, keeper: Person, permitted: bigint): Promise<void> {
  const { random, snapshot } = world;
  const { equity, margin } = standingOf(target.note, snapshot);
  const { maintenance } = margin;
  const boundsAt = (rate: bigint) => sliceBounds(equity, maintenance, { rate, restoration: RESTORATION });
  const fee = random.between(0n, USDC);
  let rate = permitted - random.between(0n, permitted / 8n);
  let { least, most } = boundsAt(rate);
  let slice = random.pick([most, most, least, least < most ? random.between(least, most) : most]);
  const funded = fundedRate(world, equity, maintenance, slice);
  const anyway = random.chance(1, 4);
  if (funded < rate && !anyway) {
    if (funded < keeper.leastRate / 2n) return;
    rate = funded;
    ({ least, most } = boundsAt(rate));
    if (slice > most) slice = most;
    if (slice < least) slice = least;
  }
  if (random.chance(1, 12)) await takeOver(world, target, keeper, { slice, rate: permitted + 200n, fee });
  if (random.chance(1, 6))
    await takeOver(world, target, keeper, { slice: random.chance(1, 2) ? most + 1n : least - 1n, rate, fee });
  if (!(await takeOver(world, target, keeper, { slice, rate, fee })) && least < slice)
    await takeOver(world, target, keeper, { slice: least, rate, fee });
}

/** One epoch: what waited is written into the tree, and everybody acts. */
async function act(world: World): Promise<void> {
  await tradersAct(world);
  await watchersAct(world);
  await keepersAct(world);
  await writeQueue(world);
}

/** What became of withdrawals after the drive; micro-USDC. */
export interface Aftermath {
  lockedUntil: bigint;
  asked: bigint;
  /** What a withdrawal after the lock was paid, the rest being its claim. */
  paid: bigint;
  recapitalisation: bigint;
}

/**
 * The fund is short: withdrawals are locked for a day, in every mode, then paid in part, and in full again once somebody has paid what is
 * missing into the fund.
 */
export async function liveThroughAftermath(world: World): Promise<Aftermath> {
  const { fund, now } = world;
  const until = lockedUntil(fund, now);
  const leavers = byRole(world, "keeper").filter(
    (keeper) => isReady(world, keeper) && liveLegs(keeper.note).length === 0,
  );
  const [first, second] = leavers as [Person, Person];
  const asked = 1_000n * USDC + 7n;
  const leave = (person: Person) =>
    transact(world, person, { mode: MODE.exit, withdrawal: asked, fee: 3n * USDC });

  expect(await leave(first), "withdrawal while locked").toBe(false);
  await goTo(world, Number(until) * 1000 - 5 * MINUTE_MS);
  expect(await leave(first), "withdrawal five minutes before the lock ends").toBe(false);
  await goTo(world, Number(until) * 1000 + MINUTE_MS);
  const before = { cash: fund.ledgerCash, claims: fund.claims };
  expect(await leave(first), "withdrawal after the lock").toBe(true);
  const paid = before.cash - fund.ledgerCash;
  expect(paid + fund.claims - before.claims).toBe(asked + 3n * USDC);
  expect(fund.claims).toBeGreaterThan(before.claims);

  const recapitalisation = fund.uncovered + fund.claims + 2n * fund.floor;
  await fundDeposit(world, recapitalisation / 3n);
  await fundDeposit(world, recapitalisation - recapitalisation / 3n);
  expect(fund).toMatchObject({ uncovered: 0n, claims: 0n, impairedSince: 0n });
  const cash = fund.ledgerCash;
  expect(await leave(second), "withdrawal after the recapitalisation").toBe(true);
  expect(cash - fund.ledgerCash).toBe(asked + 3n * USDC);
  await writeQueue(world);
  return { lockedUntil: until, asked: asked + 3n * USDC, paid, recapitalisation };
}

/** Drives the world until a time, milliseconds since 1970. */
export async function driveUntil(world: World, end: number): Promise<void> {
  while (timeOf(world) < end) {
    const busy = world.people.some(
      (person) =>
        person.belowSince !== undefined ||
        activeFlag(world.auction, person.leafIndex, world.now) !== undefined,
    );
    const now = timeOf(world);
    const step = busy ? BUSY_MS : QUIET_MS;
    let next = Math.floor(now / step) * step + step;
    // Options settle at the first epoch of their expiry.
    if (now < SETTLES_IN_THE_FALL) next = Math.min(next, SETTLES_IN_THE_FALL);
    await goTo(world, next);
    await act(world);
  }
}
