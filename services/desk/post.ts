import { z } from "zod";
import { SolvusError } from "../../protocol/errors.ts";
import { refusalAsSaid, textWithin } from "../said.ts";
import { accessHeaders } from "./access.ts";
import type { Box } from "./identity.ts";

/*
 * The relayer's mailboxes as owners use them over HTTP. One attempt each: whoever calls decides when to try again.
 */

export interface Post {
  /** Puts an envelope into a mailbox; it is stored once this resolves. Throws `desk.unreachable`, or the relayer's refusal. */
  put(mailbox: string, envelope: Uint8Array): Promise<void>;
  /** The oldest envelopes of one's own box. */
  read(box: Box): Promise<{ id: string; envelope: Uint8Array }[]>;
  remove(box: Box, ids: readonly string[]): Promise<void>;
}

const REQUEST_MS = 15_000;
/** Most bytes of an answer: thirty-two of the larger envelopes are less. */
const MOST_ANSWER = 2_000_000;

const answerForm = z.object({
  envelopes: z.array(z.object({ id: z.string().max(64), envelope: z.string() })).max(256),
});

/** The mailboxes of the relayer at a URL, its root. */
export function postAt(url: string): Post {
  const root = `${url.replace(/\/+$/, "")}/v1/desk/mailboxes`;
  const ask = async (path: string, init: RequestInit = {}): Promise<Record<string, unknown>> => {
    let status: number;
    let body: Record<string, unknown>;
    try {
      const response = await fetch(`${root}/${path}`, {
        ...init,
        // What a mailbox's owner signs is for this relayer.
        redirect: "error",
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      status = response.status;
      body = JSON.parse((await textWithin(response, MOST_ANSWER)) ?? "");
    } catch {
      throw new SolvusError("desk.unreachable", "relayer: does not answer, expected its desk");
    }
    if (status === 200 || status === 202) return body;
    const { rule = "", message = `relayer: answered ${status}` } = (body?.error ?? {}) as Record<
      string,
      unknown
    >;
    throw refusalAsSaid(String(rule), String(message), "desk.answer");
  };
  const json = (value: object, headers: Record<string, string> = {}): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  });
  const clock = (): number => Math.floor(Date.now() / 1000);

  return {
    async put(mailbox, envelope) {
      await ask(`${mailbox}/envelopes`, json({ envelope: Buffer.from(envelope).toString("base64") }));
    },
    async read({ address: { mailbox }, opener }) {
      const headers = accessHeaders(opener, { action: "read", mailbox }, clock());
      const answer = answerForm.safeParse(await ask(`${mailbox}/envelopes`, { headers }));
      if (!answer.success)
        throw new SolvusError("desk.answer", "relayer: an answer of another form, expected envelopes");
      return answer.data.envelopes.map(({ id, envelope }) => ({
        id,
        envelope: Buffer.from(envelope, "base64"),
      }));
    },
    async remove({ address: { mailbox }, opener }, ids) {
      const headers = accessHeaders(opener, { action: "remove", mailbox, ids }, clock());
      await ask(`${mailbox}/removals`, json({ ids }, headers));
    },
  };
}
