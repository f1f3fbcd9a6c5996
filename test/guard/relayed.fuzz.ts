import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { openRow } from "../../protocol/transition.ts";
import type { GuardPolicy } from "../../services/guard/policy.ts";
import type { GuardReport } from "../../services/guard/report.ts";
import { makeLog } from "../../services/log.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { startRelayer } from "../../services/relayer/relayer.ts";
import type { Running } from "../../services/running.ts";
import { ALDER, type GuardStage, guardStage, POLICY, USD } from "./stage.ts";

/*
 * A guard whose deposits a relayer submits, with a store in the process and the owner's signature on each deposit. Tests build on one another.
 */

const RELAYER = 14;
const FEE = 500_000n;

let on: GuardStage;
let relayer: Running & { url: string };
const log = makeLog("relayer", { write: () => {} });

const start = () =>
  startRelayer({
    deployed: on.stage.deployed,
    signer: new Wallet(developmentKey(RELAYER), on.stage.deployed.provider),
    store: { dataDirectory: on.at("relayer") },
    rules: { batchAgeMs: 50, confirmations: 1, tickMs: 100, insertions: false },
    fees: { kind: "fixed", transition: FEE, takeOver: 0n },
    verify: async () => true,
    prover: "elsewhere",
    log,
  });

const policy = (perDay: bigint, maxFee = FEE): GuardPolicy => ({
  ...POLICY,
  warn: { ratio: 3 },
  act: { ratio: 2 },
  targetRatio: 3,
  topUp: { perDay, total: 100n * USD, maxFee },
});

const submissionIn = (directory: string): string[] => {
  const { topUps } = JSON.parse(readFileSync(join(on.at(directory), "guard.json"), "utf8"));
  return topUps.flatMap(({ attempts }: { attempts: { submission?: string }[] }) =>
    attempts.map(({ submission }) => submission),
  );
};

beforeAll(async () => {
  on = await guardStage();
  relayer = await start();
});
afterAll(async () => {
  await relayer?.stop();
  await on?.close();
});

test("a deposit through a relayer pays its fee out of the account, and the payer sends nothing but the allowance", async () => {
  const before = await on.wallet();
  const { note } = await on.account(ALDER);
  const change = { relayer: relayer.url, policy: policy(20n * USD) };
  const [act] = (await on.round(change)).acts;
  if (act?.kind !== "topUp" || act.submission === undefined) throw new Error("expected a submission");
  expect(act.amount).toBe(20n * USD);
  await relayerClient(relayer.url).wait(act.submission, ["mined", "final"]);
  expect((await on.round(change)).acts).toContainEqual({
    kind: "toppedUp",
    amount: 20n * USD,
    outcome: "landed",
  });
  expect(before - (await on.wallet())).toBe(20n * USD);
  expect((await on.account(ALDER)).note.cash - note.cash).toBe(20n * USD - FEE);
  await on.writeQueue();
});

test("a relayer that asks for more than the owner pays is refused", async () => {
  const change = { relayer: relayer.url, policy: policy(40n * USD, FEE - 1n) };
  expect((await on.round(change)).acts).toMatchObject([{ kind: "refused", act: "topUp", rule: "guard.fee" }]);
});

test("a guard that dies once the relayer has its deposit does not make another", async () => {
  const before = await on.wallet();
  const change = { relayer: relayer.url, policy: policy(10n * USD), dataDirectory: on.at("died") };
  for (const dies of ["recorded", "submitted"] as const) {
    const onStage = (stage: string): void => {
      if (stage === dies) throw new Error("killed");
    };
    await expect(on.round({ ...change, onStage })).rejects.toThrow("killed");
  }
  const [nothing, id] = submissionIn("died");
  expect(nothing).toBeUndefined();
  await relayerClient(relayer.url).wait(id as string, ["mined", "final"]);
  const [first, second] = (await on.rounds(2, change)) as [GuardReport, GuardReport];
  expect(first.acts).toEqual([{ kind: "toppedUp", amount: 10n * USD, outcome: "landed" }]);
  expect(second.acts).toEqual([]);
  expect(submissionIn("died")).toHaveLength(2);
  expect(before - (await on.wallet())).toBe(10n * USD);
  await on.writeQueue();
});

test("a relayer that is away stops nothing, and hears of the deposit when it is back", async () => {
  const { url } = relayer;
  await relayer.stop();
  const before = await on.wallet();
  const change = { policy: policy(5n * USD), dataDirectory: on.at("away") };
  const away = await on.round({ ...change, relayer: url });
  expect(away.acts).toMatchObject([{ kind: "refused", act: "topUp", rule: "relayer.unreachable" }]);
  relayer = await start();
  await on.move(1);
  const [act] = (await on.round({ ...change, relayer: relayer.url })).acts;
  if (act?.kind !== "topUp" || act.submission === undefined) throw new Error("expected a submission");
  await relayerClient(relayer.url).wait(act.submission, ["mined", "final"]);
  expect(before - (await on.wallet())).toBe(5n * USD);
});

test("where what is owed lets the account pay no fee, the payer sends the deposit himself", async () => {
  await on.writeQueue();
  // Calls that are held pay for what a short perpetual loses, and are no cash.
  const { snapshot } = on.market;
  const coin = snapshot.inputs.underlyings.find(({ name }) => name === "BTC");
  const calls = coin?.expiries.at(-1)?.options.filter(({ call }) => call) ?? [];
  const [call] = calls.sort((one, other) => one.strike - other.strike);
  if (coin?.perpetual === undefined || call === undefined) throw new Error("no call is listed");
  const lots = on.perpetualLots;
  const legs = [
    { id: BigInt(coin.perpetual.id), size: -2n * lots },
    { id: BigInt(call.id), size: (6n * lots) / 10n },
  ];
  const value = legs.reduce((sum, { id, size }) => sum + size * openRow(snapshot, id).row.mark, 0n);
  await on.deposit(ALDER, lots * openRow(snapshot, BigInt(call.id)).row.mark);
  await on.writeQueue();
  await on.trade(await on.ticket(legs, -value));
  await on.move(1.5);
  const { note } = await on.account(ALDER);
  const { netCash, equity, margin } = standingOf(note, on.market.snapshot);
  expect(netCash).toBeLessThan(-100n * USD);
  expect(equity).toBeGreaterThan(margin.maintenance);

  const before = await on.wallet();
  const high = Number(equity) / Number(margin.maintenance) + 1;
  const change = {
    relayer: relayer.url,
    policy: { ...policy(5n * USD), warn: { ratio: high + 1 }, act: { ratio: high }, targetRatio: high + 1 },
    dataDirectory: on.at("owing"),
  };
  const [first, second] = (await on.rounds(2, change)) as [GuardReport, GuardReport];
  expect(first.acts).toMatchObject([{ kind: "topUp", amount: 5n * USD, transaction: expect.any(String) }]);
  expect(second.acts).toEqual([{ kind: "toppedUp", amount: 5n * USD, outcome: "landed" }]);
  expect(submissionIn("owing")).toEqual([undefined]);
  expect(before - (await on.wallet())).toBe(5n * USD);
  expect((await on.account(ALDER)).note.cash - note.cash).toBe(5n * USD);
});
