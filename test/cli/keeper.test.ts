import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { freePorts } from "../../cli/up/ports.ts";
import { createKeystore } from "../../prover/keystore.ts";
import type { Prover } from "../../prover/prover.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { idealProver } from "../support/idealProver.ts";
import { lendProver } from "../support/lentProver.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { WEAK } from "../support/weakKeystore.ts";
import { solvus } from "./run.ts";

/*
 * The keeper's commands against a chain behind JSON-RPC, from the opening of accounts to a reveal. The ledger verifies by declaration, and the
 * real circuits judge insolvencies and take-overs by their witnesses. Tests build on one another.
 */

let takeBack: (() => void) | undefined;

const PASSWORD = "correct horse battery staple";
const ALDER = 0;
const BIRCH = 1;
const USD = 1_000_000n;

let directory: string;
let local: ServedChain;
let stage: Stage;
let market: Market;
let prover: Prover;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-keeper-"));
  vi.stubEnv("SOLVUS_PASSWORD", PASSWORD);
  local = await serveLocalChain(new Date("2020-05-21T23:22:36Z"), 0);
  stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, admin, traders } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  prover = idealProver(verifier as unknown as Contract, [
    "insolvency.small",
    "liquidation.small",
    "solvency.small",
  ]);
  takeBack = lendProver(prover);
  market = makeMarket(stage, shortSnapshot());
  await market.open();
  writeFileSync(at("deployment.json"), JSON.stringify(deployed.deployment));
  writeFileSync(at("committee.key"), `${stage.committeeKey}\n`);
  writeFileSync(at("other.key"), `${stage.committeeKey === 5n ? 6n : 5n}\n`);
  writeFileSync(at("none.key"), "hunter2\n");
  for (const [index, { address }] of traders.entries()) {
    await (await (deployed.usdc.connect(admin) as Contract).mint(address, 10n ** 12n)).wait();
    writeFileSync(at(`${index}.key`), `${developmentKey(index + 1)}\n`);
    await createKeystore(at(`${index}.keystore`), PASSWORD, WEAK);
  }
});
afterAll(async () => {
  takeBack?.();
  vi.unstubAllEnvs();
  await prover?.close();
  await stage?.prover.close();
  await local?.close();
  rmSync(directory, { recursive: true, force: true });
});

const chain = (): string[] => ["--rpc", local.url, "--deployment", at("deployment.json")];
const sight = (): string[] => [...chain(), "--committee-key-file", at("committee.key")];
const key = (owner: number): string[] => ["--key-file", at(`${owner}.key`)];
const account = (owner: number): string[] => [...chain(), "--keystore", at(`${owner}.keystore`)];
const KEEPER = (): string[] => [...account(BIRCH), ...key(BIRCH), "--number", "2"];

/** Expects a text to hold neither password, key nor viewing key. */
function expectNoSecret(text: string): void {
  for (const secret of [PASSWORD, String(stage.committeeKey), stage.committeeKey.toString(16), "hunter2"])
    expect(text).not.toContain(secret);
  for (const index of [1, 2]) expect(text).not.toContain(developmentKey(index).slice(2));
}

// biome-ignore lint/suspicious/noExplicitAny: each command has a document of its own.
async function done(...args: string[]): Promise<any> {
  const { exitCode, stdout, stderr } = await solvus([...args, "--json"]);
  expect(stderr.split("\n").filter((line) => line.startsWith("error"))).toEqual([]);
  expect(exitCode).toBe(0);
  expectNoSecret(stdout + stderr);
  return JSON.parse(stdout);
}

/** Expects a refusal by a rule, in one line that matches, with exit code 1 or for misuse 2. */
async function refused(rule: string, says: RegExp, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await solvus(args);
  const lines = stderr.split("\n").filter((line) => line.startsWith("error"));
  expect(lines).toEqual([expect.stringContaining(`error: ${rule}: `)]);
  expect(lines[0]).toMatch(says);
  expect(stdout).toBe("");
  expect(exitCode).toBe(rule.startsWith("cli.") ? 2 : 1);
  expectNoSecret(stderr);
}

/** Writes what is queued. */
async function writeQueue(): Promise<void> {
  await local.advance(30);
  await sealIfDue(stage.deployed, stage.relayer);
  await insertClosedNodes(stage.deployed, prover, stage.relayer);
  await market.keepFresh(60);
}

/** Lets bitcoin move to a multiple of its price, a minute later. */
async function move(factor: number): Promise<void> {
  await local.advance(60);
  await market.next({ prices: { BTC: factor } });
}

const states = async (...flags: string[]): Promise<string[]> =>
  (await done("keeper", "accounts", ...flags)).accounts.map(({ state }: { state: string }) => state);

