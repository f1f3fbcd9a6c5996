import { setTimeout as pause } from "node:timers/promises";
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { type KeeperChain, keeperChain } from "../keeper/support.ts";
import { type FaultyRpc, serveFaulty } from "../support/faultyRpc.ts";
import { type Death, endProcesses, type ServiceProcess, startProcess } from "../support/processes.ts";
import type { KeeperProcessConfiguration } from "./keeperProcess.ts";

/*
 * A keeper's process is killed (SIGKILL) at every stage of a flag and of a take-over, and started again on the same data directory. The
 * account below its margin is flagged once and taken over once, as without the kill.
 */

const ENTRY = new URL("./keeperProcess.ts", import.meta.url);
const KEEPER = 11;
const PATIENCE_MS = 120_000;
const SLOW = { timeout: 300_000 };
type Process = ServiceProcess<{ url: string }>;

let chain: KeeperChain;
let rpc: FaultyRpc;
let restore: () => Promise<void>;
let cedar: AccountSecrets;

beforeAll(async () => {
  chain = await keeperChain();
  rpc = await serveFaulty(chain.local.ethers);
  const [alder, birch] = [chain.institution(), chain.institution()];
  cedar = chain.institution();
  for (const one of [alder, birch, cedar]) await chain.open(one);
  await chain.writeQueue();
  await chain.deposit(alder, 16_000n);
  await chain.deposit(birch, 100_000n);
  await chain.deposit(cedar, 60_000n);
  await chain.writeQueue();
  await chain.trade(alder, birch, 100n);
  await chain.writeQueue();
  expect(new Wallet(developmentKey(KEEPER)).address).toBe(chain.stage.keeper.address);
  restore = await chain.remember();
});
beforeEach(() => restore());
afterEach(async () => {
  rpc.setFaults();
  await endProcesses();
});
afterAll(async () => {
  await rpc?.close();
  await chain?.close();
});

function start(dataDirectory: string, death?: Death): Promise<Process> {
  const { number, spendSecret, entitySecret, rho } = cedar;
  const account = { number, spendSecret, entitySecret, rho };
  const configuration: KeeperProcessConfiguration = {
    rpc: rpc.url,
    deployment: chain.stage.deployed.deployment,
    key: developmentKey(KEEPER),
    committeeKey: String(chain.stage.committeeKey),
    account: Object.fromEntries(
      Object.entries(account).map(([name, value]) => [name, String(value)]),
    ) as KeeperProcessConfiguration["account"],
    dataDirectory,
    ...(death && { death }),
  };
  return startProcess(ENTRY, configuration);
}

interface Status {
  idle: boolean;
  block: number;
  below: number;
  flagged: number;
}

/** A fall of the market under a keeper that is started again whenever it ends. */
async function play(
  death?: Death,
): Promise<{ killed: number; flags: number; takeOvers: number; end: Status }> {
  const directory = chain.directory();
  let killed = 0;
  let keeper = await start(directory, death);
  const { provider } = chain.local.ethers;
  const settled = async (): Promise<Status> => {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      if (keeper.process.signalCode !== null) {
        expect(await keeper.ended).toMatchObject({ signal: "SIGKILL" });
        killed++;
        rpc.setFaults();
        keeper = await start(directory);
      }
      const status: Status | undefined = await fetch(`${keeper.ready.url}/v1/status`)
        .then((response) => response.json() as Promise<Status>)
        .catch(() => undefined);
      if (status?.idle && status.block === (await provider.getBlockNumber())) return status;
      if (Date.now() > until)
        throw new Error(`keeper is not idle: ${JSON.stringify(status)}\n${keeper.output()}`);
      await pause(50);
    }
  };
  await settled();
  await chain.move(0.9);
  await settled();
  await chain.move(1);
  await settled();
  await chain.writeQueue();
  const end = await settled();
  const { auction, ledger } = chain.stage.deployed;
  const flags = (await auction.queryFilter("Flagged")).length;
  const takeOvers = (await ledger.queryFilter("TakenOver")).length;
  expect(keeper.output()).not.toContain(developmentKey(KEEPER).slice(2));
  expect(keeper.output()).not.toContain(String(cedar.spendSecret));
  return { killed, flags, takeOvers, end };
}

const DONE = { flags: 1, takeOvers: 1, end: { idle: true, below: 0, flagged: 0 } };

test("without a kill", SLOW, async () => {
  expect(await play()).toMatchObject({ killed: 0, ...DONE });
});

const STAGES = ["flag", "takeOver"].flatMap((act) =>
  ["planned", "proven", "checked", "submitted", "recorded"].map((at) => `${act}.${at}`),
);

test.each(STAGES)("killed at the stage `%s`", SLOW, async (stage) => {
  expect(await play({ stage })).toMatchObject({ killed: 1, ...DONE });
});

test.each([
  ["flag", 0],
  ["take-over", 1],
])("killed while its %s is on its way", SLOW, async (_, place) => {
  const first = rpc.calls("eth_sendRawTransaction");
  rpc.setFaults(({ method, earlier }) => {
    if (method !== "eth_sendRawTransaction" || earlier !== first + place) return undefined;
    setTimeout(() => void endProcesses(), 200);
    return { kind: "silence" };
  });
  expect(await play()).toMatchObject({ killed: 1, ...DONE });
});
