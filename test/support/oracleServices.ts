import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "ethers";
import { type LocalChain, startLocalChain } from "../../cli/chain/localChain.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { publishSnapshot } from "../../services/chain/snapshots.ts";
import { type Log, makeLog } from "../../services/log.ts";
import { type AggregatorConfig, startAggregator } from "../../services/oracle/aggregator.ts";
import { stateReader } from "../../services/oracle/chainState.ts";
import { firstSnapshotOf } from "../../services/oracle/firstMarket.ts";
import { type ReportersConfig, startReporters } from "../../services/oracle/reporterServer.ts";
import type { PriceSource } from "../../services/oracle/source.ts";
import type { Running } from "../../services/running.ts";

/*
 * The oracle's processes on a chain inside the test: seven registered reporters, of which each test hosts those it wants, and a sender for
 * an aggregator.
 */

/** A log that keeps its lines. */
export function keptLog(): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  return { log: makeLog("test", { write: (line) => void lines.push(JSON.parse(line)) }), lines };
}

export interface OracleWorld {
  local: LocalChain;
  stage: Stage;
  readState: ReturnType<typeof stateReader>;
  /** A directory of its own, removed at the end. */
  directory(): string;
  /** Starts reporters of these signers, all with one source. */
  report(
    signers: readonly Signer[],
    source: PriceSource,
    overrides?: Partial<ReportersConfig>,
  ): Promise<Running & { url: string; addresses: string[] }>;
  aggregate(
    urls: readonly string[],
    overrides?: Partial<AggregatorConfig>,
  ): Promise<Running & { url: string; lines: Record<string, unknown>[] }>;
  /** Latest epoch on the chain. */
  epoch(): Promise<number>;
  /** Resolves once something holds; `what` it is. */
  until(holds: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Resolves once the epoch is on the chain. */
  reached(epoch: number): Promise<void>;
  /** Stops what runs. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

/** Deploys, and posts the first snapshot of the source. */
export async function oracleWorld(source: PriceSource, date: Date): Promise<OracleWorld> {
  const local = await startLocalChain(date);
  const stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, reporters, relayer } = stage;
  const first = await firstSnapshotOf(source, await local.now());
  await publishSnapshot(deployed, first, reporters, relayer, true);
  const directories: string[] = [];
  const running = new Set<Running>();
  const kept = <T extends Running>(service: T): T => {
    running.add(service);
    return service;
  };
  const readState = stateReader(deployed);
  const world: OracleWorld = {
    local,
    stage,
    readState,
    directory() {
      const directory = mkdtempSync(join(tmpdir(), "solvus-oracle-"));
      directories.push(directory);
      return directory;
    },
    async report(signers, from, overrides = {}) {
      const service = await startReporters({
        reporters: signers.map((signer) => ({ signer, source: from })),
        deployed,
        dataDirectory: world.directory(),
        log: keptLog().log,
        ...overrides,
      });
      return kept(service);
    },
    async aggregate(urls, { rules = {}, ...overrides } = {}) {
      const { log, lines } = keptLog();
      const service = await startAggregator({
        reporters: urls,
        deployed,
        signer: relayer,
        log,
        rules: { pollMs: 100, answerMs: 2_000, graceMs: 300, ...rules },
        ...overrides,
      });
      return kept({ ...service, lines });
    },
    epoch: async () => Number((await deployed.oracle.latest())[1].epoch),
    async until(holds, what) {
      const end = Date.now() + 30_000;
      while (!(await holds())) {
        if (Date.now() > end) throw new Error(`not within 30 s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    reached: (epoch) => world.until(async () => (await world.epoch()) >= epoch, `epoch ${epoch}`),
    async quiet() {
      // Aggregators were started after the reporters that they ask.
      for (const service of [...running].reverse()) await service.stop();
      running.clear();
    },
    async close() {
      await world.quiet();
      await stage.prover.close();
      await local.close();
      for (const directory of directories) rmSync(directory, { recursive: true, force: true });
    },
  };
  return world;
}
