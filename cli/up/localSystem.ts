import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonRpcProvider } from "ethers";
import { snapshotsOf } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { createProver } from "../../prover/prover.ts";
import { attach, deploymentSchema } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { readJson } from "../../services/files.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { PLACES, takeDirectory } from "./directory.ts";
import { emptyView, type OwnerSetting } from "./owner.ts";
import { makeSupervisor, type Supervisor } from "./supervisor.ts";
import { type SystemPlaces, type SystemSettings, startSystem } from "./system.ts";

/** A local Solvus that runs, and what owners on it act with. */
export interface LocalSystem {
  supervisor: Supervisor;
  places: SystemPlaces;
  setting: OwnerSetting;
  /** Aborted when the run is to end. */
  signal: AbortSignal;
}

/** What is told while a local Solvus runs. */
export interface SystemEvents {
  /** A line of a process. */
  onLine(name: string, line: string): void;
  /** One line of progress. */
  log(line: string): void;
}

/** Time that is left to what was under way once everything has been stopped. */
const LINGER_MS = 2_000;

/** The name of a signal that asks to end; a second one ends everything at once, by force. */
function interruption(supervisor: Supervisor): { aborter: AbortController; forget(): void } {
  const aborter = new AbortController();
  let asked = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    const now = performance.now();
    // A terminal's Ctrl-C may arrive twice, from the terminal and through the parent.
    if (asked !== 0 && now - asked > 1_000) {
      supervisor.killAll();
      process.exit(1);
    }
    if (asked === 0) asked = now;
    aborter.abort(new SolvusError("up.interrupted", `ended by ${name}, expected to run to its end`));
  };
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    aborter,
    forget() {
      for (const name of names) process.removeListener(name, onSignal);
    },
  };
}

/** Rejects with the signal's reason once it is aborted. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/**
 * Starts a local Solvus, works on it, and stops it whatever happens: no process is left behind. Throws `up.interrupted` when the process is
 * asked to end, and `up.child` when a part ends without which nothing can go on.
 */
export async function withLocalSystem<T>(
  settings: SystemSettings,
  { onLine, log }: SystemEvents,
  work: (local: LocalSystem) => Promise<T>,
): Promise<T> {
  const held = await takeDirectory(settings.directory);
  const logFile = (name: string): string => join(held.path, PLACES.logs, `${name}.log`);
  const supervisor = makeSupervisor({
    onLine(name, line) {
      appendFileSync(logFile(name), `${line}\n`);
      onLine(name, line);
    },
    onNote: (name, note) => log(`${name} ${note}`),
  });
  const { aborter, forget } = interruption(supervisor);
  supervisor.finished.catch((error) => aborter.abort(error));
  const closing: (() => Promise<void> | void)[] = [];
  const whole = async (): Promise<T> => {
    const places = await startSystem(supervisor, settings, log);
    const provider: JsonRpcProvider = await connectRpc(places.rpc);
    closing.push(() => provider.destroy());
    const deployed = await attach(provider, readJson(places.deployment, "deployment", deploymentSchema));
    const { chain } = deployed;
    const prover = createProver({ chain });
    closing.push(() => prover.close());
    const relayer = relayerClient(places.relayer);
    const snapshots = snapshotsOf(chain);
    const setting = { deployed, provider, prover, relayer, view: emptyView(), snapshots };
    return work({ supervisor, places, setting, signal: aborter.signal });
  };
  const working = whole();
  working.catch(() => {});
  try {
    return await Promise.race([working, untilAborted(aborter.signal)]);
  } finally {
    aborter.abort(new SolvusError("up.stopped", "stopped, expected to run"));
    for (const close of closing.reverse()) await close();
    await supervisor.stop();
    await held.release();
    forget();
    // What was under way may wait for answers that do not come any more.
    setTimeout(() => process.exit(), LINGER_MS).unref();
  }
}
