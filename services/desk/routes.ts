import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { ensure } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/store.ts";
import { ACCESS_HEADERS, type Access, isOwner } from "./access.ts";
import { ENVELOPE_BYTES } from "./envelope.ts";
import { keySchema } from "./identity.ts";
import { type MailboxLimits, openMailboxes } from "./mailboxes.ts";

/*
 * The desk in the relayer: whoever knows a mailbox's address can put an envelope into it; its owner alone reads and removes. The routes
 * are a plugin of the relayer's server, which limits rates and sizes.
 */

/**
 * Envelopes that one client may put in a minute, where the server limits rates: in the hour for which they are kept, less than half of what
 * all mailboxes together hold.
 */
export const PUTS_PER_MINUTE = 400;
/** Envelopes that are removed by one request. */
const MOST_IDS = 64;

const envelope = z
  .string()
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, "expected base64")
  .refine(
    (text) => ENVELOPE_BYTES.some((bytes) => bytes === Buffer.from(text, "base64").length),
    `expected ${ENVELOPE_BYTES.join(" or ")} bytes in base64`,
  );
const id = z.string().regex(/^[0-9a-f]{64}$/);
const place = z.object({ mailbox: keySchema });
const access = z.object({
  [ACCESS_HEADERS.time]: z.string().regex(/^\d{1,12}$/),
  [ACCESS_HEADERS.signature]: z.string().regex(/^[A-Za-z0-9_-]{86}$/),
});

export interface DeskRouteOptions {
  store: Store;
  log: Log;
  limits?: MailboxLimits;
  /** Unix seconds; the clock's by default. */
  now?: () => number;
}

function requireOwner(asked: Access, headers: z.infer<typeof access>, now: number): void {
  const time = Number(headers[ACCESS_HEADERS.time]);
  let owner = false;
  try {
    owner = isOwner(asked, time, headers[ACCESS_HEADERS.signature] as string, now);
  } catch {
    // An address that is no key has no owner.
  }
  ensure(
    owner,
    "desk.access",
    "mailbox: not asked for by its owner, expected its signature and a clock that agrees",
  );
}

/** The desk's routes, relative to where the plugin is mounted (`/v1/desk`). */
export const deskRoutes: FastifyPluginAsyncZod<DeskRouteOptions> = async (server, options) => {
  const { store, log, limits, now = () => Math.floor(Date.now() / 1000) } = options;
  const mailboxes = await openMailboxes(store, limits);

  server.post(
    "/mailboxes/:mailbox/envelopes",
    {
      // An envelope of the largest size in base64, and its wrapping.
      bodyLimit: 2 * Math.max(...ENVELOPE_BYTES),
      config: { rateLimit: { max: PUTS_PER_MINUTE, timeWindow: "1 minute" } },
      schema: {
        summary: "Put an envelope into a mailbox",
        description:
          "The envelope is encrypted to the mailbox's owner. The same envelope twice is stored once.",
        params: place,
        body: z.strictObject({ envelope }),
        response: { 200: z.object({ id }), 202: z.object({ id }) },
      },
    },
    async (request, reply) => {
      const bytes = Buffer.from(request.body.envelope, "base64");
      const { id: stored, isNew } = await mailboxes.put(request.params.mailbox, bytes);
      log.debug({ bytes: bytes.length }, "envelope stored");
      return reply.status(isNew ? 202 : 200).send({ id: stored });
    },
  );

  server.get(
    "/mailboxes/:mailbox/envelopes",
    {
      schema: {
        summary: "Read a mailbox",
        description: "The oldest envelopes, for the owner of the mailbox. They stay until they are removed.",
        params: place,
        headers: access,
        response: { 200: z.object({ envelopes: z.array(z.object({ id, envelope: z.string() })) }) },
      },
    },
    async ({ params: { mailbox }, headers }) => {
      requireOwner({ action: "read", mailbox }, headers, now());
      const stored = await mailboxes.read(mailbox);
      return {
        envelopes: stored.map((one) => ({
          id: one.id,
          envelope: Buffer.from(one.envelope).toString("base64"),
        })),
      };
    },
  );

  server.post(
    "/mailboxes/:mailbox/removals",
    {
      schema: {
        summary: "Remove envelopes from a mailbox",
        description: "For the owner of the mailbox, after reading.",
        params: place,
        headers: access,
        body: z.strictObject({ ids: z.array(id).min(1).max(MOST_IDS) }),
        response: { 200: z.object({ removed: z.literal(true) }) },
      },
    },
    async ({ params: { mailbox }, headers, body: { ids } }) => {
      requireOwner({ action: "remove", mailbox, ids }, headers, now());
      await mailboxes.remove(mailbox, ids);
      return { removed: true as const };
    },
  );
};
