import { setTimeout as sleep } from "node:timers/promises";
import { Misuse, SolvusError } from "../../protocol/errors.ts";
import { refusalAsSaid, textWithin } from "../said.ts";
import { readEvents } from "./eventStream.ts";
import { formatItem, type Item } from "./items.ts";
import {
  type Change,
  failureSchema,
  isTerminal,
  type Quote,
  readChange,
  readQuote,
  readStatus,
  type State,
  type Status,
} from "./messages.ts";

/** A relayer as its customers see it. Refusals are thrown as {@link SolvusError}s with the relayer's rule. */
export interface RelayerClient {
  /**
   * Hands an item over; it is stored durably, or was before (`isNew` false), once this resolves. A relayer that does not answer or has too
   * much to do is asked again until the time is over: the same item twice is one submission. Throws the relayer's refusal.
   */
  submit(item: Item): Promise<Status & { isNew: boolean }>;
  /** Throws `relayer.unknown` for an id that was never submitted. */
  status(id: string): Promise<Status>;
  /**
   * Waits until a submission is in one of the states, by default mined or final. Throws the refusal when it ended in another one, and
   * `relayer.timeout` after `timeoutMs`, two minutes unless said otherwise.
   */
  wait(id: string, states?: readonly State[], timeoutMs?: number): Promise<Change>;
  /** Least fees, and whom the terms may name. */
  quote(): Promise<Quote>;
  /**
   * Every change of state after the one with this sequence number, of one submission or of all, for as long as it is read; without `after`
   * a submission's present state and what follows, or what follows for all. Connects again whenever the connection is lost. Ends after
   * a submission's last state.
   */
  changes(options?: { id?: string; after?: bigint; signal?: AbortSignal }): AsyncGenerator<Change, void>;
}

export interface ClientOptions {
  /** For how long an unreachable or busy relayer is asked again, in milliseconds of the clock: 60,000. */
  patienceMs?: number;
  /** How long one request may take, in milliseconds: 30,000. */
  requestMs?: number;
}

const RETRIED = [429, 502, 503, 504];
/** A submission's last change was before the one that the stream should go on from. */
const NOTHING_FOLLOWS = 204;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
/** A stream without even a heartbeat for this long is dead. */
const SILENCE_MS = 45_000;

/** A relayer's client. `url` is its root, such as `http://127.0.0.1:9420`; it may carry a path. Misuse (`relayer.url`) if it is no URL. */
export function relayerClient(url: string, options: ClientOptions = {}): RelayerClient {
  const { patienceMs = 60_000, requestMs = 30_000 } = options;
  if (!/^https?:/.test(url) || !URL.canParse(url))
    throw new Misuse("relayer.url", "URL of the relayer: not one, expected http:// or https:// with a host");
  const root = url.replace(/\/+$/, "");

  /** Sends until there is an answer other than "later", or patience is over. */
  const send = async (path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> => {
    const until = Date.now() + patienceMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const outcome = await attempt(`${root}${path}`, { ...init, signal: AbortSignal.timeout(requestMs) });
      if (!("later" in outcome)) return outcome;
      const wait = (outcome.afterMs ?? pause) * (1 + Math.random() / 4);
      if (Date.now() + wait > until) throw outcome.later;
      await sleep(wait);
    }
  };
  const get = async (path: string): Promise<unknown> => {
    const { status, body } = await send(path);
    if (status !== 200) throw refusalOf(status, body);
    return body;
  };

  async function* changes({
    id,
    after,
    signal,
  }: {
    id?: string;
    after?: bigint;
    signal?: AbortSignal;
  } = {}): AsyncGenerator<Change, void> {
    let last = after;
    let lostAt: number | undefined;
    let pause = FIRST_PAUSE_MS;
    const link = { over: false };
    while (!signal?.aborted) {
      const path = id === undefined ? "/v1/events" : `/v1/submissions/${id}/events`;
      for await (const status of streamOnce(`${root}${path}`, last, signal, link)) {
        [lostAt, pause] = [undefined, FIRST_PAUSE_MS];
        if (status === undefined) continue;
        last = status.sequence;
        yield status;
        if (id !== undefined && isTerminal(status.state)) return;
      }
      if (link.over) return;
      lostAt ??= Date.now();
      if (Date.now() - lostAt > patienceMs) throw unreachable(root);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
  }

  return {
    async submit(item) {
      const headers = { "content-type": "application/json" };
      const { status, body } = await send("/v1/submissions", {
        method: "POST",
        headers,
        body: formatItem(item),
      });
      if (status !== 200 && status !== 202) throw refusalOf(status, body);
      return { ...understood(() => readStatus(body)), isNew: status === 202 };
    },
    async status(id) {
      const body = await get(`/v1/submissions/${encodeURIComponent(id)}`);
      return understood(() => readStatus(body));
    },
    async wait(id, states = ["mined", "final"], timeoutMs = 120_000) {
      const ending = new AbortController();
      const timer = setTimeout(() => ending.abort(), timeoutMs);
      let seen: State | undefined;
      try {
        for await (const status of changes({ id, signal: ending.signal })) {
          seen = status.state;
          if (states.includes(status.state)) return status;
          if (isTerminal(status.state)) throw endedOtherwise(status, states);
        }
      } finally {
        clearTimeout(timer);
        ending.abort();
      }
      throw new SolvusError(
        "relayer.timeout",
        `submission ${id} is ${seen ?? "not heard of"} after ${timeoutMs / 1000} s, expected ${states.join(" or ")}`,
      );
    },
    async quote() {
      const body = await get("/v1/quote");
      return understood(() => readQuote(body));
    },
    changes,
  };
}

type Outcome = { status: number; body: unknown } | { later: SolvusError; afterMs?: number };

async function attempt(url: string, init: RequestInit): Promise<Outcome> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, init);
    body = await bodyOf(response);
  } catch {
    return { later: unreachable(url) };
  }
  const { status } = response;
  if (!RETRIED.includes(status)) return { status, body };
  const afterMs = 1000 * Number(response.headers.get("retry-after"));
  return { later: refusalOf(status, body), ...(afterMs > 0 && { afterMs: Math.min(afterMs, 60_000) }) };
}

