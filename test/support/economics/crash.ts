import { SolvusError } from "../../../protocol/errors.ts";
import { MICRO } from "../../../protocol/fixedPoint.ts";
import {
  computeTakeOver,
  sliceBounds,
  type TakeOver,
  takeOverPayments,
} from "../../../protocol/liquidation.ts";
import type { MarketInputs } from "../../../protocol/marketInputs.ts";
import { type Note, spendOf } from "../../../protocol/note.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { openRow } from "../../../protocol/transition.ts";
import { standingsOf } from "../../../services/keeper/bulkMargin.ts";
import { planTakeOver } from "../../../services/keeper/plan.ts";
import {
  type AuctionModel,
  activeFlag,
  applyBid,
  applyFlag,
  emptyAuction,
  permittedRate,
  verdictOnBid,
} from "../drive/auctionModel.ts";
import { applyFundDeposit, applyPayment, emptyFund, type FundModel } from "../drive/fundModel.ts";
import { blankNote, initialMarginOf, type Lots, openAgainst, type Portfolio } from "./accounts.ts";
import { inputsAfter, type Levels, MINUTE_MS, simulatedSnapshot, startOf } from "./market.ts";
import type { ParameterSet } from "./parameterSets.ts";

/*
 * A crowd that all stands on one side of a market, at the least margin that the rules admit, and what becomes of it in a crash: epoch by
 * epoch accounts are flagged, keepers take them over as long as it pays, and sell what they took into a market that gives way. Rules of
 * margin, slices and payments are the protocol's, the plan of a take-over is the keeper's own, fund and auction are the models that the
 * contracts are compared with.
 */

/** What the world outside of the ledger is like. */
export interface Surroundings {
  /** Part of the crowd's whole position that the market takes in a minute for a move of 1%. */
  depth: number;
  /** Minutes that pass before anybody looks at accounts. */
  asleep: number;
  /** What the insurance fund begins with, as a part of the crowd's maintenance margin. */
  fund: number;
}

export const USUAL: Surroundings = { depth: 1, asleep: 0, fund: 0.05 };
/** Ten minutes of a move of 1% each to sell it all. */
export const THIN: Surroundings = { ...USUAL, depth: 0.1 };

/** How the market moves, by minutes since the start. Whatever keepers' sales do comes on top. */
export interface MarketPath {
  /** Epochs, in minutes since the start, rising; the last one is repeated while anything is left to do. */
  minutes: readonly number[];
  at(minute: number): Levels;
}

/** How an account begins. */
export type Start = "initial" | "maintenance";

export interface Crash {
  set: ParameterSet;
  /** What each account of the crowd holds at the first epoch. */
  portfolios(snapshot: MarketSnapshot): Portfolio[];
  start: Start;
  path: MarketPath;
  surroundings: Surroundings;
  /** Minutes after the first epoch at which the options expire; by default weeks. */
  expiryMinutes?: number;
}

/** What became of it; micro-USDC. */
export interface Outcome {
  /** Maintenance margin of the crowd at the start. */
  maintenance: bigint;
  /** What accounts owed beyond their equity: paid by the fund, uncovered, or left in accounts that nobody took. */
  badDebt: bigint;
  rewards: bigint;
  uncovered: bigint;
  /** Ledger's cash at the end. */
  holdings: bigint;
  /** Whether withdrawals were locked. */
  locked: boolean;
  /** How often accounts were flagged, and taken over. */
  flags: number;
  takeOvers: number;
  fund: FundModel;
  /** Accounts of the crowd, of the other side and of keepers at the end. */
  notes: { crowd: Note[]; others: Note[] };
  snapshot: MarketSnapshot;
}

interface Account {
  note: Note;
  leafIndex: bigint;
}

const nullifiers = new WeakMap<Note, bigint>();

/** The nullifier of an account's present note; a note stays at its place. */
function nullifierOf({ note, leafIndex }: Account): bigint {
  const nullifier = nullifiers.get(note) ?? spendOf(note, leafIndex).nullifier;
  nullifiers.set(note, nullifier);
  return nullifier;
}

