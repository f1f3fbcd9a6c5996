import { Interface } from "ethers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { abiOf } from "../../services/chain/artifacts.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { findApplied } from "../../services/relayer/applied.ts";
import { forgetOld, reclaimSpace } from "../../services/relayer/housekeeping.ts";
import type { Store } from "../../services/store/store.ts";
import { temporaryStore } from "../support/storeFixture.ts";
import { asItem } from "./relayerStage.ts";
import { someTransition } from "./someTransition.ts";

let store: Store;

beforeAll(async () => {
  store = await temporaryStore();
});
afterEach(() =>
  store.query("TRUNCATE submission, submission_change, outgoing, attempt, outgoing_item, insertion"),
);
afterAll(() => store.close());

/** Stores so many submissions in a state, each with two changes and in a transaction, last changed so many days ago. */
async function keep(prefix: string, count: number, state: string, days: number): Promise<void> {
  const at = `now() - ${days} * interval '1 day'`;
  const [{ id }] = (await store.query<{ id: unknown }>(
    `INSERT INTO outgoing (sender, purpose, state, changed_at) VALUES ('${prefix}', 'batch', 'final', ${at}) RETURNING id`,
  )) as [{ id: unknown }];
  const each = `generate_series(1, ${count}) AS number`;
  await store.query(
    `INSERT INTO submission (id, kind, item, state, spends, deadline, changed_at, sequence)
     SELECT '${prefix}' || number, 'opening', '{}', '${state}', '{}', 0, ${at}, 0 FROM ${each}`,
  );
  await store.query(
    `INSERT INTO submission_change (sequence, submission, state, at)
     SELECT nextval('submission_sequence'), '${prefix}' || (number + 1) / 2, 'queued', ${at} FROM generate_series(1, ${2 * count}) AS number`,
  );
  await store.query(
    `INSERT INTO outgoing_item (outgoing, submission, kind, place) SELECT ${id}, '${prefix}' || number, 0, 0 FROM ${each}`,
  );
}

async function counts(): Promise<Record<string, number>> {
  const tables = ["submission", "submission_change", "outgoing_item", "insertion"];
  const columns = tables.map((name) => `(SELECT count(*)::integer FROM ${name}) AS ${name}`);
  const [row] = await store.query<Record<string, number>>(`SELECT ${columns}`);
  return row as Record<string, number>;
}

describe("what was done with long ago", () => {
  test("is forgotten with all that belongs to it, and nothing else is", async () => {
    await keep("old", 1_200, "final", 31);
    await keep("open", 3, "queued", 31);
    await keep("new", 4, "refused", 29);
    await store.query(
      "INSERT INTO insertion (digest, node_index, input, created_at) VALUES ('0x1', 0, '', now() - interval '31 days'), ('0x2', 1, '', now())",
    );
    await forgetOld({ store });
    expect(await counts()).toEqual({
      ...{ submission: 7, submission_change: 14, outgoing_item: 7, insertion: 1 },
    });
    const rows = await store.query<{ id: string }>("SELECT id FROM submission WHERE id LIKE 'old%'");
    expect(rows).toEqual([]);
  });

  test("is found and forgotten without reading what else there is", async () => {
    await keep("old", 50, "final", 31);
    await keep("new", 5_000, "final", 1);
    await store.query("ANALYZE submission, outgoing_item");
    for (const statement of [
      "SELECT id FROM submission WHERE state IN ('final', 'refused', 'expired') AND changed_at < now() - interval '30 days' LIMIT 500",
      "DELETE FROM outgoing_item WHERE submission = 'old1'",
    ]) {
      const plan = await store.query<Record<string, string>>(`EXPLAIN ${statement}`);
      expect(JSON.stringify(plan)).not.toContain("Seq Scan");
    }
  });

  test("leaves its space to what comes", async () => {
    const size = async (): Promise<number> => {
      const [row] = await store.query<{ size: number }>(
        "SELECT pg_relation_size('submission')::integer AS size",
      );
      return row?.size as number;
    };
    await keep("old", 2_000, "final", 31);
    const before = await size();
    await forgetOld({ store });
    await reclaimSpace({ store });
    expect(await size()).toBeLessThan(before / 10);
  });
});

describe("an item on the chain", () => {
  test("is looked for no further back than it can be, however long the chain is", async () => {
    const asked: number[] = [];
    const deployed = {
      deployment: { ledger: `0x${"11".repeat(20)}`, fromBlock: 7 },
      ledger: { interface: new Interface(abiOf("ledger")) },
      provider: {
        getBlockNumber: async () => 120_000,
        getLogs: async ({ fromBlock }: { fromBlock: number }) => {
          asked.push(fromBlock);
          return [];
        },
      },
    } as unknown as Deployed;
    const within = <T>(question: () => Promise<T>): Promise<T> => question();
    const item = asItem(someTransition());
    await findApplied({ deployed, within }, item, 119_995);
    expect(asked).toEqual([118_995]);
    asked.length = 0;
    await findApplied({ deployed, within }, item);
    expect(asked).toHaveLength(12);
    expect(Math.min(...asked)).toBe(7);
  });
});
