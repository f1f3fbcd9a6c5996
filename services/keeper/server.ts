import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { SolvusError } from "../../protocol/errors.ts";
import { type HttpFailure, makeHttp } from "../http.ts";
import type { Log } from "../log.ts";
import { type KeeperMetrics, keeperMetrics } from "./metrics.ts";
import { type AccountStanding, type KeeperStatus, standingSchema, statusSchema } from "./status.ts";

/** Where a service listens. Port 0 takes a free one. */
export interface Listen {
  host: string;
  port: number;
}

export interface KeeperServer {
  url: string;
  metrics: KeeperMetrics;
  close(): Promise<void>;
}

export interface KeeperAnswers {
  status(): KeeperStatus;
  standings(limit: number): AccountStanding[];
  /** Seconds of the clock since the last round that succeeded; undefined before the first. */
  secondsSinceRound(): number | undefined;
}

/** A keeper whose last good round is longer ago than this is not well. */
const HEALTHY_SECONDS = 120;
const MOST_ACCOUNTS = 100_000;
const LOOPBACK = ["127.0.0.1", "::1", "::ffff:127.0.0.1"];
/** Names by which a machine asks itself: a page in its browser, or a proxy, may ask for another one that leads here. */
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i;

/** What is about accounts is answered to callers on the same machine alone, wherever the service listens. */
async function requireLocal({ ip, headers }: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (LOOPBACK.includes(ip) && LOOPBACK_HOST.test(headers.host ?? "")) return;
  const message = "caller: another machine, expected one on this machine: what accounts hold is confidential";
  await reply.status(403).send({ error: { rule: "keeper.local", message } } satisfies HttpFailure);
}

type Server = Awaited<ReturnType<typeof makeHttp>>["server"];

/** Adds `/v1/status` and `/v1/accounts` to a server. */
export function keeperRoutes(server: Server, answers: Pick<KeeperAnswers, "status" | "standings">): void {
  server.get(
    "/v1/status",
    {
      preHandler: requireLocal,
      schema: {
        summary: "What the keeper sees and does, in numbers",
        response: { 200: statusSchema },
      },
    },
    () => answers.status(),
  );
  server.get(
    "/v1/accounts",
    {
      preHandler: requireLocal,
      schema: {
        summary: "Where accounts stand, the nearest to a liquidation first",
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(MOST_ACCOUNTS).default(100) }),
        response: { 200: z.object({ epoch: z.int(), accounts: z.array(standingSchema) }) },
      },
    },
    ({ query }) => ({ epoch: answers.status().epoch, accounts: answers.standings(query.limit) }),
  );
}

/** The keeper's HTTP interface: {@link keeperRoutes}, `/health`, `/metrics`, `/openapi.json`. */
export async function serveKeeper(listen: Listen, answers: KeeperAnswers, log: Log): Promise<KeeperServer> {
  const { server, metrics } = await makeHttp({
    log,
    title: "Solvus keeper",
    description: "What a keeper sees and does. It takes no orders.",
    async health() {
      const seconds = answers.secondsSinceRound();
      if (seconds === undefined)
        throw new SolvusError("keeper.starting", "keeper: follows the chain up to its present block");
      if (seconds > HEALTHY_SECONDS)
        throw new SolvusError(
          "keeper.stuck",
          `last good round: ${Math.round(seconds)} s ago, expected at most ${HEALTHY_SECONDS}`,
        );
      const { block, epoch, stale } = answers.status();
      return { block, epoch, stale };
    },
  });
  keeperRoutes(server, answers);
  const url = await server.listen(listen);
  return { url, metrics: keeperMetrics(metrics), close: () => server.close() };
}
