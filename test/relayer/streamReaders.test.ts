import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { FastifyReply } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { type ChangeStreams, makeChangeStreams } from "../../services/relayer/stream.ts";
import type { Store } from "../../services/store/store.ts";
import { quietLog } from "../support/storeFixture.ts";

/* Readers of streams that do what no client of ours does. */

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A store that answers every question about changes with the next ones of a history of this length. */
function historyOf(length: number): { store: Store; pages(): number } {
  let pages = 0;
  const query = async (text: string, values: readonly unknown[] = []): Promise<unknown[]> => {
    if (!text.includes("ORDER BY sequence")) return [{ latest: String(length) }];
    pages++;
    const [after, limit] = values.map(Number) as [number, number];
    const count = Math.max(0, Math.min(limit, length - after));
    return Array.from({ length: count }, (_, place) => ({
      ...{ sequence: String(after + 1 + place), submission: `0x${"ab".repeat(32)}`, state: "queued" },
      ...{ rule: null, message: null, transaction: null, block: null, leaf_index: null, at: new Date(0) },
    }));
  };
  return { store: { query } as unknown as Store, pages: () => pages };
}

/** Serves a history's streams from their beginning; `wait` is awaited before a connection is taken over. */
async function serve(store: Store, wait: () => Promise<void> = async () => {}) {
  const streams: ChangeStreams = await makeChangeStreams(store, quietLog());
  const server: Server = createServer(async (_, raw) => {
    await wait();
    streams.serve({ raw, hijack: () => undefined } as unknown as FastifyReply, "here", { after: 0n });
  });
  stops.push(() => server.close());
  stops.push(() => streams.stop());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    streams,
    /** A connection that has asked, and reads nothing. */
    async ask(): Promise<Socket> {
      const socket = connect(port, "127.0.0.1").pause();
      socket.on("error", () => undefined);
      stops.push(() => socket.destroy());
      await once(socket, "connect");
      socket.write("GET / HTTP/1.1\r\nhost: here\r\n\r\n");
      return socket;
    },
  };
}

describe("a reader", () => {
  it("of many histories at once has the database asked for one of them at a time", async () => {
    const history = historyOf(5_000);
    let [inside, most] = [0, 0];
    const query = async (text: string, values?: readonly unknown[]): Promise<unknown[]> => {
      most = Math.max(most, ++inside);
      await pause(1);
      inside--;
      return history.store.query(text, values);
    };
    const { streams, ask } = await serve({ query } as unknown as Store);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => ask()));
    const bytes = sockets.map(() => 0);
    sockets.forEach((socket, place) => {
      socket.on("data", (data) => (bytes[place] = (bytes[place] as number) + data.length));
      socket.resume();
    });
    await expect.poll(() => Math.min(...bytes), { timeout: 10_000 }).toBeGreaterThan(500_000);
    expect(streams.count()).toBe(20);
    // One history, and the look for what is new.
    expect(most).toBeLessThan(4);
  });

  it("that leaves in the middle of a long history has no more of it read for him", async () => {
    const history = historyOf(1_000_000);
    const { streams, ask } = await serve(history.store);
    const socket = await ask();
    await expect.poll(history.pages).toBeGreaterThan(0);
    socket.destroy();
    await expect.poll(() => streams.count()).toBe(0);
    const before = history.pages();
    await pause(100);
    expect(history.pages() - before).toBeLessThan(2);
  });

  it("that leaves before he is served is not counted among the readers", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let arrived = false;
    const { streams, ask } = await serve(historyOf(1).store, () => {
      arrived = true;
      return held;
    });
    const socket = await ask();
    await expect.poll(() => arrived).toBe(true);
    socket.destroy();
    await pause(50);
    release();
    await pause(50);
    expect(streams.count()).toBe(0);
  });

  it("that asks for much and takes nothing is cut off, and nothing is kept for him", async () => {
    const { streams, ask } = await serve(historyOf(1_000_000).store);
    const socket = await ask();
    await expect.poll(() => streams.count()).toBe(0);
    socket.resume();
    // What the connection itself had taken comes through, and then its end.
    await expect.poll(() => socket.closed).toBe(true);
  });
});
