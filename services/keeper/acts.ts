import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Prover } from "../../prover/prover.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Log } from "../log.ts";
import { nameOfOwn, presentOf, type TrackedAccount } from "./accountBook.ts";
import { type Bid, type BidTerms, chooseBid, isWriteOff, type KeeperLimits, profitBound } from "./bid.ts";
import { type CoinPrice, gasCost } from "./coinPrice.ts";
import { permittedRate } from "./flags.ts";
import { proveFlag, proveReveal } from "./insolvency.ts";
import type { Pending } from "./pending.ts";
import type { Endangered, Work } from "./priorities.ts";
import type { Sending } from "./send.ts";
import type { SightedLedger } from "./sightedLedger.ts";
import type { SubmissionTerms, Submitter } from "./submitter.ts";
import { fundLimits, proveTakeOver, requireAdmitted } from "./takeOver.ts";
import { beginEpoch, type InVain, NOT_PLANNED, plannedInVain, turns } from "./turns.ts";

export type ActKind = "flag" | "renew" | "reveal" | "takeOver";

/** What acts are done with. */
export interface Acting {
  deployed: Deployed;
  prover: Prover;
  ledger: SightedLedger;
  sending: Sending;
  submitter: Submitter;
  own: readonly AccountSecrets[];
  /** Undefined when the registry is open; asked anew for each take-over. */
  registry: () => Promise<Registry | undefined>;
  limits: KeeperLimits;
  coin: CoinPrice;
  log: Log;
  /** Writes down what is about to be handed to a relayer. */
  promise(pending: Pending): Promise<void>;
  stage(name: Stage, detail: StageDetail): Promise<void>;
}

/**
 * Points of a round, in its order: the chain was followed; an act was chosen, proven, found to be still of use, and submitted (mined, or
 * stored by the relayer); and what the keeper itself remembers of it was written down.
 */
export type Stage = "followed" | "planned" | "proven" | "checked" | "submitted" | "recorded";

export interface StageDetail {
  act?: ActKind;
  /** Place of the target's note. */
  place?: bigint;
}

/** Seconds of chain time for which a relayer may submit a take-over; the snapshot makes it worthless sooner. */
const LIFETIME = 600n;

/** Throws `keeper.stale` unless what was proven at an epoch about an account can still be accepted: the proof took seconds. */
function requireCurrent(
  ledger: SightedLedger,
  epoch: bigint,
  accounts: readonly [TrackedAccount, bigint][],
): void {
  ensure(
    ledger.snapshot?.epoch === epoch,
    "keeper.stale",
    `proof: of epoch ${epoch}, expected the latest, ${ledger.snapshot?.epoch ?? "none"}`,
  );
  for (const [account, place] of accounts) {
    const now = ledger.book.accounts.get(account.name);
    const present = now === undefined ? undefined : presentOf(now).leafIndex;
    ensure(
      present === place,
      "keeper.moved",
      `note at place ${place}: spent meanwhile, expected the account's present note`,
    );
  }
}

/** Flags, renews or reveals an account. Throws the rule that stands in the way. */
export async function actOnFlag(
  acting: Acting,
  kind: "flag" | "renew" | "reveal",
  { account, position }: Endangered,
): Promise<{ transaction: string; proveSeconds: number }> {
  const { deployed, prover, ledger, sending } = acting;
  const snapshot = ledger.snapshot!;
  const { leafIndex } = position;
  const detail = { act: kind, place: leafIndex } as const;
  await acting.stage("planned", detail);
  const prove = kind === "reveal" ? proveReveal : proveFlag;
  const call = await prove({ deployed, prover, view: ledger, snapshot }, position);
  await acting.stage("proven", detail);
  await ledger.advance();
  requireCurrent(ledger, snapshot.epoch, [[account, leafIndex]]);
  ensure(
    kind !== "flag" || ledger.flagOf(position) === undefined,
    "keeper.flagged",
    `account at place ${leafIndex}: flagged by another keeper meanwhile`,
  );
  ensure(
    kind !== "reveal" || !ledger.flags.revealed.has(leafIndex),
    "keeper.revealed",
    `account at place ${leafIndex}: revealed by another keeper meanwhile`,
  );
  await acting.stage("checked", detail);
  const { hash } = await sending.send(deployed.auction, call.method, call.parameters);
  await acting.stage("submitted", detail);
  return { transaction: hash, proveSeconds: call.proveSeconds };
}

/** One of the keeper's accounts, as it can be used for a take-over. */
export interface OwnAccount {
  secrets: AccountSecrets;
  account: TrackedAccount;
  /** Without legs, in the state tree, and promised to nothing: a take-over may spend it. */
  isFree: boolean;
}

/** The keeper's accounts that are open on the ledger. */
export function ownAccounts(
  { ledger, own }: Pick<Acting, "ledger" | "own">,
  pending: readonly Pending[],
): OwnAccount[] {
  return own.flatMap((secrets) => {
    const account = ledger.book.accounts.get(nameOfOwn(secrets));
    if (account === undefined) return [];
    const { note } = presentOf(account);
    const isFree =
      note.legs.every(({ size }) => size === 0n) &&
      ledger.isPlaced(account) &&
      !pending.some((one) => one.account === account.name);
    return [{ secrets, account, isFree }];
  });
}

/** Maintenance margin that the keeper's accounts carry, or will when what is pending lands, micro-USDC. */
export function inventoryOf(
  ledger: Pick<SightedLedger, "evaluated">,
  own: readonly OwnAccount[],
  pending: readonly Pending[],
): bigint {
  const names = new Set(own.map(({ account }) => account.name));
  const carried = ledger.evaluated.reduce(
    (sum, { account, standing }) => (names.has(account.name) ? sum + standing.maintenance : sum),
    0n,
  );
  return pending.reduce((sum, { margin }) => sum + margin, carried);
}

