import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { relayerClient } from "../../services/relayer/client.ts";
import type { Item } from "../../services/relayer/items.ts";
import type { StorePlace } from "../../services/store/store.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { type Death, endProcesses, type ServiceProcess, startProcess } from "../support/processes.ts";
import type { RelayerProcessConfiguration } from "./relayerProcess.ts";
import { type FaultStage, faultStage, mixedItems, type Outcome } from "./stage.ts";

/*
 * A relayer's process is killed (SIGKILL) at every stage of a batch, and started again on the same store. Its customers hand in what was
 * not answered again. The ledger ends up as without the kill, and each item was final once.
 */

const ENTRY = new URL("./relayerProcess.ts", import.meta.url);
/** Each process of a row is killed at its stage, and the next one started on what it left. */
const DEATHS = [
  ["formed", "simulated", "signed"],
  ["stored", "broadcast", "mined"],
  ["recorded", "insertion.proven", "insertion.sent"],
];

let stage: FaultStage;
let server: TestPostgres;
let items: Item[];
let expected: Outcome;
let back: () => Promise<void>;
let endMining: () => Promise<void>;
const directories: string[] = [];

beforeAll(async () => {
  [stage, server] = await Promise.all([faultStage(), startPostgres()]);
  items = await mixedItems(stage.fixture, 27);
});
beforeEach(async () => {
  back = await stage.mark();
  endMining = stage.keepMining();
});
afterEach(async () => {
  await endProcesses();
  await endMining();
  await back();
});
afterAll(async () => {
  await stage?.close();
  await server?.close();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

const SLOW = { timeout: 300_000 };

type Relayer = ServiceProcess<{ url: string }>;

/** Hands the items in to a relayer that is started again whenever it ends, and waits until all is done. */
async function serve(store: StorePlace, deaths: readonly Death[]): Promise<{ killed: number }> {
  let port: number | undefined;
  let killed = 0;
  const start = async (death?: Death): Promise<Relayer> => {
    const configuration: RelayerProcessConfiguration = {
      rpc: stage.rpc.url,
      deployment: stage.deployment,
      key: stage.relayerKeys[0] as string,
      store,
      ...(port !== undefined && { port }),
      ...(death && { death }),
    };
    return startProcess<{ url: string }>(ENTRY, configuration);
  };
  let relayer = await start(deaths[0]);
  port = Number(new URL(relayer.ready.url).port);
  const watching = (async () => {
    for (const place of deaths.keys()) {
      const { signal } = await relayer.ended;
      expect(signal).toBe("SIGKILL");
      killed++;
      relayer = await start(deaths[place + 1]);
    }
  })();
  const client = relayerClient(relayer.ready.url, { patienceMs: 120_000 });
  const handedIn = await Promise.all(items.map((item) => client.submit(item)));
  await Promise.all(handedIn.map(({ id }) => client.wait(id, ["final"], 120_000)));
  await stage.fixture.advance(31);
  for (;;) {
    const [tail, , inserted]: bigint[] = await stage.fixture.ledger.queue();
    if (tail === 16n * (inserted as bigint)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await watching;
  for (const { id } of handedIn) {
    const states: string[] = [];
    for await (const { state } of client.changes({ id, after: 0n })) states.push(state);
    expect(states.at(-1)).toBe("final");
    expect(states.filter((state) => state === "final")).toHaveLength(1);
  }
  expect(relayer.output()).not.toContain((stage.relayerKeys[0] as string).slice(2));
  expect(await relayer.stop()).toEqual({ code: 0, signal: null });
  return { killed };
}

function dataDirectory(): StorePlace {
  const directory = mkdtempSync(join(tmpdir(), "solvus-killed-"));
  directories.push(directory);
  return { dataDirectory: directory };
}

describe.each([
  ["a data directory", async () => dataDirectory()],
  ["PostgreSQL", async () => ({ databaseUrl: await server.database() })],
])("with its state in %s", (_, place) => {
  test("without a kill", SLOW, async () => {
    await serve(await place(), []);
    const outcome = await stage.outcome();
    expected ??= outcome;
    expect(outcome).toEqual(expected);
  });

  test.each(DEATHS)("killed at `%s`, then at `%s`, then at `%s`", SLOW, async (...stages) => {
    const deaths = stages.map((at) => ({ stage: at }));
    expect(await serve(await place(), deaths)).toEqual({ killed: deaths.length });
    expect(await stage.outcome()).toEqual(expected);
  });
});
