import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { relayerClient } from "../../services/relayer/client.ts";
import { formatItem, type Item } from "../../services/relayer/items.ts";
import { submissionId } from "../../services/relayer/submissions.ts";
import { type RelayerLoad, relayerLoad } from "../support/relayerLoad.ts";
import { post } from "./relayerFixture.ts";

const COUNT = 1_000;
const PATIENCE_MS = 30 * 60_000;

let load: RelayerLoad;

beforeAll(async () => {
  load = await relayerLoad();
});
afterAll(() => load.close());

test(
  "1,000 submissions at once: each is answered, and each that was taken is mined once",
  async () => {
    const { fixture, url } = load;
    // Exits do not go stale, however slow the machine.
    const items: Item[] = [];
    while (items.length < COUNT)
      items.push({ kind: "transition", transition: await fixture.transition({ mode: 2n }) });
    const answers = await Promise.all(items.map((item) => post(url, formatItem(item))));
    const taken = items.filter((_, place) => answers[place]?.status === 202);
    for (const { status, retryAfter, rule } of answers) {
      if (status === 202) continue;
      expect([429, 503]).toContain(status);
      expect(["http.tooMany", "relayer.busy"]).toContain(rule);
      expect(Number(retryAfter)).toBeGreaterThan(0);
    }
    expect(taken.length).toBeGreaterThan(0);
    const client = relayerClient(url, { patienceMs: PATIENCE_MS });
    for (const item of taken) expect((await client.status(submissionId(item))).id).toBe(submissionId(item));

    // The others ask again; those that were taken lose nothing by doing so too.
    const again = await Promise.all(items.map((item) => client.submit(item)));
    expect(again.map(({ id }) => id)).toEqual(items.map(submissionId));
    const isNew = again.filter((_, place) => again[place]?.isNew).length;
    expect(isNew).toBe(COUNT - taken.length);

    const { ledger } = fixture;
    const mined = async () => (await ledger.queryFilter(ledger.getEvent("Transitioned"))).length;
    const start = Date.now();
    while ((await mined()) < COUNT && Date.now() - start < PATIENCE_MS) await sleep(500);
    expect(await mined()).toBe(COUNT);
    const states = await Promise.all(
      items.map(async (item) => (await client.status(submissionId(item))).state),
    );
    expect(states.filter((state) => state === "refused" || state === "expired")).toEqual([]);
    expect(await ledger.queryFilter(ledger.getEvent("Skipped"))).toEqual([]);
    // It met nothing that it could not deal with.
    expect(load.output()).not.toMatch(/"level":"error"/);
  },
  2 * PATIENCE_MS,
);