/** After this long on the clock the risk committee's own keeper takes an account at any loss; seconds. */
const LAST_RESORT = 3_600n;
/** Keepers' cost of closing, beside what the market gives way: a fifth of the add-ons. */
const SPREAD_DIVISOR = 5;
/** Epochs after the last move within which a crash has to come to its end. */
const SETTLING = 150;
const SLICES_AN_EPOCH = 4;
const KEEPER_CASH = 1n << 56n;

/**
 * Dollars of the coin that each leg moves like, long legs positive: what it gains and loses when the price moves by a third of the scan range
 * either way.
 */
function linearDollars(legs: readonly Lots[], snapshot: MarketSnapshot): number[] {
  const third = ((snapshot.underlyings[0]?.range.up ?? 0) * 2) / 3;
  return legs.flatMap(({ id, size }) => {
    const { row, underlying } = openRow(snapshot, id);
    if (underlying !== 0) return [];
    const [upward, up, downward, down] = row.losses.slice(2, 6).map(Number) as [
      number,
      number,
      number,
      number,
    ];
    return [(Number(size) * (downward + down - upward - up)) / 2 / third / MICRO];
  });
}

const netDollars = (legs: readonly Lots[], snapshot: MarketSnapshot): number =>
  linearDollars(legs, snapshot).reduce((sum, dollars) => sum + dollars, 0);

/** Mutable state of a run. */
interface Run {
  crash: Crash;
  accounts: Account[];
  others: Note[];
  fund: FundModel;
  auction: AuctionModel;
  snapshot: MarketSnapshot;
  now: bigint;
  nextLeaf: bigint;
  /** Dollars that move the coin by 1% in a minute. */
  depth: number;
  /** Dollars that keepers sold in the present epoch. */
  sold: number;
  deficits: bigint;
  rewards: bigint;
  flags: number;
  takeOvers: number;
}

/** What closing costs a keeper who has sold `sold` dollars within the minute. */
function closingCost({ keeper, keeperMargin }: TakeOver, { snapshot, sold, depth }: Run): bigint {
  const dollars = netDollars(keeper.after.legs, snapshot);
  const selling = Math.sign(dollars) * sold;
  const impact = (0.01 * Math.abs(dollars) * Math.max(0, selling + Math.abs(dollars) / 2)) / depth;
  return keeperMargin.addOn / BigInt(SPREAD_DIVISOR) + BigInt(Math.ceil(impact * MICRO));
}

/** The take-over that a keeper would make now; undefined when none pays or none is admitted. */
function bestTakeOver(
  run: Run,
  account: Account,
  permitted: bigint,
  atAnyPrice: boolean,
): TakeOver | undefined {
  const { snapshot, fund, crash } = run;
  const { restoration } = crash.set;
  const keeper = { note: { ...blankNote(run.nextLeaf), cash: KEEPER_CASH }, leafIndex: run.nextLeaf };
  const rewardLeft = snapshot.epoch > fund.rewardEpoch ? fund.balance / 10n : fund.rewardLeft;
  const limit = (takeOver: TakeOver): void => {
    const { payment, reward } = takeOver;
    if (!atAnyPrice && payment + reward < closingCost(takeOver, run))
      throw new SolvusError("keeper.profit", "closing costs more than it earns");
  };
  const { equity, margin } = standingOf(account.note, snapshot);
  const rates = [permitted, permitted / 2n, permitted / 4n, permitted / 16n, ...(atAnyPrice ? [0n] : [])];
  for (const rate of rates) {
    const wish = { rate, restoration, fee: 0n };
    const { least } = sliceBounds(equity, margin.maintenance, wish);
    // A reward that the fund cannot pay at the least slice is smaller at a lower rate; nothing else is.
    const { deficit, reward } = takeOverPayments(equity, margin.maintenance, { ...wish, slice: least });
    const left = fund.balance > deficit ? fund.balance - deficit : 0n;
    if (reward > 0n && reward > (rewardLeft < left ? rewardLeft : left)) continue;
    try {
      // What does not pay at the least slice does not pay at a larger one.
      limit(computeTakeOver(account, keeper, snapshot, { ...wish, slice: least }));
      return planTakeOver(account, keeper, snapshot, wish, { balance: fund.balance, rewardLeft }, limit);
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      if (error.rule !== "keeper.reward") return undefined;
    }
  }
  return undefined;
}

