import { ZeroHash } from "ethers";
import hre from "hardhat";
import { describe, expect, test } from "vitest";
import {
  type AggregatedPrice,
  type AggregationRound,
  aggregatePrice,
  DOLLAR,
  FRESH_FOR,
  freshQuorum,
  PRICE_BOUND,
  REASONS,
  type SourcePrice,
} from "../../protocol/priceAggregation.ts";
import { type Random, randomFrom } from "../support/random.ts";

const NOW = 1_700_000_000n;

/** Sources written as `USD 100.5` (dollars), with the age of the last trade in seconds after an @. */
function sources(...texts: string[]): SourcePrice[] {
  return texts.map((text) => {
    const [, currency, price, age] = /^(\w+) ([\d.]+)(?: @(-?\d+))?$/.exec(text) as RegExpExecArray;
    return {
      currency: currency as string,
      price: BigInt(Math.round(Number(price) * 1e6)),
      tradedAt: NOW - BigInt(age ?? 0),
    };
  });
}

function aggregate(
  list: readonly SourcePrice[],
  last = 0,
  changes: Partial<AggregationRound> = {},
): AggregatedPrice {
  const round = {
    time: NOW,
    lastTime: NOW - 60n,
    quorum: freshQuorum(list.length),
    severalCurrencies: new Set(list.map(({ currency }) => currency)).size > 1,
    ...changes,
  };
  return aggregatePrice(round, list, BigInt(Math.round(last * 1e6)));
}

/** The price in dollars; fails when there is none. */
function priceOf(...of: Parameters<typeof aggregate>): number {
  const result = aggregate(...of);
  expect(result.verdict).toBe("priced");
  return Number(result.price) / 1e6;
}

describe("within a currency", () => {
  test("an odd number of sources gives the middle one", () => {
    expect(priceOf(sources("USD 100", "USD 500", "USD 101"), 100, { quorum: 3 })).toBe(101);
  });

  test("an even number of observations that agree gives the mean of the middle two, rounded down", () => {
    expect(priceOf(sources("USD 100", "USD 101"), 100)).toBe(100.5);
    expect(priceOf(sources("USD 0.000001", "USD 0.000001"))).toBe(0.000001);
    expect(priceOf(sources("USD 100", "USD 100.000001"), 100)).toBe(100);
  });

  test("an even number that disagrees gives the one nearer to the price before, so a lie of any size drags nothing", () => {
    expect(priceOf(sources("USD 100", "USD 102"), 100)).toBe(101);
    expect(priceOf(sources("USD 100", "USD 102.000001"), 100)).toBe(100);
    expect(priceOf(sources("USD 100", "USD 104"), 103)).toBe(104);
    expect(priceOf(sources("USD 100", "USD 100000"), 101)).toBe(100);
    expect(priceOf(sources("USD 0.01", "USD 100"), 99)).toBe(100);
    // Equally near, and without a price before: the lower one.
    expect(priceOf(sources("USD 100", "USD 104"), 102)).toBe(100);
    expect(priceOf(sources("USD 100", "USD 104"))).toBe(100);
  });
});

describe("across currencies", () => {
  test("two USDC venues that lie together are one fault", () => {
    expect(priceOf(sources("USD 100", "USDT 100.1", "USDC 114", "USDC 114"), 100)).toBe(100);
    expect(priceOf(sources("USD 100", "USDT 100.1", "USDC 50", "USDC 50"), 100)).toBe(100);
    expect(priceOf(sources("USD 100", "USDT 99.9", "USDC 114", "USDC 114", "USDC 114"), 100)).toBe(100);
  });

  test("no number of venues of one currency outvotes two others", () => {
    const venues = Array.from({ length: 20 }, () => "USDC 300");
    expect(priceOf(sources("USD 100", "USDT 100", ...venues), 100)).toBe(100);
  });

  test("a lying dollar source moves the price no farther than the others are apart", () => {
    expect(priceOf(sources("USD 101", "USDT 100", "USDC 100.1"), 100)).toBe(100.1);
    expect(priceOf(sources("USD 100.15", "USDT 100", "USDC 100.1"), 100)).toBe(100.15);
    expect(priceOf(sources("USD 200", "USDT 100", "USDC 100.1"), 100)).toBe(100);
    expect(priceOf(sources("USD 200", "USDT 100", "USDC 100.1"), 100, { quorum: 3 })).toBe(100.1);
    expect(priceOf(sources("USD 1", "USDT 100", "USDC 100.1"), 100)).toBe(100);
    // Two lies at once: beyond what three currencies stand, and still at most a fiftieth from the median.
    expect(priceOf(sources("USD 102", "USDT 100", "USDC 90"), 100)).toBe(102);
    expect(priceOf(sources("USD 102.1", "USDT 100", "USDC 90"), 100)).toBe(100);
  });

  test("a stablecoin's discount does not move the price while dollars trade", () => {
    expect(priceOf(sources("USD 100", "USDT 98.5", "USDC 90"), 100)).toBe(100);
    expect(priceOf(sources("USD 100", "USDT 101.5", "USDC 114"), 100)).toBe(100);
  });

  test("of two currencies dollars are taken, unless they jumped; they are never averaged", () => {
    // 12 March 2023, 11:07 UTC: no tether fresh.
    expect(priceOf(sources("USD 20578.4", "USDC 21387.91", "USDC 21412"), 20_570)).toBe(20578.4);
    expect(priceOf(sources("USD 110", "USDC 100"), 100)).toBe(100);
    expect(priceOf(sources("USD 100", "USDC 110"), 100)).toBe(100);
    // A real fall of 14% that both see is followed, in dollars from the next epoch on.
    expect(priceOf(sources("USD 86", "USDC 86.5"), 100)).toBe(86.5);
    expect(priceOf(sources("USD 86", "USDC 86.5"), 86.5)).toBe(86);
    expect(priceOf(sources("USD 100", "USDC 104"))).toBe(100);
    expect(priceOf(sources("USDT 100", "USDC 104"), 103)).toBe(104);
  });

  test("four currencies: the middle two, never averaged", () => {
    expect(priceOf(sources("USD 100", "USDT 99", "USDC 104", "DAI 120"), 100)).toBe(100);
    const none = { quorum: 4 };
    expect(priceOf(sources("USDP 100", "USDT 97", "USDC 104", "DAI 120"), 103, none)).toBe(104);
    expect(priceOf(sources("USDP 100", "USDT 97", "USDC 104", "DAI 120"), 101, none)).toBe(100);
  });
});

