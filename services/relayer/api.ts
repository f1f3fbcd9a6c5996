import rateLimit from "@fastify/rate-limit";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { SolvusError } from "../../protocol/errors.ts";
import type { Store } from "../store/store.ts";
import type { Admission } from "./admission.ts";
import { clientOf } from "./clientAddress.ts";
import type { Quotes } from "./fees.ts";
import type { Gate } from "./gate.ts";
import { itemOf, itemSchema } from "./items.ts";
import {
  failureSchema,
  idSchema,
  isTerminal,
  type Quote,
  quoteMessage,
  quoteSchema,
  statusMessage,
  statusSchema,
} from "./messages.ts";
import { makePenalties, WINDOW_MS } from "./penalties.ts";
import type { ChangeStreams } from "./stream.ts";
import { latestSequence, type Submission, submissionOf } from "./submissions.ts";

/** How much one client address may ask for. */
export interface ClientLimits {
  submissionsPerMinute: number;
  readsPerMinute: number;
  /** Whether the client's address is the last one of `X-Forwarded-For`: only behind a proxy that sets it. */
  behindProxy: boolean;
}

export interface ApiParts {
  store: Store;
  admission: Admission;
  gate: Gate;
  quotes: Quotes;
  streams: ChangeStreams;
  /** What a quote says beside fees. */
  terms: Omit<Quote, "fees" | "validUntil">;
  limits: ClientLimits;
  /** Adds routes of others, which share the limits of rates. */
  mount?(server: FastifyInstance): unknown;
}

/** Most bytes of a submission: a take-over has under 5,000, a transition with a contract wallet's signature under 6,000. */
const SUBMISSION_BYTES = 16_384;

/** What may be tried again later, and an id that was never heard of. Other refusals answer 422. */
const STATUS: Record<string, 404 | 503> = {
  "relayer.unknown": 404,
  "relayer.busy": 503,
  "relayer.gasPrice": 503,
  "relayer.openings": 503,
  "relayer.coinPrice": 503,
  "http.stopping": 503,
  "chain.unavailable": 503,
  "store.unavailable": 503,
};

const params = z.object({ id: idSchema });
const lastSeen = z
  .string()
  .regex(/^\d{1,18}$/, "expected the id of an event")
  .transform(BigInt)
  .optional()
  .describe("id of the last event that was seen");
const stream = z
  .string()
  .describe("Events: `id` is the change's number, `data` a change in JSON; comments keep the line open.");
const failures = { "4xx": failureSchema, "5xx": failureSchema };

/** The relayer's routes. */
export const relayerRoutes: FastifyPluginAsyncZod<ApiParts> = async (server, parts) => {
  const { store, admission, gate, quotes, streams, terms, limits } = parts;
  const penalties = makePenalties();
  const addressOf = (request: FastifyRequest): string => clientAddress(request, limits.behindProxy);
  await server.register(rateLimit, {
    max: limits.readsPerMinute,
    timeWindow: "1 minute",
    keyGenerator: addressOf,
    errorResponseBuilder: (_, { max, after }) =>
      new SolvusError(
        "http.tooMany",
        `requests: more than ${max} a minute from this address; try again in ${after}`,
      ),
  });
  server.setErrorHandler((error: FastifyError | SolvusError, _request, reply) => {
    const rule = error instanceof SolvusError ? error.rule : "";
    const status = STATUS[rule];
    if (status === undefined) throw error;
    if (status === 503) void reply.header("retry-after", rule === "relayer.busy" ? gate.secondsToWait() : 2);
    void reply.status(status).send({ error: { rule, message: error.message } });
  });

  server.post(
    "/submissions",
    {
      bodyLimit: SUBMISSION_BYTES,
      config: { rateLimit: { max: limits.submissionsPerMinute, timeWindow: "1 minute" } },
      schema: {
        summary: "Hand in a proven item",
        description:
          "Checked against ledger and verifying key and stored durably before the answer: 202, or 200 when it was known. The same item again is the same submission. 422 says why it is refused; after 429 and 503 try again.",
        body: itemSchema,
        response: { 200: statusSchema, 202: statusSchema, ...failures },
      },
    },
    async (request, reply) => {
      const address = addressOf(request);
      const requireTrust = (): void => requireOpen(penalties, address, reply);
      requireTrust();
      try {
        const { submission, isNew } = await admission.admit(itemOf(request.body), requireTrust);
        return reply.status(isNew ? 202 : 200).send(statusMessage(submission));
      } catch (error) {
        if (error instanceof SolvusError && error.rule === "proof.invalid") penalties.add(address);
        throw error;
      }
    },
  );

  const required = async (id: string): Promise<Submission> => {
    const submission = await submissionOf(store, id);
    if (submission !== undefined) return submission;
    throw new SolvusError(
      "relayer.unknown",
      `submission ${id}: never handed in here, expected the id of one`,
    );
  };

  server.get(
    "/submissions/:id",
    {
      schema: {
        summary: "Where a submission stands",
        params,
        response: { 200: statusSchema, ...failures },
      },
    },
    async (request) => statusMessage(await required(request.params.id)),
  );

  server.get(
    "/submissions/:id/events",
    {
      schema: {
        summary: "Changes of a submission, as server-sent events",
        description:
          "Its present state and what follows, or what follows the event named by Last-Event-ID; ends after its last state, 204 when nothing can follow.",
        params,
        headers: z.object({ "last-event-id": lastSeen }),
        produces: ["text/event-stream"],
        response: { 200: stream, 204: z.null(), ...failures },
      },
    },
    async (request, reply) => {
      const { id, state, sequence } = await required(request.params.id);
      const after = request.headers["last-event-id"] ?? sequence - 1n;
      if (isTerminal(state) && after >= sequence) return reply.status(204).send(null);
      streams.serve(reply, addressOf(request), { id, after });
      return reply;
    },
  );

  server.get(
    "/events",
    {
      schema: {
        summary: "Changes of all submissions, as server-sent events",
        description: "What follows from now on, or what follows the event named by Last-Event-ID.",
        headers: z.object({ "last-event-id": lastSeen }),
        produces: ["text/event-stream"],
        response: { 200: stream, ...failures },
      },
    },
    async (request, reply) => {
      const after = request.headers["last-event-id"] ?? (await latestSequence(store));
      streams.serve(reply, addressOf(request), { after });
      return reply;
    },
  );

  server.get(
    "/quote",
    {
      schema: {
        summary: "Least fees, and whom the terms may name",
        response: { 200: quoteSchema, ...failures },
      },
    },
    async () => {
      const { fees, validUntil } = await quotes.current();
      return quoteMessage({ ...terms, fees, validUntil });
    },
  );
  await parts.mount?.(server as unknown as FastifyInstance);
};

function requireOpen(
  penalties: ReturnType<typeof makePenalties>,
  address: string,
  reply: FastifyReply,
): void {
  try {
    penalties.require(address);
  } catch (error) {
    void reply.header("retry-after", WINDOW_MS / 1000);
    throw error;
  }
}

/** The client by its address; behind a proxy by the one that the proxy saw. */
function clientAddress(request: FastifyRequest, behindProxy: boolean): string {
  const forwarded = request.headers["x-forwarded-for"];
  if (!behindProxy || typeof forwarded !== "string") return clientOf(request.ip);
  return clientOf(forwarded.split(",").at(-1)?.trim() || request.ip);
}
