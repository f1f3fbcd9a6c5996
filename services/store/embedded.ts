import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { fromPglite } from "pg-boss";
import { lockDirectory } from "./directoryLock.ts";
import type { Engine, Sql } from "./store.ts";
import { reaching } from "./unavailable.ts";

/**
 * PostgreSQL inside this process (PGlite), with its files in a directory that no other process may use meanwhile. What was committed
 * survives the process however it ends; it is not synchronised against a failure of the machine, for which a server is the choice.
 */
export async function openEmbedded(directory: string): Promise<Engine> {
  const unlock = lockDirectory(directory);
  let database: PGlite;
  try {
    database = await PGlite.create(join(directory, "postgres"));
  } catch (error) {
    unlock();
    throw error;
  }
  return {
    query: (text, values = []) => reaching(() => run(database, text, values)),
    transaction: <T>(work: (sql: Sql) => Promise<T>) =>
      reaching(
        () =>
          database.transaction((transaction) =>
            work({ query: (text, values = []) => run(transaction, text, values) }),
          ) as Promise<T>,
      ),
    boss: { db: fromPglite(database), backend: "pglite" },
    async close() {
      await database.close();
      unlock();
    },
  };
}

async function run<Row>(to: Pick<PGlite, "query">, text: string, values: readonly unknown[]): Promise<Row[]> {
  const { rows } = await to.query<Row>(text, [...values]);
  return rows;
}
