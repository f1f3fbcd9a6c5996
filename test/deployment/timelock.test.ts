import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contract, Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { artifactOf } from "../../cli/deploy/artifacts.ts";
import { deploy } from "../../cli/deploy/deploy.ts";
import type { DeploymentRecord } from "../../cli/deploy/record.ts";
import { roleId } from "../../cli/deploy/roles.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { solvus } from "../cli/run.ts";
import {
  account,
  configurationOn,
  deployerOn,
  FragileProvider,
  startChain,
  type TestChain,
} from "./support.ts";

/* What the administration does through the timelock, from the command line: proposed, waited for, executed. */

const PROPOSER = 8;
const STRANGER = 3;
let directory: string;
let chain: TestChain;
let provider: FragileProvider;
let record: DeploymentRecord;
const at = (name: string): string => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-timelock-"));
  chain = await startChain();
  provider = new FragileProvider(chain);
  record = await deploy({
    configuration: configurationOn(31337),
    recordFile: at("record.json"),
    provider,
    wallet: deployerOn(provider),
    log: () => {},
  });
  for (const number of [PROPOSER, STRANGER]) writeFileSync(at(`${number}.key`), developmentKey(number));
}, 120_000);
afterAll(async () => {
  provider?.destroy();
  await chain?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** A call's flags. */
function call(contract: string, method: string, ...values: string[]): string[] {
  const flags = [
    "--rpc",
    chain.url,
    "--record",
    at("record.json"),
    "--contract",
    contract,
    "--method",
    method,
  ];
  return [...flags, ...values.flatMap((value) => ["--argument", value])];
}
const key = (number: number): string[] => ["--key-file", at(`${number}.key`)];

async function done(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await solvus(["timelock", ...args, "--json"]);
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}

async function refused(rule: string, exitCode: number, ...args: string[]): Promise<void> {
  const outcome = await solvus(["timelock", ...args]);
  expect(outcome.stderr).toContain(`error: ${rule}: `);
  expect(outcome.exitCode).toBe(exitCode);
}

const wait = async (seconds: number): Promise<void> => {
  await provider.send("evm_increaseTime", [seconds]);
  await provider.send("evm_mine", []);
};

test("the fund's floor is set after the delay, by anybody, once", async () => {
  const floor = call("fund", "setFloor", "77");
  expect(await done("show", ...floor)).toMatchObject({ state: "unknown" });
  await refused("timelock.role", 1, "schedule", ...floor, ...key(STRANGER));
  await refused("timelock.notReady", 1, "execute", ...floor, ...key(STRANGER));
  expect(await done("schedule", ...floor, ...key(PROPOSER))).toMatchObject({ state: "waiting" });
  await refused("timelock.known", 1, "schedule", ...floor, ...key(PROPOSER));
  await wait(172_700);
  await refused("timelock.notReady", 1, "execute", ...floor, ...key(STRANGER));
  await wait(100);
  expect(await done("show", ...floor)).toMatchObject({ state: "ready" });
  expect(await done("execute", ...floor, ...key(STRANGER))).toMatchObject({ state: "done" });
  const fund = new Contract(record.addresses.fund as string, artifactOf("InsuranceFund").abi, provider);
  expect(await fund.getFunction("floor")()).toBe(77n);
  await refused("timelock.notReady", 1, "execute", ...floor, ...key(STRANGER));
});

test("an asset is listed and a role given; the shown calldata does the same as the command", async () => {
  const token = record.addresses.cash as string;
  // The cash token backs cash already, so the ledger would refuse it: found before anything is proposed.
  const listing = call("ledger", "listAsset", "17", token, "5");
  await refused("ledger.AlreadyListed", 1, "schedule", ...listing, ...key(PROPOSER));
  const grant = [
    ...call("registry", "grantRole", "OFFICER_ROLE", account(4)),
    "--salt",
    `0x${"2".repeat(64)}`,
  ];
  const { timelock, schedule, execute } = (await done("show", ...grant)) as Record<string, string>;
  const send = (data: string, number: number) =>
    new Wallet(developmentKey(number), provider).sendTransaction({ to: timelock, data });
  await (await send(schedule as string, PROPOSER)).wait();
  expect(await done("show", ...grant)).toMatchObject({ state: "waiting" });
  await wait(172_800);
  await (await send(execute as string, STRANGER)).wait();
  const registry = new Contract(
    record.addresses.registry as string,
    artifactOf("ComplianceRegistry").abi,
    provider,
  );
  expect(await registry.hasRole(roleId("OFFICER_ROLE"), account(4))).toBe(true);
});

test("what is no call is misuse", async () => {
  await refused("timelock.contract", 2, "show", ...call("verifier", "verify"));
  // A name that every object has.
  await refused("timelock.contract", 2, "show", ...call("constructor", "verify"));
  await refused("timelock.method", 2, "show", ...call("fund", "balance"));
  await refused("timelock.method", 2, "show", ...call("fund", "setCeiling", "1"));
  await refused("timelock.arguments", 2, "show", ...call("fund", "setFloor"));
  await refused("timelock.arguments", 2, "show", ...call("fund", "setFloor", "-1"));
  await refused("timelock.arguments", 2, "show", ...call("ledger", "setEmergency", "perhaps"));
  await refused("timelock.arguments", 2, "show", ...call("oracle", "announceReporters", "[[]"));
  await refused("cli.salt", 2, "show", ...call("fund", "setFloor", "1"), "--salt", "7");
});
