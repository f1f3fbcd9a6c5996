import { join } from "node:path";
import type { Signer } from "ethers";
import { followAccount, openedPosition } from "../../protocol/accountHistory.ts";
import { snapshotsOf } from "../../protocol/chain.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { commitmentOf, ownerKeyOf, spendOf } from "../../protocol/note.ts";
import { rebuildSnapshot } from "../../protocol/postedSnapshot.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { tradeTagOf } from "../../protocol/trade.ts";
import { formatTicket } from "../../protocol/tradeTicket.ts";
import type { Account } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { type AccountSecrets, firstNote } from "../../prover/secrets.ts";
import { proveClearing } from "../account/clear.ts";
import { randomFieldElement } from "../account/secrets.ts";
import type { Deployed } from "../chain/deployment.ts";
import { scopeOf } from "../chain/reading.ts";
import { writeText } from "../files.ts";
import { chainHistory } from "../forecast/chainHistory.ts";
import type { PriceHistory } from "../forecast/history.ts";
import { type ChainFollower, followChain } from "../keeper/chainFollower.ts";
import { type Sending, sendingFrom } from "../keeper/send.ts";
import { activeFlag } from "../keeper/watch.ts";
import type { Log } from "../log.ts";
import { lockDirectory } from "../store/directoryLock.ts";
import { assess } from "./assess.ts";
import { dealOn } from "./dealing.ts";
import { checkPolicy, type GuardPolicy, ratioOf, stateOf } from "./policy.ts";
import {
  type GuardRecord,
  liveTicket,
  openRecord,
  openTopUp,
  proposed,
  resolveTopUps,
  toppedUp,
} from "./record.ts";
import { planReduction } from "./reduction.ts";
import type { GuardAct, GuardDesk, GuardReport } from "./report.ts";
import { attemptTopUp, feeOf, needsAttempt, type Paying, type TopUpStage } from "./topUp.ts";
import { topUpAmount } from "./topUpAmount.ts";
import type { GuardEvent } from "./webhook.ts";

/*
 * The owner's side of the keeper: watches one account with its own secrets, says when it comes near its margin, and deposits or writes a
 * ticket that closes part of it, within limits that the owner has set.
 */

export interface GuardConfig {
  deployed: Deployed;
  secrets: AccountSecrets;
  policy: GuardPolicy;
  prover: Prover;
  /**
   * Pays for top-ups and for clearing flags; without one the guard only warns and writes tickets. Its key is to be used for nothing else: stuck
   * transactions are replaced.
   */
  payer?: Signer;
  /** Most wei for a unit of gas; 200 gwei unless given. */
  maxGasPrice?: bigint;
  /** URL of the relayer that submits top-ups; without one the payer sends them. */
  relayer?: string;
  /** To show membership with; undefined when the registry is open. Asked before each deposit. */
  registry: () => Promise<Registry | undefined>;
  /** Holds the record of what was spent, and tickets. One guard at a time. */
  dataDirectory: string;
  /** Asks makers to close positions; without one, tickets are written to files. */
  desk?: GuardDesk;
  /** Recorded prices before those that the chain has. */
  prices?: PriceHistory;
  /** Told of what the owner should know. */
  notify?: (event: GuardEvent) => Promise<void>;
  log: Log;
  /** Milliseconds between looks at the chain: 2,000. */
  pollMs?: number;
  /** Awaited at each stage of a top-up. */
  onStage?: (stage: TopUpStage) => Promise<void> | void;
}

/** A guard between two rounds. */
export interface Guard {
  /** Looks at the chain and does what the policy says. Throws what the endpoint throws; an act that is refused is in the report. */
  round(): Promise<GuardReport>;
  /** Leaves what is under way on the desk for the next guard, and lets that work in the directory. */
  close(): Promise<void>;
}

/** A snapshot older than this, in seconds of the chain, proves nothing but deposits. */
const STALE_SECONDS = 180n;
const MAX_GAS_PRICE = 200_000_000_000n;
/** Seconds of the chain before a deposit that was handed over, and refused afterwards, is proven again at the same epoch. */
const PAUSE_SECONDS = 60n;

/**
 * Opens a guard. Throws `store.locked` when another one works in the directory, misuse for a policy or a record that makes no sense, and
 * `account.notOpened`, at the first round, for an account that is not on this ledger.
 */
export function openGuard(config: GuardConfig): Guard {
  const { deployed, secrets, log } = config;
  const policy = checkPolicy(config.policy);
  const release = lockDirectory(config.dataDirectory);
  try {
    const ownerKey = ownerKeyOf(secrets.spendSecret);
    const name = { ...scopeOf(deployed), ownerKey };
    const record = openRecord(config.dataDirectory, name);
    return guardOf({ ...config, policy }, record, release);
  } catch (error) {
    release();
    log.error({ err: error }, "guard does not start");
    throw error;
  }
}

