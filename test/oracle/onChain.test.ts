import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { ObservedPrices } from "../../contracts/signing.ts";
import { FRESH_FOR } from "../../protocol/priceAggregation.ts";
import { replayPrices, reportedPrices } from "../../protocol/priceReplay.ts";
import { type PriceFile, parsePricesCsv } from "../../protocol/pricesCsv.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { expectRefusal } from "../support/ledgerFixture.ts";
import { type OracleFixture, oracleFixture, type PostingOptions } from "../support/oracleFixture.ts";
import { randomFrom } from "../support/random.ts";

const file = parsePricesCsv(readFileSync(join(ROOT, "data/btc-4-venues-1m-2023-03-10_12.csv"), "utf8"));

/** The rows of the recording from one time on. */
function slice(from: string, minutes: number): PriceFile {
  const start = file.rows.findIndex(({ label }) => label === from);
  return { ...file, rows: file.rows.slice(start, start + minutes) };
}

describe("the recorded weekend, its sources as reporters of the real contract", () => {
  test.each([
    ["2023-03-11T07:40Z", 15, "2023-03-11T07:50Z"],
    ["2023-03-12T11:02Z", 8, "2023-03-12T11:07Z"],
    ["2023-03-12T14:42Z", 15, "2023-03-12T14:55Z"],
  ])("gives the replay's prices and reasons from %s on, %i minutes", async (from, minutes, telling) => {
    const recording = slice(from, minutes);
    const fixture = await oracleFixture(recording.sources.map(({ currency }) => currency));
    const { reporters, oracle } = fixture;
    const names = new Map(reporters.map(({ address }, place) => [address, recording.sources[place]?.name]));
    const { epochs } = replayPrices(recording);
    const reported = reportedPrices(recording);
    // The chain's clock is later than the recording: all times are moved by the same whole minutes.
    const shift = (((await fixture.now()) - (recording.rows[0]?.time ?? 0n)) / 60n + 2n) * 60n;
    let posted = 0;
    for (const [row, epoch] of epochs.entries()) {
      const time = (recording.rows[row]?.time ?? 0n) + shift;
      const seen = (reported[row] ?? []).map(({ price, tradedAt }) => ({
        prices: [price],
        tradedAt: [price === 0n ? 0n : tradedAt + shift],
      }));
      const posting = await fixture.posting({ header: { time }, observers: reporters, seen });
      await fixture.nextBlockAt(time);
      if (epoch.price === null) {
        await expectRefusal(oracle.post(...posting), oracle, "PriceQuorumMissing");
        continue;
      }
      posted++;
      const { prices, leftOut } = await fixture.send(posting);
      expect(Number(prices[0]) / 1e6).toBe(epoch.price);
      expect(new Map(leftOut.map(([reporter, , reason]) => [names.get(reporter), reason]))).toEqual(
        new Map(epoch.sourcesLeftOut.map(({ source, reason }) => [source, reason.split(":")[0]])),
      );
      if (epoch.time === telling) {
        const dollars = Number(recording.rows[row]?.cells[0]?.close) / 1e6;
        expect(Math.abs(epoch.price / dollars - 1)).toBeLessThan(0.003);
      }
    }
    expect(posted).toBeGreaterThan(minutes / 2);
    expect(epochs.find(({ time }) => time === telling)?.price).not.toBeNull();
  });
});

