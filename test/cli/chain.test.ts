import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { type CurveHold, holdCurve } from "../../protocol/curve.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { forgingProver } from "../support/forgingProver.ts";
import { lendProver } from "../support/lentProver.ts";
import { shortChain, shortSnapshot } from "../support/shortMarket.ts";
import { weakenKeystore } from "../support/weakKeystore.ts";
import { solvus } from "./run.ts";

/*
 * The account commands against a chain behind JSON-RPC: two institutions open, deposit and trade; one attests and an auditor verifies. The real
 * circuits judge each statement, and every proof verifies under the generated keys; the demo makes its proofs in full. Tests build on one another.
 */

let takeBack: (() => void) | undefined;
/** Every verification would start the curve's threads again. */
let hold: CurveHold;

const PASSWORD = "correct horse battery staple";
let directory: string;
let local: ServedChain;
let stage: Stage;
let market: Market;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-chain-"));
  vi.stubEnv("SOLVUS_PASSWORD", PASSWORD);
  hold = await holdCurve();
  local = await serveLocalChain(new Date("2020-05-21T23:22:36Z"), 0);
  const prover = await forgingProver();
  stage = { ...(await setStage(local, { openRegistry: true })), prover };
  takeBack = lendProver(prover);
  market = makeMarket(stage, shortSnapshot());
  await market.open();
  writeFileSync(at("options.csv"), shortChain());
  writeFileSync(at("deployment.json"), JSON.stringify(stage.deployed.deployment));
  for (const [index, { address }] of stage.traders.entries()) {
    await (await (stage.deployed.usdc.connect(stage.admin) as Contract).mint(address, 10n ** 12n)).wait();
    writeFileSync(at(`${index}.key`), `${developmentKey(index + 1)}\n`);
  }
});
afterAll(async () => {
  takeBack?.();
  vi.unstubAllEnvs();
  await stage?.prover.close();
  await local?.close();
  await hold?.release();
  rmSync(directory, { recursive: true, force: true });
});

const chainFlags = (): string[] => ["--rpc", local.url, "--deployment", at("deployment.json")];
const keystoreFlags = (owner: number): string[] => ["--keystore", at(`${owner}.keystore`)];
const accountFlags = (owner: number): string[] => [...chainFlags(), ...keystoreFlags(owner)];
const senderFlags = (owner: number): string[] => [...accountFlags(owner), "--key-file", at(`${owner}.key`)];

/** Runs a command with `--json`, expects it to be done and to show no secret, and returns its document. */
async function done(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await solvus([...args, "--json"]);
  expect(stderr.split("\n").filter((line) => line.startsWith("error"))).toEqual([]);
  expect(exitCode).toBe(0);
  expectNoSecret(stdout + stderr);
  return JSON.parse(stdout);
}

/** Expects a refusal by a rule, with exit code 1 and no secret shown. */
async function refused(rule: string, ...args: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await solvus(args);
  expect(stderr).toContain(`error: ${rule}: `);
  expect(stdout).toBe("");
  expect(exitCode).toBe(1);
  expectNoSecret(stderr);
}

function expectNoSecret(text: string): void {
  expect(text).not.toContain(PASSWORD);
  for (const index of [0, 1]) expect(text).not.toContain(developmentKey(index + 1).slice(2));
}

/** Lets the chain's time pass, writes what is queued, and keeps the snapshot fresh. */
async function writeQueue(): Promise<void> {
  await local.advance(30);
  await sealIfDue(stage.deployed, stage.relayer);
  await insertClosedNodes(stage.deployed, stage.prover, stage.relayer);
  await market.keepFresh(60);
}

test("an institution has an entity before any account", async () => {
  const { entity } = await done("account", "entity", ...keystoreFlags(0), "--create");
  expect(entity).toMatch(/^\d+$/);
  expect(await done("account", "entity", ...keystoreFlags(0))).toEqual({ entity });
  expect(statSync(at("0.keystore")).mode & 0o777).toBe(0o600);
  await refused("keystore.exists", "account", "entity", ...keystoreFlags(0), "--create");
  await refused("account.notOpened", "account", "show", ...accountFlags(0));
});

test("accounts are opened, the keystore made on the way", { timeout: 300_000 }, async () => {
  for (const owner of [0, 1]) {
    const opened = await done("account", "open", ...senderFlags(owner));
    expect(opened).toMatchObject({ number: 1, transaction: expect.stringMatching(/^0x/) });
  }
  expect(existsSync(at("1.keystore"))).toBe(true);
  for (const owner of [0, 1]) await weakenKeystore(at(`${owner}.keystore`), PASSWORD);
  expect(await done("account", "show", ...accountFlags(1))).toMatchObject({ inserted: false, positions: [] });
  await refused("account.pending", "account", "deposit", ...senderFlags(0), "--amount", "1", "--wait", "0");
  await writeQueue();
});

test("cash is deposited", { timeout: 300_000 }, async () => {
  for (const owner of [0, 1]) {
    const deposited = await done("account", "deposit", ...senderFlags(owner), "--amount", "50000");
    expect(deposited).toMatchObject({ deposit: "50000000000", asset: "0" });
  }
  await writeQueue();
  const shown = await done("account", "show", ...accountFlags(0));
  expect(shown).toMatchObject({ inserted: true, equityUsd: "50000.00", transitions: 1 });
});

