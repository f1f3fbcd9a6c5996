import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { identityOf } from "../../services/desk/identity.ts";
import { postAt } from "../../services/desk/post.ts";
import { openRecord } from "../../services/desk/record.ts";
import { relayerClient } from "../../services/relayer/client.ts";

/* A relayer that wants to harm those who trade through it, and a disk that fails them. */

const disk = vi.hoisted(() => ({ mostBytes: Number.POSITIVE_INFINITY, failsToSync: false }));
vi.mock("node:fs", async (load) => {
  const real = await load<typeof import("node:fs")>();
  return {
    ...real,
    writeSync: (file: number, bytes: Buffer, from: number, count: number, at: number) =>
      real.writeSync(file, bytes, from, Math.min(count, disk.mostBytes), at),
    fsyncSync(file: number) {
      if (disk.failsToSync) throw new Error("EIO");
      real.fsyncSync(file);
    },
  };
});

const stops: (() => unknown)[] = [];
afterEach(async () => {
  disk.mostBytes = Number.POSITIVE_INFINITY;
  disk.failsToSync = false;
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const identity = identityOf(new Uint8Array(32).fill(7));
const scope = { chainId: 1n, ledger: `0x${"11".repeat(20)}` };
const QUOTE = "ab".repeat(32);

function recordFile(): string {
  const directory = mkdtempSync(join(tmpdir(), "solvus-record-"));
  stops.push(() => rmSync(directory, { recursive: true }));
  return join(directory, "record.jsonl");
}

const opened = (file: string) => openRecord(file, identity, scope, "taker");

describe("a record", () => {
  test("can be read again whatever words a relayer refused with", () => {
    const file = recordFile();
    const record = opened(file);
    for (const rule of ["", "a".repeat(500), "no\u001b[2Jname\n"])
      record.append(1, { event: "passed", quoteHash: QUOTE, rule });
    record.close();
    const again = opened(file);
    stops.push(() => again.close());
    const rules = again.entries.flatMap((entry) => ("rule" in entry ? [entry.rule] : []));
    expect(rules).toEqual(["desk.unnamed", "a".repeat(80), "no__2Jname_"]);
  });

  test("has whole lines on a disk that takes a few bytes at a time", () => {
    const file = recordFile();
    disk.mostBytes = 10;
    const record = opened(file);
    record.append(1, { event: "lapsed", quoteHash: QUOTE });
    record.close();
    const again = opened(file);
    stops.push(() => again.close());
    expect(again.entries.map(({ event }) => event)).toEqual(["opened", "lapsed"]);
  });

  test("has nothing of a longer line whose writing failed", () => {
    const file = recordFile();
    const record = opened(file);
    disk.failsToSync = true;
    expect(() => record.append(1, { event: "passed", quoteHash: QUOTE, rule: "a".repeat(80) })).toThrow(
      "EIO",
    );
    disk.failsToSync = false;
    record.append(1, { event: "lapsed", quoteHash: QUOTE });
    record.close();
    expect(readFileSync(file, "utf8").endsWith("\n")).toBe(true);
    const again = opened(file);
    stops.push(() => again.close());
    expect(again.entries.map(({ event }) => event)).toEqual(["opened", "lapsed"]);
  });
});

async function serving(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a relayer", () => {
  test("that refuses by what is no rule's name is not repeated", async () => {
    const error = { rule: "prover.\u001b[2J", message: "one\ntwo" };
    const url = await serving((response) =>
      response.writeHead(422, { "content-type": "application/json" }).end(JSON.stringify({ error })),
    );
    const refused = { rule: "relayer.answer", message: "one" };
    await expect(relayerClient(url).quote()).rejects.toMatchObject(refused);
    await expect(postAt(url).read(identity.box)).rejects.toMatchObject({
      rule: "desk.answer",
      message: "one",
    });
  });

  test("whose answer never ends is not read to the end", async () => {
    let sent = 0;
    const piece = Buffer.alloc(65_536, "[");
    const url = await serving((response) => {
      const more = (): void => {
        for (let goesOn = true; goesOn && !response.destroyed; sent += piece.length)
          goesOn = response.write(piece);
      };
      response.on("drain", more).writeHead(200);
      more();
    });
    const hurried = { patienceMs: 0, requestMs: 5_000 };
    await expect(relayerClient(url, hurried).quote()).rejects.toMatchObject({ rule: "relayer.unreachable" });
    await expect(postAt(url).read(identity.box)).rejects.toMatchObject({ rule: "desk.unreachable" });
    expect(sent).toBeLessThan(20_000_000);
  });

  test("whose envelopes are none is refused", async () => {
    const url = await serving((response) => response.end(JSON.stringify({ envelopes: { length: 1e9 } })));
    await expect(postAt(url).read(identity.box)).rejects.toMatchObject({ rule: "desk.answer" });
  });
});
