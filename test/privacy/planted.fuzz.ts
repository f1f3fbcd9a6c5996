import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { hexlify } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKeystore } from "../../prover/keystore.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { type Secrets, searchBelow, searchFor } from "./plantedSecrets.ts";
import { processesWith, searchMemory } from "./processMemory.ts";

/*
 * All processes of a local Solvus at the lowest log level, and an institution that opens an account, deposits, fails in various ways, and is guarded.
 * Then logs, outputs, every file that anybody wrote and every process's memory are searched for secrets that are none of their business.
 */

const MINUTES = 60_000;
const PASSWORD = "a planted password of an institution";
const root = mkdtempSync(join(tmpdir(), "solvus-planted-up-"));
const at = (...names: string[]): string => join(root, ...names);
const data = at("data");
const temporary = at("temporary");

interface Outcome {
  exitCode: number | null;
  text: string;
}

let up: ChildProcess;
let upText = "";
let ended: Promise<unknown>;
let rpc: string;
const outcomes: Outcome[] = [];
let owner: Secrets;
let keys: Record<string, string>;
let keeper: Secrets;

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  TMPDIR: temporary,
  SOLVUS_LOG_LEVEL: "trace",
  SOLVUS_PASSWORD: PASSWORD,
});

/** Runs a command of the institution to its end. */
async function solvus(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [join(ROOT, "cli/solvus.js"), ...args], { env: environment() });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  outcomes.push({ exitCode, text });
  return { exitCode, text };
}

const key = (name: string): string => readFileSync(join(data, "keys", `${name}.key`), "utf8").trim();
const accountFlags = (): string[] => [
  ...["--rpc", rpc, "--deployment", join(data, "deployment.json"), "--keystore", at("owner/keystore.json")],
];
const senderFlags = (): string[] => [...accountFlags(), "--key-file", join(data, "keys/alice.key")];

beforeAll(async () => {
  for (const name of ["temporary", "owner", "guard"]) mkdirSync(at(name));
  up = spawn(process.execPath, [join(ROOT, "cli/solvus.js"), "up", "--data", data, "--port", "0", "--json"], {
    env: { ...environment(), SOLVUS_PASSWORD: "" },
  });
  let result = "";
  up.stdout?.on("data", (chunk: Buffer) => {
    result += chunk.toString();
  });
  up.stderr?.on("data", (chunk: Buffer) => {
    upText += chunk.toString();
  });
  ended = new Promise((resolve) => up.once("close", resolve));
  const until = Date.now() + 12 * MINUTES;
  while (!/\}\s*$/.test(result)) {
    if (Date.now() > until || up.exitCode !== null)
      throw new Error(`up did not start: ${upText.slice(-2_000)}`);
    await pause(500);
  }
  rpc = JSON.parse(result).rpc;
  if (rpc === undefined) throw new Error(`up did not start: ${result} ${upText.slice(-2_000)}`);
}, 15 * MINUTES);
afterAll(async () => {
  up.kill("SIGINT");
  await ended;
  rmSync(root, { recursive: true, force: true });
}, 2 * MINUTES);

