import { z } from "zod";

/*
 * Messages of Deribit's public JSON-RPC interface (version 2, over WebSocket), as far as prices need them. Numbers may be null where there is none.
 * Fields that are not named here are ignored: the venue adds some now and then.
 */

const price = z.number().positive();
const timestamp = z.int().positive();

/** The index of an underlying. */
const indexData = z.object({ index_name: z.string(), price, timestamp });

/** A ticker: of a perpetual, or of an option when it has an implied volatility. */
const tickerData = z.object({
  instrument_name: z.string(),
  timestamp,
  state: z.string(),
  mark_price: z.number().nonnegative(),
  current_funding: z.number().nullish(),
  /** Percent a year. */
  mark_iv: z.number().nonnegative().nullish(),
  /** Forward of the option's expiry. */
  underlying_price: price.nullish(),
});

const subscription = z.object({
  method: z.literal("subscription"),
  params: z.object({ channel: z.string(), data: z.unknown() }),
});
const heartbeat = z.object({ method: z.literal("heartbeat"), params: z.object({ type: z.string() }) });
const answer = z.object({
  id: z.int(),
  result: z.unknown().optional(),
  error: z.object({ code: z.int(), message: z.string() }).optional(),
});
/** Candles: starting times and closes. */
const candles = z.object({
  status: z.string(),
  ticks: z.array(z.int()),
  close: z.array(price),
});

export type IndexData = z.infer<typeof indexData>;
export type TickerData = z.infer<typeof tickerData>;
export type Candles = z.infer<typeof candles>;

/** A message that matters. */
export type DeribitMessage =
  | { kind: "index"; data: IndexData }
  | { kind: "ticker"; data: TickerData }
  | { kind: "testRequest" }
  | { kind: "answer"; id: number; result: unknown; error?: string };

/** Reads a message; undefined for one that does not matter, and for one that is not of the form. */
export function readMessage(text: string): DeribitMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const notified = subscription.safeParse(value);
  if (notified.success) {
    const { channel, data } = notified.data.params;
    if (channel.startsWith("deribit_price_index.")) {
      const parsed = indexData.safeParse(data);
      return parsed.success ? { kind: "index", data: parsed.data } : undefined;
    }
    if (channel.startsWith("ticker.")) {
      const parsed = tickerData.safeParse(data);
      return parsed.success ? { kind: "ticker", data: parsed.data } : undefined;
    }
    return undefined;
  }
  const beat = heartbeat.safeParse(value);
  if (beat.success) return beat.data.params.type === "test_request" ? { kind: "testRequest" } : undefined;
  const answered = answer.safeParse(value);
  if (!answered.success) return undefined;
  const { id, result, error } = answered.data;
  return { kind: "answer", id, result, ...(error && { error: `${error.code} ${error.message}` }) };
}

/** Candles of an answer; undefined when it has none. */
export function readCandles(result: unknown): Candles | undefined {
  const parsed = candles.safeParse(result);
  return parsed.success && parsed.data.status === "ok" ? parsed.data : undefined;
}

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/** Options expire at eight in the morning, UTC. */
const EXPIRY_HOUR = 8;

/** Terms of an option by its name, `BTC-30SEP22-60000-C`; undefined for a name of anything else. */
export function optionTerms(
  name: string,
): { underlying: string; expiry: number; strike: number; call: boolean } | undefined {
  const match = /^([A-Z]{2,8})-(\d{1,2})([A-Z]{3})(\d\d)-(\d+)-([CP])$/.exec(name);
  const month = MONTHS.indexOf(match?.[3] ?? "");
  if (match === null || month < 0) return undefined;
  return {
    underlying: match[1] as string,
    expiry: Date.UTC(2000 + Number(match[4]), month, Number(match[2]), EXPIRY_HOUR),
    strike: Number(match[5]),
    call: match[6] === "C",
  };
}
