import pg from "pg";
import { Misuse } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { Engine } from "./store.ts";
import { isUnavailable, reaching } from "./unavailable.ts";

const CONNECT_MS = 5_000;
/** A statement that takes longer has met a server that hangs, or a bug. */
const STATEMENT_MS = 30_000;
const CONNECTIONS = 6;
const JOB_CONNECTIONS = 4;

/** A PostgreSQL server, through a pool of connections that are made anew when the server was away. */
export function openServer(databaseUrl: string, log: Log): Engine {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl))
    throw new Misuse("store.url", "database URL: malformed, expected postgres://…");
  const options = {
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: "solvus",
  };
  const pool = new pg.Pool({
    ...options,
    max: CONNECTIONS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS + 2_000,
    idle_in_transaction_session_timeout: 2 * STATEMENT_MS,
  });
  // A connection that breaks says so, even in the moment between its making and its first use; unheard it would end the process.
  pool.on("connect", (client) =>
    client.on("error", (error: Error) => log.warn({ err: error }, "database connection lost")),
  );
  // Of one that is idle the pool says it again.
  pool.on("error", () => undefined);
  return {
    query: (text, values = []) => reaching(async () => (await pool.query(text, [...values])).rows),
    transaction: (work) =>
      reaching(async () => {
        const client = await pool.connect();
        let broken: Error | undefined;
        try {
          await client.query("BEGIN");
          const result = await work({
            query: async (text, values = []) => (await client.query(text, [...values])).rows,
          });
          await client.query("COMMIT");
          return result;
        } catch (error) {
          // A connection that failed is dropped, and the server rolls back: it might not even answer to being told.
          if (isUnavailable(error)) broken = error as Error;
          else
            await client.query("ROLLBACK").catch((failure: Error) => {
              broken = failure;
            });
          throw error;
        } finally {
          client.release(broken);
        }
      }),
    boss: { ...options, max: JOB_CONNECTIONS },
    close: () => pool.end(),
  };
}
