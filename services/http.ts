import swagger from "@fastify/swagger";
import Fastify, { type FastifyError, LogController } from "fastify";
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { collectDefaultMetrics, Registry } from "prom-client";
import { SolvusError } from "../protocol/errors.ts";
import type { Log } from "./log.ts";

export interface HttpOptions {
  log: Log;
  /** Name of the service in its OpenAPI document. */
  title: string;
  description: string;
  /** Most bytes of a request's body. */
  bodyLimit?: number;
  /** What `/health` says; throws when the service cannot work. Asked sparingly, however often others ask. */
  health(): Promise<Record<string, unknown>>;
}

/** A failure as every service answers it. */
export interface HttpFailure {
  error: { rule: string; message: string };
}

/** Status of a refusal by rule; 422 unless its rule is listed here. */
const STATUS: Record<string, number> = {
  "desk.access": 403,
  "desk.full": 429,
  "http.notFound": 404,
  "http.tooLarge": 413,
  "http.tooMany": 429,
  "http.form": 400,
  "http.stopping": 503,
};

/**
 * A server with `/health`, `/metrics` (Prometheus), `/openapi.json`, one form of error, and requests in the log without their bodies.
 * Routes are declared with zod schemas before `listen`.
 */
export async function makeHttp({ log, title, description, bodyLimit = 65_536, health }: HttpOptions) {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const server = Fastify({
    loggerInstance: log as never,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    forceCloseConnections: true,
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  await server.register(swagger, {
    openapi: { info: { title, description, version: "1" } },
    transform: jsonSchemaTransform,
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => {
    const { status, failure } = failureFor(error);
    if (status >= 500) log.error({ err: error }, "request failed");
    void reply.status(status).send(failure);
  });
  server.setNotFoundHandler((request, reply) => {
    const message = `path: ${request.method} ${request.url.slice(0, 100)}, expected one of /openapi.json`;
    void reply.status(404).send({ error: { rule: "http.notFound", message } } satisfies HttpFailure);
  });
  server.get("/openapi.json", { schema: { hide: true } }, () => server.swagger());
  const collect = sparingly(() => metrics.metrics());
  server.get("/metrics", { schema: { hide: true } }, async (_, reply) => {
    void reply.header("content-type", metrics.contentType);
    return collect();
  });
  const healthNow = sparingly(health);
  server.get("/health", { schema: { hide: true } }, async (_, reply) => {
    try {
      return { status: "ok", ...(await healthNow()) };
    } catch (error) {
      void reply.status(503);
      return { status: "failing", ...failureFor(error as FastifyError).failure };
    }
  });
  return { server, metrics };
}

/** After how many times what it took something that anybody can ask for is done again, and after how long at most. */
const PAUSES = 9;
const LONGEST_PAUSE_MS = 1_000;

/** Does something once for all who ask meanwhile, and again only after a pause, so that it cannot take all the time. */
export function sparingly<T>(work: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let freshUntil = 0;
  return () => {
    if (answer !== undefined && performance.now() < freshUntil) return answer;
    const began = performance.now();
    freshUntil = Number.POSITIVE_INFINITY;
    answer = work().finally(() => {
      const ended = performance.now();
      freshUntil = ended + Math.min(PAUSES * (ended - began), LONGEST_PAUSE_MS);
    });
    return answer;
  };
}

/** Does something once for all who ask while it is being done. */
export function together<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= work().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

function failureFor(error: FastifyError): { status: number; failure: HttpFailure } {
  const answer = (status: number, rule: string, message: string) => ({
    status,
    failure: { error: { rule, message: (message.split("\n")[0] as string).slice(0, 400) } },
  });
  if (error instanceof SolvusError) return answer(STATUS[error.rule] ?? 422, error.rule, error.message);
  if (error.validation !== undefined) {
    const [first] = error.validation;
    const field = `${error.validationContext ?? "request"}${(first?.instancePath ?? "").replaceAll("/", ".")}`;
    return answer(400, "http.form", `${field}: ${first?.message ?? "malformed"}`);
  }
  if (error.statusCode === 413) return answer(413, "http.tooLarge", "body: larger than this service takes");
  if (error.statusCode === 429) return answer(429, "http.tooMany", error.message);
  if (error.statusCode !== undefined && error.statusCode < 500)
    return answer(error.statusCode, "http.form", error.message);
  return answer(500, "http.failed", "the service failed; its log says why");
}
