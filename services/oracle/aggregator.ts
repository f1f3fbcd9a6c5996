import type { Signer } from "ethers";
import { Counter, Gauge, Histogram } from "prom-client";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import type { Deployed } from "../chain/deployment.ts";
import { makeHttp, together } from "../http.ts";
import { boundedLabel } from "../labels.ts";
import { type Log, told } from "../log.ts";
import type { Running } from "../running.ts";
import { type OracleState, signatureQuorum, stateReader } from "./chainState.ts";
import { reporterDirectory } from "./directory.ts";
import { makePoster } from "./post.ts";
import { type LeftOut, makeEpoch } from "./round.ts";

export interface AggregatorRules {
  /** Seconds of the chain from one epoch to the next: 60. */
  epochSeconds: number;
  /** Seconds of the chain that it leaves to another aggregator before it acts: 0. */
  standbySeconds: number;
  /** Milliseconds between looks at the chain: 1,000. */
  pollMs: number;
  /** Milliseconds for a reporter's answer: 5,000. */
  answerMs: number;
  /** Milliseconds for the other reporters once a quorum has answered: 1,000. */
  graceMs: number;
  /** Milliseconds for a posting to be mined: 60,000. */
  minedWithinMs: number;
  /** Most wei that a posting bids for a unit of gas: 500 gwei. */
  maxGasPrice: bigint;
}

const RULES: AggregatorRules = {
  epochSeconds: 60,
  standbySeconds: 0,
  pollMs: 1_000,
  answerMs: 5_000,
  graceMs: 1_000,
  minedWithinMs: 60_000,
  maxGasPrice: 500_000_000_000n,
};

export interface AggregatorConfig {
  /** URLs at which reporters are hosted; each may host several. */
  reporters: readonly string[];
  deployed: Deployed;
  /** Pays for postings, and signs what reporters are asked; nothing else may send from it. */
  signer: Signer;
  listen?: { host?: string; port?: number };
  log: Log;
  rules?: Partial<AggregatorRules>;
  /** What is listed: the market to begin with, and what is new since. Reporters and aggregators have the same. */
  market?: MarketInputs;
  /** Awaited at `computed`, `gathered`, `sent` and `posted` of an epoch; absent in production. */
  onStage?: (stage: string) => Promise<void> | void;
}

/** What an aggregator says of itself. Times are Unix seconds of the chain. */
export interface AggregatorStatus {
  /** Latest epoch on the chain; 0 before the first. */
  epoch: number;
  /** Its time; 0 before the first. */
  epochTime: number;
  chainTime: number;
  /** Nothing is due and nothing under way. */
  isIdle: boolean;
  /** Why the last attempt failed; absent when it did not. */
  failure?: { rule: string; message: string };
  /** Who had no part in the last epoch that was posted from here. */
  leftOut: LeftOut[];
}

const DESCRIPTION =
  "Collects the reporters' observations, computes the snapshot of an epoch, gathers a quorum's signatures and posts it.";
/** Seconds after which the latest snapshot is stale, as the ledger has it. */
const STALE_AFTER = 180;

