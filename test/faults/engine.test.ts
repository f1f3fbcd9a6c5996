import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Stage } from "../../services/relayer/context.ts";
import type { Item } from "../../services/relayer/items.ts";
import type { RpcFault } from "../support/faultyRpc.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { expectFinalOnce, handIn, startRun, undisturbed, untilDone } from "./engineRun.ts";
import { type FaultStage, faultStage, mixedItems, type Outcome, reorganize } from "./stage.ts";

/*
 * A relayer's engine whose database, node or chain fails: the ledger ends up as it does without the failure, and every item is final once.
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

const STAGES: readonly Stage[] = [
  "formed",
  "simulated",
  "signed",
  "stored",
  "broadcast",
  "mined",
  "recorded",
  "insertion.proven",
  "insertion.sent",
];

test("the database goes away at every stage, and comes back", async () => {
  const met = new Set<Stage>();
  const run = await startRun(stage, await place(), {
    async onStage(at) {
      if (met.has(at)) return;
      met.add(at);
      await server.kill();
      setTimeout(() => void server.start(), 150);
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  expect([...met].sort()).toEqual([...STAGES].sort());
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(run.store, ids);
  await run.stop();
});

test("the node fails in every way, at every third call of every method", async () => {
  const kinds: RpcFault[] = [
    { kind: "error", code: -32_005, message: "limit exceeded" },
    { kind: "cutAnswer" },
    { kind: "status", status: 503 },
    { kind: "silence" },
    { kind: "cut" },
    { kind: "delay", milliseconds: 100 },
    { kind: "nothing" },
    { kind: "behind", blocks: 3 },
  ];
  const run = await startRun(stage, await place(), { rules: { rpcTimeoutMs: 300 } });
  let next = 0;
  stage.rpc.setFaults(({ earlier }) => (earlier % 3 === 2 ? kinds[next++ % kinds.length] : undefined));
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  expect(stage.rpc.faulted()).toBeGreaterThan(2 * kinds.length);
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(run.store, ids);
  await run.stop();
});

test("a mined batch is taken back by a re-org", async () => {
  let before: (() => Promise<void>) | undefined;
  let isDone = false;
  const run = await startRun(stage, await place(), {
    async onStage(at) {
      if (at === "stored") before ??= await stage.mark();
      if (at === "recorded" && !isDone) {
        isDone = true;
        await reorganize(stage, before as () => Promise<void>);
      }
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  expect(isDone).toBe(true);
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(run.store, ids);
  await run.stop();
});
