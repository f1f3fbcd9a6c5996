import { Misuse, SolvusError } from "../../protocol/errors.ts";
import { realizedVolatility } from "../../protocol/priceScan.ts";
import type { Log } from "../log.ts";
import {
  type Candles,
  type DeribitMessage,
  optionTerms,
  readCandles,
  readMessage,
  type TickerData,
} from "./deribitMessages.ts";
import type { PriceSource, Seen, SeenExpiry, SeenUnderlying } from "./source.ts";
import { makeTimeline, type Timeline } from "./timeline.ts";

/*
 * Deribit as a source, over its public WebSocket interface: indexes, perpetuals with their funding, options with their implied volatilities
 * and forwards, and hourly candles for the realized volatility. The connection is made again whenever it is lost; what was seen before then
 * goes stale by its own time.
 */

export const DERIBIT = "wss://www.deribit.com/ws/api/v2";

const HOUR_MS = 3_600_000;
/** Hours of candles: the weight of an older one is below a hundredth of a percent. */
const CANDLE_HOURS = 900;
/** Seconds between the venue's heartbeats. */
const HEARTBEAT_SECONDS = 15;

export interface DeribitOptions {
  /** Default: the venue's public address. */
  url?: string;
  /** Underlyings with a perpetual, such as BTC. */
  underlyings: readonly string[];
  /** Options by the venue's name. */
  options?: readonly string[];
  /** Prices of underlyings that are not read from the venue. Default: USDT at 1. */
  fixed?: Readonly<Record<string, number>>;
  log: Log;
  /** Milliseconds without a price after which the connection is taken for dead, however often the venue says otherwise: 45,000. */
  silenceMs?: number;
  /** Milliseconds before a lost connection is made again, doubled up to sixteenfold while it fails: 1,000. */
  retryMs?: number;
}

const indexName = (underlying: string): string => `${underlying.toLowerCase()}_usd`;
const perpetualOf = (underlying: string): string => `${underlying}-PERPETUAL`;

/** Yearly volatility of the hourly closes of candles that are complete at a time, milliseconds; undefined without two. */
function volatilityAt(candles: Candles | undefined, time: number): number | undefined {
  if (candles === undefined) return undefined;
  const closes = candles.close.filter((_, place) => (candles.ticks[place] ?? time) + HOUR_MS <= time);
  return closes.length < 2 ? undefined : realizedVolatility(closes);
}

