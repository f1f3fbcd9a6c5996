import { Contract, NonceManager } from "ethers";
import { latestSnapshot } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Leg } from "../../protocol/leg.ts";
import { openRow } from "../../protocol/transition.ts";
import { clearFlag } from "../../services/account/clear.ts";
import { abiOf } from "../../services/chain/artifacts.ts";
import { chainTime } from "../../services/chain/deployment.ts";
import type { LocalSystem } from "../up/localSystem.ts";
import { type Act, type Deposited, deposit, doAll, open, type Refusals, type Stage, trade } from "./acts.ts";
import type { Person } from "./cast.ts";
import { type Look, look, type Seen } from "./look.ts";
import { type Listing, listingsOf, type Portfolio, portfolioOf } from "./population.ts";
import { goTo, keeperIsIdle, notesAreInserted } from "./services.ts";
import type { DrillWindow } from "./window.ts";

/*
 * The course of a drill: accounts are opened and funded and trade, then prices move step by step. At each step owners and keepers do what
 * they do; nobody is told what will happen.
 */

/** A spot asset of the ledger. */
export interface SpotAsset {
  id: bigint;
  token: string;
  unitsPerLot: bigint;
}

/** Everything that a drill goes on with. */
export interface Drill extends Stage {
  people: Person[];
  /** Names of the underlyings, and their instruments. */
  underlyings: readonly string[];
  window: DrillWindow;
  assets: readonly SpotAsset[];
  /** Every look so far. */
  looks: Look[];
  /** Names of the people by the places of their notes, as looks and acts saw them. */
  names: Map<bigint, string>;
  /** Whether a keeper runs. */
  keeperRuns: boolean;
  log(line: string): void;
}

/** A drill before anything happened. */
export function newDrill(
  local: LocalSystem,
  parts: Pick<Drill, "people" | "underlyings" | "window" | "assets" | "log">,
): Drill {
  const refusals: Refusals = new Map();
  return { ...parts, local, refusals, looks: [], names: new Map(), keeperRuns: false };
}

const PACKAGE_LEGS = 4;
/** Seconds between two looks at auctions that go on. */
const AUCTION_SECONDS = 180;
/** Most looks at auctions in a step; at the last step more, so that what began comes to an end. */
const MOST_ROUNDS = 5;
const LAST_ROUNDS = 10;

const role = (people: readonly Person[], wanted: Person["member"]["role"]): Person[] =>
  people.filter(({ member }) => member.role === wanted);

const liveLegs = ({ note }: { note: { legs: readonly Leg[] } }): Leg[] =>
  note.legs.filter(({ size }) => size !== 0n);

async function inserted(drill: Drill): Promise<void> {
  if (!(await notesAreInserted(drill.local))) drill.log("the relayer takes its time to write new notes");
}

/** Opens every account; a keeper's second needs its first in the state tree. */
async function openAll(drill: Drill): Promise<void> {
  const left = [...drill.people];
  while (left.length > 0) {
    const openable = left.filter((person) => !left.some((other) => isBefore(other, person)));
    drill.log(`opening ${openable.length} accounts`);
    const done = await doAll(
      drill,
      openable.map((person) => open(drill, person)),
    );
    requireAll(done, "openings");
    await inserted(drill);
    for (const person of openable) left.splice(left.indexOf(person), 1);
  }
}

/** Whether two accounts are of one institution, and the first one has the lower number. */
const isBefore = (one: Person, other: Person): boolean =>
  one.secrets.entitySecret === other.secrets.entitySecret && one.secrets.number < other.secrets.number;

function requireAll(done: readonly boolean[], what: string): void {
  if (done.every(Boolean)) return;
  const failed = done.filter((isDone) => !isDone).length;
  throw new SolvusError(
    "drill.setUp",
    `${failed} of ${done.length} ${what} failed, expected none; see the logs`,
  );
}

