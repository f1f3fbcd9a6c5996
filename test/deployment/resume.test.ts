import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deploy } from "../../cli/deploy/deploy.ts";
import { keyPlaces } from "../../cli/deploy/keys.ts";
import type { DeploymentRecord } from "../../cli/deploy/record.ts";
import { verifyDeployment } from "../../cli/deploy/verify.ts";
import {
  account,
  configurationOn,
  deployerOn,
  type Fault,
  FragileProvider,
  Killed,
  proveOnce,
  startChain,
  type TestChain,
} from "./support.ts";

/* A deployment that is killed anywhere goes on where it was, does nothing twice, and ends as if it had never been killed. */

const SENDING = "eth_sendRawTransaction";
const configuration = configurationOn(31337);
let directory: string;
let endProving: (() => Promise<void>) | undefined;
let chain: TestChain;
let uninterrupted: DeploymentRecord;
const at = (name: string): string => join(directory, name);

/** One run of the command's work on a chain, with a connection that may be cut. */
async function run(on: TestChain, recordFile: string, fault?: Fault): Promise<DeploymentRecord> {
  const provider = new FragileProvider(on, fault);
  try {
    return await deploy({ configuration, recordFile, provider, wallet: deployerOn(provider), log: () => {} });
  } finally {
    provider.destroy();
  }
}

async function nonceOn(on: TestChain): Promise<number> {
  const provider = new FragileProvider(on);
  try {
    return await provider.getTransactionCount(account(0), "latest");
  } finally {
    provider.destroy();
  }
}

/** Cuts at the first call of a method. */
const cutAt =
  (method: string, when: "before" | "after"): Fault =>
  (called) =>
    called === method ? when : undefined;

beforeAll(async () => {
  endProving = proveOnce();
  directory = mkdtempSync(join(tmpdir(), "solvus-deploy-"));
  chain = await startChain();
  uninterrupted = await run(chain, at("record.json"));
}, 120_000);
afterAll(async () => {
  await endProving?.();
  await chain?.close();
  rmSync(directory, { recursive: true, force: true });
});

test("one transaction a step, each with its hash, address, block, gas and code in the record", async () => {
  const { steps, complete, addresses, deployer } = uninterrupted;
  expect(complete).toBe(true);
  expect(deployer).toBe(account(0));
  expect(await nonceOn(chain)).toBe(steps.length);
  expect(steps.map(({ nonce }) => nonce)).toEqual(steps.map((_, place) => place));
  expect(new Set(steps.map(({ transaction }) => transaction)).size).toBe(steps.length);
  for (const step of steps) {
    expect(step.signed).toBeUndefined();
    expect(step.block).toBeGreaterThan(0);
    expect(step.gasUsed).toBeGreaterThan(20_000);
    if (step.method === undefined) expect(step.codeHash).toMatch(/^0x[0-9a-f]{64}$/);
  }
  expect(Object.keys(addresses)).toHaveLength(10 + 8);
  expect(addresses).toHaveProperty("ledger");
});

test("a finished deployment is left alone", async () => {
  const before = readFileSync(at("record.json"), "utf8");
  expect(await run(chain, at("record.json"))).toEqual(uninterrupted);
  expect(readFileSync(at("record.json"), "utf8")).toBe(before);
  expect(await nonceOn(chain)).toBe(uninterrupted.steps.length);
});

test("killed before and after every transaction, it ends with the same record, nothing done twice", {
  timeout: 300_000,
}, async () => {
  const other = await startChain();
  try {
    let kills = 0;
    let last: DeploymentRecord | undefined;
    for (let turn = 0; last === undefined; turn++) {
      try {
        last = await run(other, at("killed.json"), cutAt(SENDING, turn % 2 === 0 ? "before" : "after"));
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
        kills++;
      }
    }
    // Cut before: signed and written down, not sent. Cut after: sent by the next run, whose answer is lost. Then found on the chain.
    expect(kills).toBe(2 * uninterrupted.steps.length);
    expect(last).toEqual(uninterrupted);
    expect(await nonceOn(other)).toBe(uninterrupted.steps.length);
  } finally {
    await other.close();
  }
});

test("killed at any other call, it ends with the same record", { timeout: 300_000 }, async () => {
  const other = await startChain();
  const methods = ["eth_estimateGas", "eth_getTransactionReceipt", "eth_getCode", "eth_getTransactionCount"];
  try {
    // Every method in turn, at its first, second, … call of a run, so that the cuts wander over all steps.
    let last: DeploymentRecord | undefined;
    for (let turn = 0; last === undefined; turn++) {
      const method = methods[turn % methods.length] as string;
      let calls = 0;
      const fault: Fault = (called) =>
        called === method && calls++ === (turn % 7) + 1 ? (turn % 2 === 0 ? "before" : "after") : undefined;
      try {
        last = await run(other, at("wandering.json"), fault);
      } catch (error) {
        expect(error).toBeInstanceOf(Killed);
      }
      expect(turn).toBeLessThan(500);
    }
    expect(last).toEqual(uninterrupted);
    expect(await nonceOn(other)).toBe(uninterrupted.steps.length);
  } finally {
    await other.close();
  }
});

describe("between two runs", () => {
  test("a transaction of the deployer's takes the signed one's nonce: the step is signed anew, done once", {
    timeout: 120_000,
  }, async () => {
    const other = await startChain();
    const provider = new FragileProvider(other);
    try {
      await expect(run(other, at("displaced.json"), cutAt(SENDING, "before"))).rejects.toThrow(Killed);
      await (await deployerOn(provider).sendTransaction({ to: account(1), value: 1n })).wait();
      const record = await run(other, at("displaced.json"));
      expect(await nonceOn(other)).toBe(uninterrupted.steps.length + 1);
      expect(record.steps.map(({ name }) => name)).toEqual(uninterrupted.steps.map(({ name }) => name));
      const { accepted } = await verifyDeployment(provider, record, keyPlaces("development"));
      expect(accepted).toBe(true);
    } finally {
      provider.destroy();
      await other.close();
    }
  });

  test("a step that would now send something else is refused: other code, arguments, configuration, deployer", async () => {
    const rule = (expected: string) => expect.objectContaining({ rule: expected });
    const altered = (change: (record: DeploymentRecord) => void): string => {
      const record = JSON.parse(readFileSync(at("record.json"), "utf8"));
      change(record);
      writeFileSync(at("altered.json"), JSON.stringify(record));
      return at("altered.json");
    };
    for (const change of [
      (record: DeploymentRecord) => {
        (record.steps[12] as { dataHash: string }).dataHash = `0x${"1".repeat(64)}`;
      },
      (record: DeploymentRecord) => {
        record.configuration.fundFloorMicroUsdc = "2";
      },
      (record: DeploymentRecord) => {
        record.deployer = account(3);
      },
      (record: DeploymentRecord) => {
        (record.keys[0] as { hash: string }).hash = `0x${"1".repeat(64)}`;
      },
    ])
      await expect(run(chain, altered(change))).rejects.toThrow(rule("deploy.changed"));
    expect(await nonceOn(chain)).toBe(uninterrupted.steps.length);
  });
});
