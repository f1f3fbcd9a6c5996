import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { flood, startBelieving } from "./flood.ts";
import { type FaultStage, faultStage, mixedItems } from "./stage.ts";

let stage: FaultStage;
let server: TestPostgres;
let endMining: () => Promise<void>;

beforeAll(async () => {
  [stage, server] = await Promise.all([faultStage(), startPostgres()]);
  endMining = stage.keepMining(250);
});
afterAll(async () => {
  await endMining?.();
  await stage?.close();
  await server?.close();
});

test("a thousand submissions at once, each twice, are each on the chain once", {
  timeout: 600_000,
}, async () => {
  const relayer = await startBelieving(
    stage,
    { databaseUrl: await server.database() },
    { limits: { submissionsPerMinute: 100_000, readsPerMinute: 1_000_000 } },
  );
  const items = await mixedItems(stage.fixture, 1_000);
  const began = Date.now();
  expect(await flood(relayer.url, items, 2)).toBe(items.length);
  const seconds = (Date.now() - began) / 1000;
  const { nullifiers, accountTags, skipped } = await stage.outcome();
  expect(nullifiers.length - 1 + accountTags.length).toBe(items.length);
  expect(skipped).toBe(0);
  console.log(`${items.length} items in ${seconds} s`);
  await relayer.stop();
});
