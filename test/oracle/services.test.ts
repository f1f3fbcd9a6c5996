import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { signObservations } from "../../contracts/signing.ts";
import { decodeInputs, encodeInputs } from "../../protocol/inputsCodec.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { attach } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource, priceAt } from "../../services/oracle/closesSource.ts";
import type { PriceSource, Seen } from "../../services/oracle/source.ts";
import { type RpcFaults, serveFaulty } from "../support/faultyRpc.ts";
import { type Lie, type LyingHost, lyingHost, type Question } from "../support/lyingHost.ts";
import { type OracleWorld, oracleWorld } from "../support/oracleServices.ts";

const closes = parseClosesCsv(readFileSync(join(ROOT, "data/btc-eth-1h-2021-01.csv"), "utf8"));
const source = closesSource(closes);
const START = new Date("2021-01-10T16:00:00Z");

let world: OracleWorld;
/** Latest epoch when the present minute began. */
let before: number;
/** A minute goes by on the chain: an epoch is due. */
async function minute(): Promise<void> {
  before = await world.epoch();
  await world.local.advance(60);
}
beforeAll(async () => {
  world = await oracleWorld(source, START);
});
afterAll(() => world?.close());

/** What the log of an aggregator says of an epoch's reporters that had no part in it. */
function leftOut({ lines }: { lines: Record<string, unknown>[] }): string[] {
  const posted = lines.findLast(({ msg }) => msg === "epoch posted");
  return (posted?.leftOut as string[] | undefined) ?? [];
}
const indexOf = async (name: string): Promise<number> => {
  const { latest } = await world.readState();
  return latest!.snapshot.inputs.underlyings.find((candidate) => candidate.name === name)!.index / 1e6;
};
/** A source that shows something else than the recording. */
const altered = (alter: (seen: Seen) => Seen): PriceSource => ({
  ...source,
  observe: async (time) => alter(await source.observe(time)),
});
const withoutEther = altered(({ ETH, ...others }) => ({ ...others, ETH: {} }));