describe("a local Solvus and an institution on it", () => {
  test("work, and fail where they should", { timeout: 15 * MINUTES }, async () => {
    const exits = async (exitCode: number, ...args: string[]): Promise<void> => {
      const outcome = await solvus(...args);
      expect(outcome.exitCode, outcome.text).toBe(exitCode);
    };
    await exits(0, "account", "open", ...senderFlags());
    await exits(0, "account", "deposit", "--amount", "123456.789012", ...senderFlags());
    await exits(0, "account", "show", ...accountFlags());
    await exits(1, "account", "withdraw", "--amount", "999999999", ...senderFlags());
    const noKey = ["--key-file", at("owner/keystore.json")];
    await exits(2, "account", "deposit", "--amount", "1", ...accountFlags(), ...noKey);
    const noPassword = ["--password-file", join(data, "deployment.json")];
    await exits(1, "account", "show", ...accountFlags(), ...noPassword);
    await exits(0, "guard", ...senderFlags(), "--data", at("guard"), "--once");
    const attestation = ["--challenge", "77", "--out", at("owner/attestation.json")];
    await exits(0, "attest", ...accountFlags(), ...attestation);

    const scope = {
      chainId: 31337n,
      ledger: JSON.parse(readFileSync(join(data, "deployment.json"), "utf8")).ledger as string,
    };
    const master = await openKeystore(at("owner/keystore.json"), PASSWORD);
    const secrets = accountSecrets(master, 1n, scope);
    owner = {
      password: PASSWORD,
      "master secret": hexlify(master),
      "spend secret": secrets.spendSecret,
      "entity secret": secrets.entitySecret,
      rho: secrets.rho,
      "owner key": firstNote(secrets).ownerKey,
    };
    const names = [
      "committee",
      "relayer",
      "aggregator",
      "keeper-1",
      ...[1, 2, 3, 4, 5, 6, 7].map((n) => `reporter-${n}`),
    ];
    keys = Object.fromEntries([...names, "alice"].map((name) => [`key of ${name}`, key(name)]));
    const password = readFileSync(join(data, "keys/keeper-account.password"), "utf8").trim();
    const itsMaster = await openKeystore(join(data, "keys/keeper-account.json"), password);
    const its = accountSecrets(itsMaster, 1n, scope);
    keeper = {
      "keeper's password": password,
      "keeper's master secret": hexlify(itsMaster),
      "keeper's spend secret": its.spendSecret,
      "keeper's rho": its.rho,
    };
  });

  test("tell no secret, at any level", () => {
    const search = searchFor({ ...owner, ...keys, ...keeper });
    expect(Object.keys(owner)).toHaveLength(6);
    expect(upText.length).toBeGreaterThan(1_000);
    expect(search(upText)).toEqual([]);
    for (const { text } of outcomes) expect(search(text)).toEqual([]);
    expect(searchBelow(join(data, "logs"), search)).toEqual([]);
  });

  test("write no secret but each key to its own file", () => {
    const search = searchFor({ ...owner, ...keyNumbers(), ...keeper });
    const found = searchBelow(root, search).sort();
    const own = Object.keys(keys).map((name) => `data/keys/${name.replace("key of ", "")}.key: ${name}`);
    expect(found).toEqual([...own, "data/keys/keeper-account.password: keeper's password"].sort());
  });

  test("keep in memory no secret of others", { timeout: 15 * MINUTES }, () => {
    const search = searchFor({ ...owner, ...keyNumbers(), ...keeper }, { inMemory: true });
    const may: Record<string, readonly string[]> = {
      "oracle report": Object.keys(keys).filter((name) => name.includes("reporter")),
      "oracle aggregate": ["key of aggregator"],
      "relayer serve": ["key of relayer"],
      "keeper run": ["key of committee", "key of keeper-1", ...Object.keys(keeper), "rho", "owner key"],
    };
    for (const [command, allowed] of Object.entries(may)) {
      const running = processesWith(data).filter(({ command: line }) =>
        line.includes(`childEntry.ts ${command}`),
      );
      expect(running.length, command).toBeGreaterThan(0);
      for (const { pid } of running) {
        const { found, bytes } = searchMemory(pid, search);
        expect(bytes, command).toBeGreaterThan(10_000_000);
        expect(
          found.filter((name) => !allowed.includes(name)),
          command,
        ).toEqual([]);
        // What it works with is there: the search sees what a core dump would hold.
        expect(
          found.some((name) => allowed.includes(name)),
          command,
        ).toBe(true);
      }
    }
  });
});

/** Keys as the numbers and texts that stand for them. */
function keyNumbers(): Secrets {
  return Object.fromEntries(
    Object.entries(keys).map(([name, value]) => [name, value.startsWith("0x") ? value : BigInt(value)]),
  );
}