/** Most bytes of an answer. */
const MOST_ANSWER = 262_144;

/** An answer's document; throws for an answer that has none, or does not end. */
async function bodyOf(response: Response): Promise<unknown> {
  return JSON.parse((await textWithin(response, MOST_ANSWER)) ?? "");
}

/**
 * One connection of a stream: changes, and undefined for signs of life. Ends when the connection does, however that is; `link.over` then
 * says whether nothing will follow.
 */
async function* streamOnce(
  url: string,
  after: bigint | undefined,
  signal: AbortSignal | undefined,
  link: { over: boolean },
): AsyncGenerator<Change | undefined, void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const both = AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]);
  const headers: Record<string, string> = after === undefined ? {} : { "last-event-id": String(after) };
  try {
    const response = await fetch(url, { headers, signal: both });
    link.over = response.status === NOTHING_FOLLOWS;
    if (link.over) return;
    if (response.status !== 200 || response.body === null) {
      const body: unknown = await bodyOf(response);
      if (RETRIED.includes(response.status)) return;
      throw refusalOf(response.status, body);
    }
    for await (const event of readEvents(response.body)) {
      timer.refresh();
      yield event === undefined ? undefined : understood(() => readChange(JSON.parse(event.data)));
    }
  } catch (error) {
    if (error instanceof SolvusError) throw error;
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

function refusalOf(status: number, body: unknown): SolvusError {
  const parsed = failureSchema.safeParse(body);
  if (!parsed.success)
    return new SolvusError(
      "relayer.answer",
      `relayer: answered ${status} without saying why, expected a reason`,
    );
  const { rule, message } = parsed.data.error;
  return refusalAsSaid(rule, message, "relayer.answer");
}

function endedOtherwise({ id, state, refusal }: Change, states: readonly State[]): SolvusError {
  if (refusal !== undefined) return refusalAsSaid(refusal.rule, refusal.message, "relayer.ended");
  return new SolvusError("relayer.ended", `submission ${id} is ${state}, expected ${states.join(" or ")}`);
}

/** A relayer's URL may hold a password: only scheme and host are shown. */
function unreachable(url: string): SolvusError {
  const { protocol, host } = new URL(url);
  return new SolvusError(
    "relayer.unreachable",
    `relayer at ${protocol}//${host}: does not answer, expected a relayer`,
  );
}

/** Reads an answer; `relayer.answer` when it is not one of this version. */
function understood<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw new SolvusError(
      "relayer.answer",
      "relayer: an answer of another form, expected one of its /openapi.json",
    );
  }
}