describe("sources left out", () => {
  const reasonsOf = (...of: Parameters<typeof aggregate>) => aggregate(...of).reasons;

  test("a stale source is left out as late, one second over the bound", () => {
    const list = sources(`USD 100 @${FRESH_FOR}`, `USDT 100 @${FRESH_FOR + 1n}`, "USD 100", "USDC 100");
    expect(reasonsOf(list)).toEqual(["used", "late", "used", "used"]);
  });

  test("a trade after the epoch's time, no price, and one out of bounds are left out by name", () => {
    const list = [
      ...sources("USD 100 @-1", "USD 0", "USD 100 @0", "USDT 100", "USDC 100", "USD 100", "USDT 100"),
    ];
    list[4] = { ...(list[4] as SourcePrice), price: PRICE_BOUND };
    list[5] = { ...(list[5] as SourcePrice), price: PRICE_BOUND - 1n };
    expect(reasonsOf(list, 100, { quorum: 3 })).toEqual([
      "tradedLater",
      "absent",
      "used",
      "used",
      "outOfBounds",
      "farOff",
      "used",
    ]);
  });

  test("far-off sources are left out, the farthest first and never below the quorum", () => {
    const list = sources("USD 100", "USDT 100", "USDC 114", "USDC 115");
    expect(reasonsOf(list, 100)).toEqual(["used", "used", "used", "farOff"]);
    const more = sources("USD 100", "USD 100", "USD 100", "USDT 100", "USDT 100", "USDC 114", "USDC 115");
    expect(reasonsOf(more, 100)).toEqual(["used", "used", "used", "used", "used", "farOff", "farOff"]);
    // A twentieth is not far off yet.
    expect(reasonsOf(sources("USD 100", "USD 100", "USDT 105", "USDT 105.000001"), 100)).toEqual([
      "used",
      "used",
      "used",
      "farOff",
    ]);
    // Of two that are equally far the first.
    expect(reasonsOf(sources("USD 100", "USD 100", "USDT 110", "USDC 90"), 100)).toEqual([
      "used",
      "used",
      "farOff",
      "used",
    ]);
  });
});

