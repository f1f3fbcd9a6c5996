import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Item } from "../../services/relayer/items.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { expectFinalOnce, handIn, startRun, undisturbed, untilDone } from "./engineRun.ts";
import { type FaultStage, faultStage, mixedItems, type Outcome } from "./stage.ts";

/*
 * Relayers that share a database: the ledger ends up as it does with one alone, and every item is final once.
 */

let stage: FaultStage;
let server: TestPostgres;
let items: Item[];
let expected: Outcome;
let back: () => Promise<void>;
let endMining: () => Promise<void>;
const place = async () => ({ databaseUrl: await server.database() });

beforeAll(async () => {
  [stage, server] = await Promise.all([faultStage(), startPostgres()]);
  items = await mixedItems(stage.fixture, 27);
  endMining = stage.keepMining();
  expected = await undisturbed(stage, await place(), items);
  await endMining();
});
beforeEach(async () => {
  back = await stage.mark();
  endMining = stage.keepMining();
});
afterEach(async () => {
  stage.rpc.setFaults();
  await endMining();
  await back();
});
afterAll(async () => {
  await stage?.close();
  await server?.close();
});

test.each([
  ["different keys", 1],
  ["one key", 0],
])("two relayers with %s race for the same items", async (_, second) => {
  const where = await place();
  const runs = [await startRun(stage, where), await startRun(stage, where, { relayer: second })];
  const ids = await handIn(runs[1]!.store, items);
  await untilDone(stage, runs[0]!.store, ids);
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(runs[0]!.store, ids);
  for (const run of runs) await run.stop();
});
