import { mkdirSync } from "node:fs";
import type { Signer } from "ethers";
import type { FastifyRequest } from "fastify";
import { Counter, Gauge } from "prom-client";
import { z } from "zod";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { MarketInputs } from "../../protocol/marketInputs.ts";
import type { Deployed } from "../chain/deployment.ts";
import { makeHttp } from "../http.ts";
import type { Log } from "../log.ts";
import type { Running } from "../running.ts";
import { lockDirectory } from "../store/directoryLock.ts";
import { CALLER_HEADER, requireCaller, requireSignedBody } from "./callers.ts";
import { stateReader } from "./chainState.ts";
import { epochForm, formatObservation, formatProposal, proposalForm } from "./forms.ts";
import { openJournal } from "./journal.ts";
import { makeReporter, type Reporter } from "./reporter.ts";
import type { PriceSource } from "./source.ts";

/** A reporter of this process: its key, and where it sees prices. */
export interface ReporterIdentity {
  signer: Signer;
  source: PriceSource;
}

export interface ReportersConfig {
  /** One or several; each has an address of its own under `/v1/reporters/`. */
  reporters: readonly ReporterIdentity[];
  deployed: Deployed;
  /** Keeps what was signed; of this process alone. */
  dataDirectory: string;
  listen?: { host?: string; port?: number };
  log: Log;
  /** Addresses of the aggregators that are answered; absent: whoever asks. */
  aggregators?: readonly string[];
  /** Least seconds of the chain from one epoch to the next: 60. */
  epochSeconds?: number;
  /** What is listed: the market to begin with, and what is new since. Reporters and aggregators have the same. */
  market?: MarketInputs;
  /** Awaited at `observed`, `computed`, `signed` and `persisted` of each reporter; absent in production. */
  onStage?: (stage: string, reporter: string) => Promise<void> | void;
}

const DESCRIPTION =
  "Observes prices for the oracle and signs its snapshots. A header is signed only after it was computed again from the observations.";
/** A proposal of 64 reporters with a thousand options each is the largest. */
const BODY_LIMIT = 40_000_000;

const addressForm = z.strictObject({ address: z.string().regex(/^0x[0-9a-fA-F]{40}$/) });