test("the rules refuse before a proof is made; one mode is not another's flag", async () => {
  const withdraw = ["account", "withdraw", ...senderFlags(1), "--mode"];
  await refused("transition.leavingCash", ...withdraw, "exit", "--amount", "50000.000001");
  expect((await solvus([...withdraw, "reduce-only", "--amount", "1"])).exitCode).toBe(2);
  await refused(
    "transition.maintenanceMargin",
    ...["account", "withdraw", ...senderFlags(0), "--amount", "50000.000001"],
  );
  await refused(
    "transition.spotFlow",
    "account",
    "deposit",
    ...senderFlags(0),
    "--amount",
    "1",
    "--asset",
    "BTC-PERPETUAL",
  );
});

test("a ticket is agreed on, both halves are proven and submitted", { timeout: 300_000 }, async () => {
  const ticket = ["--ticket", at("ticket.json")];
  const proposed = await done(
    ...[
      "account",
      "trade",
      "propose",
      ...chainFlags(),
      "--leg",
      "BTC-PERPETUAL=+1",
      "--out",
      at("ticket.json"),
    ],
  );
  expect(proposed.cash).toBe("-9081640000");
  expect(statSync(at("ticket.json")).mode & 0o777).toBe(0o600);
  for (const side of [0, 1])
    await done(
      ...["account", "trade", "prove", ...accountFlags(side), ...ticket],
      ...["--side", String(side), "--out", at(`${side}.half`)],
    );
  const submit = ["account", "trade", "submit", ...chainFlags(), "--key-file", at("0.key")];
  await refused("ledger.SidesNotOpposite", ...submit, at("0.half"), at("0.half"));
  await done(...submit, at("0.half"), at("1.half"));
  await refused("ledger.NullifierSpent", ...submit, at("0.half"), at("1.half"));
  const { salt } = JSON.parse(readFileSync(at("ticket.json"), "utf8"));
  expect(readFileSync(at("0.half"), "utf8")).not.toContain(salt);
  await writeQueue();
  const shown = await done("account", "show", ...accountFlags(1));
  expect(shown.positions).toMatchObject([{ instrument: "BTC-PERPETUAL", units: "-1" }]);
});

test("an attestation is made, verified, and refused to anybody else", { timeout: 300_000 }, async () => {
  const { entity } = await done("account", "entity", ...keystoreFlags(0));
  const attestation = at("attestation.json");
  await done("attest", ...accountFlags(0), "--challenge", "0x5eed", "--ratio", "1.5", "--out", attestation);
  const tooMuch = ["--challenge", "7", "--excess", "60000", "--out", at("none")];
  await refused("solvency.excess", "attest", ...accountFlags(0), ...tooMuch);
  expect(existsSync(at("none"))).toBe(false);
  const verify = ["verify", ...chainFlags(), "--attestation", attestation, "--entity", String(entity)];
  expect(await done(...verify, "--challenge", "0x5eed", "--ratio", "1.5")).toMatchObject({ accepted: true });
  for (const demand of [
    ["--challenge", "6"],
    ["--challenge", "0x5eed", "--ratio", "2"],
    ["--challenge", "0x5eed", "--excess", "1"],
  ]) {
    const { exitCode, stdout } = await solvus([...verify, ...demand, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: false });
    expect(exitCode).toBe(1);
  }
  writeFileSync(
    at("altered.json"),
    readFileSync(attestation, "utf8").replace('"ratio": "98304"', '"ratio": "98305"'),
  );
  const altered = await solvus([
    ...verify.with(verify.indexOf(attestation), at("altered.json")),
    "--challenge",
    "0x5eed",
  ]);
  expect(altered.stdout).toMatch(/FAILED {2}proof/);
  expect(altered.exitCode).toBe(1);
});

test("an auditor's own stress snapshot can be attested on", { timeout: 300_000 }, async () => {
  const { entity } = await done("account", "entity", ...keystoreFlags(1));
  const stress = ["--stress", at("stress.json")];
  const moves = ["--move-price", "BTC=+20%", "--move-volatility", "BTC=+50%"];
  await done("snapshot", "build", "--options", at("options.csv"), ...moves, "--out", at("stress.json"));
  const challenge = ["--challenge", "77", "--ratio", "2"];
  await done("attest", ...accountFlags(1), ...challenge, ...stress, "--out", at("stressed.json"));
  const verify = [
    "verify",
    ...chainFlags(),
    "--attestation",
    at("stressed.json"),
    "--entity",
    String(entity),
  ];
  expect(await done(...verify, ...challenge, ...stress)).toMatchObject({ accepted: true });
  const unstressed = await solvus([...verify, ...challenge]);
  expect(unstressed.stdout).toMatch(/FAILED {2}snapshot /);
  expect(unstressed.exitCode).toBe(1);
});

test("an account is recovered from its keystore and the chain", async () => {
  const recovered = await done("account", "recover", ...accountFlags(0), "--out", at("0.account"));
  expect(recovered).toMatchObject({
    transitions: 2,
    takeOvers: [],
    flag: null,
    positions: [{ instrument: "BTC-PERPETUAL", units: "1" }],
  });
  expect(statSync(at("0.account")).mode & 0o777).toBe(0o600);
});

test("the ledger passes an audit from chain data alone", async () => {
  const { accepted, checks } = await done("audit", ...chainFlags());
  expect(accepted).toBe(true);
  expect(checks).toContainEqual(expect.objectContaining({ name: "holdings of cash", passed: true }));
  expect((await solvus(["audit", ...chainFlags(), "--block", "100000000"])).stderr).toContain("audit.block");
});

test("a wrong password opens nothing", async () => {
  vi.stubEnv("SOLVUS_PASSWORD", "wrong");
  await refused("keystore.password", "account", "show", ...accountFlags(0));
  vi.stubEnv("SOLVUS_PASSWORD", PASSWORD);
});
