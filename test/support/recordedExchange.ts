import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import { ROOT } from "../../scripts/setup/paths.ts";

/*
 * Deribit's public interface, played back: answers calls in the venue's form, and sends recorded messages, each to whoever has subscribed to
 * its channel. The index at each message's time is sent on the index's channel too.
 */

interface Recorded {
  channel: string;
  data: { timestamp: number; index_price: number } & Record<string, unknown>;
}

const MESSAGES = readFileSync(join(ROOT, "data/deribit-messages-2022-06-02.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line): Recorded => JSON.parse(line));

export interface RecordedExchange {
  url: string;
  /** Calls that were made, as `method`. */
  calls: string[];
  /** How many connections were made. */
  connections(): number;
  /** Sends the recording to all who have subscribed, with some fields changed. */
  play(changes?: (message: Recorded) => Recorded): void;
  /** Sends a line as it is. */
  send(line: string): void;
  /** Closes all connections, as a venue does for maintenance. */
  drop(): void;
  close(): Promise<void>;
}

/** Starts the exchange. `candles` are what it answers for hourly candles: starts, Unix milliseconds, and closes. */
export async function recordedExchange(candles: {
  ticks: number[];
  close: number[];
}): Promise<RecordedExchange> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const calls: string[] = [];
  const subscriptions = new Map<WebSocket, Set<string>>();
  let connections = 0;
  const answerTo = (method: string, params: { channels?: string[] }): unknown => {
    if (method === "public/subscribe") return params.channels;
    if (method === "public/get_tradingview_chart_data") return { status: "ok", ...candles };
    return method === "public/test" ? { version: "1.2.26" } : "ok";
  };
  server.on("connection", (socket) => {
    connections++;
    subscriptions.set(socket, new Set());
    socket.on("message", (text) => {
      const { id, method, params } = JSON.parse(text.toString());
      calls.push(method);
      for (const channel of params.channels ?? []) subscriptions.get(socket)?.add(channel);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, result: answerTo(method, params) }));
    });
    socket.on("close", () => subscriptions.delete(socket));
  });
  const notify = (channel: string, data: unknown): void => {
    const line = JSON.stringify({ jsonrpc: "2.0", method: "subscription", params: { channel, data } });
    for (const [socket, channels] of subscriptions) if (channels.has(channel)) socket.send(line);
  };
  return {
    url: `ws://127.0.0.1:${port}/ws/api/v2`,
    calls,
    connections: () => connections,
    play(changes = (message) => message) {
      for (const message of MESSAGES) {
        const { channel, data } = changes(message);
        const { timestamp, index_price: price } = data;
        notify("deribit_price_index.btc_usd", { index_name: "btc_usd", price, timestamp });
        notify(channel, data);
      }
    },
    send(line) {
      for (const socket of subscriptions.keys()) socket.send(line);
    },
    drop() {
      for (const socket of subscriptions.keys()) socket.terminate();
    },
    async close() {
      for (const socket of subscriptions.keys()) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
