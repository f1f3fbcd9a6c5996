import { setTimeout as pause } from "node:timers/promises";
import { toQuantity } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Item } from "../../services/relayer/items.ts";
import { submissionOf } from "../../services/relayer/submissions.ts";
import { randomElement } from "../support/ledgerFixture.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { expectFinalOnce, handIn, startRun, undisturbed, untilDone } from "./engineRun.ts";
import { type FaultStage, faultStage, mixedItems, type Outcome, reorganize } from "./stage.ts";

/*
 * Chains that change their mind: blocks with batches, insertions and seals are replaced, transactions are stuck or overtaken.
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

test("an insertion is taken back, and another relayer is faster to write it again", async () => {
  const where = await place();
  const otherSent = Promise.withResolvers<void>();
  let before: (() => Promise<void>) | undefined;
  let first: number | undefined;
  let isTakenBack = false;
  const stagesOf = (relayer: number) => async (at: string) => {
    if (at === "insertion.proven") before ??= await stage.mark();
    if (at === "insertion.sent") {
      first ??= relayer;
      if (first !== relayer) {
        otherSent.resolve();
        await pause(700);
      }
    }
    if (at === "recorded" && first === relayer && !isTakenBack) {
      isTakenBack = true;
      await reorganize(stage, before as () => Promise<void>);
      await Promise.race([otherSent.promise, pause(10_000)]);
    }
  };
  const runs = [
    await startRun(stage, where, { onStage: stagesOf(0) }),
    await startRun(stage, where, { relayer: 1, onStage: stagesOf(1) }),
  ];
  const [{ store }] = runs as [(typeof runs)[number]];
  const ids = await handIn(store, items);
  await untilDone(stage, store, ids);
  expect(isTakenBack).toBe(true);
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(store, ids);
  for (const run of runs) await run.stop();
});

test("an insertion is taken back by a chain that is shorter for a while", async () => {
  let before: (() => Promise<void>) | undefined;
  let isSent = false;
  let isTakenBack = false;
  const run = await startRun(stage, await place(), {
    rules: { confirmations: 20 },
    async onStage(at) {
      if (at === "insertion.proven") before ??= await stage.mark();
      if (at === "insertion.sent") isSent = true;
      if (at !== "recorded" || !isSent || isTakenBack) return;
      isTakenBack = true;
      await endMining();
      await before?.();
      setTimeout(() => {
        endMining = stage.keepMining();
      }, 3_000);
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  expect(isTakenBack).toBe(true);
  expect(await stage.outcome()).toEqual(expected);
  await expectFinalOnce(run.store, ids);
  await run.stop();
});

test("a re-org goes deeper than what counted as final", async () => {
  let before: (() => Promise<void>) | undefined;
  const run = await startRun(stage, await place(), {
    async onStage(at) {
      if (at === "stored") before ??= await stage.mark();
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  await reorganize(stage, before as () => Promise<void>);
  await expect.poll(() => stage.outcome(), { timeout: 60_000, interval: 500 }).toEqual(expected);
  for (const id of ids)
    await expect
      .poll(async () => (await submissionOf(run.store, id))?.state, { timeout: 30_000 })
      .toBe("final");
  await run.stop();
});

test("the replacing blocks spend a note that a batch had spent", async () => {
  const { fixture } = stage;
  const rival = items.find(
    (item) =>
      item.kind === "transition" &&
      item.transition.signals.tradeTag === 0n &&
      item.transition.signals.deposit === 0n &&
      item.transition.signals.withdrawal === 0n,
  );
  if (rival?.kind !== "transition") throw new Error("no plain transition among the items");
  const other = {
    ...rival.transition,
    signals: { ...rival.transition.signals, commitment: randomElement() },
  };
  let before: (() => Promise<void>) | undefined;
  let isDone = false;
  const run = await startRun(stage, await place(), {
    async onStage(at) {
      if (at === "stored") before ??= await stage.mark();
      if (at === "recorded" && !isDone) {
        isDone = true;
        await reorganize(stage, before as () => Promise<void>);
        await fixture.as(fixture.bob).submit(other);
      }
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  const refused = ids[items.indexOf(rival)] as string;
  expect(await submissionOf(run.store, refused)).toMatchObject({
    state: "refused",
    refusal: { rule: "ledger.NullifierSpent" },
  });
  await expectFinalOnce(
    run.store,
    ids.filter((id) => id !== refused),
  );
  const outcome = await stage.outcome();
  expect(outcome.nullifiers).toEqual(expected.nullifiers);
  await run.stop();
});

test("an owner submits an item himself while the relayer has it", async () => {
  const { fixture } = stage;
  let isDone = false;
  const run = await startRun(stage, await place(), {
    rules: { batchAgeMs: 3_000 },
    async onStage(at) {
      if (at !== "stored" || isDone) return;
      isDone = true;
      for (const item of items.slice(0, 3))
        if (item.kind === "transition") await fixture.as(fixture.bob).submit(item.transition);
    },
  });
  const ids = await handIn(run.store, items);
  await untilDone(stage, run.store, ids);
  await expectFinalOnce(run.store, ids);
  const { skipped, tokens, ...outcome } = await stage.outcome();
  const { skipped: _, tokens: __, ...rest } = expected;
  expect(outcome).toEqual(rest);
  expect(skipped).toBeGreaterThan(0);
  await run.stop();
});

test("gas becomes a hundred times dearer once a batch is on its way", async () => {
  const node = stage.fixture.ethers.provider;
  await endMining();
  await node.send("evm_setAutomine", [false]);
  endMining = stage.keepMining();
  let isDone = false;
  const run = await startRun(stage, await place(), {
    async onStage(at) {
      if (at !== "stored" || isDone) return;
      isDone = true;
      await node.send("hardhat_setNextBlockBaseFeePerGas", [toQuantity(100_000_000_000n)]);
    },
  });
  try {
    const ids = await handIn(run.store, items);
    await untilDone(stage, run.store, ids);
    const [row] = await run.store.query<{ attempts: unknown }>(
      "SELECT max(count) AS attempts FROM (SELECT count(*) FROM attempt GROUP BY outgoing) AS counts",
    );
    expect(Number(row?.attempts)).toBeGreaterThan(1);
    expect(await stage.outcome()).toEqual(expected);
    await expectFinalOnce(run.store, ids);
  } finally {
    await run.stop();
    await node.send("evm_setAutomine", [true]);
  }
});
