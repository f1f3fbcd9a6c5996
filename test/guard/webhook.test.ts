import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { webhook } from "../../services/guard/webhook.ts";
import { makeLog } from "../../services/log.ts";
import { ruleOf } from "../support/rule.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers with these codes in turn, and what it received. */
async function listener(...codes: number[]) {
  const bodies: string[] = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(codes[bodies.length - 1] ?? 200, { location: "http://127.0.0.1:1/" }).end();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { bodies, url: `http://127.0.0.1:${port}/hook?token=hunter2` };
}

function logged() {
  const lines: string[] = [];
  return { lines, log: makeLog("guard", { write: (line) => lines.push(line) }) };
}

test("an event arrives as JSON, tried again when it is not taken", async () => {
  const { url, bodies } = await listener(500, 200);
  const { log, lines } = logged();
  await webhook(url, log, { pauseMs: 1 })({ event: "warning", equity: 5n });
  expect(bodies).toEqual(['{"event":"warning","equity":"5"}', '{"event":"warning","equity":"5"}']);
  expect(lines).toEqual([]);
});

test("an address that does not take it stops nothing, and is not in the log", async () => {
  const { url, bodies } = await listener(500, 307, 500);
  const { log, lines } = logged();
  await webhook(url, log, { pauseMs: 1 })({ event: "below" });
  expect(bodies).toHaveLength(3);
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: "warn",
    event: "below",
    reason: "status 500",
  });
  expect(lines[0]).not.toContain("hunter2");
  server?.closeAllConnections();
  server?.close();
  await webhook(url, log, { pauseMs: 1 })({ event: "below" });
  expect(lines[1]).toContain("unreachable");
});

test("what an account is worth does not leave the machine unencrypted", () => {
  const { log } = logged();
  for (const address of [
    "http://example.com/hook",
    "ftp://example.com",
    "hook",
    "http://127.0.0.1.example.com/",
  ])
    expect(ruleOf(() => webhook(address, log))).toBe("guard.webhook");
  for (const address of ["https://example.com/hook", "http://localhost:1/", "http://[::1]:1/"])
    expect(ruleOf(() => webhook(address, log))).toBeUndefined();
});
