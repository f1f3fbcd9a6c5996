import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { feesOf, rulesOf, type ServeOptions, storeOf } from "../../cli/relayer/serveOptions.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { sparingly } from "../../services/http.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { clientOf } from "../../services/relayer/clientAddress.ts";
import { readEvents } from "../../services/relayer/eventStream.ts";
import { type FeePolicy, makeQuotes } from "../../services/relayer/fees.ts";
import { makeGate } from "../../services/relayer/gate.ts";

/** Fees where gas has a price, at times that the test sets. */
function quotesAt(policy: FeePolicy, market: { gasPrice: bigint; now: number }) {
  const provider = { getFeeData: async () => ({ gasPrice: market.gasPrice }) };
  return makeQuotes(policy, { provider } as unknown as Deployed, () => market.now);
}

describe("fees by gas", () => {
  const policy: FeePolicy = { kind: "gas", margin: 0.2, coin: 2_000_000_000n };

  it("are what the gas costs and the margin, rounded up, and nothing for an opening", async () => {
    const market = { gasPrice: 3_000_000_001n, now: 0 };
    const { fees, validUntil } = await quotesAt(policy, market).current();
    // 135,000 gas at 3.000000001 gwei and $2,000, and a fifth: 0.972000000324 dollars.
    expect(fees.transition).toBe(972_001n);
    expect(fees.opening).toBe(0n);
    expect(fees.takeOver).toBeGreaterThan(fees.transition);
    expect(validUntil).toBe(120);
  });

  it("that were quoted are enough until the quote ends, and no longer", async () => {
    const market = { gasPrice: 1_000_000_000n, now: 1_000 };
    const quotes = quotesAt(policy, market);
    const { fees: low } = await quotes.current();
    market.gasPrice = 2_000_000_000n;
    market.now += 60;
    const { fees: high } = await quotes.current();
    expect(high.transition).toBe(2n * low.transition);
    expect(await quotes.least("transition")).toBe(low.transition);
    market.now += 61;
    expect(await quotes.least("transition")).toBe(high.transition);
  });

  it("above what the ledger lets an item pay are not asked for: nothing is taken then, but at earlier quotes", async () => {
    const market = { gasPrice: 1_000_000_000n, now: 0 };
    const quotes = quotesAt(policy, market);
    const { fees } = await quotes.current();
    market.gasPrice = 1_000_000_000_000n;
    market.now += 60;
    await expect(quotes.current()).rejects.toMatchObject({ rule: "relayer.gasPrice" });
    expect(await quotes.least("transition")).toBe(fees.transition);
    market.now += 61;
    await expect(quotes.least("transition")).rejects.toMatchObject({ rule: "relayer.gasPrice" });
  });
});

