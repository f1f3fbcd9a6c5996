import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterEach, expect, test } from "vitest";
import type { Deployed } from "../../services/chain/deployment.ts";
import { startAggregator } from "../../services/oracle/aggregator.ts";
import { CALLER_HEADER, callerHeader } from "../../services/oracle/callers.ts";
import { startReporters } from "../../services/oracle/reporterServer.ts";
import { keptLog } from "../support/oracleServices.ts";

/* Reporters and aggregators that strangers can reach. */

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const key = (fill: number): Wallet => new Wallet(`0x${String(fill).repeat(64)}`);
const [reporter, aggregator] = [key(1), key(2)];
const deployment = { oracle: key(3).address };

async function hosted(): Promise<{ url: string; path: string }> {
  const dataDirectory = mkdtempSync(join(tmpdir(), "solvus-reporter-"));
  stops.push(() => rmSync(dataDirectory, { recursive: true }));
  const source = { name: "none", observe: async () => ({}), close: async () => {} };
  const running = await startReporters({
    ...{ reporters: [{ signer: reporter, source }], dataDirectory, log: keptLog().log },
    deployed: { chain: { chainId: 31337n }, deployment } as unknown as Deployed,
    aggregators: [aggregator.address],
  });
  stops.push(() => running.stop());
  return { url: running.url, path: `/v1/reporters/${reporter.address}/signatures` };
}

test("a reporter reads no body of somebody whom it does not know", async () => {
  const { url, path } = await hosted();
  const { hostname, port } = new URL(url);
  const answered = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    stops.push(() => socket.destroy());
    socket.setTimeout(3_000, () => reject(new Error("it waits for the body")));
    socket.once("data", (data) => resolve(data.toString()));
    socket.once("error", reject);
    const headers = ["host: here", "content-type: application/json", "content-length: 39000000"];
    socket.write(`POST ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n{`);
  });
  expect(answered).toMatch(/^HTTP\/1.1 422 .*reporter\.caller/s);
});

test("a reporter takes no other body than its caller signed", async () => {
  const { url, path } = await hosted();
  const ask = async (signed: unknown, sent: unknown): Promise<string> => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        [CALLER_HEADER]: await callerHeader(aggregator, path, signed),
        "content-type": "application/json",
      },
      body: JSON.stringify(sent),
    });
    return ((await response.json()) as { error: { rule: string } }).error.rule;
  };
  expect(await ask({ one: 1 }, { one: 2 })).toBe("reporter.caller");
  expect(await ask({ one: 1 }, { one: 1 })).toBe("http.form");
});

test("strangers who ask an aggregator how it is do not have it ask its node each time", async () => {
  let asked = 0;
  const block = { number: 1, timestamp: 1_600_000_000 };
  const provider = {
    async getBlock() {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return block;
    },
  };
  const oracle = {
    latest: async () => [0n],
    reporters: async () => [],
    announcedReporters: async () => [[], 0n],
  };
  const deployed = { provider, oracle, deployment, chain: { chainId: 31337n } };
  const running = await startAggregator({
    ...{ reporters: ["http://127.0.0.1:9"], signer: aggregator, log: keptLog().log },
    deployed: deployed as unknown as Deployed,
    rules: { pollMs: 60_000 },
  });
  stops.push(() => running.stop());
  asked = 0;
  for (const path of ["/health", "/v1/status"])
    await Promise.all(Array.from({ length: 50 }, () => fetch(`${running.url}${path}`).then((r) => r.text())));
  expect(asked).toBeLessThan(10);
});