/** Takes a slice of an account over, if it pays. */
function takeOver(run: Run, account: Account): boolean {
  const { auction, fund, snapshot, now } = run;
  const flag = activeFlag(auction, account.leafIndex, now);
  if (flag === undefined) return false;
  const elapsed = now - flag.clockStart;
  const permitted = permittedRate(elapsed);
  const plan = bestTakeOver(run, account, permitted, elapsed >= LAST_RESORT);
  if (plan === undefined) return false;
  const { nullifier } = plan.target;
  const claim = { leafIndex: account.leafIndex, nullifier, epoch: snapshot.epoch };
  if (verdictOnBid(auction, claim, plan.request.rate, now) !== undefined) return false;
  const newLeaf = run.nextLeaf + 1n;
  run.nextLeaf += 2n;
  applyBid(auction, account.leafIndex, newLeaf, plan.cured, now);
  account.leafIndex = newLeaf;
  account.note = plan.target.after;
  // The keeper keeps the initial margin of what it took in the ledger.
  const held = plan.keeper.after.legs.filter(({ size }) => size !== 0n);
  const excess = plan.keeperEquity - initialMarginOf(snapshot, { collateral: [], positions: held });
  fund.ledgerCash += KEEPER_CASH - excess;
  run.others.push({ ...plan.keeper.after, cash: plan.keeper.after.cash - excess });
  applyPayment(fund, plan.deficit, plan.reward, snapshot.epoch, now);
  run.deficits += plan.deficit;
  run.rewards += plan.reward;
  run.sold += netDollars(held, snapshot);
  run.takeOvers++;
  return true;
}

/** One epoch: what is below its margin is flagged or stays so, and keepers take over what was flagged before. */
function act(run: Run, watched: boolean): boolean {
  const { auction, snapshot } = run;
  const standings = standingsOf(
    run.accounts.map(({ note }) => note),
    snapshot,
  );
  const below: { account: Account; ratio: number }[] = [];
  run.accounts.forEach((account, place) => {
    const { equity, maintenance } = standings[place] as { equity: bigint; maintenance: bigint };
    if (equity >= maintenance) auction.flags.delete(account.leafIndex);
    else below.push({ account, ratio: Number(equity) / (Number(maintenance) + 1) });
  });
  if (!watched) return below.length > 0;
  below.sort((one, two) => one.ratio - two.ratio);
  for (const { account } of below) {
    const known = activeFlag(auction, account.leafIndex, run.now);
    if (known === undefined) run.flags++;
    applyFlag(
      auction,
      {
        leafIndex: account.leafIndex,
        nullifier: nullifierOf(account),
        epoch: snapshot.epoch,
      },
      run.now,
    );
    if (known === undefined) continue;
    for (let slice = 0; slice < SLICES_AN_EPOCH; slice++) {
      if (!takeOver(run, account)) break;
      const { equity, margin } = standingOf(account.note, snapshot);
      if (equity >= margin.maintenance) break;
    }
  }
  return below.length > 0;
}