describe("the gate", () => {
  it("lets no more in at once than it may, each in turn, also after failures", async () => {
    const gate = makeGate({ atOnce: 2, waiting: 10, waitSeconds: 10 });
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 9 }, (_, place) =>
        gate.run(async () => {
          most = Math.max(most, ++inside);
          order.push(place);
          await new Promise((resolve) => setTimeout(resolve, 1));
          inside--;
          if (place % 3 === 0) throw new Error("fails");
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(results.filter(({ status }) => status === "rejected")).toHaveLength(3);
    expect(gate.size()).toEqual({ atWork: 0, waiting: 0 });
  });
});

describe("the gate in a crowd", () => {
  it("refuses who would wait too long, and who did", async () => {
    vi.useFakeTimers();
    try {
      const gate = makeGate({ atOnce: 1, waiting: 1000, waitSeconds: 1 });
      const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 1_100));
      const all = Promise.allSettled(Array.from({ length: 20 }, () => gate.run(slow)));
      await vi.advanceTimersByTimeAsync(10_000);
      const results = await all;
      // At a tenth of a second each, ten may wait; at what it takes, all of them but one have waited twice as long as they should.
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
      for (const result of results)
        if (result.status === "rejected") expect(result.reason.rule).toBe("relayer.busy");
      expect(gate.size()).toEqual({ atWork: 0, waiting: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a client's address", () => {
  it("is the whole network that a customer has", () => {
    expect(clientOf("203.0.113.7")).toBe("203.0.113.7");
    expect(clientOf("::ffff:203.0.113.7")).toBe("203.0.113.7");
    for (const address of ["2001:db8:0:5::1", "2001:0DB8::5:a:b:c:d", "2001:db8:0:5:ffff:1:2:3%eth0"])
      expect(clientOf(address)).toBe("2001:db8:0:5::/64");
    expect(clientOf("2001:db8:0:6::1")).toBe("2001:db8:0:6::/64");
    expect(clientOf("::1")).toBe("0:0:0:0::/64");
    expect(clientOf("64:ff9b:1:2::203.0.113.7")).toBe("64:ff9b:1:2::/64");
    expect(clientOf("unknown")).toBe("unknown");
  });
});

describe("figures that anybody may ask for", () => {
  it("are collected once for all who ask, and again only after a pause", async () => {
    let collected = 0;
    const collect = sparingly(async () => {
      await pause(20);
      return ++collected;
    });
    expect(await Promise.all([collect(), collect(), collect()])).toEqual([1, 1, 1]);
    expect(await collect()).toBe(1);
    await pause(400);
    expect(await collect()).toBe(2);
  });

  it("are collected again after a failure", async () => {
    let isBroken = true;
    const collect = sparingly(async () => {
      if (isBroken) throw new Error("the database is away");
      return 1;
    });
    await expect(collect()).rejects.toThrow("away");
    isBroken = false;
    await expect.poll(() => collect().catch(() => 0)).toBe(1);
  });
});

describe("events", () => {
  it("are read however they are cut into pieces", async () => {
    const text = ':\n\nid: 7\ndata: {"a":"ü"}\n\nid: 8\ndata: {}\n\n';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 3, 5, 100]) {
      async function* pieces() {
        for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
      }
      const events = [];
      for await (const event of readEvents(pieces())) if (event !== undefined) events.push(event);
      expect(events).toEqual([
        { id: "7", data: '{"a":"ü"}' },
        { id: "8", data: "{}" },
      ]);
    }
  });
});

describe("a client", () => {
  it("says at once that a text is no URL", () => {
    expect(() => relayerClient("localhost:9420")).toThrow(/expected http/);
  });

  it("gives up on a relayer that does not answer, and does not show what its URL holds", async () => {
    const client = relayerClient("http://alice:secret@127.0.0.1:9/key", { patienceMs: 300 });
    await expect(client.quote()).rejects.toMatchObject({
      rule: "relayer.unreachable",
      message: "relayer at http://127.0.0.1:9: does not answer, expected a relayer",
    });
  });
});

describe("flags of `relayer serve`", () => {
  const flags = {
    ...{ fee: "0.25", feeMargin: "20", coin: "ETH", batchSize: "16", batchAge: "2", confirmations: "3" },
    ...{ maxGasPrice: "0.5", insertions: true },
  } as ServeOptions;

  it("say what it asks for", () => {
    expect(feesOf(flags)).toEqual({ kind: "fixed", transition: 250_000n, takeOver: 250_000n });
    expect(feesOf({ ...flags, takeOverFee: "1" })).toMatchObject({ takeOver: 1_000_000n });
    expect(feesOf({ ...flags, fee: "gas" })).toEqual({
      kind: "gas",
      margin: 0.2,
      coin: { underlying: "ETH" },
    });
    expect(feesOf({ ...flags, fee: "gas", coin: "2000" })).toMatchObject({ coin: 2_000_000_000n });
    expect(() => feesOf({ ...flags, fee: "much" })).toThrow(/--fee/);
  });

  it("say how it sends", () => {
    expect(rulesOf({ ...flags, batchAge: "0.2" })).toMatchObject({
      batchAgeMs: 200,
      maxFeePerGas: 500_000_000n,
    });
    expect(() => rulesOf({ ...flags, batchSize: "17" })).toThrow(/--batch-size is 17, expected at most 16/);
  });

  it("name one place to keep things", () => {
    expect(storeOf({ data: "relayer" })).toEqual({ dataDirectory: "relayer" });
    expect(() => storeOf({})).toThrow(/neither --data nor/);
    expect(() => storeOf({ data: "relayer", databaseUrlFile: "url" })).toThrow(/both --data and/);
  });
});