/** Opens and funds the accounts, and gives traders what their style begins with. */
export async function setUp(drill: Drill): Promise<void> {
  const { local, people, underlyings, assets, log } = drill;
  const { deployed } = local.setting;
  await local.setting.prover.warm(["open", "transition.small"]);
  await openAll(drill);
  const snapshot = await latestSnapshot(deployed.chain);
  const listings = listingsOf(snapshot.inputs, underlyings);
  const traders = role(people, "trader").map((person) => ({
    person,
    ...portfolioOf(person.member, listings, snapshot),
  }));
  const cashOf = ({ member }: Person): Deposited => {
    const { cash } = member;
    return { asset: 0n, amount: cash, token: deployed.usdc, unitsPerLot: 1n, value: cash };
  };
  // Who begins with a trade brings the cash along; a hedge has to be there before what it hedges.
  const early = people.filter(
    (person) => !traders.some((one) => one.person === person && beginsWithTrade(one)),
  );
  log(`depositing: ${early.length} accounts`);
  const cash = early.map((person) => deposit(drill, person, cashOf(person)));
  requireAll(await doAll(drill, cash), "deposits");
  await inserted(drill);
  const spot = traders.flatMap(({ person, spot: held }): Act[] => {
    const asset = assets.find(({ id }) => id === held?.id);
    if (held === undefined || asset === undefined) return [];
    const token = new Contract(asset.token, abiOf("token"), local.setting.provider);
    const value = held.size * openRow(snapshot, held.id).row.mark;
    const { unitsPerLot } = asset;
    return [deposit(drill, person, { asset: held.id, amount: held.size, token, unitsPerLot, value })];
  });
  if (spot.length > 0) {
    log("depositing spot collateral");
    requireAll(await doAll(drill, spot), "spot deposits");
    await inserted(drill);
  }
  let left = traders.filter(({ perpetuals }) => perpetuals.length > 0);
  const makers = role(people, "maker");
  while (left.length > 0) {
    const now = left.slice(0, makers.length);
    log(`trading: ${left.length} portfolios to go`);
    const acts = now.map((one, place) => {
      const terms = beginsWithTrade(one) ? { deposited: cashOf(one.person) } : {};
      return trade(drill, one.person, makers[place] as Person, one.perpetuals, terms);
    });
    requireAll(await doAll(drill, acts), "first trades");
    await inserted(drill);
    left = left.slice(makers.length);
  }
}

const beginsWithTrade = ({ spot, perpetuals }: Portfolio): boolean =>
  spot === undefined && perpetuals.length > 0;

/** What an owner does at a look, as an act with a maker that is free; undefined for nothing. */
function reaction(
  drill: Drill,
  now: Look,
  one: Seen,
  step: number,
  maker: () => Person | undefined,
): Act | undefined {
  const { person, standing, account } = one;
  const { style } = person.member;
  const { equity, margin } = standing;
  const legs = liveLegs(account);
  if (style === undefined || !account.inserted || legs.length === 0) return undefined;
  const perpetuals = legs.filter(({ id }) => listingWith(drill, now, id)?.perpetual === id);
  const mode = now.isReduceOnly ? 1n : 0n;
  const isNear = equity * 100n < margin.maintenance * 112n;
  if (isNear && equity > 0n && style.reaction === "deposit") {
    const amount = (margin.maintenance * 3n) / 2n - equity;
    const { usdc } = drill.local.setting.deployed;
    return deposit(drill, person, { asset: 0n, amount, token: usdc, unitsPerLot: 1n, value: amount });
  }
  const packageOf = (part: (size: bigint) => bigint): { id: bigint; size: bigint }[] =>
    perpetuals
      .map(({ id, size }) => ({ id, size: part(size) }))
      .filter(({ size }) => size !== 0n)
      .slice(0, PACKAGE_LEGS);
  const tradeOf = (legsToTrade: { id: bigint; size: bigint }[]): Act | undefined => {
    const partner = legsToTrade.length === 0 ? undefined : maker();
    return partner && trade(drill, person, partner, legsToTrade, { mode });
  };
  if (isNear && equity > 0n && style.reaction === "reduce")
    return tradeOf(packageOf((size) => -(size / 2n || size)));
  if (
    style.tradesEvery !== undefined &&
    step % style.tradesEvery === style.tradesEvery - 1 &&
    !now.isReduceOnly
  )
    return tradeOf(packageOf((size) => (step % 2 === 0 ? size / 10n : -size / 10n)));
  return undefined;
}

const listingWith = ({ underlyings }: Drill, { snapshot }: Look, id: bigint): Listing | undefined =>
  listingsOf(snapshot.inputs, underlyings).find(({ spot, perpetual }) => spot === id || perpetual === id);

/** What keepers took over they pass on to makers, so that they can take over again. */
function passOn(drill: Drill, now: Look, one: Seen, maker: () => Person | undefined): Act | undefined {
  const legs = liveLegs(one.account).slice(0, PACKAGE_LEGS);
  if (!one.account.inserted || legs.length === 0) return undefined;
  const partner = maker();
  if (partner === undefined) return undefined;
  const closing = legs.map(({ id, size }) => ({ id, size: -size }));
  return trade(drill, one.person, partner, closing, { mode: now.isReduceOnly ? 1n : 0n });
}