describe("an epoch's observations", () => {
  const PRICE = 50_000_000_000n;
  let fixture: OracleFixture;
  beforeEach(async () => {
    fixture = await oracleFixture();
  });

  /** All seven reporters see this, per reporter, of one price. */
  const all = (...prices: (bigint | Partial<ObservedPrices>)[]): PostingOptions => ({
    observers: fixture.reporters,
    seen: prices.map((seen) => (typeof seen === "bigint" ? { prices: [seen] } : seen)),
  });
  const percent = (of: bigint): bigint => (PRICE * of) / 100n;
  const refused = async (options: PostingOptions, name: string, values?: unknown[]) => {
    const posting = await fixture.posting(options);
    await expectRefusal(fixture.oracle.post(...posting), fixture.oracle, name, values);
  };
  const named = (leftOut: [string, bigint, string][]) =>
    new Map(
      leftOut.map(([reporter, , reason]) => [
        fixture.reporters.findIndex(({ address }) => address === reporter),
        reason,
      ]),
    );

  test("a late reporter is left out with the reason in the event, two at most of seven", async () => {
    const time = (await fixture.now()) + 10n;
    const late = { tradedAt: [time - FRESH_FOR - 1n] };
    const edge = { tradedAt: [time - FRESH_FOR] };
    await fixture.nextBlockAt(time);
    const { leftOut } = await fixture.post({ header: { time }, ...all(late, late, edge) });
    expect(named(leftOut)).toEqual(
      new Map([
        [0, "late"],
        [1, "late"],
      ]),
    );
  });

  test("a stale oracle: three late sources of seven are a quorum missing, and no epoch", async () => {
    const time = (await fixture.now()) + 10n;
    const late = { tradedAt: [time - FRESH_FOR - 1n] };
    await fixture.nextBlockAt(time);
    await refused({ header: { time }, ...all(late, late, late) }, "PriceQuorumMissing", [0n, 4n, 5n]);
  });

  test("a quorum of reporters does not make up for one price without a quorum of sources", async () => {
    const keys = [0n, 7n];
    const without = { prices: [PRICE, 0n] };
    const both = { prices: [PRICE, PRICE] };
    const list = (count: number) => fixture.reporters.map((_, place) => (place < count ? without : both));
    const { reporters: observers } = fixture;
    await refused({ keys, observers, seen: list(3) }, "PriceQuorumMissing", [7n, 4n, 5n]);
    const { leftOut } = await fixture.post({ keys, observers, seen: list(2) });
    expect(leftOut.map(([, key, reason]) => [key, reason])).toEqual([
      [7n, "absent"],
      [7n, "absent"],
    ]);
  });

  test("two USDC venues lie together: left out by name, and the price stays", async () => {
    await fixture.post();
    const { prices, leftOut } = await fixture.post(
      all(PRICE, PRICE, PRICE, PRICE, PRICE, percent(114n), percent(114n)),
    );
    expect(prices).toEqual([PRICE]);
    expect(named(leftOut)).toEqual(
      new Map([
        [5, "farOff"],
        [6, "farOff"],
      ]),
    );
  });

  test("two faulty reporters of seven, wherever they sit, move the price by a hundredth at most", async () => {
    for (const [first, second] of [
      [0, 1],
      [0, 3],
      [3, 4],
      [3, 5],
      [5, 6],
      [2, 6],
    ]) {
      for (const lie of [1n, percent(50n), percent(98n), percent(102n), percent(108n), percent(300n)]) {
        await fixture.post();
        const seen = fixture.reporters.map((_, place) => (place === first || place === second ? lie : PRICE));
        const [{ verdict, price } = { verdict: "", price: 0n }] = await fixture.model(all(...seen));
        expect(verdict).toBe("priced");
        const away = price > PRICE ? price - PRICE : PRICE - price;
        expect(away * 100n).toBeLessThanOrEqual(PRICE);
      }
    }
  });

  test("one reporter lying and one late", async () => {
    await fixture.post();
    const time = (await fixture.now()) + 10n;
    await fixture.nextBlockAt(time);
    const { prices, leftOut } = await fixture.post({
      header: { time },
      ...all(PRICE, PRICE, { tradedAt: [time - 1000n] }, PRICE, 1n),
    });
    expect(prices).toEqual([PRICE]);
    expect(named(leftOut)).toEqual(
      new Map([
        [2, "late"],
        [4, "farOff"],
      ]),
    );
  });

  test("prices out of bounds count for nothing", async () => {
    const high = 1n << 47n;
    const { leftOut } = await fixture.post(all(high, 2n ** 64n - 1n));
    expect([...named(leftOut).values()]).toEqual(["outOfBounds", "outOfBounds"]);
    await refused(all(high, high, high), "PriceQuorumMissing", [0n, 4n, 5n]);
  });

  test("one currency alone gives no epoch while the reporters have several", async () => {
    const [usd, usdt, ...usdc] = ["USD", "USDT", ..."USDC ".repeat(5).trim().split(" ")];
    fixture = await oracleFixture([usd, usdt, ...usdc] as string[]);
    await refused(all({ prices: [0n] }, { prices: [0n] }), "OneCurrency", [0n]);
    await fixture.post(all({ prices: [0n] }));
  });

  test("a jump needs a quorum that saw it, and passes with it", async () => {
    await fixture.post();
    const low = percent(86n);
    const most = [PRICE, PRICE, PRICE, low, low, low, low];
    await refused(all(...most), "MoveNotConfirmed", [0n, PRICE, low, 4n]);
    const { prices } = await fixture.post(all(low, PRICE, PRICE, low, low, low, low));
    expect(prices).toEqual([low]);
  });

  test("an unconfirmed jump is blocked for minutes, not for ever", async () => {
    await fixture.post();
    const low = percent(86n);
    const most = [PRICE, PRICE, PRICE, low, low, low, low];
    const time = (await fixture.now()) + 61n;
    await fixture.nextBlockAt(time);
    const { prices } = await fixture.post({ header: { time }, ...all(...most) });
    expect(prices).toEqual([low]);
  });

  test("a price is compared with the one of its own key: listings come and go", async () => {
    const keys = [0n, 5n, 9n];
    const { reporters: observers } = fixture;
    const same = (...prices: bigint[]) => observers.map(() => ({ prices }));
    await fixture.post({ keys, observers, seen: same(100n, 5_000n, 70_000n) });
    // 5 has expired, 9 and 0 go on, 12 is new. Without their own price before, these would be jumps.
    const next = { keys: [0n, 9n, 12n], observers, seen: same(101n, 71_000n, 3n) };
    expect((await fixture.post(next)).prices).toEqual([101n, 71_000n, 3n]);
    expect((await fixture.oracle.latestPrices()).toArray(true)).toEqual([
      [0n, 9n, 12n],
      [101n, 71_000n, 3n],
    ]);
    const lone = observers.map((_, place) => ({ prices: [101n, place < 3 ? 71_000n : 50_000n, 3n] }));
    await refused({ ...next, seen: lone }, "MoveNotConfirmed", [9n, 71_000n, 50_000n, 4n]);
  });

  test("random vectors of several prices give the model's prices and reasons", async () => {
    const random = randomFrom(11);
    const keys = [0n, 1_000n, 1n << 54n, (1n << 54n) + 1_000n];
    let left = 0;
    for (let round = 0; round < 12; round++) {
      const time = (await fixture.now()) + random.between(1n, 90n);
      const seen = fixture.reporters.map(() => ({
        prices: keys.map((_, place) => {
          const centre = PRICE / BigInt(place + 1);
          return centre + (centre * random.between(-1n, 1n) * random.pick([0n, 4n, 30n, 70n])) / 1_000n;
        }),
        tradedAt: keys.map(() => time - (random.chance(1, 12) ? 301n : random.between(0n, 300n))),
      }));
      const options = { header: { time }, keys, observers: fixture.reporters, seen };
      const model = await fixture.model(options);
      if (model.some(({ verdict }) => verdict !== "priced")) continue;
      const posting = await fixture.posting(options);
      await fixture.nextBlockAt(time);
      const { prices, leftOut } = await fixture.send(posting);
      expect(prices).toEqual(model.map(({ price }) => price));
      const reasons = model.flatMap((price) => price.reasons.filter((reason) => reason !== "used"));
      expect(leftOut.map(([, , reason]) => reason)).toEqual(reasons);
      left += reasons.length;
    }
    expect(left).toBeGreaterThan(5);
    expect((await fixture.oracle.latest()).info.epoch).toBeGreaterThan(5n);
  });
});