describe("reporters and an aggregator", () => {
  beforeEach(minute);
  afterEach(() => world.quiet());

  test("post an epoch a minute of the chain, with the recording's prices", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    const aggregator = await world.aggregate([reporters.url]);
    for (let step = 1; step <= 2; step++) {
      await world.reached(before + step);
      const { latest, time } = await world.readState();
      const { inputs } = latest!.snapshot;
      expect(Math.abs(inputs.time / 1000 - time)).toBeLessThan(10);
      for (const name of ["BTC", "ETH"]) {
        const expected = priceAt(closes.series.get(name)!, closes.interval, inputs.time / 1000)!.price;
        expect(await indexOf(name)).toBeCloseTo(expected, 5);
        const underlying = inputs.underlyings.find((candidate) => candidate.name === name)!;
        expect(underlying.perpetual!.mark).toBe(underlying.index);
      }
      await world.local.advance(60);
    }
    await world.reached(before + 3);
    const status = await (await fetch(`${aggregator.url}/v1/status`)).json();
    expect(status).toMatchObject({ epoch: before + 3, leftOut: [] });
    expect(await (await fetch(`${aggregator.url}/health`)).json()).toMatchObject({ status: "ok" });
    expect(await (await fetch(`${aggregator.url}/metrics`)).text()).toContain("solvus_oracle_epochs_total 3");
    expect(await (await fetch(`${reporters.url}/metrics`)).text()).toMatch(
      /solvus_oracle_signatures_total\{reporter="0x\w{40}"\} 3/,
    );
  });

  test("go on without two that are silent, stop below the quorum, and go on when one comes back", async () => {
    const { reporters } = world.stage;
    const four = await world.report(reporters.slice(0, 4), source);
    const fifth = await world.report(reporters.slice(4, 5), source);
    const aggregator = await world.aggregate([four.url, fifth.url]);
    await world.reached(before + 1);
    expect(leftOut(aggregator)).toEqual(
      reporters.slice(5).map(({ address }) => `${address} observation reporter.silent`),
    );
    const port = Number(new URL(fifth.url).port);
    await fifth.stop();
    await world.local.advance(60);
    await world.until(
      () => aggregator.lines.some(({ rule }) => rule === "oracle.quorum"),
      "a failure below the quorum",
    );
    expect(await world.epoch()).toBe(before + 1);
    await world.report(reporters.slice(4, 5), source, { listen: { port } });
    await world.reached(before + 2);
  });

  test("leave the price of a liar out, and post that of the others", async () => {
    const { reporters } = world.stage;
    const honest = await world.report(reporters.slice(1), source);
    const [liar] = reporters;
    const lying = await world.report(
      [liar!],
      altered((seen) => ({ ...seen, ETH: { ...seen.ETH, index: { ...seen.ETH!.index!, price: 5_000 } } })),
    );
    const aggregator = await world.aggregate([honest.url, lying.url]);
    await world.reached(before + 1);
    expect(leftOut(aggregator)).toEqual([`${liar!.address} price price.farOff`]);
    expect(await indexOf("ETH")).toBeLessThan(1_500);
  });

  test("take the median of volatilities and marks, which two liars do not move", async () => {
    const { reporters } = world.stage;
    const honest = await world.report(reporters.slice(2), source);
    const lying = await world.report(
      reporters.slice(0, 2),
      altered((seen) => ({
        ...seen,
        BTC: { ...seen.BTC, realizedVolatility: 9, perpetual: { mark: 1, fundingRate: 1 } },
      })),
    );
    await world.aggregate([honest.url, lying.url]);
    await world.reached(before + 1);
    const { latest } = await world.readState();
    const bitcoin = latest!.snapshot.inputs.underlyings.find(({ name }) => name === "BTC")!;
    expect(bitcoin.perpetual!.mark).toBe(bitcoin.index);
    expect(bitcoin.perpetual!.fundingIndex).toBe(0);
    expect(bitcoin.scan).toMatchObject({ realizedVolatility: expect.any(Number) });
    expect((bitcoin.scan as { realizedVolatility: number }).realizedVolatility).toBeLessThan(2_000_000);
  });

  test("go on while two sources have a gap in one price, and stop while three have", async () => {
    const { reporters } = world.stage;
    const honest = await world.report(reporters.slice(3), source);
    const gaps = await world.report(reporters.slice(1, 3), withoutEther);
    let gap = true;
    const sometimes: PriceSource = {
      ...source,
      observe: (time) => (gap ? withoutEther : source).observe(time),
    };
    const third = await world.report(reporters.slice(0, 1), sometimes);
    const aggregator = await world.aggregate([honest.url, gaps.url, third.url]);
    await world.until(() => aggregator.lines.some(({ rule }) => rule === "oracle.price"), "no price of ETH");
    expect(await world.epoch()).toBe(before);
    gap = false;
    await world.local.advance(1);
    await world.reached(before + 1);
    expect(leftOut(aggregator).sort()).toEqual(
      reporters
        .slice(1, 3)
        .map(({ address }) => `${address} price price.absent`)
        .sort(),
    );
  });
});

