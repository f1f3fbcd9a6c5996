import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ServedChain, serveLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { exp } from "../../protocol/normal.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { parseTicket } from "../../protocol/tradeTicket.ts";
import { createKeystore, openKeystore } from "../../prover/keystore.ts";
import type { Prover } from "../../prover/prover.ts";
import { type AccountSecrets, accountSecrets } from "../../prover/secrets.ts";
import { openAccount } from "../../services/account/open.ts";
import { approve, NOTHING, proveTransition, submit, submitTrade } from "../../services/account/transact.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { accountOf, type Reading, readingOf, scopeOf } from "../../services/chain/reading.ts";
import type { PriceHistory } from "../../services/forecast/history.ts";
import { type GuardConfig, type GuardReport, openGuard, startGuard } from "../../services/guard/guard.ts";
import type { GuardPolicy } from "../../services/guard/policy.ts";
import type { TopUpStage } from "../../services/guard/topUp.ts";
import type { GuardEvent } from "../../services/guard/webhook.ts";
import { flag } from "../../services/keeper/insolvency.ts";
import { makeLog } from "../../services/log.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { solvus } from "../cli/run.ts";
import { idealProver } from "../support/idealProver.ts";
import { ruleOf } from "../support/rule.ts";
import { shortSnapshot } from "../support/shortMarket.ts";

/*
 * A guard on a chain: Alder is long ten bitcoin from Birch with sixteen thousand dollars, and bitcoin falls. The ledger verifies by
 * declaration. Tests build on one another.
 */

let current: Prover | undefined;
vi.mock(import("../../prover/prover.ts"), async (original) => {
  const actual = await original();
  // Every prover of the program is the one that the test made, which outlives the command.
  return {
    ...actual,
    createProver: (options) =>
      current === undefined ? actual.createProver(options) : { ...current, close: async () => {} },
  };
});

const PASSWORD = "correct horse battery staple";
const USD = 1_000_000n;
const START = new Date("2020-05-21T23:22:36Z");
const ALDER = 0;
const BIRCH = 1;

let directory: string;
let local: ServedChain;
let stage: Stage;
let market: Market;
let prover: Prover;
let reading: Reading;
let owners: AccountSecrets[];
const lines: string[] = [];
const at = (name: string): string => join(directory, name);
const events: GuardEvent[] = [];

const POLICY: GuardPolicy = {
  horizonHours: 4,
  warn: { ratio: 1.3 },
  act: { ratio: 1.15 },
  targetRatio: 1.25,
  topUp: { perDay: 2_000n * USD, total: 3_000n * USD, maxFee: 0n },
  clears: true,
};

const config = (change: Partial<GuardConfig> = {}): GuardConfig => ({
  deployed: stage.deployed,
  secrets: owners[ALDER] as AccountSecrets,
  policy: POLICY,
  prover,
  payer: stage.traders[ALDER],
  registry: async () => undefined,
  dataDirectory: join(directory, "guard"),
  notify: async (event) => {
    events.push(event);
  },
  log: makeLog("guard", { write: (line) => lines.push(line) }),
  pollMs: 10,
  ...change,
});

const rounds = async (count: number, change: Partial<GuardConfig> = {}): Promise<GuardReport[]> => {
  const guard = openGuard(config(change));
  try {
    const reports: GuardReport[] = [];
    for (let round = 0; round < count; round++) reports.push(await guard.round());
    return reports;
  } finally {
    await guard.close();
  }
};
const round = async (change: Partial<GuardConfig> = {}) => (await rounds(1, change))[0] as GuardReport;

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

const wallet = (): Promise<bigint> => stage.deployed.usdc.balanceOf(stage.traders[ALDER]?.address);
const own = (owner: number) => accountOf(reading, owners[owner] as AccountSecrets);
const ratio = async (): Promise<number> => {
  const { equity, margin } = standingOf((await own(ALDER)).note, market.snapshot);
  return Number(equity) / Number(margin.maintenance);
};

async function deposit(owner: number, amount: bigint): Promise<void> {
  const payer = stage.traders[owner] as Stage["traders"][number];
  const setting = { snapshot: market.snapshot, payer: payer.address };
  const { proven } = await proveTransition(
    stage.deployed,
    prover,
    await own(owner),
    { ...NOTHING, deposit: amount },
    setting,
  );
  await approve(stage.deployed.ledger, payer, stage.deployed.usdc, amount);
  await submit(stage.deployed, payer, proven);
}

