import { readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { exp } from "../../protocol/normal.ts";
import { HOUR_MS } from "../../protocol/priceScan.ts";
import type { PriceHistory } from "../../services/forecast/history.ts";
import { openGuard } from "../../services/guard/guard.ts";
import type { GuardPolicy } from "../../services/guard/policy.ts";
import type { DeskOutcome, GuardAct, GuardDesk, GuardReport } from "../../services/guard/report.ts";
import { startGuard } from "../../services/guard/run.ts";
import type { TopUpStage } from "../../services/guard/topUp.ts";
import { flag } from "../../services/keeper/insolvency.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { solvus } from "../cli/run.ts";
import { lendProver } from "../support/lentProver.ts";
import { ruleOf } from "../support/rule.ts";
import { ALDER, BIRCH, type GuardStage, guardStage, PASSWORD, POLICY, USD } from "./stage.ts";

/*
 * A guard on a chain where bitcoin falls, from a healthy account to a flag. Tests build on one another.
 */

let takeBack: (() => void) | undefined;

let on: GuardStage;
/** An hourly history of a bitcoin that moves by two or three hundredths an hour, up to the present. */
function prices(): PriceHistory {
  const end = Math.floor(on.market.snapshot.inputs.time / HOUR_MS) * HOUR_MS;
  const rows = Array.from({ length: 200 }, (_, index) => ({
    time: end - (199 - index) * HOUR_MS,
    prices: [9_000 * exp(((index * 7919) % 5 < 3 ? 0.02 : -0.03) * (index % 2))],
  }));
  return { stepMs: HOUR_MS, names: ["BTC"], rows };
}

/** URL of a server on this machine that answers with JSON. */
async function serving(answer: (request: IncomingMessage) => object): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      const status = request.method === "POST" ? 202 : 200;
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer(request)));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const servers: Server[] = [];

beforeAll(async () => {
  on = await guardStage();
  takeBack = lendProver(on.prover);
});
afterAll(async () => {
  takeBack?.();
  for (const server of servers) server.close();
  await on?.close();
});

test("a healthy account is watched, and nothing done", async () => {
  const report = await on.round();
  expect(report).toMatchObject({ state: "healthy", flagged: false, pending: false, acts: [] });
  expect(report.ratio).toBeGreaterThan(1.3);
  // Two hours of prices are too few.
  expect(report.noForecast).toBe("forecast.history");
  expect(on.events).toEqual([]);
});

test("the forecast warns before the ratio does", async () => {
  const policy: GuardPolicy = { ...POLICY, warn: { ratio: 1.1, probability: 0.01 }, act: { ratio: 1.05 } };
  const report = await on.round({ policy, prices: prices() });
  expect(report.probability).toBeGreaterThan(0.01);
  expect(report.state).toBe("warning");
  expect(on.events.at(-1)).toMatchObject({ event: "warning", account: 1 });
  expect(report.acts).toEqual([]);
});

test("an account that comes near its margin is topped up to the target, and once", async () => {
  await on.move(0.96);
  const before = await on.wallet();
  const [first, second] = (await on.rounds(2)) as [GuardReport, GuardReport];
  expect(first.state).toBe("acting");
  const [act] = first.acts;
  expect(act).toMatchObject({ kind: "topUp" });
  const amount = act?.kind === "topUp" ? act.amount : 0n;
  expect(amount).toBeGreaterThan(0n);
  expect(second.acts).toEqual([{ kind: "toppedUp", amount, outcome: "landed" }]);
  expect(second).toMatchObject({ pending: false, inserted: false, spent: { today: amount, total: amount } });
  expect(before - (await on.wallet())).toBe(amount);
  await on.writeQueue();
  expect((await on.round()).acts).toEqual([]);
  expect(await on.ratio()).toBeCloseTo(1.25, 4);
  expect(before - (await on.wallet())).toBe(amount);
});

