import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import { jobsIn, openStore, type Store } from "../../services/store/store.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { endProcesses, startProcess } from "../support/processes.ts";
import { silentLog } from "./stage.ts";
import type { Tally } from "./storeProcess.ts";

/* The store under whatever happens to its database: what was said to be kept is kept, and once. */

const ENTRY = new URL("./storeProcess.ts", import.meta.url);

/** Records a number as often as it takes, each time with a job; twice the same is once. */
async function record(store: Store, number: number): Promise<void> {
  for (;;) {
    try {
      await store.transaction(async (sql) => {
        const added = await sql.query<{ number: number }>(
          "INSERT INTO tally (number) VALUES ($1) ON CONFLICT DO NOTHING RETURNING number",
          [number],
        );
        if (added.length > 0) await store.boss.send("tally", { number }, jobsIn(sql));
      });
      return;
    } catch (error) {
      if (!(error instanceof SolvusError) || error.rule !== "store.unavailable") throw error;
      await pause(10);
    }
  }
}

describe("on PostgreSQL", () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  test("that is stopped, killed and cut off, nothing is lost and nothing is done twice", async () => {
    const store = await openStore({ databaseUrl: await server.database() }, silentLog());
    await store.query("CREATE TABLE tally (number integer PRIMARY KEY)");
    await store.boss.createQueue("tally");
    const numbers = Array.from({ length: 240 }, (_, number) => number);
    const writers = [0, 1, 2, 3, 4, 5].map(async (writer) => {
      for (const number of numbers.filter((candidate) => candidate % 6 === writer)) {
        await record(store, number);
        await pause(5);
      }
    });
    const faults = (async () => {
      await pause(50);
      await server.disconnect();
      await pause(50);
      await server.stop();
      await expect(store.health()).rejects.toMatchObject({ rule: "store.unavailable" });
      await server.start();
      await pause(50);
      await server.kill();
      await pause(50);
      await server.start();
    })();
    await Promise.all([...writers, faults]);
    const kept = await store.query<{ number: number }>("SELECT number FROM tally ORDER BY number");
    expect(kept.map(({ number }) => number)).toEqual(numbers);
    const jobs = await store.query<{ number: number }>(
      "SELECT (data->>'number')::integer AS number FROM jobs.job WHERE name = 'tally' ORDER BY 1",
    );
    expect(jobs.map(({ number }) => number)).toEqual(numbers);
    await store.close();
  });
});

describe("embedded", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "solvus-store-"));
  });
  afterAll(async () => {
    await endProcesses();
    rmSync(directory, { recursive: true, force: true });
  });

  test("a killed process leaves what it committed, and no lock", async () => {
    const writer = await startProcess<Tally>(ENTRY, { directory, death: { stage: "said", time: 40 } });
    expect(await writer.ended).toMatchObject({ signal: "SIGKILL" });
    const store = await openStore({ dataDirectory: directory }, silentLog());
    const kept = await store.query<{ number: number }>("SELECT number FROM tally ORDER BY number");
    const said = writer.stages.length;
    expect(said).toBe(40);
    expect(kept.map(({ number }) => number)).toEqual(Array.from({ length: said }, (_, number) => number));
    await store.close();
  });
});
