import { setTimeout as sleep } from "node:timers/promises";
import type { Signer } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Prover } from "../../prover/prover.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import type { Deployed } from "../chain/deployment.ts";
import { scopeOf } from "../chain/reading.ts";
import type { Log } from "../log.ts";
import type { Running } from "../running.ts";
import { lockDirectory } from "../store/directoryLock.ts";
import { nameOfOwn, presentOf, type Sight } from "./accountBook.ts";
import {
  type Acting,
  type ActKind,
  actOnBid,
  actOnFlag,
  findBid,
  type Stage,
  type StageDetail,
} from "./acts.ts";
import type { KeeperLimits } from "./bid.ts";
import { type BookPlace, saveBook } from "./bookFile.ts";
import type { CoinPrice } from "./coinPrice.ts";
import { watchImpairment } from "./impairment.ts";
import { type ForecastWish, makeOutlook } from "./outlook.ts";
import { isLapsed, isPassed, loadPending, type Pending, savePending } from "./pending.ts";
import { type Endangered, endangered, workOn } from "./priorities.ts";
import { sendingFrom } from "./send.ts";
import { type Listen, serveKeeper } from "./server.ts";
import { sightLedger } from "./sightedLedger.ts";
import { type KeeperStatus, standingsFor, statusOf } from "./status.ts";
import { directSubmitter, type Outcome, relayedSubmitter } from "./submitter.ts";
import { type InVain, NOT_PLANNED } from "./turns.ts";

/*
 * The keeper as a service. It goes in rounds: follow the chain, evaluate every account, then do the one thing that is most urgent and look
 * again, because a proof takes seconds in which others act too. All that it knows follows from the chain and its secrets; what it writes
 * down saves time after a restart, no more.
 */

export interface KeeperConfig {
  deployed: Deployed;
  sight: Sight;
  /** The keeper's own accounts, of one institution, which take positions over; without one it flags and reveals only. */
  accounts: readonly AccountSecrets[];
  /** The registry to show the keeper's membership with; undefined when it is open. Asked before each take-over. */
  registry: () => Promise<Registry | undefined>;
  /** Pays the gas. Its key is to be used for nothing else: stuck transactions are replaced. */
  signer: Signer;
  /** URL of the relayer that submits take-overs; without one the keeper sends them itself. */
  relayer?: string;
  /** For how long a relayer that does not answer is asked again, milliseconds of the clock: 15,000. */
  relayerPatienceMs?: number;
  limits: KeeperLimits;
  coin: CoinPrice;
  /** Whom the keeper expects below margin next, and how far ahead; without it, it does not look. */
  forecast?: ForecastWish;
  prover: Prover;
  listen: Listen;
  dataDirectory: string;
  log: Log;
  /** Milliseconds between looks at the chain: 1,000. */
  pollMs?: number;
  /** How long an endpoint may lack blocks that were read before they count as replaced, milliseconds of the clock: 10,000. */
  lagMs?: number;
  /** Awaited at each stage of a round. */
  onStage?: (stage: Stage, detail: StageDetail) => Promise<void> | void;
}

export interface RunningKeeper extends Running {
  url: string;
  status(): KeeperStatus;
}

/** Milliseconds of the clock between savings of where the accounts are. */
const SAVE_EVERY = 60_000;
const LONGEST_PAUSE = 30_000;

/**
 * Starts a keeper. Throws `store.locked` when another one works in the data directory, what the endpoint throws when it cannot be reached,
 * and when the port is taken.
 */
