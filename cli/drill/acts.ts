import { setTimeout as delay } from "node:timers/promises";
import type { Contract } from "ethers";
import { latestSnapshot } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import { openRow, type TransitionRequest } from "../../protocol/transition.ts";
import { randomFieldElement } from "../../services/account/secrets.ts";
import type { LocalSystem } from "../up/localSystem.ts";
import { endow, proveChange, submitChange, submitOpening } from "../up/owner.ts";
import type { Person } from "./cast.ts";

/*
 * What people of a drill do, each through the relayer. Proofs are made one after another, because each takes the whole machine; what was
 * handed in is waited for at the end.
 */

/** What the rules, or the services, refused: how often, by rule. */
export type Refusals = Map<string, number>;

/** What acts are done with. */
export interface Stage {
  local: LocalSystem;
  refusals: Refusals;
}

/** How long a submission may take to be mined, on a machine under load. */
const MINED_WITHIN_MS = 120_000;
const TRIES = 4;
const PAUSE_MS = 1_000;

/** A rule of the account's own that no later try would meet. */
const isFinal = ({ rule }: SolvusError): boolean => /^(transition|trade|open|note)\./.test(rule);

function refused({ refusals }: Stage, error: unknown): SolvusError {
  if (!(error instanceof SolvusError)) throw error;
  refusals.set(error.rule, (refusals.get(error.rule) ?? 0) + 1);
  return error;
}

/** Something that was handed in: resolves to the refusal, or to nothing once all of it is mined. */
async function outcome(stage: Stage, ids: readonly string[]): Promise<SolvusError | undefined> {
  const { relayer } = stage.local.setting;
  try {
    for (const id of ids) await relayer.wait(id, ["mined", "final"], MINED_WITHIN_MS);
    return undefined;
  } catch (error) {
    return refused(stage, error);
  }
}

/** One act: proves and hands in, and returns the ids of the submissions. */
export type Act = () => Promise<string[]>;

/**
 * Does acts one after another, waits for all of them, and tries again those that came too late for their snapshot or epoch. Returns for each
 * whether it was done.
 */
export async function doAll(stage: Stage, acts: readonly Act[]): Promise<boolean[]> {
  const done = acts.map(() => false);
  let left = acts.map((_, place) => place);
  for (let attempt = 0; attempt < TRIES && left.length > 0; attempt++) {
    if (attempt > 0) await delay(PAUSE_MS);
    const waiting: { place: number; outcome: Promise<SolvusError | undefined> }[] = [];
    for (const place of left) {
      stage.local.signal.throwIfAborted();
      const act = acts[place] as Act;
      try {
        const ended = outcome(stage, await act());
        ended.catch(() => {});
        waiting.push({ place, outcome: ended });
      } catch (error) {
        waiting.push({ place, outcome: Promise.resolve(refused(stage, error)) });
      }
    }
    left = [];
    for (const { place, outcome: ended } of waiting) {
      const error = await ended;
      if (error === undefined) done[place] = true;
      else if (!isFinal(error)) left.push(place);
    }
  }
  return done;
}

export const open =
  ({ local }: Stage, person: Person): Act =>
  async () => [await submitOpening(local.setting, person)];

/** What is deposited: smallest units of cash, or lots of a spot asset, with what it is worth in micro-USDC. */
export interface Deposited {
  asset: bigint;
  amount: bigint;
  token: Contract;
  unitsPerLot: bigint;
  value: bigint;
}

/** Mints what a person is to deposit, once, and lets the ledger take it. */
function endowment({ local }: Stage, person: Person, { token, amount, unitsPerLot, value }: Deposited) {
  let isEndowed = false;
  return async (): Promise<void> => {
    if (isEndowed) return;
    await endow(local.setting, person, token, amount * unitsPerLot);
    person.deposited += value;
    isEndowed = true;
  };
}

export function deposit(stage: Stage, person: Person, deposited: Deposited): Act {
  const endowed = endowment(stage, person, deposited);
  const { amount, asset } = deposited;
  return async () => {
    await endowed();
    return [await submitChange(stage.local.setting, person, { deposit: amount, asset })];
  };
}

/** A package at the marks, as its receiver sees it, with a fresh salt. Legs have sizes other than 0. */
export function packageAtMarks(
  legs: readonly { id: bigint; size: bigint }[],
  snapshot: Snapshot,
): TradePackage {
  const ordered = [...legs].sort((one, other) => (one.id < other.id ? -1 : 1));
  const cash = ordered.reduce((sum, { id, size }) => sum - size * openRow(snapshot, id).row.mark, 0n);
  return { legs: ordered, cash, salt: randomFieldElement() };
}

/** How a trade is done. */
export interface TradeTerms {
  mode?: bigint;
  /** What `person` deposits with it. */
  deposited?: Deposited;
}

/** A trade at the marks: `person` receives the legs, `partner` gives them. Each proves its own side on one snapshot. */
export function trade(
  stage: Stage,
  person: Person,
  partner: Person,
  legs: readonly { id: bigint; size: bigint }[],
  { mode = 0n, deposited }: TradeTerms = {},
): Act {
  const { setting } = stage.local;
  const endowed = deposited && endowment(stage, person, deposited);
  const flow = deposited && { deposit: deposited.amount, asset: deposited.asset };
  return async () => {
    await endowed?.();
    const snapshot = await latestSnapshot(setting.deployed.chain);
    const agreed = packageAtMarks(legs, snapshot);
    const request = (side: 0 | 1): Partial<TransitionRequest> => ({ mode, trade: { package: agreed, side } });
    const first = await proveChange(setting, person, { ...request(0), ...flow }, snapshot);
    const second = await proveChange(setting, partner, request(1), snapshot);
    const ids: string[] = [];
    for (const transition of [first, second])
      ids.push((await setting.relayer.submit({ kind: "transition", transition })).id);
    return ids;
  };
}
