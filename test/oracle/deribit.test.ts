import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FRESH_FOR } from "../../protocol/priceAggregation.ts";
import { realizedVolatility } from "../../protocol/priceScan.ts";
import { optionTerms, readMessage } from "../../services/oracle/deribitMessages.ts";
import { deribitSource } from "../../services/oracle/deribitSource.ts";
import { firstInputs } from "../../services/oracle/firstMarket.ts";
import { makeTimeline } from "../../services/oracle/timeline.ts";
import { viewOf } from "../../services/oracle/view.ts";
import { keptLog } from "../support/oracleServices.ts";
import { type RecordedExchange, recordedExchange } from "../support/recordedExchange.ts";
import { ruleOf } from "../support/rule.ts";

/** Just after the recording's last message: 2 June 2022, 09:24 UTC. */
const TIME = 1_654_161_840;
const HOUR_MS = 3_600_000;
const OPTION = "BTC-30SEP22-60000-C";
const EXPIRY = Date.UTC(2022, 8, 30, 8);
const HOUR = Math.floor((TIME * 1000) / HOUR_MS) * HOUR_MS;
/** The last candle began this hour: it is not complete. */
const CANDLES = {
  ticks: [HOUR - 3 * HOUR_MS, HOUR - 2 * HOUR_MS, HOUR - HOUR_MS, HOUR],
  close: [30_100, 30_000, 29_900, 1],
};

