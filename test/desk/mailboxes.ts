import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessHeaders, CLOCK_TOLERANCE } from "../../services/desk/access.ts";
import { type Box, identityOf } from "../../services/desk/identity.ts";
import { type Post, postAt } from "../../services/desk/post.ts";
import { deskRoutes } from "../../services/desk/routes.ts";
import { makeHttp } from "../../services/http.ts";
import type { Store } from "../../services/store/store.ts";
import { expectRule } from "./rule.ts";
import { log } from "./stage.ts";

const LIMITS = { perMailbox: 5, altogether: 8, keptSeconds: 3600, perAnswer: 4 };
const boxOf = (fill: number): Box => identityOf(Buffer.alloc(32, fill)).box;
const alder = boxOf(101);
const birch = boxOf(102);

/** The relayer's mailboxes over HTTP, on an empty store that is there when the tests run. */
export function mailboxTests(storeOf: () => Store): void {
  describe("mailboxes", () => {
    let store: Store;
    let url: string;
    let post: Post;
    let server: Awaited<ReturnType<typeof makeHttp>>["server"];

    beforeAll(async () => {
      store = storeOf();
      const parts = { log, title: "desk", description: "desk", health: async () => ({}) };
      ({ server } = await makeHttp(parts));
      await server.register(deskRoutes, { prefix: "/v1/desk", store, log, limits: LIMITS });
      url = await server.listen({ port: 0 });
      post = postAt(url);
    });
    afterAll(async () => {
      await store.query("DELETE FROM desk_envelope");
      await server?.close();
    });

    const envelope = (fill: number, bytes = 4096): Buffer => Buffer.alloc(bytes, fill);

    test("an envelope is kept, once, until its owner removes it", async () => {
      await post.put(alder.address.mailbox, envelope(1));
      await post.put(alder.address.mailbox, envelope(1));
      await post.put(alder.address.mailbox, envelope(2, 16_384));
      const stored = await post.read(alder);
      expect(stored.map((one) => Buffer.from(one.envelope))).toEqual([envelope(1), envelope(2, 16_384)]);
      // Somebody else's removal of the same ids removes nothing.
      await post.remove(birch, [stored[0]!.id]);
      expect(await post.read(alder)).toHaveLength(2);
      await post.remove(alder, [stored[0]!.id, stored[1]!.id]);
      expect(await post.read(alder)).toEqual([]);
    });

    test("only the owner reads or removes, with a clock that agrees", async () => {
      const impostor = { ...alder, opener: birch.opener };
      await expectRule("desk.access", () => post.read(impostor));
      await expectRule("desk.access", () => post.remove(impostor, ["0".repeat(64)]));
      const path = `${url}/v1/desk/mailboxes/${alder.address.mailbox}/envelopes`;
      const now = Math.floor(Date.now() / 1000);
      const read = { action: "read", mailbox: alder.address.mailbox } as const;
      const asked = async (headers: Record<string, string>): Promise<number> =>
        (await fetch(path, { headers })).status;
      expect(await asked(accessHeaders(alder.opener, read, now - CLOCK_TOLERANCE + 10))).toBe(200);
      expect(await asked(accessHeaders(alder.opener, read, now - CLOCK_TOLERANCE - 10))).toBe(403);
      expect(await asked(accessHeaders(alder.opener, { ...read, action: "remove", ids: [] }, now))).toBe(403);
      expect(await asked({})).toBe(400);
    });

    test("sizes other than the two, and boxes without room, are refused", async () => {
      for (const bytes of [0, 1, 4095, 4097, 20_000])
        await expectRule("http.form", () => post.put(alder.address.mailbox, envelope(1, bytes)));
      await expectRule("http.tooLarge", () => post.put(alder.address.mailbox, envelope(1, 100_000)));
      await expectRule("http.form", () => post.put("not-a-key", envelope(1)));
      for (let fill = 1; fill <= 5; fill++) await post.put(alder.address.mailbox, envelope(fill));
      await expectRule("desk.full", () => post.put(alder.address.mailbox, envelope(6)));
      for (let fill = 1; fill <= 3; fill++) await post.put(birch.address.mailbox, envelope(fill));
      await expectRule("desk.full", () => post.put(birch.address.mailbox, envelope(4)));
      expect(await post.read(alder)).toHaveLength(4);
    });

    test("what nobody fetched in time is removed", async () => {
      await store.query("UPDATE desk_envelope SET stored_at = now() - interval '2 hours'");
      expect(await post.read(alder)).toEqual([]);
      await post.put(alder.address.mailbox, envelope(9));
      const rows = await store.query<{ mailbox: string }>("SELECT * FROM desk_envelope");
      expect(rows.map(({ mailbox }) => mailbox)).toEqual([alder.address.mailbox]);
    });
  });
}
