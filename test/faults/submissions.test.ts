import { request } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatItem } from "../../services/relayer/items.ts";
import type { Running } from "../../services/running.ts";
import { freshMetrics } from "../support/freshMetrics.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { flood, startBelieving } from "./flood.ts";
import { malformedBodies } from "./malformedBodies.ts";
import { type FaultStage, faultStage, mixedItems, type Outcome } from "./stage.ts";

/* What customers may send: the same again, too much, nonsense. The relayer stores what is good, once. */

let stage: FaultStage;
let server: TestPostgres;
let relayer: Running & { url: string };
let endMining: () => Promise<void>;

beforeAll(async () => {
  [stage, server] = await Promise.all([faultStage(), startPostgres()]);
  endMining = stage.keepMining();
  relayer = await startBelieving(stage, { databaseUrl: await server.database() });
});
afterAll(async () => {
  await relayer?.stop();
  await endMining?.();
  await stage?.close();
  await server?.close();
});

interface Answer {
  status: number;
  text: string;
}

async function post(body: string | Uint8Array, contentType = "application/json"): Promise<Answer> {
  const response = await fetch(`${relayer.url}/v1/submissions`, {
    method: "POST",
    headers: { "content-type": contentType },
    body: body as BodyInit,
  });
  return { status: response.status, text: await response.text() };
}

/** Submissions in each state, as the relayer's metrics count them. */
async function stored(): Promise<number> {
  const text = await freshMetrics(relayer.url);
  const lines = [...text.matchAll(/^solvus_relayer_submissions\{.*\} (\d+)$/gm)];
  expect(lines.length).toBeGreaterThan(0);
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

test("malformed submissions are refused in one line, and nothing of them is stored", async () => {
  const items = await mixedItems(stage.fixture, 9);
  const good = formatItem(items[2]!);
  for (const { name, body, contentType } of malformedBodies(good)) {
    const { status, text } = await post(body, contentType);
    expect(status, name).toBeGreaterThanOrEqual(400);
    expect(status, name).toBeLessThan(500);
    const { error } = JSON.parse(text) as { error: { rule: string; message: string } };
    expect(error.rule, name).toMatch(/^[a-z]+\.[A-Za-z]+$/);
    expect(error.message.length, name).toBeLessThan(500);
    expect(error.message, name).not.toContain("\n");
  }
  expect(await stored()).toBe(0);
});

test("an oversized submission is cut off, whether it says its length or not", async () => {
  const { status, text } = await post(`{"kind":"${"x".repeat(200_000)}"}`);
  expect(status).toBe(413);
  expect(JSON.parse(text).error.rule).toBe("http.tooLarge");
  const chunked = await new Promise<number>((resolve, reject) => {
    const sending = request(
      `${relayer.url}/v1/submissions`,
      { method: "POST", headers: { "content-type": "application/json", "transfer-encoding": "chunked" } },
      (response) => resolve(response.statusCode as number),
    );
    // The relayer may cut the connection before all is written.
    sending.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE" ? resolve(413) : reject(error),
    );
    for (let chunk = 0; chunk < 50; chunk++) sending.write(" ".repeat(10_000));
    sending.end();
  });
  expect(chunked).toBe(413);
  expect(await stored()).toBe(0);
});

test("while database or node are away it says so, and takes the same submission when they are back", async () => {
  const [item] = await mixedItems(stage.fixture, 1);
  const body = formatItem(item!);
  const health = async () => (await fetch(`${relayer.url}/health`)).status;
  await server.stop();
  expect(await post(body)).toMatchObject({ status: 503, text: expect.stringContaining("store.unavailable") });
  expect(await health()).toBe(503);
  await server.start();
  stage.rpc.setFaults(() => ({ kind: "cut" }));
  expect(await post(body)).toMatchObject({ status: 503, text: expect.stringContaining("chain.unavailable") });
  expect(await health()).toBe(503);
  stage.rpc.setFaults();
  expect(await flood(relayer.url, [item!], 1)).toBe(1);
  // What it says may be a second old.
  await expect.poll(health, { timeout: 3_000 }).toBe(200);
});

test("dozens of submissions at once, each three times, are each stored and sent once", async () => {
  const before = await stage.outcome();
  const storedBefore = await stored();
  const items = await mixedItems(stage.fixture, 36);
  expect(await flood(relayer.url, items, 3)).toBe(items.length);
  const after = await stage.outcome();
  const taken = (outcome: Outcome): number => outcome.nullifiers.length + outcome.accountTags.length;
  expect(taken(after) - taken(before)).toBe(items.length);
  expect(after.skipped).toBe(0);
  expect((await stored()) - storedBefore).toBe(items.length);
});
