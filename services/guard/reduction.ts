import { KIND } from "../../protocol/constants.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { addOnOf, byUnderlying, type Position } from "../../protocol/margin.ts";
import type { Note } from "../../protocol/note.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import { applyTransition, openRow } from "../../protocol/transition.ts";
import { NOTHING } from "../account/transact.ts";
import { ratioOf } from "./policy.ts";

/*
 * How an account sheds risk: a trade that closes part of its positions and is *safe* by the rulebook, so that it needs neither initial
 * margin nor membership and is admitted in an emergency. Written as what side 0, the account, receives.
 */

export interface ReductionWish {
  targetRatio: number;
  /** Most of a leg that is closed, above 0 and at most 1. */
  largestShare: number;
  /** Part of the add-ons of the lots traded that is given to the counterparty, where the rules admit it. */
  concession: number;
  /** Most notional, micro-USDC at the marks. */
  largestNotional: bigint;
  /** The trade's salt. */
  salt: bigint;
}

export interface Reduction {
  package: TradePackage;
  /** Micro-USDC at the marks that is closed. */
  notional: bigint;
  /** Micro-USDC given away against the marks. */
  conceded: bigint;
  /** Equity over margin after it. */
  ratio: number;
}

/** Shares of the legs that are tried, in parts of the largest. */
const PARTS = 32n;
const LEGS = 4;

const abs = (value: bigint): bigint => (value < 0n ? -value : value);

interface HeldLeg extends Position {
  id: bigint;
}

/** Notional of a leg's lots at the mark. */
const notionalOf = ({ size, row }: Position): bigint => abs(size) * row.mark;

/** Sets of legs to close together: each leg, each underlying, everything; the largest four of each. */
function candidates(legs: readonly HeldLeg[]): HeldLeg[][] {
  const largest = (set: readonly HeldLeg[]): HeldLeg[] =>
    [...set].sort((one, other) => (notionalOf(one) > notionalOf(other) ? -1 : 1)).slice(0, LEGS);
  const groups = [...byUnderlying(legs).values()] as HeldLeg[][];
  return [...legs.map((leg) => [leg]), ...groups.map(largest), largest(legs)];
}

/** Part of some legs, in millionths, that limits of share and notional let be closed. */
function closable(legs: readonly HeldLeg[], { largestShare, largestNotional }: ReductionWish): bigint {
  const share = BigInt(Math.floor(largestShare * 1e6));
  const notional = legs.reduce((sum, leg) => sum + notionalOf(leg), 0n);
  if (notional * share <= largestNotional * 1_000_000n) return share;
  return (largestNotional * 1_000_000n) / notional;
}

/** The package that closes `part` of {@link PARTS} of what limits let be closed of some legs; undefined when that is no whole lot. */
function closing(
  legs: readonly HeldLeg[],
  part: bigint,
  wish: ReductionWish,
): Omit<Reduction, "ratio"> | undefined {
  const { concession, salt } = wish;
  const share = closable(legs, wish) * part;
  const traded = legs
    .map((leg) => ({ ...leg, size: (-leg.size * share) / (1_000_000n * PARTS) }))
    .filter(({ size }) => size !== 0n)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
  if (traded.length === 0) return undefined;
  const value = traded.reduce((sum, { size, row }) => sum + size * row.mark, 0n);
  const addOns = traded.reduce(
    (sum, { size, row, underlying }) =>
      sum + addOnOf({ size, underlying, row: { ...row, concentrationRate: 0n } }),
    0n,
  );
  const conceded = BigInt(Math.floor(Number(addOns) * concession));
  return {
    package: { legs: traded.map(({ id, size }) => ({ id, size })), cash: -value - conceded, salt },
    notional: traded.reduce((sum, leg) => sum + notionalOf(leg), 0n),
    conceded,
  };
}

/**
 * The smallest trade, by notional, that brings the account to the target; where none does, the one that brings it nearest. Throws
 * `guard.reduction` when no trade within the limits is safe and makes the account better.
 */
export function planReduction(
  note: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  wish: ReductionWish,
): Reduction {
  const legs = note.legs
    .filter(({ size }) => size !== 0n)
    .map((leg): HeldLeg => ({ id: leg.id, size: leg.size, ...openRow(snapshot, leg.id) }))
    .filter(({ row }) => row.kind !== KIND.spot && !row.settled);
  const before = applyNothing(note, leafIndex, snapshot);
  let best: Reduction | undefined;
  const isBetter = (one: Reduction): boolean => {
    if (best === undefined) return true;
    const [reaches, reached] = [one.ratio >= wish.targetRatio, best.ratio >= wish.targetRatio];
    if (reaches !== reached) return reaches;
    return reaches ? one.notional < best.notional : one.ratio > best.ratio;
  };
  // What the owner concedes, or nothing where a gift is refused: it would borrow, or exceed the margin that is freed.
  const concessions = [...new Set([wish.concession, 0])];
  const admitted = (set: readonly HeldLeg[], part: bigint): Reduction | undefined => {
    for (const concession of concessions) {
      const plan = closing(set, part, { ...wish, concession });
      if (plan === undefined) return undefined;
      const ratio = ratioAfter(note, leafIndex, snapshot, plan.package);
      if (ratio !== undefined) return { ...plan, ratio };
    }
    return undefined;
  };
  for (const set of candidates(legs)) {
    for (let part = 1n; part <= PARTS; part++) {
      const reduction = admitted(set, part);
      if (reduction === undefined || reduction.ratio <= before) continue;
      if (isBetter(reduction)) best = reduction;
      if (reduction.ratio >= wish.targetRatio) break;
    }
  }
  ensure(
    best !== undefined,
    "guard.reduction",
    `reduction: no trade of at most ${wish.largestNotional} micro-USDC and ${wish.largestShare} of a position is safe and helps; deposit instead`,
  );
  return best;
}

/** Ratio of equity to margin as it is. */
function applyNothing(note: Note, leafIndex: bigint, snapshot: Snapshot): number {
  try {
    const { equity, margin } = applyTransition(note, leafIndex, snapshot, NOTHING);
    return ratioOf({ equity, maintenance: margin.maintenance });
  } catch (error) {
    if (error instanceof SolvusError) return 0;
    throw error;
  }
}

/** Ratio after a trade, if it is safe and the rules admit it. */
function ratioAfter(
  note: Note,
  leafIndex: bigint,
  snapshot: Snapshot,
  trade: TradePackage,
): number | undefined {
  try {
    const request = { ...NOTHING, trade: { package: trade, side: 0 as const } };
    const { safe, equity, margin } = applyTransition(note, leafIndex, snapshot, request);
    return safe ? ratioOf({ equity, maintenance: margin.maintenance }) : undefined;
  } catch (error) {
    if (error instanceof SolvusError) return undefined;
    throw error;
  }
}