/** Starts an aggregator. It keeps no state: what it needs it reads from the chain and asks the reporters for. */
export async function startAggregator(config: AggregatorConfig): Promise<Running & { url: string }> {
  const { deployed, log, market, onStage, listen = {} } = config;
  const rules = { ...RULES, ...config.rules };
  ensure(
    config.reporters.length > 0,
    "aggregator.reporters",
    "no reporter is configured, expected the URL of at least one",
  );
  const directory = reporterDirectory(config.reporters, config.signer, log, rules.answerMs);
  const readState = stateReader(deployed);
  const poster = makePoster(deployed, config.signer, rules, onStage);

  let running = true;
  let busy = false;
  let failure: AggregatorStatus["failure"];
  let lastLeftOut: LeftOut[] = [];

  const lastTime = ({ latest }: OracleState): number => Number(latest?.posted.time ?? 0n);
  const isDue = (state: OracleState, seconds: number): boolean =>
    state.latest === undefined || state.time >= lastTime(state) + seconds;

  const { server, metrics } = await makeHttp({
    log,
    title: "Solvus oracle aggregator",
    description: DESCRIPTION,
    async health() {
      const state = await readState();
      const age = state.time - lastTime(state);
      ensure(
        state.latest !== undefined && age <= STALE_AFTER,
        "aggregator.stale",
        `latest snapshot is ${age} s old, expected at most ${STALE_AFTER}${failure ? `: ${failure.rule}` : ""}`,
      );
      return { epoch: Number(state.latest.posted.epoch), age };
    },
  });
  const epochs = new Counter({
    name: "solvus_oracle_epochs_total",
    help: "Epochs posted from here",
    registers: [metrics],
  });
  const leftOuts = new Counter({
    name: "solvus_oracle_left_out_total",
    help: "Reporters without a part in an epoch, by reason",
    labelNames: ["reporter", "reason"],
    registers: [metrics],
  });
  const failures = new Counter({
    name: "solvus_oracle_failures_total",
    help: "Attempts at an epoch that failed, by rule",
    labelNames: ["rule"],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: "solvus_oracle_epoch_seconds",
    help: "Seconds of the clock from the first question to the receipt",
    buckets: [0.1, 0.3, 1, 3, 10, 30, 60],
    registers: [metrics],
  });
  const age = new Gauge({
    name: "solvus_oracle_snapshot_age_seconds",
    help: "Seconds of the chain since the latest snapshot was observed",
    registers: [metrics],
  });
  const gas = new Gauge({
    name: "solvus_oracle_posting_gas",
    help: "Gas of the last posting",
    registers: [metrics],
  });

  /** Reporters name the rules by which they refuse. */
  const reasons = new Map<string, ReturnType<typeof boundedLabel>>();
  const reasonOf = (reporter: string) => {
    const known = reasons.get(reporter) ?? boundedLabel();
    reasons.set(reporter, known);
    return known;
  };

  const attempt = async (state: OracleState): Promise<void> => {
    const started = performance.now();
    const registered = new Set(state.reporters.map(({ address }) => address));
    const reporters = await directory.find(registered, signatureQuorum(registered.size));
    const { answerMs, graceMs } = rules;
    const signed = await makeEpoch({
      reporters,
      state,
      time: BigInt(state.time),
      patience: { answerMs, graceMs },
      ...(market === undefined ? {} : { market }),
      ...(onStage === undefined ? {} : { onStage }),
    });
    await onStage?.("gathered");
    const receipt = await poster.post(signed);
    const epoch = Number(signed.computed.header.epoch);
    epochs.inc();
    gas.set(Number(receipt.gasUsed));
    seconds.observe((performance.now() - started) / 1000);
    lastLeftOut = signed.leftOut;
    for (const { reporter, rule } of signed.leftOut)
      leftOuts.inc({ reporter, reason: reasonOf(reporter)(rule) });
    log.info(
      {
        epoch,
        steady: signed.computed.header.steady,
        signatures: signed.signatures.length,
        observations: signed.computed.observations.length,
        resumed: signed.isResumed,
        gas: Number(receipt.gasUsed),
        ...(signed.leftOut.length > 0 && {
          leftOut: signed.leftOut.map(({ reporter, at, rule }) => `${reporter} ${at} ${rule}`),
        }),
      },
      "epoch posted",
    );
    await onStage?.("posted");
  };

  const look = async (): Promise<void> => {
    busy = true;
    try {
      const state = await readState();
      if (state.latest !== undefined) age.set(state.time - lastTime(state));
      if (isDue(state, rules.epochSeconds + rules.standbySeconds)) {
        await attempt(state);
      }
      failure = undefined;
    } catch (error) {
      const rule = error instanceof SolvusError ? error.rule : "aggregator.failed";
      const message = told(error).slice(0, 300);
      // Another aggregator was first: that is no failure.
      if (rule === "oracle.EpochOutOfOrder") log.info({ message }, "posted by another");
      else {
        failure = { rule, message };
        failures.inc({ rule });
        log.warn({ rule, message }, "no epoch");
      }
    } finally {
      busy = false;
    }
  };

  const stateForAll = together(readState);
  server.get(
    "/v1/status",
    { schema: { summary: "Where the oracle stands" } },
    async (): Promise<AggregatorStatus> => {
      const state = await stateForAll();
      return {
        epoch: Number(state.latest?.posted.epoch ?? 0n),
        epochTime: lastTime(state),
        chainTime: state.time,
        isIdle: !busy && !isDue(state, rules.epochSeconds),
        ...(failure === undefined ? {} : { failure }),
        leftOut: lastLeftOut,
      };
    },
  );
  const url = await server.listen({ host: listen.host ?? "127.0.0.1", port: listen.port ?? 0 });
  log.info({ url, reporters: config.reporters.length }, "aggregating");
  let wake = (): void => {};
  const loop = (async () => {
    while (running) {
      await look();
      if (!running) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, rules.pollMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  })();
  return {
    url,
    async stop() {
      running = false;
      wake();
      await loop;
      await server.close();
    },
  };
}
