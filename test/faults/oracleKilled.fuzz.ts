import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { REPORTERS } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource, priceAt } from "../../services/oracle/closesSource.ts";
import { type FaultyRpc, serveFaulty } from "../support/faultyRpc.ts";
import { type OracleWorld, oracleWorld } from "../support/oracleServices.ts";
import { type Death, endProcesses, type ServiceProcess, startProcess } from "../support/processes.ts";
import type { AggregatorProcessConfiguration } from "./aggregatorProcess.ts";
import type { ReportersProcessConfiguration } from "./reportersProcess.ts";

/*
 * The oracle's processes are killed (SIGKILL) at every stage of an epoch and started again. Every epoch is posted once, with the
 * recording's prices.
 */

const AGGREGATOR = new URL("./aggregatorProcess.ts", import.meta.url);
const REPORTERS_ENTRY = new URL("./reportersProcess.ts", import.meta.url);
const PRICES = join(ROOT, "data/btc-eth-1h-2021-01.csv");
/** Places of the local chain's development accounts. */
const SENDER = 3;
const FIRST_REPORTER = 4;

const closes = parseClosesCsv(readFileSync(PRICES, "utf8"));
type Process = ServiceProcess<{ url: string }>;

let world: OracleWorld;
let rpc: FaultyRpc;

beforeAll(async () => {
  world = await oracleWorld(closesSource(closes), new Date("2021-01-10T16:00:00Z"));
  rpc = await serveFaulty(world.local.ethers);
});
afterEach(() => endProcesses());
afterAll(async () => {
  await rpc?.close();
  await world?.close();
});

const common = () => ({ rpc: rpc.url, deployment: world.stage.deployed.deployment });

function report(dataDirectory: string, port?: number, death?: Death): Promise<Process> {
  const keys = Array.from({ length: REPORTERS }, (_, index) => developmentKey(FIRST_REPORTER + index));
  const others = { ...(port !== undefined && { port }), ...(death && { death }) };
  const configuration: ReportersProcessConfiguration = {
    ...common(),
    ...others,
    keys,
    dataDirectory,
    prices: PRICES,
  };
  return startProcess(REPORTERS_ENTRY, configuration);
}

function aggregate(reporters: string, death?: Death): Promise<Process> {
  const configuration: AggregatorProcessConfiguration = {
    ...common(),
    key: developmentKey(SENDER),
    reporters: [reporters],
    ...(death && { death }),
  };
  return startProcess(AGGREGATOR, configuration);
}

/** Expects that each epoch from the first to `last` was posted once, and the latest with the recording's prices. */
async function expectEachOnce(last: number): Promise<void> {
  const { oracle } = world.stage.deployed;
  const posted = await oracle.queryFilter(oracle.getEvent("SnapshotPosted"));
  const epochs = posted.map((event) => Number("args" in event ? event.args.epoch : 0));
  expect(epochs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  const { latest } = await world.readState();
  const { inputs } = latest!.snapshot;
  for (const name of ["BTC", "ETH"]) {
    const expected = priceAt(closes.series.get(name)!, closes.interval, inputs.time / 1000)!.price;
    expect(inputs.underlyings.find((one) => one.name === name)!.index / 1e6).toBeCloseTo(expected, 5);
  }
}

test.each(["computed", "gathered", "sent", "posted"])("the aggregator is killed at `%s`", async (at) => {
  const reporters = await report(world.directory());
  const epoch = await world.epoch();
  const killed = await aggregate(reporters.ready.url, { stage: at });
  await world.local.advance(60);
  expect(await killed.ended).toMatchObject({ signal: "SIGKILL" });
  const next = await aggregate(reporters.ready.url);
  await world.reached(epoch + 1);
  await world.local.advance(60);
  await world.reached(epoch + 2);
  await expectEachOnce(epoch + 2);
  expect(await next.stop()).toEqual({ code: 0, signal: null });
});

test.each([
  ["observed", 4],
  ["persisted", 3],
  ["computed", 5],
  ["signed", 2],
  // After seven observations, the third signature.
  ["persisted", 10],
])("the reporters are killed at `%s`, the %ith time", async (stage, time) => {
  const directory = world.directory();
  const epoch = await world.epoch();
  const killed = await report(directory, undefined, { stage, time });
  const aggregator = await aggregate(killed.ready.url);
  await world.local.advance(60);
  expect(await killed.ended).toMatchObject({ signal: "SIGKILL" });
  await report(directory, Number(new URL(killed.ready.url).port));
  await world.reached(epoch + 1);
  await world.local.advance(60);
  await world.reached(epoch + 2);
  await expectEachOnce(epoch + 2);
  expect(await aggregator.stop()).toEqual({ code: 0, signal: null });
});