/** Starts a process that hosts reporters. Throws `store.locked` when another process uses the data directory. */
export async function startReporters(
  config: ReportersConfig,
): Promise<Running & { url: string; addresses: string[] }> {
  const { deployed, dataDirectory, log, listen = {}, epochSeconds = 60, market, onStage } = config;
  ensure(
    config.reporters.length > 0,
    "reporter.none",
    "no reporter is configured, expected the key of at least one",
  );
  mkdirSync(dataDirectory, { recursive: true });
  const unlock = lockDirectory(dataDirectory);
  try {
    const readState = stateReader(deployed);
    const reporters = new Map<string, Reporter>();
    for (const { signer, source } of config.reporters) {
      const address = await signer.getAddress();
      const owner = {
        chainId: deployed.chain.chainId,
        oracle: deployed.deployment.oracle,
        reporter: address,
      };
      const reporter = await makeReporter({
        signer,
        source,
        readState,
        journal: openJournal(dataDirectory, owner),
        epochSeconds,
        ...(market === undefined ? {} : { market }),
        ...(onStage === undefined ? {} : { onStage: (stage) => onStage(stage, address) }),
      });
      reporters.set(address.toLowerCase(), reporter);
    }

    const { server, metrics } = await makeHttp({
      log,
      title: "Solvus oracle reporters",
      description: DESCRIPTION,
      bodyLimit: BODY_LIMIT,
      async health() {
        const { time, block, latest, reporters: set } = await readState();
        const registered = set.map(({ address }) => address.toLowerCase());
        const missing = [...reporters.keys()].find((address) => !registered.includes(address));
        ensure(
          missing === undefined,
          "reporter.unregistered",
          `reporter ${missing} is not in the oracle's set, expected it to be registered`,
        );
        for (const { source } of config.reporters) await source.observe(time);
        return { block, epoch: Number(latest?.posted.epoch ?? 0n), reporters: reporters.size };
      },
    });
    const observations = new Counter({
      name: "solvus_oracle_observations_total",
      help: "Observations signed",
      labelNames: ["reporter"],
      registers: [metrics],
    });
    const signatures = new Counter({
      name: "solvus_oracle_signatures_total",
      help: "Headers signed",
      labelNames: ["reporter"],
      registers: [metrics],
    });
    const refusals = new Counter({
      name: "solvus_oracle_refusals_total",
      help: "Requests refused, by rule",
      labelNames: ["rule"],
      registers: [metrics],
    });
    const epochSigned = new Gauge({
      name: "solvus_oracle_signed_epoch",
      help: "Latest epoch that was signed",
      registers: [metrics],
    });

    const reporterAt = (address: string): Reporter => {
      const reporter = reporters.get(address.toLowerCase());
      if (reporter === undefined)
        throw new SolvusError(
          "http.notFound",
          `reporter ${address} is not hosted here, expected one that is`,
        );
      return reporter;
    };
    /** Answers with what the work gives, or with its refusal, which is counted and logged. */
    const answer = async <T>(what: string, reporter: string, work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        const rule = error instanceof SolvusError ? error.rule : "reporter.failed";
        refusals.inc({ rule });
        log.warn({ reporter, what, rule, err: error }, "refused");
        throw error;
      }
    };

    const { aggregators } = config;
    if (aggregators !== undefined) {
      // Health, metrics and the list of reporters are for everybody. The route decides, for one URL can be written in several ways.
      const guarded = ({ routeOptions }: FastifyRequest, check: () => void): void => {
        if (routeOptions.url?.startsWith("/v1/reporters/") !== true) return;
        try {
          check();
        } catch (error) {
          refusals.inc({ rule: "reporter.caller" });
          throw error;
        }
      };
      server.addHook("onRequest", async (request) => {
        const { headers, url } = request;
        guarded(request, () => requireCaller(aggregators, headers[CALLER_HEADER], url));
      });
      server.addHook("preValidation", async (request) => {
        const { headers, body } = request;
        guarded(request, () => requireSignedBody(headers[CALLER_HEADER], body ?? undefined));
      });
    }
    server.get(
      "/v1/reporters",
      { schema: { summary: "Addresses of the reporters that are hosted here" } },
      () => ({
        reporters: [...reporters.values()].map(({ address }) => address),
      }),
    );
    server.post(
      "/v1/reporters/:address/observations",
      { schema: { summary: "The signed observation of an epoch", params: addressForm, body: epochForm } },
      ({ params: { address }, body }) =>
        answer("observe", address, async () => {
          const observation = await reporterAt(address).observe(body);
          observations.inc({ reporter: address });
          return formatObservation(observation);
        }),
    );
    server.post(
      "/v1/reporters/:address/signatures",
      { schema: { summary: "The signature over a header", params: addressForm, body: proposalForm } },
      ({ params: { address }, body }) =>
        answer("sign", address, async () => {
          const signature = await reporterAt(address).sign(body);
          signatures.inc({ reporter: address });
          epochSigned.set(Number(body.header.epoch));
          log.info(
            { reporter: address, epoch: Number(body.header.epoch), root: String(body.header.snapshotRoot) },
            "signed",
          );
          return { signature };
        }),
    );
    server.get(
      "/v1/reporters/:address/pending",
      {
        schema: {
          summary:
            "The header that was signed for the epoch that is next, with all it follows from; null if none was",
          params: addressForm,
        },
      },
      ({ params: { address } }) =>
        answer("pending", address, async () => {
          const signed = await reporterAt(address).pending();
          return {
            pending: signed === undefined ? null : { ...formatProposal(signed), signature: signed.signature },
          };
        }),
    );

    const url = await server.listen({ host: listen.host ?? "127.0.0.1", port: listen.port ?? 0 });
    const addresses = [...reporters.values()].map(({ address }) => address);
    log.info({ url, reporters: addresses }, "reporting");
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await server.close();
      for (const { source } of config.reporters) await source.close();
      unlock();
    };
    return {
      url,
      addresses,
      stop() {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