describe("a host that lies", () => {
  type Tell = (question: Question) => Promise<Lie> | Lie;
  const truth: Tell = (question) => question.honest();
  let tell = truth;
  let honest: { url: string };
  let host: LyingHost;
  let aggregator: Awaited<ReturnType<OracleWorld["aggregate"]>>;

  /** Six honest reporters, and the seventh behind a host that lies about it. */
  beforeAll(async () => {
    const { reporters } = world.stage;
    honest = await world.report(reporters.slice(0, 6), source);
    const seventh = await world.report(reporters.slice(6, 7), source);
    host = await lyingHost(seventh.url, (question) => tell(question));
    aggregator = await world.aggregate([honest.url, host.url]);
  });
  afterAll(async () => {
    await world.quiet();
    await host.close();
  });

  const on =
    (what: string, lie: (question: Question, honest: Record<string, never>) => Promise<Lie> | Lie) =>
    async (question: Question): Promise<Lie> => {
      const { body, status } = await question.honest();
      return question.what === what ? lie(question, body as Record<string, never>) : { status, body };
    };
  const inAnotherListing = on("observations", async ({ body: asked }, honest) => {
    const { epoch, time, keys } = asked as { epoch: string; time: string; keys: string[] };
    const view = decodeInputs(Buffer.from((honest.rest as string).slice(2), "hex"));
    const rest = encodeInputs({ ...view, priceBand: view.priceBand * 2 });
    const { keccak256, hexlify } = await import("ethers");
    const seen = {
      prices: (honest.prices as string[]).map(BigInt),
      tradedAt: (honest.tradedAt as string[]).map(BigInt),
      restHash: keccak256(rest),
    };
    const { chain, deployment } = world.stage.deployed;
    const observed = { epoch: BigInt(epoch), time: BigInt(time), keys: keys.map(BigInt) };
    const [signed] = await signObservations(
      [world.stage.reporters[6]!],
      chain.chainId,
      deployment.oracle,
      observed,
      [seen],
    );
    return {
      body: { ...honest, restHash: seen.restHash, signature: signed!.signature, rest: hexlify(rest) },
    };
  });

  test.each<[string, string, Tell]>([
    [
      "changes a price",
      "observation observation.signer",
      on("observations", (_, honest) => ({
        body: { ...honest, prices: (honest.prices as string[]).map(() => "7") },
      })),
    ],
    [
      "changes the other inputs",
      "observation observation.rest",
      on("observations", (_, honest) => ({ body: { ...honest, rest: "0x00" } })),
    ],
    ["signs inputs with another price band", "observation observation.listing", inAnotherListing],
    [
      "leaves prices out",
      "observation observation.length",
      on("observations", (_, honest) => ({ body: { ...honest, prices: [] } })),
    ],
    ["answers no JSON", "observation reporter.answer", on("observations", () => ({ body: "<html>" }))],
    [
      "answers something else",
      "observation reporter.answer",
      on("observations", () => ({ body: { no: 1 } })),
    ],
    [
      "answers too late",
      "observation reporter.late",
      on("observations", (_, honest) => ({ body: honest, afterMs: 1_500 })),
    ],
    ["does not answer", "observation reporter.late", on("observations", () => "silence")],
    [
      "signs something else",
      "signature signature.signer",
      on("signatures", () => ({ body: { signature: `0x${"11".repeat(64)}1b` } })),
    ],
    ["does not sign", "signature reporter.late", on("signatures", () => "silence")],
    [
      "claims to have signed another header, and shows none",
      "observation reporter.signedAnother",
      on("observations", () => ({
        status: 422,
        body: { error: { rule: "reporter.signedAnother", message: "so I say" } },
      })),
    ],
  ])("and %s is left out, with the reason", async (_, reason, lie) => {
    tell = lie;
    await minute();
    await world.until(
      () => aggregator.lines.some(({ epoch }) => epoch === before + 1),
      `epoch ${before + 1}`,
    );
    expect(leftOut(aggregator)).toEqual([`${world.stage.reporters[6]!.address} ${reason}`]);
  });

  test("and then tells the truth has its part again", async () => {
    tell = truth;
    await minute();
    await world.until(
      () => aggregator.lines.some(({ epoch }) => epoch === before + 1),
      `epoch ${before + 1}`,
    );
    expect(leftOut(aggregator)).toEqual([]);
  });
});

describe("hosts that lie in the name of all", () => {
  test("stand in nobody's way", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    await minute();
    const isListing = ({ what }: Question): boolean => what === "reporters";
    const hosts = [
      await lyingHost(reporters.url, (asked) => (isListing(asked) ? asked.honest() : { body: "garbage" })),
      await lyingHost(reporters.url, (asked) => (isListing(asked) ? asked.honest() : "silence")),
      await lyingHost(reporters.url, () => "silence"),
    ];
    const aggregator = await world.aggregate([...hosts.map(({ url }) => url), reporters.url]);
    await world.reached(before + 1);
    await world.quiet();
    for (const host of hosts) await host.close();
    expect(leftOut(aggregator)).toEqual([]);
  });
});

