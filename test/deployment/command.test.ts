import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lock } from "proper-lockfile";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { solvus } from "../cli/run.ts";
import {
  account,
  configurationOn,
  FragileProvider,
  proveOnce,
  startChain,
  type TestChain,
} from "./support.ts";

/* The command itself: killed by the system in the middle, gone on with, verified, and what it refuses. Tests build on one another. */

let directory: string;
let endProving: (() => Promise<void>) | undefined;
let chain: TestChain;
const at = (name: string): string => join(directory, name);
const flags = (): string[] => [
  ...["--rpc", chain.url, "--config", at("configuration.json"), "--record", at("record.json")],
  ...["--key-file", at("deployer.key"), "--out", at("deployment.json")],
];

beforeAll(async () => {
  endProving = proveOnce();
  directory = mkdtempSync(join(tmpdir(), "solvus-deploy-"));
  chain = await startChain();
  writeFileSync(at("deployer.key"), `${developmentKey(0)}\n`);
  writeFileSync(at("configuration.json"), JSON.stringify(configurationOn(31337)));
});
afterAll(async () => {
  await endProving?.();
  await chain?.close();
  rmSync(directory, { recursive: true, force: true });
});

const stepsDone = (): number =>
  existsSync(at("record.json")) ? JSON.parse(readFileSync(at("record.json"), "utf8")).steps.length : 0;

test("a process killed with SIGKILL is gone on with, and the result is verified", {
  timeout: 180_000,
}, async () => {
  for (const least of [3, 15]) {
    const child = spawn(process.execPath, [join(ROOT, "cli/solvus.ts"), "deploy", ...flags()], {
      stdio: "ignore",
    });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => {
      child.once("close", (_, signal) => resolve(signal));
    });
    while (stepsDone() < least && child.exitCode === null) await sleep(5);
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    expect(stepsDone()).toBeGreaterThanOrEqual(least);
  }
  const { exitCode, stdout, stderr } = await solvus(["deploy", ...flags(), "--json"]);
  expect(stderr).not.toContain("error");
  expect(stdout + stderr).not.toContain(developmentKey(0).slice(2));
  expect(exitCode).toBe(0);
  const { accepted, addresses } = JSON.parse(stdout);
  expect(accepted).toBe(true);
  const record = JSON.parse(readFileSync(at("record.json"), "utf8"));
  expect(record.addresses).toEqual(expect.objectContaining({ ledger: addresses.ledger }));
  expect(readFileSync(at("record.json"), "utf8")).not.toContain(developmentKey(0).slice(2));
  expect(JSON.parse(readFileSync(at("deployment.json"), "utf8"))).toMatchObject({
    format: "solvus-deployment",
    ledger: addresses.ledger,
    chainId: 31337,
  });
  const provider = new FragileProvider(chain);
  expect(await provider.getTransactionCount(account(0))).toBe(record.steps.length);
  provider.destroy();
});

test("verification alone needs the record and the chain, and ends with 1 when a check fails", {
  timeout: 60_000,
}, async () => {
  const verify = ["deploy", "verify", "--rpc", chain.url, "--record", at("record.json")];
  const { exitCode, stdout } = await solvus(verify);
  expect(stdout).toMatch(/passed +falseProof\.open\.batch/);
  expect(stdout).toContain("The deployment is what its record says.");
  expect(exitCode).toBe(0);
  const record = JSON.parse(readFileSync(at("record.json"), "utf8"));
  record.configuration.roles.guardian = account(5);
  writeFileSync(at("altered.json"), JSON.stringify(record));
  const altered = await solvus([...verify.slice(0, -1), at("altered.json")]);
  expect(altered.stdout).toMatch(/FAILED +ledger\.GUARDIAN_ROLE/);
  expect(altered.stdout).not.toContain("is what its record says");
  expect(altered.exitCode).toBe(1);
});

test("a record that somebody works on is left alone", async () => {
  const release = await lock(directory, { lockfilePath: `${at("record.json")}.lock`, update: 1_000 });
  try {
    const { exitCode, stderr } = await solvus(["deploy", ...flags()]);
    expect(stderr).toContain("error: deploy.locked: ");
    expect(exitCode).toBe(1);
  } finally {
    await release();
  }
}, 30_000);

test.each([
  [["deploy"], "cli.usage", "--config"],
  [["deploy", "--config", "none.json", "--record", "record.json"], "file.read", "--config"],
  [["deploy", "verify"], "cli.usage", "--record"],
  [["deploy", "verify", "--record", "none.json"], "file.read", "--record"],
])("misuse: %j", async (args, rule, names) => {
  const { exitCode, stdout, stderr } = await solvus(args);
  expect(stderr).toContain(`error: ${rule}: `);
  expect(stderr).toContain(names);
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
});

test.each([
  ["an unknown field", { more: 1 }, "malformed"],
  ["an address with a wrong checksum", { cash: `0x${"aB".repeat(20)}` }, "cash"],
  ["a reporter without a currency", { reporters: [{ account: account(1) }] }, "reporters.0.currency"],
])("a configuration with %s is misuse that names the field", async (_, change, names) => {
  writeFileSync(at("bad.json"), JSON.stringify({ ...configurationOn(31337), ...change }));
  const { exitCode, stderr } = await solvus([
    "deploy",
    "--config",
    at("bad.json"),
    "--record",
    at("bad.record"),
  ]);
  expect(stderr).toContain("error: file.format: ");
  expect(stderr).toContain(names);
  expect(exitCode).toBe(2);
  expect(existsSync(at("bad.record"))).toBe(false);
});
