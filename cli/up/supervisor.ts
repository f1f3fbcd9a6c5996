import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { SolvusError } from "../../protocol/errors.ts";
import { eachLine } from "./lines.ts";

/** A process to keep running. */
export interface ChildPlan {
  name: string;
  /** Arguments of the Node that runs now: a script and its own. */
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Answers with a status of 200 once the process can work. Without it a process is ready as soon as it runs. */
  healthUrl?: string;
  /** What its end means: it is started again, or nothing can go on without it. */
  whenItEnds: "restart" | "stopAll";
}

/** How patient a supervisor is; milliseconds. */
export interface Patience {
  /** Before the first restart in a row; doubles with each up to `longestMs`. */
  backoffMs: number;
  longestMs: number;
  /** A process that ran for so long starts a new row of restarts. */
  steadyMs: number;
  /** Ends in a row after which a process that was never ready is given up. */
  mostEnds: number;
  /** For a process to become ready. */
  readyMs: number;
  /** For a process to end by itself once asked to. */
  graceMs: number;
}

const PATIENCE: Patience = {
  backoffMs: 250,
  longestMs: 10_000,
  steadyMs: 30_000,
  mostEnds: 5,
  readyMs: 120_000,
  graceMs: 35_000,
};

/** What a supervisor tells of its processes. */
export interface SupervisorEvents {
  /** A line that a process wrote. */
  onLine(name: string, line: string): void;
  /** Something happened to a process, in words. */
  onNote(name: string, note: string): void;
}

/** Processes that are kept running until they are stopped. */
export interface Supervisor {
  /** Starts a process and resolves once it is ready. Throws `up.child` when it keeps ending, `up.notReady` when it never is. */
  start(plan: ChildPlan): Promise<void>;
  /** Kills a process without warning and leaves it down. */
  suspend(name: string): Promise<void>;
  /** Starts a suspended process again and resolves once it is ready. */
  resume(name: string): Promise<void>;
  /** Process id while it runs. */
  pidOf(name: string): number | undefined;
  /** How often a process was started again because it had ended. */
  restartsOf(name: string): number;
  /** Rejects (`up.child`) when a process ended without which nothing can go on, or that keeps ending; resolves at `stop`. */
  finished: Promise<void>;
  /** Ends all processes, the last one started first, by force those that take too long. */
  stop(): Promise<void>;
  /** Ends all processes at once, by force. */
  killAll(): void;
}

interface Child {
  plan: ChildPlan;
  process?: ChildProcess;
  /** Resolves once the present process has ended. */
  ended: Promise<void>;
  wasReady: boolean;
  endsInARow: number;
  restarts: number;
  isSuspended: boolean;
  startedAt: number;
}

