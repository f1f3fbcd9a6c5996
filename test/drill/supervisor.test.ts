import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, test, vi } from "vitest";
import { eachLine } from "../../cli/up/lines.ts";
import { readableLog } from "../../cli/up/readableLog.ts";
import { type ChildPlan, makeSupervisor, type Patience, type Supervisor } from "../../cli/up/supervisor.ts";

const QUICK: Partial<Patience> = { backoffMs: 20, longestMs: 200, mostEnds: 3, readyMs: 5_000, graceMs: 500 };

const directory = mkdtempSync(join(tmpdir(), "solvus-supervisor-"));
let running: Supervisor[] = [];
let lines: string[] = [];
let notes: string[] = [];

function supervisor(patience: Partial<Patience> = {}): Supervisor {
  const made = makeSupervisor(
    {
      onLine: (name, line) => lines.push(`${name}: ${line}`),
      onNote: (name, note) => notes.push(`${name}: ${note}`),
    },
    { ...QUICK, ...patience },
  );
  running.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(running.map((made) => made.stop()));
  [running, lines, notes] = [[], [], []];
});

const script = (name: string, code: string, more: Partial<ChildPlan> = {}): ChildPlan => ({
  name,
  argv: ["-e", code],
  whenItEnds: "restart",
  ...more,
});

const FOREVER = "setInterval(() => {}, 1000);";

/** Whether a process runs; one that has ended and that nobody has asked about does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const state = `/proc/${pid}/stat`;
  return !existsSync(state) || !/^\d+ \(.*\) Z/.test(readFileSync(state, "utf8"));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a supervisor of processes", () => {
  test("waits until a process answers that it can work, and passes on its lines", async () => {
    const port = await freePort();
    const code = `
      console.log("one"); console.error("two");
      const { createServer } = require("node:http");
      let asked = 0;
      createServer((_, answer) => { answer.statusCode = ++asked < 3 ? 503 : 200; answer.end(); }).listen(${port}, "127.0.0.1");`;
    const made = supervisor();
    await made.start(script("web", code, { healthUrl: `http://127.0.0.1:${port}/health` }));
    await vi.waitFor(() => expect(lines.sort()).toEqual(["web: one", "web: two"]));
    expect(made.pidOf("web")).toBeGreaterThan(0);
  });

  test("starts a process again that is killed, and says so", async () => {
    const made = supervisor();
    await made.start(script("service", FOREVER));
    const first = made.pidOf("service") as number;
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(made.pidOf("service") ?? first).not.toBe(first), 5_000);
    expect(made.restartsOf("service")).toBe(1);
    expect(notes).toEqual([expect.stringMatching(/^service: ended \(SIGKILL\); starts again in 0\.02 s$/)]);
  });

  test("waits longer before each further restart in a row", async () => {
    const made = supervisor();
    await made.start(script("fickle", "setTimeout(() => process.exit(3), 150);"));
    await vi.waitFor(() => expect(notes.length).toBeGreaterThanOrEqual(3), 10_000);
    expect(notes.slice(0, 3)).toEqual(
      ["0.02", "0.04", "0.08"].map((seconds) => `fickle: ended (code 3); starts again in ${seconds} s`),
    );
  });

  test("gives up a process that ends again and again before it is ready", async () => {
    const made = supervisor();
    const plan = script("broken", "process.exit(7);", { healthUrl: "http://127.0.0.1:9/health" });
    await expect(made.start(plan)).rejects.toMatchObject({
      rule: "up.child",
      message: expect.stringMatching(/broken.*3 times.*code 7/),
    });
    await expect(made.finished).rejects.toMatchObject({ rule: "up.child" });
  });

  test("gives up a process that never becomes ready", async () => {
    const made = supervisor({ readyMs: 300 });
    const plan = script("mute", FOREVER, { healthUrl: "http://127.0.0.1:9/health" });
    await expect(made.start(plan)).rejects.toMatchObject({ rule: "up.notReady" });
  });

  test("reports the end of a process without which nothing can go on", async () => {
    const made = supervisor();
    await made.start(script("chain", FOREVER, { whenItEnds: "stopAll" }));
    process.kill(made.pidOf("chain") as number, "SIGKILL");
    await expect(made.finished).rejects.toMatchObject({
      rule: "up.child",
      message: expect.stringContaining("chain"),
    });
    expect(made.restartsOf("chain")).toBe(0);
  });

  test("keeps a suspended process down until it is resumed", async () => {
    const made = supervisor();
    await made.start(script("keeper", FOREVER));
    const first = made.pidOf("keeper") as number;
    await made.suspend("keeper");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(made.pidOf("keeper")).toBeUndefined();
    expect(isAlive(first)).toBe(false);
    await made.resume("keeper");
    expect(isAlive(made.pidOf("keeper") as number)).toBe(true);
    expect(notes).toEqual([]);
  });

  test("stops all of them, the last one first, and by force the one that will not", async () => {
    const record = join(directory, "order");
    writeFileSync(record, "");
    const ending = (name: string, exit: string): string =>
      `process.on("SIGTERM", () => { require("node:fs").appendFileSync(${JSON.stringify(record)}, "${name} "); ${exit} }); ${FOREVER} console.log("up");`;
    const made = supervisor();
    for (const [name, exit] of [
      ["first", "process.exit(0);"],
      ["stubborn", ""],
      ["last", "process.exit(0);"],
    ] as const)
      await made.start(script(name, ending(name, exit)));
    await vi.waitFor(() => expect(lines).toHaveLength(3));
    const pids = ["first", "stubborn", "last"].map((name) => made.pidOf(name) as number);
    await made.stop();
    await made.finished;
    expect(readFileSync(record, "utf8")).toBe("last stubborn first ");
    expect(pids.filter(isAlive)).toEqual([]);
    expect(notes).toEqual(["stubborn: did not stop within 0.5 s; killed"]);
  });

  test("leaves nothing of what a process started", async () => {
    const made = supervisor();
    const code = `const { spawn } = require("node:child_process");
      const inner = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]); console.log(inner.pid); ${FOREVER}`;
    await made.start(script("parent", code));
    await vi.waitFor(() => expect(lines).toHaveLength(1), 5_000);
    const inner = Number(lines[0]?.split(": ")[1]);
    expect(isAlive(inner)).toBe(true);
    await made.stop();
    await vi.waitFor(() => expect(isAlive(inner)).toBe(false));
  });
});

describe("readable logs", () => {
  test("are cut into lines wherever the chunks end", async () => {
    const stream = new PassThrough();
    const seen: string[] = [];
    const ended = new Promise((resolve) => stream.on("end", resolve));
    eachLine(stream, (line) => seen.push(line));
    for (const chunk of ["on", "e\r\ntw", "o\n\nthree"]) stream.write(chunk);
    stream.end();
    await ended;
    expect(seen).toEqual(["one", "two", "", "three"]);
  });

  test("show level, message and fields of a service's JSON, each line with its name", () => {
    const readable = readableLog(8, false);
    const line = JSON.stringify({
      level: "warn",
      time: "2026-01-01T00:00:00.000Z",
      name: "keeper",
      msg: "flagged",
      place: 12,
    });
    expect(readable("keeper", line)).toMatch(/^keeper {3}\| \[.*\] WARN: flagged \{"place":12\}$/);
    expect(readable("chain", "plain text")).toBe("chain    | plain text");
  });
});

process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
