import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConstructorOptions, Db } from "pg-boss";
import { PgBoss } from "pg-boss";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import { openEmbedded } from "./embedded.ts";
import { migrate } from "./migrations.ts";
import { openServer } from "./server.ts";

/** What statements go to: the store, or a transaction of it. Values are referred to as $1, $2, … */
export interface Sql {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * What the services keep: PostgreSQL, embedded in this process or a server, with the queue of jobs (pg-boss) in the same database.
 * Its operations throw `store.unavailable` while the database cannot be reached, and work again once it can.
 */
export interface Store extends Sql {
  /**
   * Runs work in a transaction: all of it or nothing is kept. It goes to the given `sql`, never to the store (`store.nested`). Work may run
   * again when the database asks for it (deadlock), so it must do nothing but talk to the database.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  boss: PgBoss;
  /** Whether no other process can use this database while it is open. */
  isExclusive: boolean;
  /** Throws `store.unavailable` unless the database answers. */
  health(): Promise<void>;
  /** Waits for jobs under way, a few seconds at most, and closes. */
  close(): Promise<void>;
}

/** A directory for the embedded database, one process at a time; or the URL of a PostgreSQL server, shared by any number. */
export type StorePlace = { dataDirectory: string } | { databaseUrl: string };

/** A database as the store needs it, embedded or a server. */
export interface Engine {
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** What pg-boss is made with. */
  boss: ConstructorOptions;
  close(): Promise<void>;
}

/** SQLSTATE of transactions that the database gave up for another's sake. */
const RETRIED = new Set(["40001", "40P01"]);
const MOST_TRIES = 8;
const STOP_MS = 5_000;
/** How long a server that does not answer yet is waited for. */
const OPEN_TRIES = 5;

/**
 * Opens the store, and brings its schema up to date. Throws `store.locked` when another process has the data directory, `store.unavailable`
 * when the server does not answer for some seconds.
 */
export async function openStore(place: StorePlace, log: Log): Promise<Store> {
  const engine =
    "databaseUrl" in place ? openServer(place.databaseUrl, log) : await openEmbedded(place.dataDirectory);
  const inside = new AsyncLocalStorage<true>();
  const outside = (): void =>
    ensure(
      inside.getStore() === undefined,
      "store.nested",
      "statement: goes to the store from inside a transaction, expected the transaction's own sql",
    );
  const query = <Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    outside();
    return engine.query(text, values);
  };
  const transaction = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
    outside();
    for (let attempt = 1; ; attempt++) {
      try {
        return await inside.run(true, () => engine.transaction(work));
      } catch (error) {
        if (!RETRIED.has((error as { code?: string }).code ?? "") || attempt === MOST_TRIES) throw error;
        await sleep(Math.random() * 20 * attempt);
      }
    }
  };

  const boss = new PgBoss({
    ...engine.boss,
    schema: "jobs",
    schedule: false,
    useListenNotify: true,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
    maintenanceIntervalSeconds: 3600,
    monitorVacuum: false,
    reindex: false,
    openTelemetry: { enabled: false },
  });
  boss.on("error", (error) => log.warn({ err: error }, "job queue"));
  boss.on("warning", ({ message }) => log.debug({ warning: message }, "job queue"));
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await transaction(migrate);
        await boss.start();
        break;
      } catch (error) {
        const isGone = error instanceof SolvusError && error.rule === "store.unavailable";
        if (!isGone || attempt === OPEN_TRIES) throw error;
        log.warn({ attempt }, "database does not answer yet");
        await sleep(500 * 2 ** attempt);
      }
    }
  } catch (error) {
    await engine.close();
    throw error;
  }

  let closing: Promise<void> | undefined;
  return {
    query,
    transaction,
    boss,
    isExclusive: !("databaseUrl" in place),
    async health() {
      await query("SELECT 1");
    },
    close() {
      closing ??= (async () => {
        await boss
          .stop({ graceful: true, timeout: STOP_MS, close: true })
          .catch((error) => log.warn({ err: error }, "job queue did not stop"));
        await engine.close();
      })();
      return closing;
    },
  };
}

/** A transaction as pg-boss takes it in its `db` option, so that a job is sent exactly if the transaction is kept. */
export function jobsIn(sql: Sql): { db: Db } {
  return {
    db: {
      executeSql: async (text, values) => ({ rows: await sql.query<Record<string, unknown>>(text, values) }),
    },
  };
}