describe("a guard that dies at a on.stage of a deposit", () => {
  class Killed extends Error {}

  test("has deposited once in the end, and no more than its record says", async () => {
    await on.move(0.98);
    const before = await on.wallet();
    const place = { dataDirectory: on.at("killed") };
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
      await expect(on.round({ ...place, policy, onStage })).rejects.toThrow(Killed);
      const { topUps } = JSON.parse(readFileSync(join(place.dataDirectory, "guard.json"), "utf8"));
      expect(topUps).toHaveLength(1);
      expect(topUps[0].outcome).toBe("open");
    }
    const [first, second] = (await on.rounds(2, { ...place, policy })) as [GuardReport, GuardReport];
    expect(first.acts).toEqual([{ kind: "toppedUp", amount: 900n * USD, outcome: "landed" }]);
    expect(second.acts).toEqual([]);
    await on.writeQueue();
    // Still near its margin, with nothing left of the limits.
    const [third] = (await on.round({ ...place, policy })).acts;
    expect(third).toMatchObject({ kind: "refused", act: "topUp", rule: "guard.limits" });
    expect(before - (await on.wallet())).toBe(900n * USD);
    expect((await on.account(ALDER)).changes.filter(({ as }) => as === "owner")).toHaveLength(4);
  });
});

test("a relayer that takes a deposit and then refuses it has one proven an epoch, not one a round", async () => {
  const { deployed, relayer } = on.stage;
  const { chainId, ledger } = deployed.chain;
  let taken = 0;
  const url = await serving((request) => {
    if (request.url === "/v1/quote")
      return {
        ...{ relayer: relayer.address, chainId: Number(chainId), ledger, validUntil: 2 ** 40 },
        ...{ fees: { opening: "0", transition: "0", takeOver: "0" }, batch: { size: 1, ageMs: 0 } },
      };
    const isHandedIn = request.method === "POST";
    if (isHandedIn) taken++;
    const at = new Date().toISOString();
    return {
      ...{ id: `0x${"1".repeat(64)}`, kind: "transition", state: isHandedIn ? "queued" : "refused" },
      ...(isHandedIn ? {} : { refusal: { rule: "relayer.mood", message: "not today" } }),
      ...{ deadline: String(2 ** 40), receivedAt: at, changedAt: at, sequence: "1" },
    };
  });
  const policy: GuardPolicy = {
    ...POLICY,
    ...{ warn: { ratio: 8 }, act: { ratio: 7 }, targetRatio: 9 },
  };
  const change = { relayer: url, policy, dataDirectory: on.at("refused") };
  const reports = await on.rounds(4, change);
  expect(taken).toBe(1);
  expect(reports.map(({ acts }) => acts.map(({ kind }) => kind))).toEqual([["topUp"], [], [], []]);
  expect(reports.at(-1)?.pending).toBe(true);
  const guard = openGuard(on.config(change));
  await guard.round();
  await on.move(1);
  await guard.round();
  await guard.close();
  expect(taken).toBe(3);
});

test("the limits of a day and in total bound what leaves the wallet", async () => {
  await on.move(0.985);
  const before = await on.wallet();
  const spent = (await on.round({ payer: undefined })).spent;
  const [act] = (await on.round()).acts;
  const left = 2_000n * USD - spent.today;
  expect(act).toMatchObject({ kind: "topUp", amount: left });
  await on.writeQueue();
  expect((await on.round()).acts).toContainEqual({ kind: "toppedUp", amount: left, outcome: "landed" });
  await on.move(0.98);
  const report = await on.round();
  expect(report.spent.today).toBe(2_000n * USD);
  expect(report.acts).toMatchObject([{ kind: "refused", act: "topUp", rule: "guard.limits" }]);
  // The same refusal is not met again at the same epoch.
  const [, again] = await on.rounds(2);
  expect(again?.acts).toEqual([]);
  expect(before - (await on.wallet())).toBe(left);
});

test("what a deposit cannot do, a ticket does: the counterparty takes it and the account is at its target", async () => {
  const reduce = { largestShare: 0.8, perDay: 60_000n * USD, concession: 0.2, lifetime: 600 };
  const policy: GuardPolicy = { ...POLICY, reduce };
  const [first, second] = (await on.rounds(2, { policy })) as [GuardReport, GuardReport];
  const ticket = first.acts.find(({ kind }) => kind === "ticket");
  if (ticket?.kind !== "ticket")
    throw new Error(`no ticket in ${JSON.stringify(first.acts.map(({ kind }) => kind))}`);
  expect(ticket.ratio).toBeGreaterThanOrEqual(1.25);
  expect(ticket.notional).toBeLessThanOrEqual(reduce.perDay);
  expect(statSync(ticket.file).mode & 0o077).toBe(0);
  // One ticket at a time, in another process too.
  expect(second.acts).toEqual([]);
  expect((await on.round({ policy })).acts.filter(({ kind }) => kind === "ticket")).toEqual([]);
  await on.trade(readFileSync(ticket.file, "utf8"));
  expect(await on.ratio()).toBeCloseTo(ticket.ratio, 2);
  expect((await on.round({ policy })).acts).toEqual([]);
});