/** Owners and the keepers' desk act once on what a look shows; true when somebody did something. */
async function act(drill: Drill, now: Look, step: number, isFirst: boolean): Promise<boolean> {
  const free = now.seen.filter(({ person, account }) => person.member.role === "maker" && account.inserted);
  const maker = (): Person | undefined => free.shift()?.person;
  const keepers = now.seen.filter(({ person }) => person.member.role === "keeper");
  const traders = now.seen.filter(({ person }) => person.member.role === "trader");
  const acts = [
    ...keepers.map((one) => passOn(drill, now, one, maker)),
    // Traders look at the market once a step; a margin call they answer at once.
    ...traders
      .filter(({ isBelow }) => isFirst || isBelow)
      .map((one) => reaction(drill, now, one, step, maker)),
  ].filter((one) => one !== undefined);
  for (const one of traders) if (one.isFlagged && !one.isBelow) await clear(drill, one);
  if (acts.length === 0) return false;
  await doAll(drill, acts);
  return true;
}

/** An owner proves that a flagged account meets its margin again. What a keeper does first is no harm. */
async function clear({ local, refusals }: Drill, { person, account }: Seen): Promise<void> {
  const { deployed, provider, prover, view } = local.setting;
  if (!account.inserted) return;
  try {
    await provider.send("hardhat_setBalance", [person.wallet.address, "0x56bc75e2d63100000"]);
    const snapshot = await latestSnapshot(deployed.chain);
    await clearFlag(deployed, prover, new NonceManager(person.wallet), account, { view, snapshot });
  } catch (error) {
    const rule = error instanceof SolvusError ? error.rule : "auction.refused";
    refusals.set(rule, (refusals.get(rule) ?? 0) + 1);
  }
}

const dollarsOf = (micro: bigint): string => Math.round(Number(micro) / 1e6).toLocaleString("en-US");

/** Looks at all accounts, keeps it, and says what it shows. */
async function lookAgain(drill: Drill): Promise<Look> {
  const now = await look(drill, drill.people);
  drill.looks.push(now);
  for (const { person, account } of now.seen) drill.names.set(account.leafIndex, person.member.name);
  const prices = drill.underlyings.map((name) => {
    const index = now.snapshot.inputs.underlyings.find((underlying) => underlying.name === name)?.index ?? 0;
    return `${name} ${(index / 1e6).toLocaleString("en-US", { maximumFractionDigits: index < 1e8 ? 4 : 0 })}`;
  });
  const { healthy, below, flagged, bankrupt } = now.counts;
  const states = `${healthy} healthy, ${below} below, ${flagged} flagged, ${bankrupt} bankrupt`;
  const stamp = new Date(now.time).toISOString().slice(0, 16).replace("T", " ");
  drill.log(`${stamp}  ${prices.join("  ")}  ${states}; fund ${dollarsOf(now.fund)}`);
  return now;
}

/** Whether auctions go on, or begin, that a keeper who runs will do something about. */
function isBusy(drill: Drill, { seen }: Look): boolean {
  const isHeld = seen.some(
    ({ person, account }) => person.member.role === "keeper" && liveLegs(account).length > 0,
  );
  return drill.keeperRuns && (isHeld || seen.some(({ isBelow, isFlagged }) => isBelow || isFlagged));
}

/** One step of the window: prices move, and everybody acts until nothing more follows, or the time has come for the next step. */
async function playStep(drill: Drill, step: number): Promise<void> {
  const { local, window } = drill;
  const { points, outage } = window;
  const point = points[step] as DrillWindow["points"][number];
  const next = points[step + 1];
  if (step === outage?.from) {
    await local.supervisor.suspend("keeper");
    drill.keeperRuns = false;
    drill.log("the keeper's machine is gone");
  }
  if (!(await goTo(local, point.time / 1000))) drill.log("the oracle takes its time to post");
  if (step === outage?.to) {
    drill.log("the keeper is back, and reads what it missed");
    await local.supervisor.resume("keeper");
    drill.keeperRuns = true;
  }
  const most = next === undefined ? LAST_ROUNDS : MOST_ROUNDS;
  for (let round = 0; round <= most; round++) {
    if (drill.keeperRuns && !(await keeperIsIdle(local))) drill.log("the keeper takes its time");
    const now = await lookAgain(drill);
    const acted = await act(drill, now, step, round === 0);
    await inserted(drill);
    const time = await chainTime(local.setting.deployed);
    const isTimeUp = next !== undefined && time + AUCTION_SECONDS >= next.time / 1000;
    if (round === most || isTimeUp || !(isBusy(drill, now) || (acted && drill.keeperRuns))) break;
    await goTo(local, time + AUCTION_SECONDS);
  }
}

/** Plays the whole window. */
export async function play(drill: Drill): Promise<void> {
  for (let step = 0; step < drill.window.points.length; step++) {
    drill.local.signal.throwIfAborted();
    await playStep(drill, step);
  }
  const last = drill.looks.at(-1)?.time ?? 0;
  if ((await chainTime(drill.local.setting.deployed)) * 1000 > last) await lookAgain(drill);
}
