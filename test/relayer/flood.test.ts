import { expect, test } from "vitest";
import { MAILBOX_LIMITS } from "../../services/desk/mailboxes.ts";
import { deskRoutes, PUTS_PER_MINUTE } from "../../services/desk/routes.ts";
import { makeHttp } from "../../services/http.ts";
import { relayerRoutes } from "../../services/relayer/api.ts";
import type { Store } from "../../services/store/store.ts";
import { quietLog } from "../support/storeFixture.ts";

/** A store whose mailboxes always have room. */
function roomyStore(): { store: Store; stored(): number } {
  let stored = 0;
  const query = async (text: string): Promise<unknown[]> => {
    if (text.startsWith("INSERT INTO desk_envelope")) stored++;
    return text.includes("AS here") ? [{ here: 0, all: 0 }] : [];
  };
  const transaction = async (work: (sql: unknown) => unknown): Promise<unknown> => work({ query });
  return { store: { query, transaction } as unknown as Store, stored: () => stored };
}

test("one client cannot fill the mailboxes of all", async () => {
  expect((PUTS_PER_MINUTE * MAILBOX_LIMITS.keptSeconds) / 60).toBeLessThan(MAILBOX_LIMITS.altogether / 2);
  const log = quietLog();
  const { store, stored } = roomyStore();
  const parts = { log, title: "desk", description: "desk", health: async () => ({}) };
  const { server } = await makeHttp(parts);
  const limits = { submissionsPerMinute: 3_000, readsPerMinute: 12_000, behindProxy: false };
  await server.register(relayerRoutes, {
    ...({ prefix: "/v1", limits } as unknown as Parameters<typeof relayerRoutes>[1]),
    mount: (scope) => scope.register(deskRoutes, { prefix: "/desk", store, log }),
  });
  const put = async (place: number, remoteAddress: string): Promise<number> => {
    const envelope = Buffer.alloc(4096);
    envelope.writeUInt32BE(place);
    const { statusCode } = await server.inject({
      ...{ method: "POST", url: `/v1/desk/mailboxes/${"A".repeat(43)}/envelopes`, remoteAddress },
      payload: { envelope: envelope.toString("base64") },
    });
    return statusCode;
  };
  const statuses = new Set<number>();
  for (let place = 0; place < PUTS_PER_MINUTE; place++) statuses.add(await put(place, "192.0.2.1"));
  expect([...statuses]).toEqual([202]);
  expect(await put(PUTS_PER_MINUTE, "192.0.2.1")).toBe(429);
  expect(await put(PUTS_PER_MINUTE, "192.0.2.2")).toBe(202);
  expect(stored()).toBe(PUTS_PER_MINUTE + 1);
  await server.close();
});