describe("a guard with makers to ask", () => {
  const reduce = { largestShare: 0.5, perDay: 10_000n * USD, concession: 0, lifetime: 60 };
  const policy: GuardPolicy = {
    ...POLICY,
    reduce,
    topUp: undefined,
    act: { ratio: 1.5 },
    warn: { ratio: 2 },
    targetRatio: 2,
  };
  const wished: { size: bigint; worst: bigint }[] = [];
  const desk = (end: () => Promise<DeskOutcome>, left: DeskOutcome[] = []): GuardDesk => ({
    async ask(legs, worst) {
      wished.push({ size: legs[0]?.size ?? 0n, worst });
      return end();
    },
    resume: async () => left,
    stop() {},
  });

  test("asks them for what lowers its risk, within its limits, and tells what became of it", async () => {
    const outcome: DeskOutcome = { requestId: "1", outcome: "ended", rule: "desk.noQuote" };
    const guard = openGuard(
      on.config({ policy, desk: desk(async () => outcome), dataDirectory: on.at("desk") }),
    );
    const kinds = [];
    for (let count = 0; count < 3; count++) kinds.push(...(await guard.round()).acts.map(({ kind }) => kind));
    await guard.close();
    // The first round may come before the desk has said that nothing is left from before.
    expect(kinds).toEqual(["asked", "dealt"]);
    expect(wished).toHaveLength(1);
    expect(wished[0]?.size).toBeLessThan(0n);
    expect(wished[0]?.worst).toBeGreaterThan(0n);
    expect(wished[0]?.worst).toBeLessThanOrEqual(10_000n * USD);
  });

  test("goes on with what an earlier run left, and does not spend the note meanwhile", async () => {
    let finish = (): void => {};
    const waits = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const left: DeskOutcome[] = [{ requestId: "2", outcome: "landed" }];
    const slow: GuardDesk = {
      ...desk(async () => Promise.reject(new Error("never asked"))),
      resume: () => waits.then(() => left),
    };
    const tops: GuardPolicy = { ...policy, topUp: { perDay: USD, total: USD, maxFee: 0n } };
    const before = await on.wallet();
    const guard = openGuard(on.config({ policy: tops, desk: slow, dataDirectory: on.at("slow") }));
    expect(await guard.round()).toMatchObject({ pending: true, acts: [] });
    expect(await on.wallet()).toBe(before);
    finish();
    const acts: GuardAct[] = [];
    await expect
      .poll(async () => {
        acts.push(...(await guard.round()).acts);
        return acts.map(({ kind }) => kind);
      })
      .toContain("toppedUp");
    await guard.close();
    expect(acts[0]).toEqual({ kind: "dealt", requestId: "2", outcome: "landed" });
    expect(before - (await on.wallet())).toBe(USD);
    await on.writeQueue();
  });
});

test("a flag is cleared when the account has recovered, not before", async () => {
  await on.move(0.8);
  const { note, leafIndex } = await on.account(ALDER);
  const { deployed, relayer } = on.stage;
  const view = await on.reading.view();
  await flag(
    { deployed, prover: on.prover, sender: relayer, view, snapshot: on.market.snapshot },
    { note, leafIndex },
  );
  const policy: GuardPolicy = { ...POLICY, topUp: undefined };
  expect(await on.round({ policy })).toMatchObject({ state: "below", flagged: true, acts: [] });
  expect(on.events.at(-1)).toMatchObject({ event: "below", flagged: true });
  await on.move(1.25);
  const unwilling = { ...policy, clears: false };
  expect((await on.round({ policy: unwilling })).acts).toEqual([]);
  const [first, second] = (await on.rounds(2, { policy })) as [GuardReport, GuardReport];
  expect(first.acts).toMatchObject([{ kind: "cleared" }]);
  expect(second).toMatchObject({ flagged: false, acts: [] });
});

