import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lockDirectory } from "../../services/store/directoryLock.ts";
import { migrate } from "../../services/store/migrations.ts";
import { jobsIn, openStore, type Store } from "../../services/store/store.ts";
import { emptyDataDirectory, quietLog, temporaryStore } from "../support/storeFixture.ts";

const run = promisify(execFile);
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-lock-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** A process that takes the directory and is killed, or ends. */
async function taking(place: string, end: "kill" | "exit"): Promise<string> {
  const program = `
    import { lockDirectory } from ${JSON.stringify(new URL("../../services/store/directoryLock.ts", import.meta.url).href)};
    try { lockDirectory(${JSON.stringify(place)}); console.log("taken"); } catch (error) { console.log(error.rule); }
    ${end === "kill" ? 'process.kill(process.pid, "SIGKILL")' : "process.exit(0)"}`;
  try {
    return (await run(process.execPath, ["--input-type=module", "-e", program])).stdout.trim();
  } catch (error) {
    return (error as { stdout: string }).stdout.trim();
  }
}

describe("a data directory", () => {
  test("is one process's at a time", async () => {
    const release = lockDirectory(join(directory, "one"));
    expect(await taking(join(directory, "one"), "exit")).toBe("store.locked");
    release();
    expect(await taking(join(directory, "one"), "exit")).toBe("taken");
  });

  test("that a killed process had is free", async () => {
    expect(await taking(join(directory, "two"), "kill")).toBe("taken");
    lockDirectory(join(directory, "two"))();
  });

  test("that is a file is refused", () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    expect(() => lockDirectory(file)).toThrow(expect.objectContaining({ rule: "store.directory" }));
  });
});

describe("an embedded store", () => {
  let store: Store;
  beforeAll(async () => {
    store = await temporaryStore();
    await store.query("CREATE TABLE tally (number integer PRIMARY KEY)");
    await store.boss.createQueue("tally");
  });
  afterAll(() => store.close());

  test("keeps rows and jobs together or not at all", async () => {
    const record = (number: number, fails: boolean) =>
      store.transaction(async (sql) => {
        await sql.query("INSERT INTO tally VALUES ($1)", [number]);
        await store.boss.send("tally", { number }, jobsIn(sql));
        if (fails) throw new Error("changed its mind");
      });
    await expect(record(1, true)).rejects.toThrow("changed its mind");
    await record(2, false);
    expect(await store.query("SELECT number FROM tally")).toEqual([{ number: 2 }]);
    const jobs = await store.boss.fetch<{ number: number }>("tally", { batchSize: 5 });
    expect(jobs.map(({ data }) => data)).toEqual([{ number: 2 }]);
  });

  test("of a later program is refused by an earlier one, which would misread its rows", async () => {
    const later = store.transaction(async (sql) => {
      await sql.query("INSERT INTO solvus_schema (version) VALUES (99)");
      await migrate(sql);
    });
    await expect(later).rejects.toMatchObject({ rule: "store.newer" });
    await store.transaction(migrate);
  });

  test("refuses a statement past the transaction that it is made in", async () => {
    await expect(store.transaction(() => store.query("SELECT 1"))).rejects.toMatchObject({
      rule: "store.nested",
    });
    await expect(store.transaction(() => store.transaction(async () => 1))).rejects.toMatchObject({
      rule: "store.nested",
    });
  });

  test("runs a transaction again that met a deadlock", async () => {
    let tries = 0;
    const answer = await store.transaction(async (sql) => {
      if (++tries < 3) await sql.query("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$");
      return sql.query("SELECT 7 AS seven");
    });
    expect(answer).toEqual([{ seven: 7 }]);
    expect(tries).toBe(3);
  });

  test("keeps what it has when it is closed, and is another's then", async () => {
    const place = { dataDirectory: await emptyDataDirectory() };
    const first = await openStore(place, quietLog());
    await first.query("INSERT INTO setting (name, value) VALUES ('kept', 'yes')");
    await expect(openStore(place, quietLog())).rejects.toMatchObject({ rule: "store.locked" });
    await first.health();
    await first.close();
    await expect(first.health()).rejects.toMatchObject({ rule: "store.unavailable" });
    const second = await openStore(place, quietLog());
    expect(await second.query("SELECT value FROM setting WHERE name = 'kept'")).toEqual([{ value: "yes" }]);
    await second.close();
    rmSync(place.dataDirectory, { recursive: true });
  });
});

test("a malformed database URL is refused without being repeated", async () => {
  const opening = openStore({ databaseUrl: "mysql://user:hunter2@host/db" }, quietLog());
  await expect(opening).rejects.toMatchObject({
    rule: "store.url",
    message: expect.not.stringContaining("hunter2"),
  });
});
