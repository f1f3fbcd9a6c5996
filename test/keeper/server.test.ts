import { expect, test } from "vitest";
import { makeHttp } from "../../services/http.ts";
import { keeperRoutes } from "../../services/keeper/server.ts";
import type { KeeperStatus } from "../../services/keeper/status.ts";
import { makeLog } from "../../services/log.ts";

const STATUS: KeeperStatus = {
  ...{ block: 1, time: 2, epoch: 3, stale: false, accounts: 4, below: 0, flagged: 0, revealed: 0 },
  ...{ unreadable: 0, idle: true, pending: 0, own: [], marginInventoryMicroUsdc: "0", waiting: [] },
  ...{ endangered: [], horizonHours: null, noForecast: null, evaluationSeconds: 0.1 },
};

test("what accounts hold is told to callers on the same machine alone", async () => {
  const log = makeLog("keeper", { write() {} });
  const { server } = await makeHttp({ log, title: "t", description: "d", health: async () => ({}) });
  keeperRoutes(server, { status: () => STATUS, standings: () => [] });
  const ask = async (url: string, remoteAddress: string, headers: Record<string, string> = {}) => {
    const { statusCode, body } = await server.inject({ url, remoteAddress, headers });
    return { statusCode, body: JSON.parse(body) };
  };
  for (const path of ["/v1/status", "/v1/accounts"]) {
    for (const near of ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
      expect((await ask(path, near)).statusCode).toBe(200);
    for (const far of ["10.0.0.7", "203.0.113.9", "::ffff:10.0.0.7"]) {
      // A caller cannot say that it is somebody else.
      const { statusCode, body } = await ask(path, far, { "x-forwarded-for": "127.0.0.1" });
      expect({ statusCode, rule: body.error.rule }).toEqual({ statusCode: 403, rule: "keeper.local" });
    }
  }
  for (const host of ["rebound.example", "keeper.example:9440", "127.0.0.1.example"])
    expect((await ask("/v1/accounts", "127.0.0.1", { host })).statusCode).toBe(403);
  for (const host of ["127.0.0.1:9440", "localhost", "[::1]:9440"])
    expect((await ask("/v1/accounts", "127.0.0.1", { host })).statusCode).toBe(200);
  for (const limit of ["0", "100001", "x"])
    expect((await ask(`/v1/accounts?limit=${limit}`, "127.0.0.1")).statusCode).toBe(400);
  await server.close();
});