test("one guard works in a directory, for one account", async () => {
  const guard = openGuard(on.config());
  expect(ruleOf(() => openGuard(on.config()))).toBe("store.locked");
  await guard.close();
  expect(ruleOf(() => openGuard(on.config({ secrets: on.owners[BIRCH] })))).toBe("guard.record");
  await openGuard(on.config()).close();
});

test("as a service it goes on after a round that failed, and stops when asked", async () => {
  let failures = 2;
  const { chain } = on.stage.deployed;
  const failing = {
    ...chain,
    ledgerEvents: async (from: number, to: number) => {
      if (failures-- > 0) throw new Error("endpoint is gone");
      return chain.ledgerEvents(from, to);
    },
  };
  const from = on.lines.length;
  const running = startGuard(on.config({ deployed: { ...on.stage.deployed, chain: failing } }));
  const seen = () => on.lines.slice(from).map((line) => JSON.parse(line).msg as string);
  await expect.poll(seen, { timeout: 5_000 }).toContainEqual(expect.stringMatching(/^account is /));
  expect(seen().filter((message) => message === "round failed")).toHaveLength(2);
  await running.stop();
  await openGuard(on.config()).close();
});

describe("the command, looking once", () => {
  const guard = (...flags: string[]) =>
    solvus([
      ...[
        "guard",
        "--rpc",
        on.local.url,
        "--deployment",
        on.at("deployment.json"),
        "--keystore",
        on.at("alder.keystore"),
      ],
      ...["--password-file", on.at("alder.pass"), "--data", on.at("command"), "--once", "--json", ...flags],
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
    const before = await on.wallet();
    const flags = ["--act-ratio", "2", "--warn-ratio", "3", "--target-ratio", "3", "--wait", "0"];
    const { exitCode, stdout, stderr } = await guard(
      ...flags,
      "--key-file",
      on.at("alder.key"),
      "--top-up-per-day",
      "12.5",
    );
    expect(exitCode).toBe(1);
    const { acts, spent } = JSON.parse(stdout);
    expect(acts).toMatchObject([{ kind: "topUp", amount: "12500000" }]);
    expect(spent).toEqual({ today: "12500000", total: "12500000" });
    expect(before - (await on.wallet())).toBe(12_500_000n);
    for (const secret of [PASSWORD, developmentKey(1).slice(2)])
      expect(stdout + stderr).not.toContain(secret);
    await on.writeQueue();
    const again = await guard(...flags, "--key-file", on.at("alder.key"), "--top-up-per-day", "12.5");
    expect(JSON.parse(again.stdout).acts).toMatchObject([
      { kind: "toppedUp", outcome: "landed" },
      { kind: "refused", rule: "guard.limits" },
    ]);
    expect(before - (await on.wallet())).toBe(12_500_000n);
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

test("below its margin, an account does not wait for what a maker has agreed to", async () => {
  await on.move(0.8);
  const topUp = { perDay: 10_000n * USD, total: 10_000n * USD, maxFee: 0n };
  let finish = (): void => {};
  const stalled = new Promise<DeskOutcome[]>((resolve) => {
    finish = () => resolve([]);
  });
  const desk: GuardDesk = {
    ask: async () => Promise.reject(new Error("never asked")),
    resume: () => stalled,
    stop: () => finish(),
  };
  const policy: GuardPolicy = { ...POLICY, targetRatio: 1.16, topUp };
  const guard = openGuard(on.config({ policy, desk, dataDirectory: on.at("stalled") }));
  const before = await on.wallet();
  expect(await guard.round()).toMatchObject({ state: "below", acts: [{ kind: "topUp" }] });
  // Nor does it keep the guard from stopping: it goes on in the next run.
  await guard.close();
  expect(await on.wallet()).toBeLessThan(before);
  expect(await on.ratio()).toBeGreaterThan(1);
  await on.writeQueue();
  await on.move(1.25);
});

test("no secret is in the log, and the ledger adds up", async () => {
  const text =
    on.lines.join("\n") +
    JSON.stringify(on.events, (_, value) => (typeof value === "bigint" ? String(value) : value));
  const { note } = await on.account(ALDER);
  for (const secret of [on.owners[ALDER]?.spendSecret, on.owners[ALDER]?.entitySecret, note.rho])
    expect(text).not.toContain(String(secret));
  const { accepted, checks } = await auditLedger(on.stage.deployed.chain);
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(accepted).toBe(true);
});
