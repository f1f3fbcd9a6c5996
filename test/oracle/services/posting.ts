import { afterEach, beforeEach, expect, test } from "vitest";
import { priceAt } from "../../../services/oracle/closesSource.ts";
import type { PriceSource, Seen } from "../../../services/oracle/source.ts";
import { closes, leftOut, minute, present, source } from "./setting.ts";

const indexOf = async (name: string): Promise<number> => {
  const { latest } = await present.world.readState();
  return latest!.snapshot.inputs.underlyings.find((candidate) => candidate.name === name)!.index / 1e6;
};
/** A source that shows something else than the recording. */
const altered = (alter: (seen: Seen) => Seen): PriceSource => ({
  ...source,
  observe: async (time) => alter(await source.observe(time)),
});
const withoutEther = altered(({ ETH, ...others }) => ({ ...others, ETH: {} }));

/** Reporters and aggregators that work, and reporters that see something else than the others. */
export function postingSuite(): void {
  beforeEach(minute);
  afterEach(() => present.world.quiet());

  test("post an epoch a minute of the chain, with the recording's prices", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    const aggregator = await present.world.aggregate([reporters.url]);
    for (let step = 1; step <= 2; step++) {
      await present.world.reached(present.before + step);
      const { latest, time } = await present.world.readState();
      const { inputs } = latest!.snapshot;
      expect(Math.abs(inputs.time / 1000 - time)).toBeLessThan(10);
      for (const name of ["BTC", "ETH"]) {
        const expected = priceAt(closes.series.get(name)!, closes.interval, inputs.time / 1000)!.price;
        expect(await indexOf(name)).toBeCloseTo(expected, 5);
        const underlying = inputs.underlyings.find((candidate) => candidate.name === name)!;
        expect(underlying.perpetual!.mark).toBe(underlying.index);
      }
      await present.world.local.advance(60);
    }
    await present.world.reached(present.before + 3);
    const status = await (await fetch(`${aggregator.url}/v1/status`)).json();
    expect(status).toMatchObject({ epoch: present.before + 3, leftOut: [] });
    expect(await (await fetch(`${aggregator.url}/health`)).json()).toMatchObject({ status: "ok" });
    expect(await (await fetch(`${aggregator.url}/metrics`)).text()).toContain("solvus_oracle_epochs_total 3");
    expect(await (await fetch(`${reporters.url}/metrics`)).text()).toMatch(
      /solvus_oracle_signatures_total\{reporter="0x\w{40}"\} 3/,
    );
  });

  test("go on without two that are silent, stop below the quorum, and go on when one comes back", async () => {
    const { reporters } = present.world.stage;
    const four = await present.world.report(reporters.slice(0, 4), source);
    const fifth = await present.world.report(reporters.slice(4, 5), source);
    const aggregator = await present.world.aggregate([four.url, fifth.url]);
    await present.world.reached(present.before + 1);
    expect(await leftOut(aggregator)).toEqual(
      reporters
        .slice(5)
        .map(({ address }) => `${address} observation reporter.silent`)
        .sort(),
    );
    const port = Number(new URL(fifth.url).port);
    await fifth.stop();
    await present.world.local.advance(60);
    await present.world.until(
      () => aggregator.lines.some(({ rule }) => rule === "oracle.quorum"),
      "a failure below the quorum",
    );
    expect(await present.world.epoch()).toBe(present.before + 1);
    await present.world.report(reporters.slice(4, 5), source, { listen: { port } });
    await present.world.reached(present.before + 2);
  });

  test("leave the price of a liar out, and post that of the others", async () => {
    const { reporters } = present.world.stage;
    const honest = await present.world.report(reporters.slice(1), source);
    const [liar] = reporters;
    const lying = await present.world.report(
      [liar!],
      altered((seen) => ({ ...seen, ETH: { ...seen.ETH, index: { ...seen.ETH!.index!, price: 5_000 } } })),
    );
    const aggregator = await present.world.aggregate([honest.url, lying.url]);
    await present.world.reached(present.before + 1);
    expect(await leftOut(aggregator)).toEqual([`${liar!.address} price price.farOff`]);
    expect(await indexOf("ETH")).toBeLessThan(1_500);
  });

  test("take the median of volatilities and marks, which two liars do not move", async () => {
    const { reporters } = present.world.stage;
    const honest = await present.world.report(reporters.slice(2), source);
    const lying = await present.world.report(
      reporters.slice(0, 2),
      altered((seen) => ({
        ...seen,
        BTC: { ...seen.BTC, realizedVolatility: 9, perpetual: { mark: 1, fundingRate: 1 } },
      })),
    );
    await present.world.aggregate([honest.url, lying.url]);
    await present.world.reached(present.before + 1);
    const { latest } = await present.world.readState();
    const bitcoin = latest!.snapshot.inputs.underlyings.find(({ name }) => name === "BTC")!;
    expect(bitcoin.perpetual!.mark).toBe(bitcoin.index);
    expect(bitcoin.perpetual!.fundingIndex).toBe(0);
    expect(bitcoin.scan).toMatchObject({ realizedVolatility: expect.any(Number) });
    expect((bitcoin.scan as { realizedVolatility: number }).realizedVolatility).toBeLessThan(2_000_000);
  });

  test("go on while two sources have a gap in one price, and stop while three have", async () => {
    const { reporters } = present.world.stage;
    const honest = await present.world.report(reporters.slice(3), source);
    const gaps = await present.world.report(reporters.slice(1, 3), withoutEther);
    let gap = true;
    const sometimes: PriceSource = {
      ...source,
      observe: (time) => (gap ? withoutEther : source).observe(time),
    };
    const third = await present.world.report(reporters.slice(0, 1), sometimes);
    const aggregator = await present.world.aggregate([honest.url, gaps.url, third.url]);
    await present.world.until(
      () => aggregator.lines.some(({ rule }) => rule === "oracle.price"),
      "no price of ETH",
    );
    expect(await present.world.epoch()).toBe(present.before);
    gap = false;
    await present.world.local.advance(1);
    await present.world.reached(present.before + 1);
    expect(await leftOut(aggregator)).toEqual(
      reporters
        .slice(1, 3)
        .map(({ address }) => `${address} price price.absent`)
        .sort(),
    );
  });
}
