import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readLedger } from "../../protocol/chain.ts";
import { closedNodes } from "../../protocol/ledgerHistory.ts";
import { addSubmission, changesAfter, countsByState, type Item } from "../../services/relayer/submissions.ts";
import { openStore, type Store } from "../../services/store/store.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { quietLog } from "../support/storeFixture.ts";
import { asItem, type RelayerStage, relayerStage } from "./relayerStage.ts";

/** Cases of the same engine on a PostgreSQL server that several relayers share, on the chain of a stage that exists once they run. */
export function sharedStoreCases(at: () => RelayerStage): void {
  let server: TestPostgres;
  let url: string;
  let stage: RelayerStage;
  let other: Store;

  beforeAll(async () => {
    server = await startPostgres();
    url = await server.database();
    // Any number of processes may bring an empty database up to date at once.
    const [store, second, third] = await Promise.all(
      [1, 2, 3].map(() => openStore({ databaseUrl: url }, quietLog())),
    );
    await third?.close();
    other = second as Store;
    stage = await relayerStage({ store: store as Store, fixture: at().fixture });
  });
  afterEach(() => stage.rest());
  afterAll(async () => {
    await other.close();
    await stage.close();
    await server.close();
  });

  async function items(count: number): Promise<Item[]> {
    const made: Item[] = [];
    for (let index = 0; index < count; index++) made.push(asItem(await stage.fixture.transition()));
    return made;
  }

  test("relayers in two stores send each item once while both take items in", async () => {
    const { ledger } = stage.fixture;
    const { tail } = await ledger.queue();
    const made = await items(32);
    await stage.engine({ relayer: 0, rules: { batchSize: 4, insertions: true } });
    await stage.engine({ relayer: 1, rules: { batchSize: 4, insertions: true }, store: other });
    const added = await Promise.all(
      made.map((item, index) => addSubmission(index % 2 ? other : stage.store, item)),
    );
    const done = await stage.reach(
      added.map(({ submission }) => submission.id),
      "final",
    );
    expect(new Set(done.map(({ leafIndex }) => leafIndex)).size).toBe(32);
    expect((await ledger.queue()).tail - tail).toBe(32n);
    expect(await ledger.queryFilter(ledger.getEvent("Skipped"))).toEqual([]);
    await expect
      .poll(async () => closedNodes((await readLedger(stage.deployed.chain)).history).length, {
        timeout: 15_000,
      })
      .toBe(0);
  });

  test("a reader of changes misses none, whoever makes them", async () => {
    const seen: bigint[] = [];
    let isOver = false;
    const reading = (async () => {
      for (let last = 0n; ; ) {
        const wasOver = isOver;
        const changes = await changesAfter(other, last, 7);
        for (const { sequence } of changes) seen.push(sequence);
        last = changes.at(-1)?.sequence ?? last;
        if (wasOver && changes.length === 0) return;
      }
    })();
    const made = await items(1);
    const copies = Array.from({ length: 40 }, (_, index) => {
      const [item] = made as [Item & { kind: "transition" }];
      const { terms } = item.transition;
      const deadline = terms.deadline - BigInt(index);
      return asItem({ ...item.transition, terms: { ...terms, deadline } });
    });
    await Promise.all(copies.map((item, index) => addSubmission(index % 2 ? other : stage.store, item)));
    isOver = true;
    await reading;
    expect(seen).toEqual((await changesAfter(stage.store, 0n, 1_000)).map(({ sequence }) => sequence));
    expect(seen).toHaveLength(40);
  });

  test("a server that goes away and comes back loses nothing and doubles nothing", async () => {
    const { ledger } = stage.fixture;
    const made = await items(12);
    const { tail } = await ledger.queue();
    await stage.engine({ relayer: 0, rules: { batchSize: 2, mostInFlight: 1 } });
    await stage.engine({ relayer: 1, rules: { batchSize: 2, mostInFlight: 1 }, store: other });
    const ids = await stage.add(...made);
    await expect
      .poll(async () => (await countsByState(stage.store)).final, { timeout: 10_000 })
      .toBeGreaterThan(0);
    await server.kill();
    await expect(stage.store.health()).rejects.toMatchObject({ rule: "store.unavailable" });
    await pause(300);
    await server.start();
    const done = await stage.reach(ids, "final");
    expect(new Set(done.map(({ leafIndex }) => leafIndex)).size).toBe(12);
    expect((await ledger.queue()).tail - tail).toBe(12n);
  });
}