/** A take-over that is worth doing, with what it is done with. */
export interface ChosenBid extends Bid {
  target: Endangered;
  keeper: OwnAccount;
  terms: SubmissionTerms;
}

/**
 * The first take-over that is within the limits, among accounts that are open for one: those first for which none was planned at this
 * epoch, the most profitable looking before others, so that accounts that cannot be had keep it from none that can. `waits` is told why
 * an account is left.
 */
export async function findBid(
  acting: Acting,
  work: Work,
  pending: readonly Pending[],
  inVain: InVain,
  waits: (place: bigint, rule: string) => void,
): Promise<ChosenBid | undefined> {
  const { deployed, ledger, limits, coin, submitter, sending } = acting;
  const own = ownAccounts(acting, pending);
  const free = own.filter(({ isFree }) => isFree);
  const open = work.takeOvers.filter(
    ({ position }) =>
      !own.some(({ account }) => presentOf(account).note.entity === position.note.entity) &&
      !pending.some(({ target }) => target === position.leafIndex),
  );
  if (open.length === 0) return undefined;
  if (free.length === 0) {
    for (const { position } of open) waits(position.leafIndex, "keeper.noAccount");
    return undefined;
  }
  const snapshot = ledger.snapshot!;
  const now = ledger.head!.time;
  let terms: SubmissionTerms;
  let shared: Omit<BidTerms, "permitted">;
  try {
    terms = await submitter.terms();
    shared = {
      restoration: await deployed.auction.restoration(),
      fund: await fundLimits(deployed, snapshot.epoch),
      fee: terms.fee,
      gasCost: gasCost(terms.gas, await sending.gasPrice(), coin, snapshot),
      limits,
      inventory: inventoryOf(ledger, own, pending),
    };
  } catch (error) {
    // A relayer that is away, or a coin without a price: what needs neither goes on.
    if (!(error instanceof SolvusError)) throw error;
    for (const { position } of open) waits(position.leafIndex, error.rule);
    return undefined;
  }
  const candidates = open
    .map((target) => {
      const bidTerms: BidTerms = { ...shared, permitted: permittedRate(now - target.flag!.clockStart) };
      return { target, bidTerms, bound: profitBound(target.standing, bidTerms) };
    })
    .filter(({ target, bound }) => {
      const isWorth = bound >= limits.minimumProfit || (limits.writeOffs && isWriteOff(target.standing));
      if (!isWorth) waits(target.position.leafIndex, "keeper.profit");
      return isWorth;
    })
    .sort((one, other) => Number(other.bound - one.bound));
  beginEpoch(inVain, snapshot.epoch);
  const { now: planned, later } = turns(candidates, ({ target }) => target.position.leafIndex, inVain);
  for (const { target } of later) {
    const place = target.position.leafIndex;
    waits(place, inVain.rules.get(place) ?? NOT_PLANNED);
  }
  for (const { target, bidTerms } of planned) {
    const { position, standing } = target;
    let refusal: SolvusError | undefined;
    for (const keeper of free) {
      try {
        const bid = chooseBid(position, standing, presentOf(keeper.account), snapshot, bidTerms);
        return { ...bid, target, keeper, terms };
      } catch (error) {
        if (!(error instanceof SolvusError)) throw error;
        refusal = error;
      }
    }
    if (refusal === undefined) continue;
    waits(position.leafIndex, refusal.rule);
    plannedInVain(inVain, position.leafIndex, refusal.rule);
  }
  return undefined;
}

/** Proves a bid and submits it. Throws the rule that stands in the way, also that of another keeper's having been faster. */
export async function actOnBid(
  acting: Acting,
  { plan, profit, target, keeper, terms }: ChosenBid,
): Promise<{ transaction?: string; submission?: string; proveSeconds: number }> {
  const { deployed, prover, ledger, submitter } = acting;
  const snapshot = ledger.snapshot!;
  const place = target.position.leafIndex;
  const detail = { act: "takeOver", place } as const;
  await acting.stage("planned", detail);
  await requireAdmitted(deployed, plan, snapshot);
  const registry = await acting.registry();
  const deadline = ledger.head!.time + LIFETIME;
  const { item, proveSeconds } = await proveTakeOver(
    {
      deployed,
      prover,
      view: ledger,
      snapshot,
      spendSecret: keeper.secrets.spendSecret,
      ...(registry === undefined ? {} : { registry }),
    },
    plan,
    { relayer: terms.relayer, deadline },
  );
  await acting.stage("proven", detail);
  await ledger.advance();
  requireCurrent(ledger, snapshot.epoch, [
    [target.account, place],
    [keeper.account, plan.keeper.leafIndex],
  ]);
  await requireAdmitted(deployed, plan, snapshot);
  await acting.stage("checked", detail);
  const id = submitter.idOf(item);
  if (id !== undefined)
    await acting.promise({
      ...{ id, target: place, account: keeper.account.name, keeper: plan.keeper.leafIndex },
      ...{ epoch: snapshot.epoch, deadline, margin: plan.keeperMargin.maintenance, profit },
    });
  const { transaction } = await submitter.submit(item);
  await acting.stage("submitted", detail);
  return {
    ...(transaction === undefined ? {} : { transaction }),
    ...(id === undefined ? {} : { submission: id }),
    proveSeconds,
  };
}
