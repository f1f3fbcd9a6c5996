import { type ChildProcess, fork } from "node:child_process";

/*
 * Services as processes of their own. A test's entry module starts one with `runService`; the test starts the module with
 * `startProcess`, waits until it is ready, and kills it or lets it kill itself at a stage.
 */

/** Where a service kills itself: at the nth time (from 1) that it comes to this stage. */
export interface Death {
  stage: string;
  time?: number;
}

/** How a process ended. */
export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface ServiceProcess<Ready> {
  /** What the service said when it was ready. */
  ready: Ready;
  process: ChildProcess;
  /** Resolves once the process has ended. */
  ended: Promise<End>;
  /** Stages that it came to so far, in order. */
  stages: string[];
  /** All that it wrote so far. */
  output(): string;
  /** Ends it at once, as the kernel does. */
  kill(): Promise<End>;
  /** Asks it to stop (SIGTERM). */
  stop(): Promise<End>;
}

type FromChild = { kind: "ready"; value: unknown } | { kind: "stage"; stage: string };

const alive = new Set<ChildProcess>();

/** Starts an entry module with a configuration (plain JSON) and resolves when its service is ready. Fails when it ends before that. */
export async function startProcess<Ready>(
  entry: URL,
  configuration: unknown,
  environment: Record<string, string> = {},
): Promise<ServiceProcess<Ready>> {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const child = fork(entry, [], {
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...inherited, ...environment },
  });
  alive.add(child);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => chunks.push(chunk.toString("utf8")));
  const output = (): string => chunks.join("");
  const ended = new Promise<End>((resolve) => {
    child.once("exit", (code, signal) => {
      alive.delete(child);
      resolve({ code, signal });
    });
  });
  const stages: string[] = [];
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.on("message", (message: FromChild) => {
      if (message.kind === "ready") resolve(message.value as Ready);
      else stages.push(message.stage);
    });
    void ended.then(({ code, signal }) =>
      reject(new Error(`${entry.pathname} ended (${signal ?? code}) before it was ready:\n${output()}`)),
    );
    child.send({ configuration });
  });
  const end = async (signal: NodeJS.Signals): Promise<End> => {
    child.kill(signal);
    return ended;
  };
  return {
    ready,
    process: child,
    ended,
    stages,
    output,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

/** Ends whatever a failed test left running. */
export async function endProcesses(): Promise<void> {
  const ended = [...alive].map((child) => new Promise((resolve) => child.once("exit", resolve)));
  for (const child of alive) child.kill("SIGKILL");
  await Promise.all(ended);
}

/** A service as an entry module starts it. */
export interface Service<Ready> {
  ready: Ready;
  stop(): Promise<void>;
}

/**
 * The whole of an entry module: takes the configuration, starts the service, says that it is ready, stops on SIGTERM. `onStage` is for the
 * service to call at its stages: it reports them, and kills the process with SIGKILL where the configuration's `death` says, once it is ready.
 */
export function runService<Configuration extends { death?: Death }, Ready>(
  start: (configuration: Configuration, onStage: (stage: string) => Promise<void>) => Promise<Service<Ready>>,
): void {
  const tell = (message: FromChild): Promise<void> =>
    new Promise((resolve) => {
      process.send?.(message, () => resolve());
    });
  process.once("message", async ({ configuration }: { configuration: Configuration }) => {
    const times = new Map<string, number>();
    const told = Promise.withResolvers<void>();
    const onStage = async (stage: string): Promise<void> => {
      const time = (times.get(stage) ?? 0) + 1;
      times.set(stage, time);
      await tell({ kind: "stage", stage });
      const { death } = configuration;
      if (death?.stage === stage && (death.time ?? 1) === time) {
        await told.promise;
        process.kill(process.pid, "SIGKILL");
        await new Promise(() => {});
      }
    };
    try {
      const service = await start(configuration, onStage);
      process.once("SIGTERM", async () => {
        await service.stop();
        process.disconnect();
        process.exit(0);
      });
      await tell({ kind: "ready", value: service.ready });
      told.resolve();
    } catch (error) {
      process.stderr.write(`${(error as Error).stack}\n`);
      process.exit(1);
    }
  });
  // A test that dies takes its services along.
  process.once("disconnect", () => process.exit(1));
}