/** Both halves of a trade, Alder on side 0. */
async function trade(trade: Parameters<typeof parseTicket>[0]): Promise<void> {
  const ticket = parseTicket(trade);
  const halves = [];
  for (const side of [ALDER, BIRCH] as const) {
    const request = { ...NOTHING, trade: { package: ticket.package, side } };
    const setting = { snapshot: market.snapshot, deadline: ticket.deadline };
    halves.push((await proveTransition(stage.deployed, prover, await own(side), request, setting)).proven);
  }
  const [first, second] = halves as [(typeof halves)[0], (typeof halves)[0]];
  await submitTrade(stage.deployed, stage.relayer, first, second);
  await writeQueue();
}

/** An hourly history of a bitcoin that moves by two or three hundredths an hour, up to the present. */
function prices(): PriceHistory {
  const end = Math.floor(market.snapshot.inputs.time / HOUR_MS) * HOUR_MS;
  const rows = Array.from({ length: 200 }, (_, index) => ({
    time: end - (199 - index) * HOUR_MS,
    prices: [9_000 * exp(((index * 7919) % 5 < 3 ? 0.02 : -0.03) * (index % 2))],
  }));
  return { stepMs: HOUR_MS, names: ["BTC"], rows };
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-guard-"));
  local = await serveLocalChain(START, 0);
  stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, admin, traders } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  prover = idealProver(verifier as unknown as Contract);
  current = prover;
  reading = readingOf(deployed);
  market = makeMarket(stage, shortSnapshot());
  await market.open();
  for (const { address } of traders)
    await (await (deployed.usdc.connect(admin) as Contract).mint(address, 10n ** 12n)).wait();
  await createKeystore(at("alder.keystore"), PASSWORD);
  const masters = [await openKeystore(at("alder.keystore"), PASSWORD), new Uint8Array(32).fill(2)];
  owners = masters.map((master) => accountSecrets(master, 1n, scopeOf(deployed)));
  writeFileSync(at("alder.pass"), PASSWORD);
  writeFileSync(at("alder.key"), developmentKey(1));
  writeFileSync(at("deployment.json"), JSON.stringify(deployed.deployment));
  for (const owner of [ALDER, BIRCH])
    await openAccount(
      deployed,
      prover,
      traders[owner] as (typeof traders)[0],
      owners[owner] as AccountSecrets,
    );
  await writeQueue();
  await deposit(ALDER, 16_000n * USD);
  await deposit(BIRCH, 100_000n * USD);
  await writeQueue();
  const perpetual = market.snapshot.inputs.underlyings.find(({ name }) => name === "BTC")?.perpetual;
  const lots = 10n * 10n ** BigInt(-(perpetual?.lotExponent ?? 0));
  const id = BigInt(perpetual?.id ?? 0);
  const found = market.snapshot.tree.locate(id);
  const mark = market.snapshot.tree.row(found?.underlying ?? 0, found?.place ?? 0).mark;
  await trade(
    JSON.stringify({
      format: "solvus-trade-ticket",
      version: 1,
      chainId: Number(deployed.chain.chainId),
      ledger: deployed.chain.ledger,
      legs: [{ id: String(id), size: String(lots) }],
      cash: String(-lots * mark),
      salt: "5",
      deadline: (await local.now()) + 600,
    }),
  );
});
afterAll(async () => {
  current = undefined;
  await prover?.close();
  await stage?.prover.close();
  await local?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("a healthy account is watched, and nothing done", async () => {
  const report = await round();
  expect(report).toMatchObject({ state: "healthy", flagged: false, pending: false, acts: [] });
  expect(report.ratio).toBeGreaterThan(1.3);
  // Two hours of prices are too few.
  expect(report.noForecast).toBe("forecast.history");
  expect(events).toEqual([]);
});

test("the forecast warns before the ratio does", async () => {
  const policy: GuardPolicy = { ...POLICY, warn: { ratio: 1.1, probability: 0.01 }, act: { ratio: 1.05 } };
  const report = await round({ policy, prices: prices() });
  expect(report.probability).toBeGreaterThan(0.01);
  expect(report.state).toBe("warning");
  expect(events.at(-1)).toMatchObject({ event: "warning", account: 1 });
  expect(report.acts).toEqual([]);
});

test("an account that comes near its margin is topped up to the target, and once", async () => {
  await move(0.96);
  const before = await wallet();
  const [first, second] = (await rounds(2)) as [GuardReport, GuardReport];
  expect(first.state).toBe("acting");
  const [act] = first.acts;
  expect(act).toMatchObject({ kind: "topUp" });
  const amount = act?.kind === "topUp" ? act.amount : 0n;
  expect(amount).toBeGreaterThan(0n);
  expect(second.acts).toEqual([{ kind: "toppedUp", amount, outcome: "landed" }]);
  expect(second).toMatchObject({ pending: false, inserted: false, spent: { today: amount, total: amount } });
  expect(before - (await wallet())).toBe(amount);
  await writeQueue();
  expect((await round()).acts).toEqual([]);
  expect(await ratio()).toBeCloseTo(1.25, 4);
  expect(before - (await wallet())).toBe(amount);
});

describe("a guard that dies at a stage of a deposit", () => {
  class Killed extends Error {}

  test("has deposited once in the end, and no more than its record says", async () => {
    await move(0.98);
    const before = await wallet();
    const place = { dataDirectory: join(directory, "killed") };
    const policy: GuardPolicy = {
      ...POLICY,
      topUp: { perDay: 900n * USD, total: 900n * USD, maxFee: 0n },
      targetRatio: 1.5,
      act: { ratio: 1.25 },
    };
    for (const dies of ["planned", "proven", "recorded", "submitted"] satisfies TopUpStage[]) {
      const onStage = (name: TopUpStage): void => {
        if (name === dies) throw new Killed(dies);
      };
      await expect(round({ ...place, policy, onStage })).rejects.toThrow(Killed);
      const { topUps } = JSON.parse(readFileSync(join(place.dataDirectory, "guard.json"), "utf8"));
      expect(topUps).toHaveLength(1);
      expect(topUps[0].outcome).toBe("open");
    }
    const [first, second] = (await rounds(2, { ...place, policy })) as [GuardReport, GuardReport];
    expect(first.acts).toEqual([{ kind: "toppedUp", amount: 900n * USD, outcome: "landed" }]);
    expect(second.acts).toEqual([]);
    await writeQueue();
    // Still near its margin, with nothing left of the limits.
    const [third] = (await round({ ...place, policy })).acts;
    expect(third).toMatchObject({ kind: "refused", act: "topUp", rule: "guard.limits" });
    expect(before - (await wallet())).toBe(900n * USD);
    expect((await own(ALDER)).changes.filter(({ as }) => as === "owner")).toHaveLength(4);
  });
});

test("the limits of a day and in total bound what leaves the wallet", async () => {
  await move(0.985);
  const before = await wallet();
  const spent = (await round({ payer: undefined })).spent;
  const [act] = (await round()).acts;
  const left = 2_000n * USD - spent.today;
  expect(act).toMatchObject({ kind: "topUp", amount: left });
  await writeQueue();
  expect((await round()).acts).toContainEqual({ kind: "toppedUp", amount: left, outcome: "landed" });
  await move(0.98);
  const report = await round();
  expect(report.spent.today).toBe(2_000n * USD);
  expect(report.acts).toMatchObject([{ kind: "refused", act: "topUp", rule: "guard.limits" }]);
  // The same refusal is not met again at the same epoch.
  const [, again] = await rounds(2);
  expect(again?.acts).toEqual([]);
  expect(before - (await wallet())).toBe(left);
});

test("what a deposit cannot do, a ticket does: the counterparty takes it and the account is at its target", async () => {
  const reduce = { largestShare: 0.8, perDay: 60_000n * USD, concession: 0.2, lifetime: 600 };
  const policy: GuardPolicy = { ...POLICY, reduce };
  const [first, second] = (await rounds(2, { policy })) as [GuardReport, GuardReport];
  const ticket = first.acts.find(({ kind }) => kind === "ticket");
  if (ticket?.kind !== "ticket")
    throw new Error(`no ticket in ${JSON.stringify(first.acts.map(({ kind }) => kind))}`);
  expect(ticket.ratio).toBeGreaterThanOrEqual(1.25);
  expect(ticket.notional).toBeLessThanOrEqual(reduce.perDay);
  expect(statSync(ticket.file).mode & 0o077).toBe(0);
  // One ticket at a time, in another process too.
  expect(second.acts).toEqual([]);
  expect((await round({ policy })).acts.filter(({ kind }) => kind === "ticket")).toEqual([]);
  await trade(readFileSync(ticket.file, "utf8"));
  expect(await ratio()).toBeCloseTo(ticket.ratio, 2);
  expect((await round({ policy })).acts).toEqual([]);
});

test("a flag is cleared when the account has recovered, not before", async () => {
  await move(0.8);
  const { note, leafIndex } = await own(ALDER);
  const { deployed, relayer } = stage;
  const view = await reading.view();
  await flag({ deployed, prover, sender: relayer, view, snapshot: market.snapshot }, { note, leafIndex });
  const policy: GuardPolicy = { ...POLICY, topUp: undefined };
  expect(await round({ policy })).toMatchObject({ state: "below", flagged: true, acts: [] });
  expect(events.at(-1)).toMatchObject({ event: "below", flagged: true });
  await move(1.25);
  const unwilling = { ...policy, clears: false };
  expect((await round({ policy: unwilling })).acts).toEqual([]);
  const [first, second] = (await rounds(2, { policy })) as [GuardReport, GuardReport];
  expect(first.acts).toMatchObject([{ kind: "cleared" }]);
  expect(second).toMatchObject({ flagged: false, acts: [] });
});

test("one guard works in a directory, for one account", async () => {
  const guard = openGuard(config());
  expect(ruleOf(() => openGuard(config()))).toBe("store.locked");
  await guard.close();
  expect(ruleOf(() => openGuard(config({ secrets: owners[BIRCH] as AccountSecrets })))).toBe("guard.record");
  await openGuard(config()).close();
});

test("as a service it goes on after a round that failed, and stops when asked", async () => {
  let failures = 2;
  const { chain } = stage.deployed;
  const failing = {
    ...chain,
    ledgerEvents: async (from: number, to: number) => {
      if (failures-- > 0) throw new Error("endpoint is gone");
      return chain.ledgerEvents(from, to);
    },
  };
  const from = lines.length;
  const running = startGuard(config({ deployed: { ...stage.deployed, chain: failing } }));
  const seen = () => lines.slice(from).map((line) => JSON.parse(line).msg as string);
  await expect.poll(seen, { timeout: 5_000 }).toContainEqual(expect.stringMatching(/^account is /));
  expect(seen().filter((message) => message === "round failed")).toHaveLength(2);
  await running.stop();
  await openGuard(config()).close();
});

describe("the command, looking once", () => {
  const guard = (...flags: string[]) =>
    solvus([
      ...[
        "guard",
        "--rpc",
        local.url,
        "--deployment",
        at("deployment.json"),
        "--keystore",
        at("alder.keystore"),
      ],
      ...["--password-file", at("alder.pass"), "--data", at("command"), "--once", "--json", ...flags],
    ]);

  test("ends with 0 for a healthy account, and with 1 for one to look after", async () => {
    const well = await guard("--warn-ratio", "1.1", "--act-ratio", "1.05");
    expect(well.stderr).not.toContain("error");
    expect(well.exitCode).toBe(0);
    expect(JSON.parse(well.stdout)).toMatchObject({
      account: 1,
      state: "healthy",
      acts: [],
      noForecast: "forecast.history",
    });
    const warned = await guard("--warn-ratio", "5", "--target-ratio", "6");
    expect(warned.exitCode).toBe(1);
    expect(JSON.parse(warned.stdout)).toMatchObject({ state: "warning", acts: [] });
  });

  test("deposits within its limits, and says that it waits to be written", async () => {
    const before = await wallet();
    const flags = ["--act-ratio", "2", "--warn-ratio", "3", "--target-ratio", "3", "--wait", "0"];
    const { exitCode, stdout, stderr } = await guard(
      ...flags,
      "--key-file",
      at("alder.key"),
      "--top-up-per-day",
      "12.5",
    );
    expect(exitCode).toBe(1);
    const { acts, spent } = JSON.parse(stdout);
    expect(acts).toMatchObject([{ kind: "topUp", amount: "12500000" }]);
    expect(spent).toEqual({ today: "12500000", total: "12500000" });
    expect(before - (await wallet())).toBe(12_500_000n);
    for (const secret of [PASSWORD, developmentKey(1).slice(2)])
      expect(stdout + stderr).not.toContain(secret);
    await writeQueue();
    const again = await guard(...flags, "--key-file", at("alder.key"), "--top-up-per-day", "12.5");
    expect(JSON.parse(again.stdout).acts).toMatchObject([
      { kind: "toppedUp", outcome: "landed" },
      { kind: "refused", rule: "guard.limits" },
    ]);
    expect(before - (await wallet())).toBe(12_500_000n);
  });

  test.each([
    ["cli.ratio", ["--warn-ratio", "much"]],
    ["cli.percent", ["--warn-probability", "200"]],
    ["cli.topUp", ["--top-up-total", "5"]],
    ["cli.secret", ["--top-up-per-day", "5"]],
    ["guard.policy", ["--act-ratio", "0.5"]],
    ["cli.relayer", ["--maker", "nobody.card.json"]],
    ["file.read", ["--prices", "nothing.csv"]],
  ])("ends with 2 for misuse: %s", async (rule, flags) => {
    const { exitCode, stderr } = await guard(...flags);
    expect(stderr).toMatch(new RegExp(`^error: ${rule}: `, "m"));
    expect(exitCode).toBe(2);
  });
});

test("no secret is in the log, and the ledger adds up", async () => {
  const text =
    lines.join("\n") +
    JSON.stringify(events, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const { note } = await own(ALDER);
  for (const secret of [owners[ALDER]?.spendSecret, owners[ALDER]?.entitySecret, note.rho])
    expect(text).not.toContain(String(secret));
  const { accepted, checks } = await auditLedger(stage.deployed.chain);
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(accepted).toBe(true);
});
