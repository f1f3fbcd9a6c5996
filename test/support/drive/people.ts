import { EMPTY_LEG, type Leg } from "../../../protocol/leg.ts";
import { addOnOf, marginOf, type Position } from "../../../protocol/margin.ts";
import type { Note } from "../../../protocol/note.ts";
import type { MarketSnapshot } from "../../../protocol/snapshot.ts";
import { openRow } from "../../../protocol/transition.ts";
import { type AccountSecrets, accountSecrets, firstNote, type LedgerScope } from "../../../prover/secrets.ts";
import type { Random } from "../random.ts";
import { COINS, type Coin, type Listing, listingOf } from "./market.ts";

/** Traders take risk, makers take the other side of anything, keepers take over. */
export type Role = "trader" | "maker" | "keeper";

/** An account of a drive and how whoever is behind it behaves. Each is an institution of its own. */
export interface Person {
  name: string;
  role: Role;
  secrets: AccountSecrets;
  note: Note;
  leafIndex: bigint;
  /** Traders: answers a margin call. */
  attentive: boolean;
  /** Traders: milliseconds that the account may be below its margin before anybody looks. */
  unseenFor: number;
  /** When the account first fell below its margin; undefined while it is above. */
  belowSince?: number;
  /** Keepers: the least rate that they bid for, Q16; 0 for a keeper of the risk committee, who bids even for nothing. */
  leastRate: bigint;
}

const USDC = 1_000_000n;
const HOUR_MS = 3_600_000;

function person(
  role: Role,
  index: number,
  random: Random,
  scope: LedgerScope,
  behaviour: Partial<Person>,
): Person {
  const master = Uint8Array.from({ length: 32 }, () => Number(random.between(0n, 255n)));
  const secrets = accountSecrets(master, 1n, scope);
  return {
    name: `${role} ${index}`,
    role,
    secrets,
    note: firstNote(secrets),
    leafIndex: 0n,
    attentive: false,
    unseenFor: 0,
    leastRate: 0n,
    ...behaviour,
  };
}

/** The first traders sell the put that expires in the fall and nothing else, and nobody looks at them until it has. */
const FORGOTTEN = 3;
const FORGOTTEN_HOURS = 22;

/** How many accounts of each role. */
export type Crowd = Record<Role, number>;

export function crowd(random: Random, counts: Crowd, scope: LedgerScope): Person[] {
  const people: Person[] = [];
  const add = (role: Role, behaviour: (index: number) => Partial<Person>): void => {
    for (let index = 1; index <= counts[role]; index++)
      people.push(person(role, index, random, scope, behaviour(index)));
  };
  add("trader", (index) => ({
    attentive: index > FORGOTTEN && random.chance(1, 4),
    // Most are watched all the time; some are forgotten for hours, until there is no equity left.
    unseenFor:
      index <= FORGOTTEN
        ? FORGOTTEN_HOURS * HOUR_MS
        : HOUR_MS * Number(random.pick([0n, random.between(1n, 6n), random.between(7n, 16n)])),
  }));
  add("maker", () => ({}));
  add("keeper", (index) => ({ leastRate: index <= 2 ? 0n : random.between(4_000n, 14_000n) }));
  return people;
}

/** What an account starts with: cash in micro-USDC, spot in lots, and the trade it wants, sizes in lots. */
export interface Start {
  cash: bigint;
  spot: { id: bigint; size: bigint }[];
  wants: { id: bigint; size: bigint }[];
}

/** Directions of a portfolio as relative weights per instrument; scaled to what the margin allows. */
function taste(
  random: Random,
  coin: Coin,
  { perpetual, options }: Listing,
): { id: bigint; weight: bigint }[] {
  const put = (index: number): bigint => options[index] as bigint;
  const base = coin === "BTC" ? 10n : 30n;
  switch (random.between(0n, 7n)) {
    case 0n:
      return [{ id: perpetual, weight: -base }];
    case 1n: // sells the put that expires in the fall
      return [{ id: put(3), weight: -base }];
    case 2n: // long the perpetual, and sells a later put
      return [
        { id: perpetual, weight: base },
        { id: put(9), weight: -base },
      ];
    case 3n: // sells a strangle
      return [
        { id: put(4), weight: -base },
        { id: put(7), weight: -base },
      ];
    case 4n: // protected by a put
      return [
        { id: perpetual, weight: base },
        { id: put(9), weight: base },
      ];
    default:
      return [{ id: perpetual, weight: base }];
  }
}

/** Position of an instrument at a snapshot. */
export function positionOf(snapshot: MarketSnapshot, id: bigint, size: bigint): Position {
  return { size, ...openRow(snapshot, id) };
}

/**
 * A random trader's start: from $500 to $200,000, some of it spot, and a portfolio that uses nearly all of the initial
 * margin. Small ones hold single lots.
 */
export function traderStart(random: Random, snapshot: MarketSnapshot, index: number): Start {
  const coins = random.chance(1, 3) ? COINS : [random.pick(COINS)];
  const listings = coins.map((coin) => ({ coin, listing: listingOf(snapshot.inputs, coin) }));
  const size = index < FORGOTTEN ? 100_000n : random.pick([500n, 3_000n, 10_000n, 40_000n, 200_000n]);
  const cash = size * random.between(70n, 130n) * 10_000n;
  const spot =
    index >= FORGOTTEN && random.chance(1, 4)
      ? listings.map(({ listing }) => ({
          id: listing.spot,
          size: 1n + cash / (2n * openRow(snapshot, listing.spot).row.mark),
        }))
      : [];
  const weights =
    index < FORGOTTEN
      ? listings.slice(0, 1).map(({ listing }) => ({ id: listing.options[5] as bigint, weight: -10n }))
      : listings.flatMap(({ coin, listing }) => taste(random, coin, listing));
  const marginPerUnit = marginOf(weights.map(({ id, weight }) => positionOf(snapshot, id, weight)));
  const use = random.between(85n, 99n);
  const budget = (cash * use * 65_536n) / (100n * snapshot.imFactor);
  const units = (budget * 1_000n) / (marginPerUnit.maintenance + 1n);
  const wants = weights
    .map(({ id, weight }) => ({ id, size: (weight * units) / 1_000n }))
    .map(({ id, size }, index) => ({ id, size: size === 0n ? (weights[index]?.weight ?? 1n) / 10n : size }))
    .filter(({ size }) => size !== 0n)
    .sort((a, b) => Number(a.id - b.id));
  return { cash, spot, wants };
}

/** Cash with which makers and keepers start. */
export const MAKER_CASH = 2_000_000n * USDC;
export const KEEPER_CASH = 300_000n * USDC;

/** Legs that a note holds. */
export const liveLegs = (note: Note): Leg[] =>
  note.legs.filter((leg) => leg !== EMPTY_LEG && leg.size !== 0n);

/** What closing these sizes would cost in add-ons, the room that a price band is made of; micro-USDC. */
export const addOns = (snapshot: MarketSnapshot, legs: readonly { id: bigint; size: bigint }[]): bigint =>
  legs.reduce((sum, { id, size }) => sum + addOnOf(positionOf(snapshot, id, size)), 0n);