function guardOf(config: GuardConfig, record: GuardRecord, release: () => void): Guard {
  const { deployed, secrets, policy, prover, payer, relayer, log } = config;
  const follower: ChainFollower = followChain(deployed.chain, deployed.provider);
  const snapshots = snapshotsOf(deployed.chain);
  const published = chainHistory(deployed);
  const { maxGasPrice = MAX_GAS_PRICE } = config;
  const sending = payer === undefined ? undefined : sendingFrom(payer, { maxGasPrice });
  let known: Account | undefined;
  let market: { root: bigint; snapshot: MarketSnapshot } | undefined;
  let assessed: { key: string; result: Awaited<ReturnType<typeof assess>> } | undefined;
  /** What was refused at an epoch on a note is tried again at another. */
  const refused = new Map<string, string>();
  /** Of the last deposit that was handed over: a relayer that takes each and then refuses it is not to set the pace. */
  let handed: { key: string; until: bigint } | undefined;
  let told: string | undefined;
  const { desk } = config;
  const dealing = desk === undefined ? undefined : dealOn(desk, log);

  const accountNow = async (): Promise<Account> => {
    const { history } = follower;
    const isCurrent = known !== undefined && history.leaves.get(known.leafIndex) === commitmentOf(known.note);
    const from = isCurrent && known !== undefined ? known : openedPosition(history, firstNote(secrets));
    const followed = await followAccount(from, history, snapshots);
    known = { ...followed, secrets, scope: scopeOf(deployed) };
    return known;
  };
  const snapshotNow = (): MarketSnapshot => {
    const { posted } = follower;
    ensure(posted !== undefined, "snapshot.none", "oracle: no snapshot yet, expected its first epoch");
    if (market?.root !== posted.root) market = { root: posted.root, snapshot: rebuildSnapshot(posted) };
    return market.snapshot;
  };
  const assessment = async (account: Account, snapshot: MarketSnapshot) => {
    const key = `${snapshot.root} ${account.leafIndex}`;
    if (assessed?.key !== key) {
      const sources = { published, ...(config.prices === undefined ? {} : { recorded: config.prices }) };
      assessed = { key, result: await assess(account.note, snapshot, sources, policy.horizonHours) };
    }
    return assessed.result;
  };

  /** Does an act unless it was refused at this epoch before; a refusal is an act of its own. */
  const attempt = async (
    act: "topUp" | "ticket" | "clear",
    key: string,
    work: () => Promise<GuardAct>,
  ): Promise<GuardAct | undefined> => {
    if (refused.get(act) === key) return undefined;
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      refused.set(act, key);
      return { kind: "refused", act, rule: error.rule, message: error.message };
    }
  };

  const topUp = async (
    account: Account,
    snapshot: MarketSnapshot,
    equity: bigint,
    maintenance: bigint,
    now: bigint,
    paying: Paying,
  ): Promise<GuardAct> => {
    const limits = policy.topUp;
    ensure(limits !== undefined, "guard.limits", "top-up: not allowed, expected limits of the owner");
    const asked = await feeOf(relayer);
    ensure(
      asked.fee <= limits.maxFee,
      "guard.fee",
      `fee: the relayer asks ${asked.fee} micro-USDC, expected at most ${limits.maxFee}`,
    );
    let planned = openTopUp(record);
    if (planned === undefined) {
      const spent = toppedUp(record, now);
      const left = (limit: bigint, used: bigint): bigint => (limit > used ? limit - used : 0n);
      const amount = topUpAmount({
        equity,
        maintenance,
        targetRatio: policy.targetRatio,
        fee: asked.fee,
        leftToday: left(limits.perDay, spent.today),
        leftInTotal: left(limits.total, spent.total),
        balance: await deployed.usdc.balanceOf(await paying.payer.getAddress()),
      });
      const { nullifier } = spendOf(account.note, account.leafIndex);
      planned = { nullifier, amount, plannedAt: now, attempts: [], outcome: "open" };
      record.topUps.push(planned);
      record.save();
      await paying.stage("planned");
    }
    const { transaction, submission } = await attemptTopUp(paying, account, snapshot, planned, asked);
    return {
      kind: "topUp",
      amount: planned.amount,
      ...(transaction === undefined ? {} : { transaction }),
      ...(submission === undefined ? {} : { submission }),
    };
  };

  const writeTicket = async (account: Account, snapshot: MarketSnapshot, now: bigint): Promise<GuardAct> => {
    const limits = policy.reduce;
    ensure(limits !== undefined, "guard.limits", "reduction: not allowed, expected limits of the owner");
    const used = proposed(record, now);
    const reduction = planReduction(account.note, account.leafIndex, snapshot, {
      ...limits,
      targetRatio: policy.targetRatio,
      largestNotional: limits.perDay > used ? limits.perDay - used : 0n,
      salt: randomFieldElement(),
    });
    const deadline = now + BigInt(limits.lifetime);
    const { notional, conceded, ratio } = reduction;
    const { nullifier } = spendOf(account.note, account.leafIndex);
    const tag = tradeTagOf(reduction.package);
    const note = (file: string): void => {
      record.tickets.push({ tag, nullifier, notional, plannedAt: now, deadline, file });
      record.save();
    };
    if (dealing !== undefined) {
      note("");
      dealing.ask(reduction.package);
      return { kind: "asked", notional, conceded, ratio };
    }
    const file = join(config.dataDirectory, `ticket-${snapshot.epoch}-${account.leafIndex}.json`);
    note(file);
    const { chainId, ledger } = deployed.chain;
    writeText(file, formatTicket({ chainId, ledger, package: reduction.package, deadline }), {
      secret: true,
    });
    return { kind: "ticket", file, notional, conceded, ratio, deadline };
  };

  const clear = async (account: Account, snapshot: MarketSnapshot, sender: Sending): Promise<GuardAct> => {
    const { history, head } = follower;
    const view = { block: head?.number ?? 0, history };
    const { parameters } = await proveClearing(deployed, prover, account, { view, snapshot });
    const { hash } = await sender.send(deployed.auction, "clear", parameters);
    return { kind: "cleared", transaction: hash };
  };

  const tell = async (report: GuardReport): Promise<void> => {
    const { acts, ...standing } = report;
    const mood = `${report.state} ${report.flagged}`;
    const fields = { account: Number(secrets.number), ...standing };
    if (mood !== told) {
      const level = report.state === "healthy" && !report.flagged ? "info" : "warn";
      log[level](plain(fields), `account is ${report.state}${report.flagged ? " and flagged" : ""}`);
      if (told !== undefined || level === "warn") await config.notify?.({ event: report.state, ...fields });
      told = mood;
    }
    for (const { kind, ...act } of acts) {
      log[kind === "refused" ? "warn" : "info"](plain(act), `guard: ${kind}`);
      await config.notify?.({ event: kind, ...fields, ...act });
    }
  };

  return {
    async round() {
      await follower.advance();
      const { head, history } = follower;
      const now = head?.time ?? 0n;
      const resolved = resolveTopUps(record, history, now);
      const account = await accountNow();
      const snapshot = snapshotNow();
      const { note, leafIndex, inserted } = account;
      const result = await assessment(account, snapshot);
      const { equity, maintenance, probability, noForecast } = result;
      const flag = await activeFlag(deployed, leafIndex);
      const state = stateOf(result, policy);
      const stale = now > (follower.posted?.time ?? 0n) + STALE_SECONDS;
      const key = `${snapshot.epoch} ${leafIndex}`;
      const acts: GuardAct[] = [
        ...(dealing?.ended() ?? []),
        ...resolved.flatMap(({ amount, outcome }): GuardAct[] =>
          outcome === "open" ? [] : [{ kind: "toppedUp", amount, outcome }],
        ),
      ];
      const did = (act: GuardAct | undefined): void => {
        if (act !== undefined) acts.push(act);
      };

      const stage = async (name: TopUpStage): Promise<void> => config.onStage?.(name);
      const paying: Paying | undefined =
        payer === undefined || sending === undefined
          ? undefined
          : {
              deployed,
              prover,
              payer,
              sending,
              ...(relayer === undefined ? {} : { relayer }),
              registry: config.registry,
              record,
              stage,
            };
      const isDue = state === "acting" || state === "below";
      const underWay = openTopUp(record);
      // What a maker and this account have agreed on spends the same note. Below its margin the account cannot wait for a maker, who may let the
      // ticket lapse: the deposit goes first, and the trade is proven again on what it leaves.
      const isFree = inserted && dealing?.isUnderWay() !== true;
      const mayDeposit = isFree || (inserted && state === "below");
      if (mayDeposit && isDue && paying !== undefined && policy.topUp !== undefined) {
        const rests = handed?.key === key && now < handed.until;
        if (!rests && (underWay === undefined || (await needsAttempt(underWay, relayer, now)))) {
          const act = await attempt("topUp", key, () =>
            topUp(account, snapshot, equity, maintenance, now, paying),
          );
          if (act?.kind === "topUp") handed = { key, until: now + PAUSE_SECONDS };
          did(act);
        }
      }
      const isPaying = openTopUp(record) !== undefined;
      const { nullifier } = spendOf(note, leafIndex);
      if (isFree && isDue && !isPaying && !stale && policy.reduce !== undefined) {
        if (liveTicket(record, nullifier, now) === undefined)
          did(await attempt("ticket", key, () => writeTicket(account, snapshot, now)));
      }
      // A deposit spends the flagged note, which ends its flag too.
      const mayClear = flag !== undefined && equity >= maintenance && !isPaying && policy.clears;
      if (inserted && mayClear && !stale && sending !== undefined)
        did(await attempt("clear", key, () => clear(account, snapshot, sending)));

      const report: GuardReport = {
        epoch: snapshot.epoch,
        place: leafIndex,
        inserted,
        state,
        equity,
        maintenance,
        ratio: ratioOf(result),
        probability,
        ...(noForecast === undefined ? {} : { noForecast }),
        flagged: flag !== undefined,
        stale,
        pending: openTopUp(record) !== undefined || dealing?.isUnderWay() === true,
        spent: toppedUp(record, now),
        acts,
      };
      await tell(report);
      return report;
    },
    async close() {
      await dealing?.stop();
      release();
    },
  };
}

/** Bigints as decimal strings, for the log. */
function plain(fields: object): object {
  return JSON.parse(
    JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? String(value) : value)),
  );
}