describe("an aggregator that fails", () => {
  beforeEach(minute);
  afterEach(() => world.quiet());

  test("after it has the signatures is followed by another that posts the same header", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    let kill = (): void => {};
    const killed = new Promise<void>((resolve) => {
      kill = resolve;
    });
    const first = await world.aggregate([reporters.url], {
      onStage: (stage) => {
        if (stage !== "gathered") return;
        kill();
        throw new Error("killed");
      },
    });
    await killed;
    await first.stop();
    expect(await world.epoch()).toBe(before);
    // Time goes on: the second one would observe at another time.
    const { time } = await world.readState();
    await world.local.advance(20);
    const second = await world.aggregate([reporters.url]);
    await world.reached(before + 1);
    expect(second.lines.findLast(({ msg }) => msg === "epoch posted")).toMatchObject({ resumed: true });
    const { latest } = await world.readState();
    expect(Number(latest!.posted.time)).toBeLessThanOrEqual(time);
  });

  test("after some have signed, with a header that can no longer be posted: they sign another", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    let gathered = 0;
    const first = await world.aggregate([reporters.url], {
      onStage: (stage) => {
        if (stage === "gathered") gathered++;
        if (stage === "gathered") throw new Error("killed");
      },
    });
    await world.until(() => gathered > 0, "signatures");
    await first.stop();
    await world.local.advance(240);
    const second = await world.aggregate([reporters.url]);
    await world.reached(before + 1);
    expect(second.lines.findLast(({ msg }) => msg === "epoch posted")).toMatchObject({ resumed: false });
  });

  test("has no part in an epoch that another posts at the same time", async () => {
    const reporters = await world.report(world.stage.reporters, source);
    const other = new Wallet(developmentKey(1), world.stage.deployed.provider);
    const both = [
      await world.aggregate([reporters.url]),
      await world.aggregate([reporters.url], { signer: other }),
    ];
    await world.reached(before + 1);
    await world.local.advance(60);
    await world.reached(before + 2);
    expect(await world.epoch()).toBe(before + 2);
    const posted = both.flatMap(({ lines }) => lines.filter(({ msg }) => msg === "epoch posted"));
    expect(posted.map(({ epoch }) => epoch).sort()).toEqual([before + 1, before + 2]);
  });

  const errorOn =
    (methods: readonly string[], times: number): RpcFaults =>
    ({ method, earlier }) =>
      methods.includes(method) && earlier < times
        ? { kind: "error", code: -32_000, message: "the node is tired" }
        : undefined;
  test.each<[string, RpcFaults]>([
    ["answers with errors", errorOn(["eth_getBlockByNumber", "eth_call", "eth_getLogs"], 3)],
    [
      "refuses to estimate and to take transactions",
      errorOn(["eth_estimateGas", "eth_sendRawTransaction"], 2),
    ],
    [
      "takes the posting and does not say so",
      ({ method, earlier }) =>
        method === "eth_sendRawTransaction" && earlier === 0 ? { kind: "cutAnswer" } : undefined,
    ],
    [
      "is behind a gateway that fails",
      ({ earlier }) => (earlier < 2 ? { kind: "status", status: 502 } : undefined),
    ],
  ])("because its node %s posts in the end, once", async (_, faults) => {
    const rpc = await serveFaulty(world.local.ethers);
    const provider = await connectRpc(rpc.url);
    try {
      const deployed = await attach(provider, world.stage.deployed.deployment);
      const reporters = await world.report(world.stage.reporters, source);
      rpc.setFaults(faults);
      const aggregator = await world.aggregate([reporters.url], {
        deployed,
        signer: new Wallet(developmentKey(2), provider),
      });
      await world.reached(before + 1);
      await aggregator.stop();
      expect(await world.epoch()).toBe(before + 1);
      expect(rpc.faulted()).toBeGreaterThan(0);
      expect(JSON.stringify(aggregator.lines)).not.toContain(rpc.url);
    } finally {
      await world.quiet();
      provider.destroy();
      await rpc.close();
    }
  });
});