describe("no price", () => {
  test("without a quorum of fresh sources: 2f + 1 gives a price and one less none", () => {
    const list = sources("USD 100", "USDT 100", "USDC 100 @301", "USDC 100");
    expect(aggregate(list)).toMatchObject({ verdict: "priced" });
    expect(aggregate(list.with(3, list[2] as SourcePrice))).toMatchObject({
      verdict: "quorumMissing",
      count: 2,
      price: 0n,
    });
  });

  test("from one currency alone, unless it is the dollar or the only one that there is", () => {
    const late = ["USD 100 @400", "USDT 100 @400"];
    expect(aggregate(sources(...late, "USDC 114", "USDC 114", "USDC 114"))).toMatchObject({
      verdict: "currencyMissing",
    });
    expect(priceOf(sources("USDT 100 @400", "USD 99", "USD 100", "USD 101"), 100)).toBe(100);
    expect(priceOf(sources("USDC 114", "USDC 114", "USDC 114"), 100, { lastTime: 0n })).toBe(114);
  });

  test("for a jump that fewer than a quorum made; the bound grows by a tenth a minute", () => {
    // Two of three currencies captured: without confirmation by five of seven the price does not jump.
    const captured = sources("USD 100", "USD 100", "USD 100", "USDT 150", "USDT 150", "USDC 150", "USDC 150");
    expect(aggregate(captured, 100)).toMatchObject({ verdict: "moveNotConfirmed", count: 4 });
    // A real fall of 14% that all see.
    const fall = captured.map((source) => ({ ...source, price: 86_000_000n }));
    expect(priceOf(fall, 100)).toBe(86);
    // One that two have not seen yet passes after two minutes at the latest.
    const slow = fall.map((source, place) => (place < 3 ? { ...source, price: 100_000_000n } : source));
    expect(aggregate(slow, 100)).toMatchObject({ verdict: "moveNotConfirmed", count: 4 });
    expect(priceOf(slow, 100, { lastTime: NOW - 61n })).toBe(86);
    expect(priceOf(sources("USD 110", "USD 110", "USD 110", "USD 100"), 100)).toBe(110);
    expect(aggregate(sources("USD 110.1", "USD 110.1", "USD 100", "USD 112"), 100)).toMatchObject({
      verdict: "priced",
    });
  });

  test("a quorum confirms to one side only", () => {
    const split = sources("USD 130", "USD 130", "USD 130", "USD 130", "USD 70", "USD 70", "USD 70");
    expect(aggregate(split, 100)).toMatchObject({ verdict: "moveNotConfirmed", count: 4 });
  });
});

describe("the contract", () => {
  const CURRENCIES = [DOLLAR, "USDT", "USDC", "DAI"];

  /** Up to twelve sources around a price, some late, absent or lying, some equal. */
  function randomCase(random: Random): { round: AggregationRound; list: SourcePrice[]; last: bigint } {
    const length = Number(random.between(1n, 12n));
    const centre = random.between(1n, random.pick([100n, 1_000_000n, 20_000_000_000n, PRICE_BOUND - 1n]));
    const currencies = CURRENCIES.slice(0, Number(random.between(1n, 4n)));
    const list = Array.from({ length }, (): SourcePrice => {
      const spread = random.pick([0n, 1_000n, 15_000n, 60_000n, 300_000n]);
      const price = centre + (centre * random.between(-spread, spread)) / 1_000_000n;
      const age = random.chance(1, 8) ? random.pick([-1n, 301n, 900n]) : random.between(0n, FRESH_FOR);
      return {
        currency: random.pick(currencies),
        price: random.chance(1, 25)
          ? random.pick([0n, PRICE_BOUND, 2n ** 64n - 1n])
          : price < 0n
            ? 0n
            : price,
        tradedAt: NOW - age,
      };
    });
    const drift = random.pick([0n, 10_000n, 150_000n]);
    const round = {
      time: NOW,
      lastTime: NOW - random.between(1n, 200n),
      quorum: random.chance(1, 2) ? freshQuorum(length) : Number(random.between(1n, BigInt(length))),
      severalCurrencies: random.chance(3, 4),
    };
    const last = random.chance(1, 8) ? 0n : centre + (centre * random.between(-drift, drift)) / 1_000_000n;
    return { round, list, last: last < 0n ? 0n : last };
  }

  test("gives the same integers, verdicts and reasons on random vectors", async () => {
    const { ethers } = await hre.network.connect();
    const harness = await ethers.deployContract("PriceAggregationHarness");
    const random = randomFrom(20230311);
    const verdicts = ["priced", "quorumMissing", "currencyMissing", "moveNotConfirmed"] as const;
    const met = new Set<string>();
    for (let run = 0; run < 600; run++) {
      const { round, list, last } = randomCase(random);
      const expected = aggregatePrice(round, list, last);
      const codes = list.map(({ currency }) => currency);
      const dollar = codes.indexOf(DOLLAR);
      const [price, verdict, count, reasons] = await harness.aggregate(
        {
          time: round.time,
          elapsedMinutes: (round.time - round.lastTime + 59n) / 60n,
          quorum: round.quorum,
          currency: codes.map((code) => codes.indexOf(code)),
          dollar: dollar < 0 ? codes.length : dollar,
          severalCurrencies: round.severalCurrencies,
        },
        list.map((source) => ({
          prices: [source.price],
          tradedAt: [source.tradedAt],
          restHash: ZeroHash,
          signature: "0x",
        })),
        last,
      );
      const found = {
        price,
        verdict: verdicts[Number(verdict)],
        reasons: [...reasons].map((reason) => REASONS[Number(reason)]),
      };
      const { count: expectedCount, ...same } = expected;
      expect({ run, ...found }).toEqual({ run, ...same });
      if (expected.verdict !== "priced") expect(Number(count)).toBe(expectedCount);
      for (const reason of expected.reasons) met.add(reason);
      met.add(expected.verdict);
    }
    // The vectors reach every branch by name.
    expect([...met].sort()).toEqual([...REASONS, ...verdicts].sort());
  });
});