export async function startKeeper(config: KeeperConfig): Promise<RunningKeeper> {
  // What accounts are promised to is in the directory: a second keeper would overwrite it.
  const unlock = lockDirectory(config.dataDirectory);
  try {
    const keeper = await startLocked(config);
    let stopping: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      stopping ??= keeper.stop().finally(unlock);
      return stopping;
    };
    return { ...keeper, stop };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startLocked(config: KeeperConfig): Promise<RunningKeeper> {
  const { deployed, sight, accounts: own, dataDirectory, limits, log, pollMs = 1_000 } = config;
  const secret = sight === "revealed" ? (own[0]?.spendSecret ?? 1n) : sight.committeeKey;
  const file: BookPlace = { directory: dataDirectory, scope: scopeOf(deployed), secret };
  const stopping = new AbortController();
  const { signal } = stopping;
  const ledger = await sightLedger({
    ...{ deployed, sight, own, file, log, signal },
    ...(config.lagMs === undefined ? {} : { lagMs: config.lagMs }),
  });
  const sending = sendingFrom(config.signer, limits);
  const impairment = watchImpairment(deployed, sending, log);
  const { relayer, relayerPatienceMs } = config;
  const submitter =
    relayer === undefined ? directSubmitter(deployed, sending) : relayedSubmitter(relayer, relayerPatienceMs);
  const stage = async (name: Stage, detail: StageDetail): Promise<void> => config.onStage?.(name, detail);

  const { forecast } = config;
  const outlook = forecast === undefined ? undefined : makeOutlook(deployed, forecast, log);
  let lookedAt: bigint | undefined;
  let pending = await loadPending(dataDirectory);
  const inVain: InVain = { epoch: 0n, rules: new Map() };
  let below: Endangered[] = [];
  let waiting = new Map<bigint, string>();
  /** Hash of the block at which there was nothing to do. The ledger's head is another as soon as a newer one is being read. */
  let idleAt: string | undefined;
  let lastRound: number | undefined;
  let savedAt = Date.now();
  /** Acts that a rule stood in the way of at an epoch: they are tried again at the next. */
  let refused = { epoch: 0n, acts: new Map<string, string>() };
  /** What was done last: flags and take-overs take turns when there is plenty of both. */
  let lastAct: ActKind | undefined;

  const status = (): KeeperStatus => {
    const idle = idleAt !== undefined && idleAt === ledger.head?.hash;
    return statusOf(ledger, {
      ...{ own, below, pending, waiting, outlook, idle },
      horizonHours: forecast?.horizonHours,
    });
  };
  const secondsSinceRound = (): number | undefined =>
    lastRound === undefined ? undefined : (performance.now() - lastRound) / 1000;
  const answers = { status, standings: (limit: number) => standingsFor(ledger, limit), secondsSinceRound };
  const server = await serveKeeper(config.listen, answers, log);
  const { metrics } = server;

  const keyOf = (act: ActKind, place: bigint): string => `${act} ${place}`;
  /** The rule that stood in the way of an act at the present epoch. */
  const ruleAgainst = (act: ActKind, place: bigint): string | undefined =>
    refused.epoch === ledger.snapshot?.epoch ? refused.acts.get(keyOf(act, place)) : undefined;
  const isRefused = (act: ActKind, place: bigint): boolean => ruleAgainst(act, place) !== undefined;
  const refuse = (act: ActKind, place: bigint, epoch: bigint, rule: string): void => {
    if (refused.epoch > epoch) return;
    if (refused.epoch < epoch) refused = { epoch, acts: new Map() };
    refused.acts.set(keyOf(act, place), rule);
  };

  const setPending = async (next: Pending[]): Promise<void> => {
    pending = next;
    await savePending(dataDirectory, pending);
  };
  const promise = (one: Pending): Promise<void> => setPending([...pending, one]);
  const acting: Acting = { ...config, ledger, sending, submitter, own, promise, stage };

  /** A relayer that is away says nothing yet. */
  const outcomeOf = async (one: Pending): Promise<Outcome> => {
    if (isLapsed(one, ledger.head?.time ?? 0n)) return { state: "over", rule: "keeper.lapsed" };
    try {
      return await submitter.outcome(one.id);
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      log.warn({ submission: one.id, rule: error.rule }, error.message);
      return { state: "pending" };
    }
  };

  /** Forgets what the chain has, and what the relayer says is over once that is so whatever it says: limits count it until then. */
  const settlePending = async (): Promise<void> => {
    for (const one of pending) {
      const account = ledger.book.accounts.get(one.account);
      if (account !== undefined && presentOf(account).leafIndex !== one.keeper) {
        metrics.count("takeOver", "done");
        metrics.earned(one.profit);
        log.info({ place: String(one.target), submission: one.id }, "take-over is on the chain");
        await setPending(pending.filter(({ id }) => id !== one.id));
        continue;
      }
      if (one.over === undefined) {
        const outcome = await outcomeOf(one);
        if (outcome.state !== "over") continue;
        one.over = outcome.rule;
        refuse("takeOver", one.target, one.epoch, outcome.rule);
        metrics.count("takeOver", outcome.rule);
        log.warn({ place: String(one.target), rule: outcome.rule }, "the relayer gave a take-over up");
        await setPending(pending);
      }
      if (isPassed(one, ledger.head?.time ?? 0n, ledger.snapshot?.epoch ?? 0n))
        await setPending(pending.filter(({ id }) => id !== one.id));
    }
  };

  /** Does an act; a rule that stands in its way is noted, any other error thrown. */
  const attempt = async (act: ActKind, place: bigint, work: () => Promise<number>): Promise<void> => {
    const epoch = ledger.snapshot!.epoch;
    lastAct = act;
    try {
      metrics.proved(act, await work());
      await stage("recorded", { act, place });
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      refuse(act, place, epoch, error.rule);
      metrics.count(act, error.rule);
      log.warn({ act, place: String(place), epoch: Number(epoch), rule: error.rule }, error.message);
    }
  };

  const flagAct = (kind: "flag" | "renew" | "reveal", account: Endangered): Promise<void> => {
    const place = account.position.leafIndex;
    return attempt(kind, place, async () => {
      const { transaction, proveSeconds } = await actOnFlag(acting, kind, account);
      metrics.count(kind, "done");
      log.info({ act: kind, place: String(place), transaction, proveSeconds }, `${kind}: done`);
      return proveSeconds;
    });
  };

  /**
   * Nothing takes a publication back: not of what may yet be taken over by what is under way or still to be planned, and not of the
   * keeper's own.
   */
  const mayReveal = ({ account, position: { leafIndex } }: Endangered): boolean =>
    !pending.some(({ target }) => target === leafIndex) &&
    waiting.get(leafIndex) !== NOT_PLANNED &&
    ruleAgainst("takeOver", leafIndex) !== "keeper.unmined" &&
    !own.some((secrets) => nameOfOwn(secrets) === account.name);

  /** The most urgent act, done; false when there is none. */
  const actOnce = async (): Promise<boolean> => {
    const work = workOn(below, ledger);
    const first = (act: ActKind, accounts: readonly Endangered[]): Endangered | undefined =>
      accounts.find(({ position }) => !isRefused(act, position.leafIndex));
    const renewal = first("renew", work.renewals);
    const upkeep = renewal ?? first("flag", work.flags);
    const keepUp = async (account: Endangered): Promise<true> => {
      await flagAct(account === renewal ? "renew" : "flag", account);
      return true;
    };
    if (upkeep !== undefined && lastAct !== "flag" && lastAct !== "renew") return keepUp(upkeep);
    const waits = new Map<bigint, string>();
    const open = work.takeOvers.filter(({ position }) => !isRefused("takeOver", position.leafIndex));
    const bid = await findBid(acting, { ...work, takeOvers: open }, pending, inVain, (place, rule) =>
      waits.set(place, rule),
    );
    waiting = waits;
    if (bid !== undefined) {
      const place = bid.target.position.leafIndex;
      await attempt("takeOver", place, async () => {
        const { transaction, submission, proveSeconds } = await actOnBid(acting, bid);
        const { rate, slice } = bid.plan.request;
        const told = { place: String(place), rate: Number(rate) / 65_536, slice: Number(slice) / 65_536 };
        if (submission === undefined) {
          metrics.count("takeOver", "done");
          metrics.earned(bid.profit);
        }
        log.info(
          {
            ...told,
            profitUsd: Number(bid.profit) / 1e6,
            transaction,
            submission,
            proveSeconds,
          },
          "take-over: submitted",
        );
        return proveSeconds;
      });
      return true;
    }
    if (upkeep !== undefined) return keepUp(upkeep);
    const revealed =
      limits.reveals && sight !== "revealed" ? first("reveal", work.reveals.filter(mayReveal)) : undefined;
    if (revealed === undefined) return false;
    await flagAct("reveal", revealed);
    return true;
  };

  /** Whether bids are still to be planned. */
  const hasMore = (): boolean => [...waiting.values()].includes(NOT_PLANNED);

  /** Whether the next one is to follow at once. */
  const round = async (): Promise<boolean> => {
    const isNew = await ledger.advance();
    if (isNew) {
      idleAt = undefined;
      await stage("followed", {});
    }
    const recorded = isNew ? await impairment.look(ledger.snapshot?.epoch ?? 0n) : undefined;
    if (recorded !== undefined) metrics.count("recordImpairment", recorded);
    await settlePending();
    below = endangered(ledger);
    if (ledger.snapshot !== undefined && ledger.snapshot.epoch !== lookedAt) {
      lookedAt = ledger.snapshot.epoch;
      outlook?.look(ledger.snapshot, ledger.evaluated);
    }
    const acted = await actOnce();
    if (!acted) {
      lastAct = undefined;
      const isUnderWay = pending.some(({ over }) => over === undefined);
      idleAt = !isUnderWay && !hasMore() ? ledger.head?.hash : undefined;
    }
    metrics.observe(status());
    if (Date.now() - savedAt > SAVE_EVERY) {
      await saveBook(file, ledger.book);
      savedAt = Date.now();
    }
    lastRound = performance.now();
    return acted || hasMore();
  };

  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);

  const run = async (): Promise<void> => {
    let wait = pollMs;
    while (!signal.aborted) {
      try {
        const goesOn = await round();
        wait = pollMs;
        if (!goesOn) await pause(wait);
      } catch (error) {
        if (signal.aborted) return;
        idleAt = undefined;
        metrics.failed();
        log.error({ err: error }, "round failed");
        await pause(wait);
        wait = Math.min(2 * wait, LONGEST_PAUSE);
      }
    }
  };
  const running = run();
  log.info(
    { url: server.url, accounts: own.length, sight: sight === "revealed" ? "revealed" : "key" },
    "keeper runs",
  );
  return {
    url: server.url,
    status,
    async stop() {
      stopping.abort();
      await running;
      // Before the first round the file knows more.
      if (lastRound !== undefined) await saveBook(file, ledger.book);
      await server.close();
    },
  };
}