test("two accounts trade; the third has cash alone", { timeout: 300_000 }, async () => {
  await done("account", "open", ...account(ALDER), ...key(ALDER));
  await done("account", "open", ...account(BIRCH), ...key(BIRCH));
  await writeQueue();
  await done("account", "open", ...account(BIRCH), ...key(BIRCH));
  await writeQueue();
  await done("account", "deposit", ...account(ALDER), ...key(ALDER), "--amount", "16000");
  await done("account", "deposit", ...account(BIRCH), ...key(BIRCH), "--amount", "100000");
  await done("account", "deposit", ...KEEPER(), "--amount", "60000");
  await writeQueue();
  const ticket = ["--ticket", at("ticket.json")];
  const leg = ["--leg", "BTC-PERPETUAL=+10", "--out", at("ticket.json")];
  await done("account", "trade", "propose", ...chain(), ...leg);
  for (const side of [0, 1])
    await done(
      ...["account", "trade", "prove", ...account(side), ...ticket, "--side", String(side)],
      ...["--out", at(`${side}.half`)],
    );
  await done("account", "trade", "submit", ...chain(), ...key(ALDER), at("0.half"), at("1.half"));
  await writeQueue();
  expect(await states(...sight())).toEqual(["healthy", "healthy", "healthy"]);
});

test("only the ledger's viewing key reads accounts, and it is in no message", async () => {
  const withKey = (file: string) => ["keeper", "accounts", ...chain(), "--committee-key-file", at(file)];
  await refused("keeper.viewingKey", /expected the ledger's committee key/, ...withKey("other.key"));
  await refused("cli.viewingKey", /does not hold a viewing key/, ...withKey("none.key"));
  await refused("cli.secret", /SOLVUS_COMMITTEE_KEY/, "keeper", "accounts", ...chain());
  expect((await done("keeper", "accounts", ...chain(), "--revealed")).accounts).toEqual([]);
});

test("nobody is flagged who meets his margin", async () => {
  const flag = ["keeper", "flag", ...sight(), ...key(BIRCH)];
  await refused("keeper.place", /places none, expected one/, ...flag);
  const [{ place }] = (await done("keeper", "accounts", ...sight())).accounts;
  await refused("keeper.healthy", /expected below the maintenance margin/, ...flag, "--place", place);
  await refused("keeper.place", /place: 999, of places/, ...flag, "--place", "999");
  await refused("account.notFlagged", /no flag/, "account", "clear", ...account(ALDER), ...key(ALDER));
});

test("an account that falls below its margin is flagged, and the owner clears it when he is healthy again", {
  timeout: 300_000,
}, async () => {
  await move(0.9);
  expect(await states(...sight())).toEqual(["below margin", "healthy", "healthy"]);
  const dry = ["keeper", "take-over", ...sight(), ...KEEPER(), "--dry-run"];
  await refused("auction.NotFlagged", /leafIndex is/, ...dry, "--rate", "5");
  const flagged = await done("keeper", "flag", ...sight(), ...key(BIRCH));
  expect(flagged).toMatchObject({
    firstEpoch: Number(market.snapshot.epoch),
    permittedRate: expect.closeTo(0.05, 3),
  });
  const [{ state, flag, ratio }] = (await done("keeper", "accounts", ...sight())).accounts;
  expect(state).toBe("flagged");
  expect(ratio).toBeLessThan(1);
  expect(flag.lapsesInSeconds).toBeGreaterThan(500);
  const clear = ["account", "clear", ...account(ALDER), ...key(ALDER)];
  await refused("solvency.ratio", /expected at least 65536/, ...clear);
  await move(1 / 0.9);
  await done(...clear);
  expect(await states(...sight())).toEqual(["healthy", "healthy", "healthy"]);
});

test("a keeper sees what a slice costs and earns, and takes it at a later epoch", {
  timeout: 300_000,
}, async () => {
  await move(0.9);
  const { place } = await done("keeper", "flag", ...sight(), ...key(BIRCH));
  const takeOver = ["keeper", "take-over", ...sight(), ...KEEPER()];
  await refused("auction.EpochNotAfterFlag", /firstEpoch is/, ...takeOver, "--dry-run");
  await move(1);
  await refused("auction.RateAboveCurve", /permitted is/, ...takeOver, "--rate", "20", "--dry-run");
  await refused("liquidation.tooMuch", /expected at most/, ...takeOver, "--slice", "100", "--dry-run");
  await refused("liquidation.tooLittle", /expected at least/, ...takeOver, "--slice", "1%", "--dry-run");
  await refused("cli.percent", /--slice/, ...takeOver, "--slice", "0");
  const own = ["--keystore", at("1.keystore"), ...key(BIRCH), "--number", "1"];
  await refused(
    "liquidation.keeperLegs",
    /expected none/,
    "keeper",
    "take-over",
    ...sight(),
    ...own,
    "--dry-run",
  );

  const planned = await done(...takeOver, "--dry-run");
  expect(planned).toMatchObject({ place, submitted: false, rewardUsd: "0.00", deficitUsd: "0.00" });
  const usdc = stage.deployed.usdc;
  const held: bigint = await usdc.balanceOf(stage.deployed.deployment.ledger);
  const taken = await done(...takeOver);
  expect(taken.submitted).toBe(true);
  expect(taken.rate).toBeGreaterThan(0.05);
  // As much as restores 1.1, up to one lot of rounding in a hundred; and what the one pays the other receives.
  const restored = Number(taken.target.equityUsd[1]) / Number(taken.target.maintenanceMarginUsd[1]);
  expect(taken.cured).toBe(true);
  expect(restored).toBeGreaterThan(1.09);
  expect(restored).toBeLessThan(1.13);
  const micro = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e6));
  const sum = (side: 0 | 1) => micro(taken.target.equityUsd[side]) + micro(taken.keeper.equityUsd[side]);
  expect(sum(1)).toBe(sum(0));
  expect(micro(taken.keeper.equityUsd[1])).toBe(60_000n * USD + micro(taken.paymentUsd));
  expect(await usdc.balanceOf(stage.deployed.deployment.ledger)).toBe(held);
  await writeQueue();
  expect(await states(...sight())).toEqual(["healthy", "healthy", "healthy"]);
  const shown = await done("account", "show", ...account(BIRCH), "--number", "2");
  expect(shown.equityUsd).toBe(taken.keeper.equityUsd[1]);
  expect(shown.takeOvers).toMatchObject([{ as: "keeper", cured: true }]);
});

