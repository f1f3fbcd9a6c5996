import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { DrillSummary } from "../../cli/drill/summary.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

/* Whole drills, with real proofs and all processes; minutes each. */

const MINUTES = 60_000;
const directory = mkdtempSync(join(tmpdir(), "solvus-drill-fuzz-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  /** Temporary directory of everything that the run starts, by which its processes are told. */
  temporary: string;
  ended: Promise<{ exitCode: number | null; stdout: string }>;
  stderr(): string;
}

function start(name: string, args: readonly string[], node = process.execPath): Run {
  const temporary = join(directory, name);
  mkdirSync(temporary);
  const child = spawn(node, [join(ROOT, "cli/solvus.js"), ...args], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ exitCode: number | null; stdout: string }>((resolve) =>
    child.once("close", (exitCode) => resolve({ exitCode, stdout })),
  );
  return { child, temporary, ended, stderr: () => stderr };
}

/** Command lines of the processes that have a text among their parameters. */
function processesWith(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(text));
}

async function drill(name: string, args: readonly string[]): Promise<{ summary: DrillSummary; out: string }> {
  const out = join(directory, `${name}-out`);
  const run = start(name, ["drill", ...args, "--out", out, "--json"]);
  const { exitCode, stdout } = await run.ended;
  expect(exitCode, run.stderr().slice(-2_000)).toBe(0);
  expect(processesWith(run.temporary)).toEqual([]);
  expect(readdirSync(run.temporary)).toEqual([]);
  return { summary: JSON.parse(stdout), out };
}

describe("the fall of January 2021", () => {
  test("sees trades, flags, auctions, insolvencies and the fund pay, and passes the audit", {
    timeout: 90 * MINUTES,
  }, async () => {
    const { summary, out } = await drill("january", ["--prices", join(ROOT, "data/btc-eth-1h-2021-01.csv")]);
    const { counts, fund, audit, accounts, keepersAway } = summary;
    expect(audit.accepted).toBe(true);
    expect(accounts.opened).toBe(12);
    for (const count of [counts.trades, counts.flags, counts.takeOvers, counts.insolvencies])
      expect(count).toBeGreaterThan(0);
    expect(counts.takeOvers).toBeGreaterThan(counts.insolvencies);
    expect(keepersAway).not.toBeNull();
    expect(BigInt(fund.deficits)).toBeGreaterThan(0n);
    expect(BigInt(fund.before) - BigInt(fund.after)).toBe(BigInt(fund.deficits) + BigInt(fund.rewards));
    expect(readFileSync(join(out, "report.html"), "utf8").match(/<svg/g)).toHaveLength(5);
    expect(JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))).toEqual(summary);
    expect(readdirSync(join(out, "logs")).sort()).toEqual([
      "aggregator.log",
      "chain.log",
      "keeper.log",
      "relayer.log",
      "reporters.log",
    ]);
  });
});

describe("other prices", () => {
  const rows = (count: number, stepMs: number, prices: (place: number) => number[]): string =>
    Array.from({ length: count }, (_, place) =>
      [new Date(Date.UTC(2022, 4, 1) + place * stepMs).toISOString(), ...prices(place)].join(","),
    ).join("\n");

  const CASES: [string, string][] = [
    [
      "a third underlying, few rows",
      `time,BTC,ETH,SOL\n${rows(5, 3_600_000, (n) => [38_000 - 1_500 * n, 2_800 - 150 * n, 90 - 7 * n])}`,
    ],
    [
      "prices that rise",
      `time,BTC,ETH\n${rows(6, 3_600_000, (n) => [38_000 * 1.06 ** n, 2_800 * 1.07 ** n])}`,
    ],
    ["minutes", `time,BTC\n${rows(40, 60_000, (n) => [38_000 - 200 * n])}`],
    ["days", `time,BTC\n${rows(6, 86_400_000, (n) => [38_000 - 900 * n])}`],
  ];

  test.each(CASES)("%s", { timeout: 60 * MINUTES }, async (name, text) => {
    const file = join(directory, `${name.replaceAll(/\W+/g, "-")}.csv`);
    writeFileSync(file, `${text}\n`);
    const { summary } = await drill(name.replaceAll(/\W+/g, "-"), ["--prices", file, "--accounts", "7"]);
    expect(summary.audit.accepted).toBe(true);
    expect(summary.counts.trades).toBeGreaterThan(2);
    expect(summary.prices.underlyings.map(({ underlying }) => underlying)).toEqual(
      text.split("\n")[0]?.split(",").slice(1),
    );
  });
});

describe("the end", () => {
  test("by Ctrl-C leaves no process and no file behind", { timeout: 20 * MINUTES }, async () => {
    const prices = join(ROOT, "data/btc-eth-1h-2021-01.csv");
    const run = start("interrupted", [
      "drill",
      "--prices",
      prices,
      "--out",
      join(directory, "interrupted-out"),
    ]);
    await vi.waitFor(() => expect(run.stderr()).toContain("opening"), {
      timeout: 10 * MINUTES,
      interval: 200,
    });
    expect(processesWith(run.temporary).length).toBeGreaterThan(3);
    run.child.kill("SIGINT");
    const { exitCode } = await run.ended;
    expect(exitCode).toBe(1);
    expect(run.stderr()).toContain("up.interrupted");
    expect(processesWith(run.temporary)).toEqual([]);
    expect(readdirSync(run.temporary)).toEqual([]);
  });

  test("of up, after a process was killed and started again, and through an older Node", {
    timeout: 20 * MINUTES,
  }, async () => {
    const data = join(directory, "up-data");
    const older = "/usr/bin/node";
    const run = start(
      "up",
      ["up", "--data", data, "--port", "0", "--json"],
      existsSync(older) ? older : process.execPath,
    );
    const within = { timeout: 10 * MINUTES, interval: 200 };
    await vi.waitFor(() => expect(run.stderr()).toMatch(/keeper +\| .*keeper runs/), within);
    const pidOf = (command: string): number | undefined => {
      const pid = readdirSync("/proc").find((name) => {
        try {
          return readFileSync(`/proc/${name}/cmdline`, "utf8").includes(`childEntry.ts\0${command}`);
        } catch {
          return false;
        }
      });
      return pid === undefined ? undefined : Number(pid);
    };
    const first = pidOf("relayer\0serve") as number;
    process.kill(first, "SIGKILL");
    await vi.waitFor(
      () => expect(run.stderr()).toMatch(/up +\| relayer ended \(SIGKILL\); starts again/),
      within,
    );
    await vi.waitFor(() => expect(pidOf("relayer\0serve") ?? first).not.toBe(first), within);
    run.child.kill("SIGINT");
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      directory: data,
      rpc: expect.stringContaining("http://127.0.0.1:"),
    });
    expect(processesWith(data)).toEqual([]);
  });
});