let exchange: RecordedExchange;
let source: ReturnType<typeof deribitSource>;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not within four seconds: ${what}`);
}

const subscribed =
  (times: number): (() => boolean) =>
  () =>
    exchange.calls.filter((method) => method === "public/subscribe").length >= times;
const shown = async () => (await source.observe(TIME)).BTC!;

beforeEach(async () => {
  exchange = await recordedExchange(CANDLES);
  source = deribitSource({
    url: exchange.url,
    underlyings: ["BTC"],
    options: [OPTION],
    log: keptLog().log,
    retryMs: 20,
    silenceMs: 2_000,
  });
  await until("subscribed", subscribed(1));
});
afterEach(async () => {
  await source.close();
  await exchange.close();
});

describe("Deribit, played back", () => {
  test("shows index, perpetual, funding, option and volatility as they were recorded", async () => {
    exchange.play();
    await until("all is shown", async () => {
      const seen = await source.observe(TIME).catch(() => undefined);
      return seen?.BTC?.expiries?.length === 1 && seen.BTC.realizedVolatility !== undefined;
    });
    expect(await source.observe(TIME)).toEqual({
      BTC: {
        index: { price: 29_939.43, tradedAt: 1_654_161_839 },
        perpetual: { mark: 29_932.79, fundingRate: 0 },
        realizedVolatility: realizedVolatility([30_100, 30_000, 29_900]),
        expiries: [
          {
            expiry: EXPIRY,
            forward: { price: 30_220.5, tradedAt: 1_654_161_839 },
            options: [{ strike: 60_000, call: true, volatility: 0.677, time: 1_654_161_839_367 }],
          },
        ],
      },
      USDT: { index: { price: 1, tradedAt: TIME } },
    });
  });

  test("gives a market to begin with, and a view with the option's quote", async () => {
    exchange.play();
    await until("all is shown", async () => (await shown().catch(() => undefined))?.expiries?.length === 1);
    const inputs = firstInputs(await source.observe(TIME), TIME);
    const view = viewOf({ inputs, isFirst: true }, await source.observe(TIME), TIME * 1000);
    const [bitcoin] = view.inputs.underlyings;
    expect(view.list.prices).toEqual([29_939_430_000n, 30_220_500_000n, 1_000_000n]);
    expect(view.tradedAt).toEqual([1_654_161_839n, 1_654_161_839n, BigInt(TIME)]);
    expect(bitcoin!.expiries[0]!.options[0]).toMatchObject({ strike: 60_000_000_000, volatility: 677_000 });
  });

  test("shows what was known at the time that is asked for, not what came later", async () => {
    exchange.play();
    await until(
      "the last message",
      async () => (await shown().catch(() => undefined))?.expiries?.length === 1,
    );
    const seen = (await source.observe(1_654_161_790)).BTC!;
    expect(seen.index).toEqual({ price: 29_930.44, tradedAt: 1_654_161_785 });
    expect(seen.expiries).toEqual([]);
    await expect(source.observe(1_654_161_000)).rejects.toThrow(/deribit shows no index/);
  });

  test("answers the venue's test requests", async () => {
    exchange.send('{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"test_request"}}');
    await until("answered", () => exchange.calls.includes("public/test"));
  });

  test("connects and subscribes again after the venue closed, and goes on", async () => {
    exchange.play();
    await until("shown", async () => (await shown().catch(() => undefined))?.index !== undefined);
    exchange.drop();
    await until("subscribed again", subscribed(2));
    exchange.play(({ channel, data }) => ({
      channel,
      data: { ...data, index_price: 31_000, timestamp: data.timestamp + 500 },
    }));
    await until("shown again", async () => (await shown()).index?.price === 31_000);
    expect(exchange.connections()).toBe(2);
  });

  test("a price that is dated in the future does not hide those that follow for ever", async () => {
    const data = { index_name: "btc_usd", price: 1, timestamp: 4_000_000_000_000 };
    const params = { channel: "deribit_price_index.btc_usd", data };
    exchange.send(JSON.stringify({ jsonrpc: "2.0", method: "subscription", params }));
    exchange.play();
    await until("shown", async () => (await shown().catch(() => undefined))?.index?.price === 29_939.43);
  });

  test("a venue that gives signs of life and no price is connected to again", async () => {
    await source.close();
    source = deribitSource({
      url: exchange.url,
      underlyings: ["BTC"],
      log: keptLog().log,
      retryMs: 20,
      silenceMs: 300,
    });
    const alive = setInterval(
      () => exchange.send('{"jsonrpc":"2.0","method":"heartbeat","params":{"type":"heartbeat"}}'),
      20,
    );
    await until("connected three times in all", () => exchange.connections() >= 3).finally(() =>
      clearInterval(alive),
    );
  });

  test("takes a connection without a message for dead", async () => {
    await source.close();
    source = deribitSource({
      url: exchange.url,
      underlyings: ["BTC"],
      log: keptLog().log,
      retryMs: 20,
      silenceMs: 150,
    });
    await until("connected three times in all", () => exchange.connections() >= 3);
  });

  test("keeps what it saw with its own time, so that it goes stale", async () => {
    exchange.play();
    await until("shown", async () => (await shown().catch(() => undefined))?.expiries?.length === 1);
    const later = TIME + Number(FRESH_FOR) + 10;
    const { tradedAt } = (await source.observe(later)).BTC!.index!;
    expect(tradedAt + Number(FRESH_FOR)).toBeLessThan(later);
  });

  test("shows no perpetual that is not open, and ignores what is no message of the form", async () => {
    for (const line of ["", "[]", '{"method":"subscription","params":{"channel":"ticker.X","data":{}}}', "{"])
      exchange.send(line);
    exchange.play(({ channel, data }) => ({
      channel,
      data: { ...data, state: "closed", index_price: channel.includes("PERPETUAL") ? -1 : data.index_price },
    }));
    await until("shown", async () => (await shown().catch(() => undefined))?.index?.price === 29_939.43);
    const seen = await shown();
    expect(seen.perpetual).toBeUndefined();
    expect(seen.expiries).toEqual([]);
  });
});

describe("the venue's names and messages", () => {
  test("terms follow from an option's name", () => {
    expect(optionTerms(OPTION)).toEqual({ underlying: "BTC", expiry: EXPIRY, strike: 60_000, call: true });
    expect(optionTerms("ETH-3JUN22-1600-P")).toMatchObject({ strike: 1_600, call: false });
    for (const name of ["BTC-PERPETUAL", "BTC-30SEP22", "BTC-30SEX22-60000-C", "btc-30SEP22-60000-C"])
      expect(optionTerms(name)).toBeUndefined();
  });

  test("a source of something that is no option is refused", () => {
    const log = keptLog().log;
    expect(ruleOf(() => deribitSource({ underlyings: ["BTC"], options: ["BTC-30SEP22"], log }))).toBe(
      "source.option",
    );
  });

  test("an error of the venue is read as one", () => {
    const line = '{"jsonrpc":"2.0","id":4,"error":{"code":11050,"message":"bad_request"}}';
    expect(readMessage(line)).toMatchObject({ kind: "answer", id: 4, error: "11050 bad_request" });
  });

  test("a timeline gives the newest at or before a time, and does not grow without end", () => {
    const line = makeTimeline<number>(10_000, 1_000);
    for (let time = 0; time <= 60_000; time += 100) line.add(time, time);
    line.add(50_000, -1);
    expect(line.at(60_000)?.value).toBe(60_000);
    expect(line.at(70_000)?.value).toBe(60_000);
    const near = line.at(55_050)!;
    expect(near.time).toBeGreaterThan(53_900);
    expect(near.time).toBeLessThanOrEqual(55_050);
    expect(line.at(20_000)).toBeUndefined();
  });
});