test("what nobody took over is published, and can be followed without the key", {
  timeout: 300_000,
}, async () => {
  await move(0.9);
  const act = [...sight(), ...key(ALDER)];
  await done("keeper", "flag", ...act);
  await refused("auction.RevealTooEarly", /opensAt is/, "keeper", "reveal", ...act);
  await local.advance(500);
  await market.next();
  await done("keeper", "flag", ...act);
  await local.advance(400);
  await market.next();
  await done("keeper", "reveal", ...act);
  await refused("auction.AlreadyRevealed", /leafIndex is/, "keeper", "reveal", ...act);
  expect(await states(...sight())).toContain("revealed");
  const { accounts } = await done("keeper", "accounts", ...chain(), "--revealed");
  expect(accounts).toMatchObject([{ state: "revealed", belowMargin: true }]);
  expect(accounts[0].positions).toMatchObject([{ instrument: "BTC-PERPETUAL" }]);
  // A third account, with nothing but the chain to read, bids for it.
  await writeQueue();
  await done("account", "open", ...account(BIRCH), ...key(BIRCH));
  await writeQueue();
  const third = [...account(BIRCH), ...key(BIRCH), "--number", "3"];
  await done("account", "deposit", ...third, "--amount", "9000");
  await writeQueue();
  const taken = await done("keeper", "take-over", ...third, "--revealed");
  expect(taken.rate).toBeGreaterThan(0.3);
  expect(taken.submitted).toBe(true);
  const { keeper } = taken;
  expect(Number(keeper.equityUsd[1])).toBeGreaterThan(1.3 * Number(keeper.maintenanceMarginUsd[1]));
});

test("the keeper as a service does by itself what is to be done, until it is told to stop", {
  timeout: 300_000,
}, async () => {
  const run = ["keeper", "run", ...sight(), ...key(BIRCH), "--data", at("keeper")];
  await refused("cli.coin", /--coin/, ...run, "--coin", "-3");
  await refused("cli.percent", /--max-slice/, ...run, "--max-slice", "0");
  await refused("cli.integer", /--accounts/, ...run, "--keystore", at("1.keystore"), "--accounts", "two");

  await writeQueue();
  vi.stubEnv("SOLVUS_LOG_LEVEL", "silent");
  const [port] = await freePorts(1);
  // Modules of other tests in this worker may listen as well, and end the process.
  const others = process.listeners("SIGINT");
  const ended = solvus([...run, "--port", String(port), "--keystore", at("1.keystore"), "--coin", "200"]);
  const status = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/status`).catch(() => undefined);
    return answer?.status === 200 ? answer.json() : undefined;
  };
  await expect.poll(async () => (await status())?.idle, { timeout: 60_000 }).toBe(true);
  const before = await status();
  expect(before).toMatchObject({ accounts: 4, unreadable: 0, own: [{ number: 1 }] });
  await move(0.85);
  await expect
    .poll(async () => (await status()).flagged, { timeout: 60_000 })
    .toBeGreaterThan(before.flagged);
  const own = process.listeners("SIGINT").filter((listener) => !others.includes(listener));
  expect(own).toHaveLength(1);
  own[0]?.("SIGINT");
  const { exitCode, stdout, stderr } = await ended;
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  expectNoSecret(stderr);
  expectNoSecret(readFileSync(at("keeper/accounts"), "utf8"));
});

test("the fund shows its money and takes more", async () => {
  const before = await done("fund", "status", ...chain());
  expect(before).toMatchObject({
    balanceUsd: "250000.00",
    rewardLeftUsd: "25000.00",
    uncoveredUsd: "0.00",
    impaired: false,
    withdrawalsLockedUntil: null,
  });
  const paid = await done("fund", "deposit", ...chain(), ...key(ALDER), "--amount", "1000.5");
  expect(paid.balanceUsd).toBe("251000.50");
  await refused("cli.amount", /--amount/, "fund", "deposit", ...chain(), ...key(ALDER), "--amount", "-1");
});

test("an audit of it all from chain data finds nothing wrong", async () => {
  const { accepted, checks } = await auditLedger(stage.deployed.chain);
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(accepted).toBe(true);
});
