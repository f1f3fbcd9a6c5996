import { describe, expect, it } from "vitest";
import { changing, recordChanges } from "../../services/relayer/changes.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import type { Change } from "../../services/relayer/messages.ts";
import type { Service } from "../../services/relayer/service.ts";
import {
  addSubmission,
  changesAfter,
  latestSequence,
  type SubmissionState,
} from "../../services/relayer/submissions.ts";
import type { RelayerFixture } from "./relayerFixture.ts";

/** What holds for the streams of a service. */
export function streamCases(given: () => { fixture: RelayerFixture; service: Service }): void {
  /** A stored item's id. */
  async function submitted(): Promise<string> {
    const { submission } = await addSubmission(given().fixture.store, await given().fixture.transition());
    return submission.id;
  }

  /** Puts a submission into a state, as the engine does. */
  function become(
    id: string,
    state: SubmissionState,
    refusal?: { rule: string; message: string },
  ): Promise<void> {
    return changing(given().fixture.store, async (sql) => {
      await sql.query("UPDATE submission SET state = $2, rule = $3, message = $4 WHERE id = $1", [
        ...[id, state, refusal?.rule ?? null, refusal?.message ?? null],
      ]);
      await recordChanges(sql, [id]);
    });
  }

  /** The next changes of a stream. */
  async function take(changes: AsyncGenerator<Change, void>, count: number): Promise<Change[]> {
    const taken: Change[] = [];
    while (taken.length < count) {
      const { value, done } = await changes.next();
      if (done) break;
      taken.push(value as Change);
    }
    return taken;
  }

  describe("changes of one submission", () => {
    it("begin with its present state and end with its last", async () => {
      const id = await submitted();
      await become(id, "sent");
      const changes = relayerClient(given().service.url).changes({ id });
      expect(await take(changes, 1)).toMatchObject([{ id, state: "sent" }]);
      for (const state of ["mined", "queued", "sent", "mined", "final"] as const) await become(id, state);
      const rest = await take(changes, 100);
      expect(rest.map(({ state }) => state)).toEqual(["mined", "queued", "sent", "mined", "final"]);
    });

    it("are waited for, and a refusal is thrown as such", async () => {
      const client = relayerClient(given().service.url);
      const [good, bad] = [await submitted(), await submitted()];
      const waits = Promise.all([client.wait(good), client.wait(bad).catch((error) => error)]);
      await become(good, "sent");
      await become(bad, "refused", { rule: "ledger.SnapshotStale", message: "staleSince is 1" });
      await become(good, "mined");
      const [mined, refused] = await waits;
      expect(mined).toMatchObject({ id: good, state: "mined" });
      expect(refused).toMatchObject({ rule: "ledger.SnapshotStale", message: "staleSince is 1" });
    });

    it("that are over leave nothing to follow", async () => {
      const id = await submitted();
      await become(id, "final");
      const { sequence } = await relayerClient(given().service.url).status(id);
      const response = await fetch(`${given().service.url}/v1/submissions/${id}/events`, {
        headers: { "last-event-id": String(sequence) },
      });
      expect(response.status).toBe(204);
      expect(await take(relayerClient(given().service.url).changes({ id, after: sequence }), 1)).toEqual([]);
    });

    it("are not told of an earlier refusal once the item was handed in again", async () => {
      const item = await given().fixture.transition();
      const client = relayerClient(given().service.url);
      const { id } = await client.submit(item);
      await become(id, "refused", { rule: "ledger.ReduceOnly", message: "the contract refuses this now" });
      expect(await client.submit(item)).toMatchObject({ id, isNew: true, state: "queued" });
      const waiting = client.wait(id);
      await become(id, "mined");
      expect(await waiting).toMatchObject({ state: "mined" });
    });

    it("are waited for no longer than asked", async () => {
      const id = await submitted();
      await expect(relayerClient(given().service.url).wait(id, ["final"], 300)).rejects.toMatchObject({
        rule: "relayer.timeout",
        message: `submission ${id} is queued after 0.3 s, expected final`,
      });
    });
  });

  describe("changes of all submissions", () => {
    it("are each told once and in order to a reader who comes back again and again", async () => {
      const before = await latestSequence(given().fixture.store);
      const ids = await Promise.all(Array.from({ length: 4 }, submitted));
      const writing = (async () => {
        for (const state of ["sent", "mined", "queued", "sent", "mined", "final"] as const)
          for (const id of ids) await become(id, state);
      })();
      // Reads four changes at a time, and leaves: while changes are being written, and after.
      const seen: Change[] = [];
      while (seen.length < ids.length * 7) {
        const after = seen.at(-1)?.sequence ?? before;
        const ending = new AbortController();
        seen.push(
          ...(await take(relayerClient(given().service.url).changes({ after, signal: ending.signal }), 4)),
        );
        ending.abort();
      }
      await writing;
      const all = await changesAfter(given().fixture.store, before, 1000);
      expect(seen).toEqual(all);
      expect(all).toHaveLength(ids.length * 7);
    });

    it("go on where they were when the server comes back", async () => {
      const first = await given().fixture.serve();
      const port = Number(new URL(first.url).port);
      const after = await latestSequence(given().fixture.store);
      const changes = relayerClient(first.url).changes({ after });
      const id = await submitted();
      expect(await take(changes, 1)).toMatchObject([{ id, state: "queued" }]);
      await first.stop();
      await become(id, "sent");
      const reading = take(changes, 2);
      await given().fixture.serve({ listen: { host: "127.0.0.1", port } });
      await become(id, "mined");
      expect((await reading).map(({ state }) => state)).toEqual(["sent", "mined"]);
    });

    it("begin with what follows when nothing was read before", async () => {
      const old = await submitted();
      const changes = relayerClient(given().service.url).changes();
      const next = changes.next();
      // The stream is open once the server counts it.
      await expect
        .poll(async () => (await fetch(`${given().service.url}/metrics`)).text())
        .toMatch(/solvus_relayer_streams [1-9]/);
      const id = await submitted();
      expect((await next).value).toMatchObject({ id, state: "queued" });
      expect(id).not.toBe(old);
      await changes.return();
    });

    it("are not read from an id that is none", async () => {
      const response = await fetch(`${given().service.url}/v1/events`, {
        headers: { "last-event-id": "-1" },
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { rule: "http.form" } });
    });
  });
}
