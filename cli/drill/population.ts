import { Misuse } from "../../protocol/errors.ts";
import { marginOf } from "../../protocol/margin.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { openRow } from "../../protocol/transition.ts";
import type { Random } from "./random.ts";

/*
 * Who takes part in a drill, and with what. Traders begin with a portfolio that uses a part of the initial margin that the rules ask for;
 * what becomes of them is up to prices and rules.
 */

/** Traders take risk, makers take the other side of anything, keepers take over. */
export type Role = "trader" | "maker" | "keeper";

/** What an owner does when the account comes near its maintenance margin. */
export type Reaction = "none" | "deposit" | "reduce";

/** How a trader begins. Underlyings are places in the price file. */
export interface Style {
  name: string;
  /** Direction in each underlying: relative notionals, below 0 for short. Place 0 is the trader's main underlying. */
  perpetuals: readonly number[];
  /** Spot collateral in the main underlying, as a part of its perpetual's notional. */
  spot?: number;
  /** Part of the initial margin that is used. */
  use: number;
  reaction: Reaction;
  /** Trades a little with a maker every so many steps. */
  tradesEvery?: number;
}

/** The styles, in the order in which traders are given one. */
export const STYLES: readonly Style[] = [
  { name: "leveraged long", perpetuals: [1], use: 0.97, reaction: "none" },
  { name: "leveraged long", perpetuals: [1], use: 0.95, reaction: "none" },
  { name: "leveraged short", perpetuals: [-1], use: 0.9, reaction: "none" },
  { name: "long, tops up", perpetuals: [1], use: 0.93, reaction: "deposit" },
  { name: "carry: spot against a short", perpetuals: [-1], spot: 1, use: 0.5, reaction: "none" },
  { name: "long, reduces", perpetuals: [1], use: 0.93, reaction: "reduce" },
  { name: "cautious long", perpetuals: [1], use: 0.35, reaction: "none", tradesEvery: 7 },
  { name: "leveraged long", perpetuals: [1], use: 0.98, reaction: "none" },
  { name: "long of two", perpetuals: [1, 1], use: 0.96, reaction: "none" },
  { name: "long of one, short of another", perpetuals: [1, -1], use: 0.9, reaction: "none" },
  { name: "cautious short", perpetuals: [-1], use: 0.4, reaction: "none", tradesEvery: 5 },
];

/** An account of the drill before it is opened. */
export interface Member {
  name: string;
  role: Role;
  /** Traders alone. */
  style?: Style;
  /** Place of the main underlying in the price file. */
  underlying: number;
  /** Cash to deposit, micro-USDC. */
  cash: bigint;
}

const USDC = 1_000_000n;
const MAKER_CASH = 3_000_000n * USDC;
const KEEPER_CASH = 500_000n * USDC;
/** Accounts that a drill has at least: one of each role and enough traders to see something. */
export const LEAST_ACCOUNTS = 6;
export const MOST_ACCOUNTS = 400;

/** How many of each role there are among so many accounts. Misuse (`drill.accounts`) for too few or too many. */
export function rolesFor(accounts: number, keepers: number): Record<Role, number> {
  if (accounts < LEAST_ACCOUNTS || accounts > MOST_ACCOUNTS)
    throw new Misuse(
      "drill.accounts",
      `--accounts is ${accounts}, expected from ${LEAST_ACCOUNTS} to ${MOST_ACCOUNTS}`,
    );
  const maker = Math.max(1, Math.round(accounts / 6));
  return { trader: accounts - maker - keepers, maker, keeper: keepers };
}

