import { setTimeout as delay } from "node:timers/promises";
import { advanceLedger } from "../../protocol/chain.ts";
import { STATE_NODE_LEAVES } from "../../protocol/constants.ts";
import { chainTime } from "../../services/chain/deployment.ts";
import type { KeeperStatus } from "../../services/keeper/status.ts";
import type { LocalSystem } from "../up/localSystem.ts";
import { moveClock } from "../up/owner.ts";

/*
 * The drill moves the chain's clock and waits for the services to have done what follows. It asks them over HTTP, as anybody could.
 */

const POLL_MS = 150;
/** Seconds of the chain from one epoch to the next, and until a partial node may be sealed. */
const EPOCH_SECONDS = 60;
const SEAL_SECONDS = 31;
/** How long a service may take before the drill goes on without waiting for it; generous, for machines under load. */
const EPOCH_WITHIN_MS = 60_000;
const IDLE_WITHIN_MS = 180_000;
const INSERTED_WITHIN_MS = 120_000;

/** Waits until `isDone`; false when that takes too long. */
async function until(
  isDone: () => Promise<boolean>,
  withinMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await isDone())) {
    signal.throwIfAborted();
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Epoch and time (Unix seconds) of the latest snapshot. */
export async function latestEpoch({ setting }: LocalSystem): Promise<{ epoch: bigint; time: number }> {
  const [, { epoch, time }] = await setting.deployed.oracle.latest();
  return { epoch, time: Number(time) };
}

/**
 * Moves the chain's clock to a time, Unix seconds, if it is not there yet, and waits for the snapshot of it. False when the oracle does not
 * post it in time.
 */
export async function goTo(local: LocalSystem, time: number): Promise<boolean> {
  const { setting, signal } = local;
  await moveClock(setting, time);
  const now = await chainTime(setting.deployed);
  // An epoch is due once the one before is a minute old.
  const isPosted = async (): Promise<boolean> => (await latestEpoch(local)).time > now - EPOCH_SECONDS;
  return until(isPosted, EPOCH_WITHIN_MS, signal);
}

async function keeperStatus({ places }: LocalSystem): Promise<KeeperStatus | undefined> {
  try {
    const response = await fetch(`${places.keeper}/v1/status`, { signal: AbortSignal.timeout(5_000) });
    return response.ok ? ((await response.json()) as KeeperStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Waits until the keeper has seen the chain as it is and has nothing left to do. False when that takes too long. */
export async function keeperIsIdle(local: LocalSystem): Promise<boolean> {
  const { setting, signal } = local;
  const block = await setting.provider.getBlockNumber();
  const { epoch } = await latestEpoch(local);
  return until(
    async () => {
      const status = await keeperStatus(local);
      return status?.idle === true && status.block >= block && BigInt(status.epoch) >= epoch;
    },
    IDLE_WITHIN_MS,
    signal,
  );
}

/** Waits until every note queued so far is in the state tree, moving the clock on so that the last node may be sealed. */
export async function notesAreInserted(local: LocalSystem): Promise<boolean> {
  const { setting, signal } = local;
  const { deployed, view } = setting;
  await advanceLedger(deployed.chain, view);
  const { tail } = view.history;
  const isInserted = async (): Promise<boolean> => {
    await advanceLedger(deployed.chain, view);
    return BigInt(view.history.inserted) * BigInt(STATE_NODE_LEAVES) >= tail;
  };
  if (await isInserted()) return true;
  await moveClock(setting, (await chainTime(deployed)) + SEAL_SECONDS);
  return until(isInserted, INSERTED_WITHIN_MS, signal);
}