/** A source that stays connected until it is closed. Misuse (`source.option`) for a name that is no option. */
export function deribitSource(config: DeribitOptions): PriceSource & { isConnected(): boolean } {
  const { url = DERIBIT, underlyings, options = [], fixed = { USDT: 1 }, log } = config;
  const { silenceMs = 45_000, retryMs = 1_000 } = config;
  for (const name of options)
    if (optionTerms(name) === undefined)
      throw new Misuse(
        "source.option",
        `option is ${JSON.stringify(name.slice(0, 60))}, expected a name of the venue such as BTC-30SEP22-60000-C`,
      );
  const indexes = new Map<string, Timeline<number>>(
    underlyings.map((name) => [indexName(name), makeTimeline()]),
  );
  const tickers = new Map<string, Timeline<TickerData>>(
    [...underlyings.map(perpetualOf), ...options].map((name) => [name, makeTimeline()]),
  );
  const candles = new Map<string, { hour: number; candles: Candles }>();

  let socket: WebSocket | undefined;
  let isClosed = false;
  let failures = 0;
  let retry: NodeJS.Timeout | undefined;
  let watchdog: NodeJS.Timeout | undefined;
  let nextId = 1;
  /** Underlyings whose candles were asked for, by the request's id. */
  const asked = new Map<number, { name: string; hour: number }>();

  const call = (method: string, params: Record<string, unknown>): number => {
    const id = nextId++;
    socket?.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return id;
  };
  const askCandles = (name: string, hour: number): void => {
    if ([...asked.values()].some((request) => request.name === name && request.hour === hour)) return;
    const id = call("public/get_tradingview_chart_data", {
      instrument_name: perpetualOf(name),
      start_timestamp: (hour - CANDLE_HOURS) * HOUR_MS,
      end_timestamp: hour * HOUR_MS,
      resolution: "60",
    });
    asked.set(id, { name, hour });
  };

  const stayAlive = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      log.warn({ venue: "deribit", silenceMs }, "no price, connecting again");
      socket?.close();
      lost();
    }, silenceMs);
  };

  const prices = (): void => {
    failures = 0;
    stayAlive();
  };
  const take = (message: DeribitMessage): void => {
    switch (message.kind) {
      case "index":
        prices();
        indexes.get(message.data.index_name)?.add(message.data.timestamp, message.data.price);
        return;
      case "ticker":
        prices();
        tickers.get(message.data.instrument_name)?.add(message.data.timestamp, message.data);
        return;
      case "testRequest":
        call("public/test", {});
        return;
      default: {
        const request = asked.get(message.id);
        asked.delete(message.id);
        if (message.error !== undefined) log.warn({ venue: "deribit", error: message.error }, "refused");
        const found = request && readCandles(message.result);
        if (found !== undefined) candles.set(request!.name, { hour: request!.hour, candles: found });
      }
    }
  };

  function lost(): void {
    clearTimeout(watchdog);
    if (socket === undefined) return;
    socket = undefined;
    asked.clear();
    if (isClosed) return;
    const wait = retryMs * 2 ** Math.min(failures++, 4);
    log.warn({ venue: "deribit", wait }, "connection lost");
    retry = setTimeout(connect, wait);
  }

  function connect(): void {
    const opened = new WebSocket(url);
    socket = opened;
    stayAlive();
    opened.addEventListener("open", () => {
      call("public/set_heartbeat", { interval: HEARTBEAT_SECONDS });
      const channels = [
        ...[...indexes.keys()].map((name) => `deribit_price_index.${name}`),
        ...[...tickers.keys()].map((name) => `ticker.${name}.100ms`),
      ];
      call("public/subscribe", { channels });
      log.info({ venue: "deribit", channels: channels.length }, "connected");
    });
    opened.addEventListener("message", ({ data }) => {
      if (socket !== opened) return;
      const message = typeof data === "string" ? readMessage(data) : undefined;
      if (message !== undefined) take(message);
    });
    for (const event of ["close", "error"] as const)
      opened.addEventListener(event, () => {
        if (socket === opened) lost();
      });
  }

  const expiriesAt = (name: string, milliseconds: number): SeenExpiry[] => {
    const byExpiry = new Map<number, SeenExpiry>();
    for (const option of options) {
      const terms = optionTerms(option);
      const seen = tickers.get(option)?.at(milliseconds)?.value;
      if (terms?.underlying !== name || seen === undefined || seen.state !== "open") continue;
      const group = byExpiry.get(terms.expiry) ?? { expiry: terms.expiry, options: [] };
      byExpiry.set(terms.expiry, group);
      const { mark_iv: volatility, underlying_price: forward, timestamp: time } = seen;
      // The newest quote's forward is the expiry's.
      const tradedAt = Math.floor(time / 1000);
      if (forward && tradedAt >= (group.forward?.tradedAt ?? 0)) group.forward = { price: forward, tradedAt };
      if (volatility !== null && volatility !== undefined)
        group.options.push({ strike: terms.strike, call: terms.call, volatility: volatility / 100, time });
    }
    return [...byExpiry.values()];
  };

  connect();
  return {
    name: "deribit",
    isConnected: () => socket?.readyState === WebSocket.OPEN,
    async observe(time) {
      const milliseconds = time * 1000 + 999;
      const hour = Math.floor(milliseconds / HOUR_MS);
      const seen: Seen = {};
      for (const name of underlyings) {
        const index = indexes.get(indexName(name))?.at(milliseconds);
        const perpetual = tickers.get(perpetualOf(name))?.at(milliseconds)?.value;
        const known = candles.get(name);
        if (known?.hour !== hour && socket?.readyState === WebSocket.OPEN) askCandles(name, hour);
        const volatility = volatilityAt(known?.candles, milliseconds);
        const shown: SeenUnderlying = { expiries: expiriesAt(name, milliseconds) };
        if (index !== undefined)
          shown.index = { price: index.value, tradedAt: Math.floor(index.time / 1000) };
        if (volatility !== undefined) shown.realizedVolatility = volatility;
        if (perpetual?.state === "open" && perpetual.mark_price > 0)
          shown.perpetual = { mark: perpetual.mark_price, fundingRate: perpetual.current_funding ?? 0 };
        seen[name] = shown;
      }
      if (Object.values(seen).every(({ index }) => index === undefined))
        throw new SolvusError(
          "source.silent",
          `deribit shows no index at ${new Date(time * 1000).toISOString()}, expected ${underlyings.join(", ")}; connected: ${socket?.readyState === WebSocket.OPEN}`,
        );
      for (const [name, price] of Object.entries(fixed)) seen[name] ??= { index: { price, tradedAt: time } };
      return seen;
    },
    async close() {
      isClosed = true;
      clearTimeout(retry);
      clearTimeout(watchdog);
      socket?.close();
      socket = undefined;
    },
  };
}
