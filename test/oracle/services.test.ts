import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/setup/paths.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource, priceAt } from "../../services/oracle/closesSource.ts";
import { type OracleWorld, oracleWorld } from "../support/oracleServices.ts";

const closes = parseClosesCsv(readFileSync(join(ROOT, "data/btc-eth-1h-2021-01.csv"), "utf8"));
const source = closesSource(closes);
const START = new Date("2021-01-10T16:00:00Z");

let world: OracleWorld;
beforeAll(async () => {
  world = await oracleWorld(source, START);
});
afterEach(() => world.quiet());
afterAll(() => world?.close());

describe("reporters and an aggregator", () => {
  test("post an epoch a minute of the chain, with the recording's prices", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    await world.aggregate([reporters.url]);
    const before = await world.epoch();
    for (let step = 1; step <= 3; step++) {
      await world.local.advance(60);
      await world.reached(before + step);
      const { latest } = await world.readState();
      const { inputs } = latest!.snapshot;
      for (const name of ["BTC", "ETH"]) {
        const expected = priceAt(closes.series.get(name)!, closes.interval, inputs.time / 1000)!.price;
        const underlying = inputs.underlyings.find((candidate) => candidate.name === name)!;
        expect(underlying.index / 1e6).toBeCloseTo(expected, 5);
        expect(underlying.perpetual!.mark).toBe(underlying.index);
      }
    }
    expect(await world.epoch()).toBe(before + 3);
  });
});