/** A process is the leader of a group of its own: a signal to it reaches what it started. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}

const isRunning = ({ process: running }: Child): boolean =>
  running !== undefined && running.exitCode === null && running.signalCode === null;

async function isHealthy(url: string): Promise<boolean> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return status === 200;
  } catch {
    return false;
  }
}

/** A supervisor without processes. */
export function makeSupervisor(
  { onLine, onNote }: SupervisorEvents,
  patience: Partial<Patience> = {},
): Supervisor {
  const { backoffMs, longestMs, steadyMs, mostEnds, readyMs, graceMs } = { ...PATIENCE, ...patience };
  const children = new Map<string, Child>();
  const aborter = new AbortController();
  const finished = Promise.withResolvers<void>();
  finished.promise.catch(() => {});
  let stopping: Promise<void> | undefined;
  let failure: SolvusError | undefined;

  const killAll = (): void => {
    for (const child of children.values()) {
      if (child.process !== undefined && isRunning(child)) signalGroup(child.process, "SIGKILL");
    }
  };
  process.on("exit", killAll);

  const fail = (error: SolvusError): void => {
    failure ??= error;
    finished.reject(error);
  };

  const launch = (child: Child): void => {
    const { name, argv, env } = child.plan;
    const started = spawn(process.execPath, argv, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: { ...process.env, ...env },
    });
    child.process = started;
    child.startedAt = performance.now();
    const onOutput = (line: string): void => onLine(name, line);
    eachLine(started.stdout as NodeJS.ReadableStream as never, onOutput);
    eachLine(started.stderr as NodeJS.ReadableStream as never, onOutput);
    child.ended = new Promise((resolve) => {
      const ended = (how: string): void => {
        signalGroup(started, "SIGKILL");
        resolve();
        afterEnd(child, how);
      };
      started.once("error", ({ message }) => ended(message));
      started.once("exit", (code, signal) => ended(signal ?? `code ${code}`));
    });
  };

  const afterEnd = (child: Child, how: string): void => {
    if (stopping !== undefined || child.isSuspended) return;
    const { name, whenItEnds } = child.plan;
    if (whenItEnds === "stopAll") {
      onNote(name, `ended (${how}); nothing can go on without it`);
      fail(new SolvusError("up.child", `process ${name} ended (${how}), expected it to run until stopped`));
      return;
    }
    child.endsInARow = performance.now() - child.startedAt > steadyMs ? 1 : child.endsInARow + 1;
    if (!child.wasReady && child.endsInARow >= mostEnds) {
      const times = `${child.endsInARow} times in a row before it was ready`;
      fail(new SolvusError("up.child", `process ${name} ended ${times} (${how}), expected it to start`));
      return;
    }
    const wait = Math.min(longestMs, backoffMs * 2 ** (child.endsInARow - 1));
    onNote(name, `ended (${how}); starts again in ${(wait / 1000).toFixed(2)} s`);
    delay(wait, undefined, { signal: aborter.signal }).then(
      () => {
        if (stopping !== undefined || child.isSuspended || isRunning(child)) return;
        child.restarts++;
        launch(child);
      },
      () => {},
    );
  };

  const untilReady = async (child: Child): Promise<void> => {
    const { name, healthUrl } = child.plan;
    const deadline = performance.now() + readyMs;
    for (;;) {
      if (failure !== undefined) throw failure;
      if (stopping !== undefined)
        throw new SolvusError("up.stopped", `process ${name}: stopped before it was ready`);
      if (isRunning(child) && (healthUrl === undefined || (await isHealthy(healthUrl)))) break;
      if (performance.now() > deadline) {
        const seconds = readyMs / 1000;
        throw new SolvusError(
          "up.notReady",
          `process ${name}: not ready after ${seconds} s, expected ${healthUrl} to answer`,
        );
      }
      await delay(100);
    }
    child.wasReady = true;
  };

  const childOf = (name: string): Child => {
    const child = children.get(name);
    if (child === undefined) throw new Error(`no process ${name} was started`);
    return child;
  };

  const endOne = async (child: Child): Promise<void> => {
    const { process: running } = child;
    if (running === undefined || !isRunning(child)) return;
    running.kill("SIGTERM");
    const overdue = setTimeout(() => {
      onNote(child.plan.name, `did not stop within ${graceMs / 1000} s; killed`);
      signalGroup(running, "SIGKILL");
    }, graceMs);
    await child.ended;
    clearTimeout(overdue);
  };

  return {
    async start(plan) {
      const child: Child = {
        plan,
        ended: Promise.resolve(),
        wasReady: false,
        endsInARow: 0,
        restarts: 0,
        isSuspended: false,
        startedAt: 0,
      };
      children.set(plan.name, child);
      launch(child);
      await untilReady(child);
    },
    async suspend(name) {
      const child = childOf(name);
      child.isSuspended = true;
      if (child.process !== undefined && isRunning(child)) signalGroup(child.process, "SIGKILL");
      await child.ended;
    },
    async resume(name) {
      const child = childOf(name);
      if (!child.isSuspended) return;
      child.isSuspended = false;
      child.endsInARow = 0;
      launch(child);
      await untilReady(child);
    },
    pidOf: (name) => {
      const child = childOf(name);
      return isRunning(child) ? child.process?.pid : undefined;
    },
    restartsOf: (name) => childOf(name).restarts,
    finished: finished.promise,
    stop() {
      stopping ??= (async () => {
        aborter.abort();
        for (const child of [...children.values()].reverse()) await endOne(child);
        process.removeListener("exit", killAll);
        finished.resolve();
      })();
      return stopping;
    },
    killAll,
  };
}
