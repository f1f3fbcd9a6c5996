import { describe, expect, test } from "vitest";
import { listingsOf, membersOf, portfolioOf, rolesFor, STYLES } from "../../cli/drill/population.ts";
import { readPrices } from "../../cli/drill/prices.ts";
import { randomFrom } from "../../cli/drill/random.ts";
import { marginOf } from "../../protocol/margin.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { openRow } from "../../protocol/transition.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import { firstSnapshotOf } from "../../services/oracle/firstMarket.ts";

const FILE = "time,BTC,ETH,SOL\n2022-05-01T00:00Z,38000,2800,90\n2022-05-01T01:00Z,37900,2790,89\n";
const TIME = Date.UTC(2022, 4, 1) / 1000;

const snapshotOf = (text: string): Promise<MarketSnapshot> =>
  firstSnapshotOf(closesSource(parseClosesCsv(text)), TIME);

describe("the population of a drill", () => {
  test("has every role and follows from its seed", () => {
    const counts = rolesFor(24, 2);
    expect(counts).toEqual({ trader: 18, maker: 4, keeper: 2 });
    const members = membersOf(counts, 2, randomFrom(7));
    expect(members).toEqual(membersOf(counts, 2, randomFrom(7)));
    expect(members).not.toEqual(membersOf(counts, 2, randomFrom(8)));
    expect(new Set(members.map(({ name }) => name)).size).toBe(24);
  });

  test("spreads the leveraged over the underlyings", () => {
    const leveraged = membersOf(rolesFor(30, 2), 3, randomFrom(1)).filter(
      ({ style }) => style?.name === "leveraged long",
    );
    expect(new Set(leveraged.map(({ underlying }) => underlying))).toEqual(new Set([0, 1, 2]));
  });

  test.each([5, 401])("refuses %i accounts", (accounts) => {
    expect(() => rolesFor(accounts, 2)).toThrow(/--accounts/);
  });

  test("begins with as much risk as its style says, within the initial margin", async () => {
    const snapshot = await snapshotOf(FILE);
    const listings = listingsOf(snapshot.inputs, readPrices(FILE).underlyings);
    expect(listings.every(({ spot, perpetual }) => spot > 0n && perpetual > 0n)).toBe(true);
    const traders = membersOf(rolesFor(40, 2), 3, randomFrom(3)).filter(({ role }) => role === "trader");
    expect(new Set(traders.map(({ style }) => style)).size).toBe(STYLES.length);
    for (const trader of traders) {
      const { spot, perpetuals } = portfolioOf(trader, listings, snapshot);
      const held = [...perpetuals, ...(spot === undefined ? [] : [spot])];
      expect(held.length, trader.style?.name).toBe(
        (trader.style?.perpetuals.length ?? 0) + (trader.style?.spot ? 1 : 0),
      );
      const margin = marginOf(held.map(({ id, size }) => ({ size, ...openRow(snapshot, id) })));
      const initial = (Number(margin.maintenance) * Number(snapshot.imFactor)) / 65_536;
      const used = initial / Number(trader.cash);
      expect(used, trader.style?.name).toBeLessThanOrEqual(trader.style?.use as number);
      if (trader.style?.spot === undefined)
        expect(used, trader.style?.name).toBeGreaterThan((trader.style?.use as number) * 0.9);
    }
  });

  test("does with one underlying what it can", async () => {
    const text = "time,BTC\n2022-05-01T00:00Z,38000\n2022-05-01T01:00Z,37900\n";
    const snapshot = await snapshotOf(text);
    const listings = listingsOf(snapshot.inputs, ["BTC"]);
    for (const trader of membersOf(rolesFor(20, 1), 1, randomFrom(3)).filter(({ role }) => role === "trader"))
      expect(portfolioOf(trader, listings, snapshot).perpetuals).toHaveLength(1);
  });
});