/** Opens the crowd's accounts, and brings them down to their maintenance margin if they start there. */
function settleIn(crash: Crash, inputs: MarketInputs): Run {
  const { set, surroundings, start } = crash;
  const snapshot = simulatedSnapshot(inputs);
  const fund = emptyFund(0n);
  const accounts: Account[] = [];
  const others: Note[] = [];
  let [maintenance, dollars] = [0n, 0];
  crash.portfolios(snapshot).forEach((portfolio, place) => {
    const number = BigInt(2 * place);
    const opened = openAgainst(snapshot, blankNote(number), blankNote(number + 1n), portfolio, 3n);
    fund.ledgerCash += opened.deposits;
    const standing = standingOf(opened.holder, snapshot);
    // What an account has beyond its start is lost to the other side, as if the market had taken it.
    const surplus =
      standing.equity -
      (start === "maintenance" ? standing.margin.maintenance : initialMarginOf(snapshot, portfolio));
    accounts.push({
      note: { ...opened.holder, cash: opened.holder.cash - surplus },
      leafIndex: number,
    });
    others.push({ ...opened.counterparty, cash: opened.counterparty.cash + surplus });
    maintenance += standing.margin.maintenance;
    const { collateral, positions } = portfolio;
    for (const worth of linearDollars([...collateral, ...positions], snapshot)) dollars += Math.abs(worth);
  });
  applyFundDeposit(fund, BigInt(Math.round(Number(maintenance) * surroundings.fund)));
  return {
    crash: { ...crash, set },
    accounts,
    others,
    fund,
    auction: emptyAuction(),
    snapshot,
    now: BigInt(inputs.time) / 1000n,
    nextLeaf: BigInt(2 * accounts.length),
    depth: Math.max(dollars * surroundings.depth, 1),
    sold: 0,
    deficits: 0n,
    rewards: 0n,
    flags: 0,
    takeOvers: 0,
  };
}

/** Lives through a crash until nothing is below its margin and the market stands still. */
export function liveThrough(crash: Crash): Outcome {
  const { set, path, surroundings } = crash;
  let inputs = startOf(set, crash.expiryMinutes);
  const run = settleIn(crash, inputs);
  const maintenance = standingsOf(
    run.accounts.map(({ note }) => note),
    run.snapshot,
  ).reduce((sum, standing) => sum + (standing?.maintenance ?? 0n), 0n);
  const last = path.minutes.at(-1) as number;
  const begin = inputs.time;
  let levels: Levels = {};
  let gaveWay = 1;
  for (let step = 0; step < path.minutes.length + SETTLING; step++) {
    const minute = path.minutes[step] ?? last + 1 + step - path.minutes.length;
    const wanted = path.at(Math.min(minute, last));
    const floor = 0.05;
    const to = { ...wanted, coin: Math.max(floor, (wanted.coin ?? 1) * gaveWay) };
    inputs = inputsAfter(inputs, set.coin, begin + minute * MINUTE_MS, levels, to);
    levels = to;
    run.snapshot = simulatedSnapshot(inputs);
    run.now = BigInt(inputs.time) / 1000n + 1n;
    run.sold = 0;
    const busy = act(run, minute >= surroundings.asleep);
    // What keepers sold (or bought) moved the coin for good.
    gaveWay *= Math.exp((-0.01 * run.sold) / run.depth);
    if (!busy && minute >= last && run.sold === 0) break;
  }
  const left = standingsOf(
    run.accounts.map(({ note }) => note),
    run.snapshot,
  ).reduce(
    (sum, standing) => sum + (standing !== undefined && standing.equity < 0n ? -standing.equity : 0n),
    0n,
  );
  const { fund } = run;
  return {
    maintenance,
    badDebt: run.deficits + left,
    rewards: run.rewards,
    uncovered: fund.uncovered,
    holdings: fund.ledgerCash,
    locked: fund.impairedSince !== 0n,
    flags: run.flags,
    takeOvers: run.takeOvers,
    fund,
    notes: { crowd: run.accounts.map(({ note }) => note), others: run.others },
    snapshot: run.snapshot,
  };
}

/**
 * Cash of all accounts, with what settled legs will pay them, less what the ledger holds and what is uncovered: 0 when nothing was made or lost;
 * micro-USDC.
 */
export function discrepancy({ notes, fund, snapshot }: Outcome): bigint {
  const owned = [...notes.crowd, ...notes.others].reduce((sum, { cash, legs }) => {
    const due = legs.reduce(
      (total, { id, size, fundingIndex }) =>
        total + size * (openRow(snapshot, id).row.fundingIndex - fundingIndex),
      0n,
    );
    return sum + cash - due;
  }, 0n);
  return owned - fund.ledgerCash - fund.uncovered;
}
