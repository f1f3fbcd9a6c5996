import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { deskRoutes } from "../desk/routes.ts";
import { makeHttp } from "../http.ts";
import type { Log } from "../log.ts";
import type { Running } from "../running.ts";
import type { Store } from "../store/store.ts";
import { makeAdmission } from "./admission.ts";
import { type ClientLimits, relayerRoutes } from "./api.ts";
import { makeChainCheck } from "./chainCheck.ts";
import { type FeePolicy, makeQuotes } from "./fees.ts";
import { type GateLimits, makeGate } from "./gate.ts";
import { type Metrics, makeMetrics } from "./metrics.ts";
import type { ProofCheck } from "./proofCheck.ts";
import { makeChangeStreams } from "./stream.ts";

/** Bounds of what the service takes. */
export interface ServiceLimits extends ClientLimits {
  /** Items that are checked at once, and that wait for it. */
  admission: GateLimits;
  /** Openings within an hour that are taken from all clients together: they pay no fee. */
  openingsPerHour: number;
  /** Wei of the key below which the service calls itself unhealthy. */
  leastBalance: bigint;
}

export const DEFAULT_LIMITS: ServiceLimits = {
  submissionsPerMinute: 3_000,
  readsPerMinute: 12_000,
  behindProxy: false,
  admission: { atOnce: 8, waiting: 500, waitSeconds: 10 },
  openingsPerHour: 600,
  leastBalance: 5n * 10n ** 15n,
};

export interface ServiceConfig {
  store: Store;
  deployed: Deployed;
  /** Address that sends batches and earns fees. */
  relayer: string;
  verify: ProofCheck;
  fees: FeePolicy;
  limits: ServiceLimits;
  batch: { size: number; ageMs: number };
  listen: { host: string; port: number };
  log: Log;
  /** Called after something new was stored. */
  onStored?: () => void;
}

/** The relayer's HTTP server, which takes items into the store and tells what became of them. It sends nothing. */
export interface Service extends Running {
  url: string;
  metrics: Metrics;
  /** Refuses new items (503), and resolves when those under way are answered; reading goes on. */
  refuseNew(): Promise<void>;
}

const DESCRIPTION =
  "Takes proven items of a Solvus ledger, checks them, and puts them on the chain in batches. It learns nothing of the accounts. Numbers that may exceed 2^53 are decimal strings.";

/** How long a client may take to send a request. */
const REQUEST_MS = 30_000;

export async function startService(config: ServiceConfig): Promise<Service> {
  const { store, deployed, relayer, verify, fees, limits, batch, listen, log } = config;
  const { provider, chain } = deployed;
  const gate = makeGate(limits.admission);
  const quotes = makeQuotes(fees, deployed);
  const streams = await makeChangeStreams(store, log);
  const { server, metrics: registry } = await makeHttp({
    ...{ log, title: "Solvus relayer", description: DESCRIPTION },
    health: () => healthOf(config),
  });
  server.server.requestTimeout = REQUEST_MS;
  const metrics = makeMetrics({ registry, store, provider, relayer, gate, streams });
  const admission = makeAdmission({
    ...{ store, deployed, relayer, quotes, verify, gate, openingsPerHour: limits.openingsPerHour },
    chain: makeChainCheck(deployed, relayer),
    onRefusal: metrics.refused,
    ...(config.onStored !== undefined && { onStored: config.onStored }),
  });
  const terms = { relayer, chainId: chain.chainId, ledger: chain.ledger, batch };
  await server.register(relayerRoutes, {
    ...{ prefix: "/v1", store, admission, gate, quotes, streams, terms, limits },
    mount: (scope) => scope.register(deskRoutes, { prefix: "/desk", store, log }),
  });
  const url = await server.listen(listen);
  log.info({ url, relayer, ledger: chain.ledger }, "listening");
  return {
    url,
    metrics,
    refuseNew: () => gate.close(),
    async stop() {
      await gate.close();
      streams.stop();
      await server.close();
    },
  };
}

/** What works; throws the first thing that does not. */
async function healthOf({
  store,
  deployed,
  relayer,
  limits,
}: ServiceConfig): Promise<Record<string, unknown>> {
  await store.health();
  const { provider } = deployed;
  const [block, balance] = await Promise.all([
    provider.getBlock("latest"),
    provider.getBalance(relayer),
  ]).catch(() => {
    throw new SolvusError("chain.unavailable", "chain: its node does not answer, expected it to");
  });
  if (balance < limits.leastBalance)
    throw new SolvusError(
      "relayer.balance",
      `balance of ${relayer} is ${balance} wei, expected at least ${limits.leastBalance} to pay for gas`,
    );
  return { database: "ok", block: block?.number, blockTime: block?.timestamp, balanceWei: String(balance) };
}