/** The members of a drill. Traders' cash is from 10,000 to 80,000 USDC. */
export function membersOf(counts: Record<Role, number>, underlyings: number, random: Random): Member[] {
  // Traders of a kind are spread over the underlyings in turn, and each kind begins with another one.
  const kinds = [...new Set(STYLES.map(({ name }) => name))];
  const ofKind = new Map<string, number>();
  const traders = Array.from({ length: counts.trader }, (_, place): Member => {
    const style = STYLES[place % STYLES.length] as Style;
    const before = ofKind.get(style.name) ?? 0;
    ofKind.set(style.name, before + 1);
    return {
      name: `trader ${place + 1}`,
      role: "trader",
      style,
      underlying: (before + kinds.indexOf(style.name)) % underlyings,
      cash: BigInt(Math.round(10 ** random.between(4, 4.9))) * USDC,
    };
  });
  const others = (role: "maker" | "keeper", cash: bigint): Member[] =>
    Array.from({ length: counts[role] }, (_, place) => ({
      name: `${role} ${place + 1}`,
      role,
      underlying: 0,
      cash,
    }));
  return [...others("maker", MAKER_CASH), ...others("keeper", KEEPER_CASH), ...traders];
}

/** Ids of the instruments of an underlying. */
export interface Listing {
  spot: bigint;
  perpetual: bigint;
}

/** The listings of a market by the names of a price file. */
export function listingsOf({ underlyings }: MarketInputs, names: readonly string[]): Listing[] {
  return names.map((name) => {
    const listed = underlyings.find((underlying) => underlying.name === name);
    return { spot: BigInt(listed?.spot?.id ?? 0), perpetual: BigInt(listed?.perpetual?.id ?? 0) };
  });
}

/** What a trader begins with besides cash, sizes in lots. */
export interface Portfolio {
  spot?: { id: bigint; size: bigint };
  /** By rising instrument id, none of size 0. */
  perpetuals: { id: bigint; size: bigint }[];
}

const Q16 = 65_536;
/** Most notional in one instrument, of a trader's cash. */
const MOST_NOTIONAL = 8;

/**
 * The portfolio of a trader's style at a snapshot: as many lots as use the style's part of the initial margin of its cash. A stablecoin has
 * no perpetual and takes no part.
 */
export function portfolioOf(member: Member, listings: readonly Listing[], snapshot: Snapshot): Portfolio {
  const { style, underlying, cash } = member;
  if (style === undefined) return { perpetuals: [] };
  const weights = style.perpetuals.slice(0, listings.length).map((weight, place) => ({
    weight,
    listing: listings[(underlying + place) % listings.length] as Listing,
  }));
  const priced = weights.filter(({ listing }) => listing.perpetual !== 0n);
  const positions = (unit: number) =>
    priced.flatMap(({ weight, listing }, place) => {
      const { row, underlying: group } = openRow(snapshot, listing.perpetual);
      const size = BigInt(Math.trunc((unit * weight) / Number(row.mark)));
      const perpetual = { id: listing.perpetual, size, row, underlying: group };
      if (place > 0 || style.spot === undefined || listing.spot === 0n) return [perpetual];
      const held = openRow(snapshot, listing.spot);
      const lots = BigInt(Math.trunc((unit * Math.abs(weight) * style.spot) / Number(held.row.mark)));
      return [perpetual, { id: listing.spot, size: lots, ...held }];
    });
  const initialMargin = (unit: number): number =>
    (Number(marginOf(positions(unit)).maintenance) * Number(snapshot.imFactor)) / Q16;
  const budget = Number(cash) * style.use;
  // Hedged positions need next to no margin: notionals are held to a few times the cash.
  let unit = priced.length === 0 ? 0 : Number(cash) * MOST_NOTIONAL;
  while (unit > 1 && initialMargin(unit) > budget) unit *= 0.99;
  const held = positions(unit).filter(({ size }) => size !== 0n);
  const spotIds = listings.map(({ spot }) => spot);
  const spot = held.find(({ id }) => spotIds.includes(id));
  return {
    ...(spot === undefined ? {} : { spot: { id: spot.id, size: spot.size } }),
    perpetuals: held
      .filter((position) => position !== spot)
      .map(({ id, size }) => ({ id, size }))
      .sort((first, second) => (first.id < second.id ? -1 : 1)),
  };
}
